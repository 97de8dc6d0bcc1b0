#include "launch/run/steps_logged.h"

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <nlohmann/json.hpp>

#include "core/files/file.h"
#include "launch/json/json_fields.h"
#include "launch/run/run_paths.h"

namespace quadhop {

int64_t StepsLogged(const std::string& run) {
  const absl::StatusOr<MappedFile> metrics = MappedFile::Open(RunMetricsPath(run));
  if (!metrics.ok()) return 0;
  // Searched from the end, as the lines of a long run are gigabytes. The last line of a run that
  // was killed may be cut off.
  for (absl::string_view rest = metrics->text(); !rest.empty();) {
    const size_t begin = rest.substr(0, rest.size() - 1).rfind('\n') + 1;  // npos + 1 is 0
    const nlohmann::json event = ParseJson(rest.substr(begin));
    if (event.is_object() && TextField(event, "event") == "step")
      return IntegerField(event, "step") + 1;
    rest = rest.substr(0, begin);
  }
  return 0;
}

}  // namespace quadhop
