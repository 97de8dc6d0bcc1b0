#include "partition/formats/json_file.h"

#include <absl/strings/str_cat.h>

#include "core/file.h"
#include "core/status.h"

namespace quadhop {

absl::StatusOr<nlohmann::json> ReadJson(const std::string& path, int64_t max_bytes) {
  QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::InvalidArgumentError(absl::StrCat(path, " is no JSON"));
  return json;
}

}  // namespace quadhop
