#include "launch/training/run_opening.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <string>

#include "core/counted.h"
#include "launch/ranks/gpus.h"

namespace quadhop {
namespace {

// Of a rank: more of them cost a step more than the rest of a small model (docs/performance.md).
constexpr int64_t kManyPartitions = 256;

// "CPUs", or "GPUs (NVIDIA H200)", of which ranks may have several kinds: this one's.
std::string Processors(const Session& session) {
  if (session.config().model().backend() != ModelConfig::CUDA) return "CPUs";
  return absl::StrCat("GPUs (", GpuName(session.context().local_rank), ")");
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
        "a rank has %d partitions, and adds the gradients of each apart in every step: fewer "
        "(quadhop partition --parts) take less time and memory",
        of_a_rank));
  if (session.loader().NumLabelled(SplitPart::kValid) == 0)
    display.Say(absl::StrFormat(
        "split %s has no labelled validation nodes: the last epoch will be the result",
        session.split()));
}

void WarnOfCodebook(Session& session, TrainDisplay& display) {
  Codebook* const book = session.model().codebook();
  if (book == nullptr || book->started()) return;
  const int64_t nodes = session.loader().NumLabelled(SplitPart::kTrain);
  const int64_t queries = nodes * session.config().train().epochs();
  const int64_t needed = QueriesToStart(book->num_centroids());
  if (queries < needed)
    display.Say(absl::StrFormat(
        "the codebook will not start: %d centroids are chosen from %d queries, a training node has "
        "one an epoch, and the run will have %d: lower model.centroids, or set "
        "model.codebook_start=PAPER",
        book->num_centroids(), needed, queries));
}

}  // namespace quadhop
