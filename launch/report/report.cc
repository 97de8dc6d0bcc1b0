#include "launch/report/report.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "core/base/status.h"
#include "launch/command_line/version.h"
#include "launch/report/page.h"
#include "launch/report/sections.h"

namespace quadhop {

absl::StatusOr<std::string> ReportPage(absl::Span<const std::string> paths, ThreadPool& pool) {
  Runs runs;
  for (const std::string& path : paths) {
    QH_ASSIGN_OR_RETURN(RunRecord run, ReadRunRecord(path));
    runs.push_back(std::move(run));
  }
  NameRuns(runs);
  const std::string body = absl::StrCat(
      ResultsSection(runs), CurvesSection(runs), TimeSection(runs), MistakesSection(runs),
      CodebookSection(runs), PartitionSection(runs, pool), SettingsSection(runs));
  const std::string when = absl::FormatTime("%Y-%m-%d %H:%M", absl::Now(), absl::LocalTimeZone());
  const std::string title = runs.size() == 1 ? absl::StrCat("Run ", runs[0].name)
                                             : absl::StrCat("Comparison of ", runs.size(), " runs");
  return PageHtml(title, absl::StrCat("Written by quadhop ", kVersion, " on ", when), body);
}

}  // namespace quadhop
