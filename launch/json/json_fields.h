// JSON that was read from a file: it may hold anything.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace quadhop {

// is_discarded() if the text is not JSON.
nlohmann::json ParseJson(absl::string_view text);

// The object in a file. kDataLoss if it holds none, and errors of reading it.
absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& path);

// A field of an object: "" or 0 if it is absent or of another type.
std::string TextField(const nlohmann::json& object, const char* name);
double NumberField(const nlohmann::json& object, const char* name);
int64_t IntegerField(const nlohmann::json& object, const char* name);

// A count of nodes: 0 if the value is not one. Millions of counts can be added.
int64_t CountOf(const nlohmann::json& value);
int64_t CountField(const nlohmann::json& object, const char* name);

}  // namespace quadhop
