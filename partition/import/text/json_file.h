// JSON files that other programs wrote.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace quadhop {

// kInvalidArgument if it is no JSON; kResourceExhausted if the file is larger than max_bytes: the
// parsed form takes several times as much.
absl::StatusOr<nlohmann::json> ReadJson(const std::string& path, int64_t max_bytes);

}  // namespace quadhop
