// `quadhop prep`: import, partition, encode, propagate, each as far as it is not done.
//
// They come in this order because encodings stand in for features that a graph does not have.
// Import starts an empty provenance, so all steps follow it; a cut permutes what is there, so
// encodings and hop features stay done; encodings that stand in for features undo `propagate` when
// they are made anew. A step is therefore done when the provenance says so with the same options.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/cuts/partition_store.h"
#include "partition/encodings/encode.h"
#include "partition/features/propagate.h"
#include "partition/import/import.h"
#include "partition/steps/prep_shape.h"
#include "partition/steps/prep_step.h"
#include "partition/steps/progress.h"

namespace quadhop {

struct PrepOptions {
  // What steps have in common, which Share hands to each of them.
  std::string store;  // the folder of the store, made if absent
  uint64_t seed = 0;
  int64_t memory_bytes = 0;  // what working arrays may take; 0: 80 % of what is available
  CommitHook on_commit{};
  ProgressHook on_progress{};

  ImportOptions import;
  PartitionOptions partition;
  EncodeOptions encode;
  PropagateOptions propagate;

  void Share();
};

// Receives whole lines for people.
using SayHook = std::function<void(absl::string_view lines)>;

// Says what `steps` need for the store. Then kResourceExhausted if memory or the disk cannot hold
// one of them. If it is a dry run, an interrupted commit is not finished.
absl::Status PlanStepsOfStore(const PrepOptions& options, bool dry_run,
                              absl::Span<const PrepStep> steps, int num_threads,
                              const SayHook& say);
// The same for the input; false, saying so, if it has to be read to know how large it is. An
// estimate never leads to a refusal.
absl::StatusOr<bool> PlanStepsOfInput(const PrepOptions& options, absl::Span<const PrepStep> steps,
                                      int num_threads, const SayHook& say);

// Does one step, whether it was done before or not. Returns what to tell people. Errors of Import,
// PartitionStore, EncodeStore and PropagateStore.
absl::StatusOr<std::string> DoStep(const PrepOptions& options, PrepStep step, ThreadPool& pool);

// Follows Prep.
class PrepObserver {
 public:
  virtual ~PrepObserver() = default;

  // Says what is found, and plans.
  virtual void Say(absl::string_view lines) = 0;
  // A step that is not skipped.
  virtual void Begins(PrepStep step) = 0;
  // The end of a step, of several lines; of one that was done before, its options.
  virtual void Done(PrepStep step, absl::Duration elapsed, absl::string_view report) = 0;
  virtual void Skipped(PrepStep step, absl::Duration elapsed, absl::string_view options) = 0;
};

// Makes the store, or what of it is damaged or was not made with these options from this input; if
// it is a dry run, plans that and changes nothing. What cannot work is refused before any work.
// Errors of DoStep and of plans.
absl::Status Prep(PrepOptions options, bool dry_run, ThreadPool& pool, PrepObserver& observer);

}  // namespace quadhop
