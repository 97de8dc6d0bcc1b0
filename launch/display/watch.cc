#include "launch/display/watch.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/config/config.h"
#include "launch/display/loss_text.h"
#include "launch/display/short_duration.h"
#include "launch/display/sign_of_life.h"
#include "launch/json/json_fields.h"
#include "launch/ranks/host_name.h"
#include "launch/run/run_claim.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/run/steps_logged.h"

namespace quadhop {
namespace {

struct Metric {
  const char* ending;  // of its field
  const char* name;    // before its figure; none for the accuracy
};

// The metric that the best epoch is chosen by, if the epoch was evaluated.
void AppendMetric(const nlohmann::json& event, const char* part, bool named, const Config& config,
                  std::string& line) {
  for (const Metric& metric :
       {SelectsByRocAuc(config) ? Metric{"_roc_auc", "ROC AUC "} : Metric{"_accuracy", ""},
        Metric{"_micro_f1", "micro F1 "}}) {
    const auto found = event.find(absl::StrCat(part, metric.ending));
    if (found == event.end() || !found->is_number()) continue;
    absl::StrAppendFormat(&line, "  %s %s%.4f", part, named ? metric.name : "",
                          found->get<double>());
    return;
  }
}

std::string EpochLine(const nlohmann::json& event, const Config& config) {
  const auto number = [&event](const char* name) { return NumberField(event, name); };
  std::string line = absl::StrFormat("epoch %.0f/%d  loss %s", number("epoch"),
                                     config.train().epochs(), LossText(number("train_loss")));
  AppendMetric(event, "valid", /*named=*/true, config, line);
  AppendMetric(event, "test", /*named=*/false, config, line);
  absl::StrAppendFormat(&line, "  %.2f s  %.0f nodes/s\n", number("seconds"),
                        number("train_nodes_per_second"));
  return line;
}

}  // namespace

absl::StatusOr<std::string> RunWatch::NewEpochs() {
  QH_ASSIGN_OR_RETURN(const Config config, ReadRunConfig(run_));
  if (!FileExists(RunMetricsPath(run_))) return "";
  // Not read whole: the lines of a long run are gigabytes.
  QH_ASSIGN_OR_RETURN(const MappedFile metrics, MappedFile::Open(RunMetricsPath(run_)));
  const absl::string_view text = metrics.text();
  // A resumed run drops lines: what is left is reported again.
  const bool goes_on = absl::EndsWith(text.substr(0, static_cast<size_t>(read_bytes_)), last_line_);
  if (static_cast<int64_t>(text.size()) < read_bytes_ || !goes_on) read_bytes_ = 0;
  const size_t end = text.rfind('\n') == absl::string_view::npos ? 0 : text.rfind('\n') + 1;
  const auto begin = std::min(static_cast<size_t>(read_bytes_), end);
  std::string lines;
  absl::string_view last;
  for (const absl::string_view line :
       absl::StrSplit(text.substr(begin, end - begin), '\n', absl::SkipEmpty())) {
    last = line;
    const nlohmann::json event = ParseJson(line);
    if (event.is_object() && TextField(event, "event") == "epoch")
      absl::StrAppend(&lines, EpochLine(event, config));
  }
  if (!last.empty()) last_line_ = absl::StrCat(last, "\n");
  read_bytes_ = static_cast<int64_t>(end);
  return lines;
}

absl::StatusOr<RunWatch::Standing> RunWatch::Now(absl::Time now) {
  if (IsFinished(run_)) {
    QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(RunSummaryPath(run_)));
    const nlohmann::json summary = ParseJson(text);
    QH_ASSIGN_OR_RETURN(const Config config, ReadRunConfig(run_));
    std::string line = "finished";
    if (summary.is_object()) AppendMetric(summary, "test", /*named=*/true, config, line);
    return Standing{State::kFinished, line};
  }
  if (!FileExists(RunAlivePath(run_)))
    return Standing{State::kStopped, "there is no sign that it runs"};
  // Checked first, as a run says how it ended before it lets go of its folder.
  const bool unclaimed = IsUnclaimed(run_);
  QH_ASSIGN_OR_RETURN(const nlohmann::json sign, ReadJsonObject(RunAlivePath(run_)));
  const int64_t step = IntegerField(sign, "step");
  const std::string where = absl::StrFormat("%s, step %d", TextField(sign, "phase"), step);
  const std::string host = TextField(sign, "host");
  const std::string state = TextField(sign, "state");
  const std::string advice = absl::StrCat("carry on with quadhop train --run ", run_, " --resume");
  if (state == "stopped")
    return Standing{State::kStopped,
                    absl::StrCat("stopped after step ", step, ", as asked; ", advice)};
  if (state != "running")
    return Standing{State::kStopped, absl::StrCat(state, " at ", where, "; ", advice)};
  // Metrics may have steps that are later than the last sign of a run that was killed.
  const auto died = [&] {
    const int64_t logged = StepsLogged(run_);
    return logged > step ? absl::StrCat("after step ", logged) : where;
  };
  // Locks of other hosts may not be seen here: for their runs, silence tells.
  if (unclaimed && host == HostName())
    return Standing{State::kLost, absl::StrCat("killed on ", host, " (", died(),
                                               "): its process is gone; ", advice)};
  const absl::Duration silent = now - absl::FromUnixSeconds(IntegerField(sign, "time"));
  if (silent > kSilence)
    return Standing{State::kLost,
                    absl::StrCat("silent for ", ShortDuration(silent), " on ", host, " (", died(),
                                 "): killed, or its host is gone; if so, ", advice)};
  return Standing{State::kRunning, absl::StrCat("running on ", host, ": ", where)};
}

}  // namespace quadhop
