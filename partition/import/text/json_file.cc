#include "partition/import/text/json_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {

absl::StatusOr<nlohmann::json> ReadJson(const std::string& path, int64_t max_bytes) {
  QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, max_bytes));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 2, column 8: ..., last read: ..."
    absl::string_view what = error.what();
    what.remove_prefix(std::min(what.find(']') + 2, what.size()));
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no JSON: ", what.substr(0, 200),
                     absl::StrContains(text, "NaN") ? "; JSON has no NaN" : ""));
  }
}

}  // namespace quadhop
