// quadhop report RUN... --out report.html
#include <absl/strings/str_format.h>

#include <algorithm>

#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/paths.h"
#include "launch/ranks/cores.h"
#include "launch/report/report.h"
#include "launch/run/repeated_runs.h"

namespace quadhop {

absl::StatusOr<ExitCode> ReportCommand(absl::Span<const std::string> arguments) {
  std::vector<std::string> folders;
  std::string out;
  int64_t threads = 0;
  Flags flags("report",
              "Writes a page that compares runs: curves, times, mistakes, codebook, partitions, "
              "configs. The page is one file, for any browser, and fetches nothing.");
  flags
      .Strings("", &folders, "RUN",
               "folders of runs, finished or not, or of runs over seeds or splits")
      .Required();
  flags.String("out", &out, "FILE.html", "the page to write").Required();
  AddThreadsFlag(&flags, &threads);
  flags.Example("report runs/quickstart runs/quickstart-no-graph --out report.html");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(CheckOutput("out", out, {".html"}));
  std::vector<std::string> runs;
  for (const std::string& folder : folders) {
    for (const std::string& run : RunsOf(folder)) {
      std::string path = CanonicalPath(run);  // once, however it is spelled
      if (path.empty()) path = run;
      if (std::find(runs.begin(), runs.end(), path) == runs.end()) runs.push_back(std::move(path));
    }
  }
  ThreadPool pool(NumThreads(threads));
  QH_ASSIGN_OR_RETURN(const std::string page, ReportPage(runs, pool));
  QH_RETURN_IF_ERROR(WriteFileAtomically(out, page));
  absl::PrintF("wrote %s\n", out);
  return ExitCode::kDone;
}

}  // namespace quadhop
