#include "launch/training/run_opening.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/types/span.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/counted.h"
#include "core/files/file.h"
#include "core/memory/host_memory.h"
#include "launch/memory/memory_plan.h"
#include "launch/ranks/gpus.h"
#include "launch/session/class_counts.h"

namespace quadhop {
namespace {

// Partitions per rank: more of them cost a step more than the rest of a small model does
// (docs/performance.md).
constexpr int64_t kManyPartitions = 256;

// "CPUs", or "GPUs (NVIDIA H200)": those of this rank, as ranks may have different kinds.
std::string Processors(const Session& session) {
  if (session.config().model().backend() != ModelConfig::CUDA) return "CPUs";
  return absl::StrCat("GPUs (", GpuName(session.context().local_rank), ")");
}

// Steps of a run: with fewer, a model has hardly begun to learn.
constexpr int64_t kFewSteps = 100;

void WarnOfFewSteps(int64_t nodes, const TrainConfig& config, TrainDisplay& display) {
  const int64_t of_epoch = NumBlocks(nodes, config.batch());
  const int64_t steps = of_epoch * config.epochs();
  if (steps < kFewSteps)
    display.Say(absl::StrFormat(
        "%s in all (%s of %d): few for a model to learn from; raise train.epochs or lower "
        "train.batch, as the preset small does",
        Counted(steps, "step"), Counted(config.epochs(), "epoch"), of_epoch));
  if (config.warmup_steps() > steps)
    display.Say(absl::StrFormat(
        "train.warmup_steps is %d, but the run has only %s: its learning rate never reaches "
        "train.learning_rate",
        config.warmup_steps(), Counted(steps, "step")));
}

// Columns that features can be projected to without much loss (docs/performance.md).
constexpr int64_t kProjectedColumns = 512;

// The share of a step's products that map tokens' features to the model's width: twice F H a token,
// since features get no gradient, beside three times the other products of local attention.
double ShareOfFirstMap(const LargeGTDims& dims) {
  const auto width = static_cast<double>(dims.width), wide = static_cast<double>(dims.wide());
  const double first = 2 * static_cast<double>(dims.features) * width;
  const double others = 3 * (width * width + 2 * width * wide + wide * wide +
                             2 * static_cast<double>(dims.sequence()) * wide);
  return first / (first + others);
}

void WarnOfWideFeatures(const LargeGTOptions& options, TrainDisplay& display) {
  const double share = ShareOfFirstMap(options.dims);
  if (!options.has_local() || options.dims.features <= kProjectedColumns || share < 0.5) return;
  display.Say(absl::StrFormat(
      "%d features: to map them to width %d is about %.0f %% of a step's work; `quadhop prep "
      "--project %d` makes them fewer (docs/performance.md)",
      options.dims.features, options.dims.width, 100 * share, kProjectedColumns));
}

constexpr size_t kClassesNamed = 5;

// With weights, a model gets fewer of the frequent class right, so that accuracy prefers one that
// has hardly begun to learn.
void WarnOfSelection(const ClassCounts& counts, const TrainConfig& config, TrainDisplay& display) {
  constexpr int64_t kTimesAsFrequent = 2;
  if (counts.size() != 2 || config.class_weights() != TrainConfig::BALANCED ||
      config.select_by() == TrainConfig::ROC_AUC)
    return;
  const int64_t a = counts.begin()->second.In(SplitPart::kTrain);
  const int64_t b = std::next(counts.begin())->second.In(SplitPart::kTrain);
  if (std::max(a, b) < kTimesAsFrequent * std::min(a, b)) return;
  display.Say(
      "train.class_weights=BALANCED teaches both classes alike, but the best epoch is chosen by "
      "accuracy, which prefers the frequent one: set train.select_by=ROC_AUC");
}

// "fraud, 3, 7", or the first of them: "3, 4, 5, 6, 7, ...".
std::string ListOf(std::vector<int32_t> labels, const StoreManifest& manifest) {
  std::sort(labels.begin(), labels.end());
  const size_t num_named = std::min(labels.size(), kClassesNamed);
  const auto name = [&manifest](std::string* out, int32_t label) {
    absl::StrAppend(out, ClassName(manifest, label));
  };
  return absl::StrCat(absl::StrJoin(absl::MakeConstSpan(labels).first(num_named), ", ", name),
                      num_named == labels.size() ? "" : ", ...");
}

void WarnOfLabels(const Session& session, TrainDisplay& display) {
  const LoaderInputs& inputs = session.inputs();
  const int64_t num_columns = inputs.multi_labels.dim(1);
  std::vector<bool> is_trained(static_cast<size_t>(num_columns));
  for (int64_t v = 0; v < inputs.num_nodes(); ++v) {
    if (inputs.split[static_cast<size_t>(v)] != static_cast<uint8_t>(SplitPart::kTrain)) continue;
    const uint8_t* const labels = inputs.multi_labels.row(v);
    for (int64_t c = 0; c < num_columns; ++c)
      if (labels[c] == 1) is_trained[static_cast<size_t>(c)] = true;
  }
  std::vector<int32_t> lacking;
  for (size_t c = 0; c < is_trained.size(); ++c)
    if (!is_trained[c]) lacking.push_back(static_cast<int32_t>(c));
  if (lacking.empty()) return;
  display.Say(absl::StrFormat(
      "no training node of split %s has %d of %d labels (%s): the model cannot learn them, though "
      "they count in the metrics",
      session.split(), lacking.size(), num_columns, ListOf(lacking, session.store().manifest())));
}

void WarnOfClasses(const Session& session, TrainDisplay& display) {
  const StoreManifest& manifest = session.store().manifest();
  if (manifest.multi_label()) return WarnOfLabels(session, display);
  const absl::StatusOr<ClassCounts> counts = CountClasses(session.store(), session.split());
  if (!counts.ok()) return;
  WarnOfSelection(*counts, session.config().train(), display);
  std::vector<int32_t> lacking;
  int64_t nodes = 0;
  for (const auto& [label, of_class] : *counts) {
    const int64_t judged = of_class.In(SplitPart::kValid) + of_class.In(SplitPart::kTest);
    if (of_class.In(SplitPart::kTrain) != 0 || judged == 0) continue;
    lacking.push_back(label);
    nodes += judged;
  }
  if (lacking.empty()) return;
  display.Say(absl::StrFormat(
      "split %s has no training nodes of %d of %d classes (%s): the model cannot be right about "
      "%s for validation or test",
      session.split(), lacking.size(), manifest.classes(), ListOf(lacking, manifest),
      Counted(nodes, "node")));
}

void WarnOfCodebook(int64_t nodes, int64_t epochs, Codebook* book, TrainDisplay& display) {
  if (book == nullptr || book->started()) return;
  const int64_t needed = QueriesToStart(book->num_centroids());
  if (2 * needed <= nodes * epochs) return;
  const int64_t start = NumBlocks(needed, nodes);
  const std::string when =
      start > epochs ? "not start" : absl::StrFormat("start in epoch %d of %d", start, epochs);
  display.Say(absl::StrFormat(
      "the codebook will %s: %d centroids are chosen from %d queries, a training node has one per "
      "epoch, and the run will have %d: raise train.epochs, lower model.centroids, or set "
      "model.codebook_start=PAPER",
      when, book->num_centroids(), needed, nodes * epochs));
}

}  // namespace

void IntroduceRun(Session& session, TrainDisplay& display) {
  const StoreManifest& manifest = session.store().manifest();
  const int32_t partitions = session.store().num_partitions();
  const int32_t ranks = session.context().comm.num_ranks();
  display.Say(
      absl::StrFormat("training on %s: %d nodes, %d arcs, %d %s, split %s, %s, %s, "
                      "%d parameters, on %s",
                      session.store().path(), manifest.nodes(), manifest.arcs(), manifest.classes(),
                      manifest.classes() == 1 ? "class" : "classes", session.split(),
                      Counted(partitions, "partition"), Counted(ranks, "rank"),
                      ParameterSet::NumTrained(session.model().options()), Processors(session)));
  const int64_t of_a_rank = NumBlocks(partitions, ranks);
  if (of_a_rank >= kManyPartitions)
    display.Say(absl::StrFormat(
        "a rank has %d partitions, and sums the gradients of each separately in every step: fewer "
        "partitions (quadhop partition --parts) take less time and memory",
        of_a_rank));
  WarnOfWideFeatures(session.model().options(), display);
  WarnOfClasses(session, display);
  if (session.inputs().NumLabelled(SplitPart::kValid) == 0)
    display.Say(absl::StrFormat(
        "split %s has no labelled validation nodes: the last epoch will be the result",
        session.split()));
}

void WarnOfShortTraining(Session& session, const TrainConfig& config, TrainDisplay& display) {
  const int64_t nodes = session.inputs().NumLabelled(SplitPart::kTrain);
  WarnOfFewSteps(nodes, config, display);
  WarnOfCodebook(nodes, config.epochs(), session.model().codebook(), display);
}

std::string DiskAdvice(int64_t checkpoint_bytes, int64_t copies, int64_t free_bytes) {
  if (checkpoint_bytes * copies <= free_bytes) return "";
  return absl::StrFormat(
      "the disk of the run has %s free, but %s of %s take %s: a run that cannot write one is lost "
      "when it ends; make room, lower checkpoint.keep or name another --run",
      BytesText(free_bytes), Counted(copies, "checkpoint"), BytesText(checkpoint_bytes),
      BytesText(checkpoint_bytes * copies));
}

void WarnOfDisk(Session& session, const TrainJob& job, TrainDisplay& display) {
  const absl::StatusOr<int64_t> free_bytes = FreeDiskBytes(job.run);
  if (!free_bytes.ok()) return;
  // The newest, the best, and the one that is being written.
  const int64_t copies =
      job.start == RunFolder::Start::kResume ? 1 : job.config.checkpoint().keep() + int64_t{2};
  const std::string advice = DiskAdvice(
      CheckpointBytes(session.model().options(), session.store().num_nodes()), copies, *free_bytes);
  if (!advice.empty()) display.Say(advice);
}

}  // namespace quadhop
