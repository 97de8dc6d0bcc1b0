// quadhop predict --run RUN --out FILE
#include <set>
#include <string>

#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/commands/paths.h"
#include "launch/ranks/runtime.h"
#include "launch/results/predict.h"

namespace quadhop {
namespace {

absl::Status CheckFiles(const PredictJob& job) {
  bool any = false;
  std::set<std::string> files;
  if (!job.nodes.empty()) files.insert(CanonicalPath(job.nodes));
  for (const auto& [flag, path] : {std::pair("out", job.predictions),
                                   {"probabilities", job.probabilities},
                                   {"embeddings", job.embeddings}}) {
    if (path.empty()) continue;
    any = true;
    QH_RETURN_IF_ERROR(CheckOutput(flag, path, {".npy", ".csv"}));
    if (!files.insert(CanonicalPath(path)).second)
      return UsageError(absl::StrCat(
          path,
          " is given twice: each result needs a file of its own, other than that of --nodes"));
  }
  if (any) return absl::OkStatus();
  return UsageError("there is nothing to write: give --out, --probabilities or --embeddings");
}

}  // namespace

absl::StatusOr<ExitCode> PredictCommand(absl::Span<const std::string> arguments) {
  CheckpointFlags model;
  PredictJob predict;
  RanksOptions ranks;
  Flags flags("predict",
              "Predicts nodes of a store, in the order and under the names of its input. The "
              "ending of a file, .npy or .csv, sets its format.");
  model.AddRun(&flags);
  model.AddStore(&flags);
  flags.String(
      "out", &predict.predictions, "FILE",
      "the class of each node (give at least one of --out, --probabilities and --embeddings)");
  flags.String("probabilities", &predict.probabilities, "FILE",
               "the probabilities of the classes, one row per node");
  flags.String("embeddings", &predict.embeddings, "FILE",
               "the input of the last linear layer, one row per node");
  flags.String("nodes", &predict.nodes, "FILE",
               "the nodes to predict: one name per line, or an .npy of positions in the input "
               "(default: all)");
  AddSamplesFlag(&flags, &predict.samples);
  AddRanksFlags(&flags, &ranks);
  flags.Example("predict --run runs/quickstart --out predictions.npy");
  flags.Example("predict --run runs/quickstart --nodes some.txt --probabilities some.csv");
  QH_ASSIGN_OR_RETURN(const bool proceed, model.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(CheckFiles(predict));
  predict.model = model.job;
  TakeDeadlines(predict.model.config.train(), &ranks);
  return RunRanks(ranks,
                  [&predict](const RankContext& context) { return Predict(predict, context); });
}

}  // namespace quadhop
