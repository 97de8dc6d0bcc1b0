#include "partition/prep/prep.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/memory/host_memory.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "partition/cuts/partitioner.h"
#include "partition/prep/intact_store.h"
#include "partition/prep/prep_plan.h"
#include "partition/steps/store_step.h"

namespace quadhop {
namespace {

// Says what `steps` need for a graph of this shape, in which only what the options say is missing.
// Then kResourceExhausted if memory or the disk cannot hold one of them.
absl::Status PlanSteps(const PrepOptions& options, PrepShape shape,
                       absl::Span<const PrepStep> steps, int num_threads, const SayHook& say) {
  shape.parts = options.partition.parts;
  shape.partition_method = options.partition.method;
  shape.ranks = options.partition.num_ranks();
  shape.encode_method = options.encode.method;
  shape.encode_dim = options.encode.dim;
  shape.hops = options.propagate.hops;
  shape.features_with_encodings = options.propagate.with_encodings;
  shape.feature_bytes = SizeOfDType(options.propagate.dtype);
  shape.threads = num_threads;
  QH_ASSIGN_OR_RETURN(const int64_t budget_bytes, MemoryBudget(options.memory_bytes));
  std::vector<StepPlan> plans = PlanPrep(shape, budget_bytes);
  std::erase_if(plans, [&](const StepPlan& plan) {
    return std::find(steps.begin(), steps.end(), plan.step) == steps.end();
  });
  say(DescribePlan(plans, budget_bytes));
  return CheckPlan(plans, budget_bytes, options.store);
}

// One prep from its beginning to its end.
class PrepRun {
 public:
  PrepRun(const PrepOptions& options, bool dry_run, ThreadPool& pool, PrepObserver& observer)
      : options_(options), dry_run_(dry_run), pool_(pool), observer_(observer) {}

  absl::Status Run() {
    QH_RETURN_IF_ERROR(DescribeSteps());
    QH_ASSIGN_OR_RETURN(const std::string inputs, ImportInputs(options_.import));
    QH_RETURN_IF_ERROR(CheckSameSource(options_.import, inputs));
    QH_RETURN_IF_ERROR(OpenStore(inputs));
    bool planned = true;
    if (store_ != nullptr) {
      QH_RETURN_IF_ERROR(PlanRest());
    } else {
      QH_ASSIGN_OR_RETURN(planned, PlanStepsOfInput(options_, kPrepSteps, num_threads(), say_));
    }
    if (dry_run_) return absl::OkStatus();
    for (const PrepStep step : kPrepSteps) {
      QH_RETURN_IF_ERROR(DoOrSkip(step));
      if (planned) continue;
      QH_RETURN_IF_ERROR(Plan(absl::MakeConstSpan(kPrepSteps).subspan(1)));
      planned = true;
    }
    return absl::OkStatus();
  }

 private:
  int num_threads() const { return pool_.num_threads(); }

  // What each step is done with, as in the store's provenance. What cannot work is refused here: a
  // format that is not recognised, a file of encodings that cannot be read, a partitioner that this
  // build lacks.
  absl::Status DescribeSteps() {
    QH_ASSIGN_OR_RETURN(of(PrepStep::kImport), ImportProvenance(options_.import));
    if (options_.partition.method != "auto")
      QH_RETURN_IF_ERROR(
          MakePartitioner(options_.partition.method, options_.partition.ranks).status());
    of(PrepStep::kPartition) = options_.partition.ToString();
    QH_ASSIGN_OR_RETURN(of(PrepStep::kEncode), options_.encode.ToString());
    of(PrepStep::kPropagate) = options_.propagate.ToString();
    return absl::OkStatus();
  }
  std::string& of(PrepStep step) { return step_options_[static_cast<size_t>(step)]; }

  // The store to go on from, or nullptr: then everything is made.
  absl::Status OpenStore(const std::string& inputs) {
    QH_ASSIGN_OR_RETURN(IntactStore intact,
                        dry_run_ ? LookAtStore(options_.store) : OpenIntact(options_.store, pool_));
    if (!intact.damage.empty())
      observer_.Say(absl::StrCat(intact.store == nullptr ? "the store" : "a file of the store",
                                 " is damaged and will be made anew: ", intact.damage, "\n"));
    if (intact.store == nullptr) return absl::OkStatus();
    const std::string& options = of(PrepStep::kImport);
    if (InputsChanged(*intact.store, options, inputs)) {
      observer_.Say("the input has changed since it was imported: the store will be made anew\n");
    } else if (!StepIsDone(*intact.store, PrepStep::kImport, options)) {
      const Provenance* const done = intact.store->FindStep(PrepStepName(PrepStep::kImport));
      observer_.Say(
          absl::StrCat("the store was made by",
                       done == nullptr ? " another command" : (" import " + done->options()),
                       ", not by import ", options, ": it will be made anew\n"));
    } else {
      store_ = std::move(intact.store);
    }
    return absl::OkStatus();
  }

  // Plans what is left to do to the store that prep goes on from.
  absl::Status PlanRest() {
    const bool encodings_are_features = FeaturesHoldEncodings(store_->manifest());
    std::vector<PrepStep> done, left;
    for (const PrepStep step : kPrepSteps) {
      const bool of_new_encodings =
          encodings_are_features && !left.empty() && left.back() == PrepStep::kEncode;
      const bool is_done = !of_new_encodings && StepIsDone(*store_, step, of(step));
      (is_done ? done : left).push_back(step);
    }
    const auto append_name = [](std::string* out, PrepStep step) { *out += PrepStepName(step); };
    if (dry_run_)
      observer_.Say(absl::StrCat("done before: ", absl::StrJoin(done, ", ", append_name), "\n"));
    return left.empty() ? absl::OkStatus() : Plan(left);
  }

  absl::Status Plan(absl::Span<const PrepStep> steps) {
    return PlanSteps(options_, PrepShape::Of(*store_), steps, num_threads(), say_);
  }

  absl::Status DoOrSkip(PrepStep step) {
    const Stopwatch watch;
    if (store_ != nullptr && StepIsDone(*store_, step, of(step))) {
      observer_.Skipped(step, watch.Elapsed(), of(step));
      return absl::OkStatus();
    }
    observer_.Begins(step);
    store_.reset();  // it maps files that the step replaces
    QH_ASSIGN_OR_RETURN(const std::string report, DoStep(options_, step, pool_));
    observer_.Done(step, watch.Elapsed(), report);
    QH_ASSIGN_OR_RETURN(store_, Store::Open(options_.store));
    return absl::OkStatus();
  }

  const PrepOptions& options_;
  const bool dry_run_;
  ThreadPool& pool_;
  PrepObserver& observer_;
  const SayHook say_ = [this](absl::string_view lines) { observer_.Say(lines); };
  std::array<std::string, kPrepSteps.size()> step_options_;
  std::unique_ptr<Store> store_;  // as the last step left it
};

}  // namespace

void PrepOptions::Share() {
  import.store = store;
  import.to_be_standardized = propagate.standardize;
  import.seed = partition.seed = encode.seed = seed;
  import.memory_bytes = partition.memory_bytes = encode.memory_bytes = propagate.memory_bytes =
      memory_bytes;
  import.on_commit = partition.on_commit = encode.on_commit = propagate.on_commit = on_commit;
  import.on_progress = partition.on_progress = encode.on_progress = propagate.on_progress =
      on_progress;
}

absl::Status PlanStepsOfStore(const PrepOptions& options, bool dry_run,
                              absl::Span<const PrepStep> steps, int num_threads,
                              const SayHook& say) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store,
                      dry_run ? Store::Open(options.store, kDerivedFiles)
                              : OpenFinished(options.store, kDerivedFiles));
  return PlanSteps(options, PrepShape::Of(*store), steps, num_threads, say);
}

absl::StatusOr<bool> PlanStepsOfInput(const PrepOptions& options, absl::Span<const PrepStep> steps,
                                      int num_threads, const SayHook& say) {
  QH_ASSIGN_OR_RETURN(const absl::optional<PrepShape> shape, MeasureInput(options.import));
  if (!shape.has_value()) {
    say("the input does not say how large it is: no plan before it is imported\n");
    return false;
  }
  if (shape->estimated)
    say(absl::StrCat("the input does not say how large it is: by its first lines it may have ",
                     shape->nodes, " nodes and ", shape->arcs, " arcs\n"));
  const absl::Status status = PlanSteps(options, *shape, steps, num_threads, say);
  if (shape->estimated && absl::IsResourceExhausted(status)) return false;
  QH_RETURN_IF_ERROR(status);
  return !shape->estimated;
}

absl::StatusOr<std::string> DoStep(const PrepOptions& options, PrepStep step, ThreadPool& pool) {
  const auto describe = [](const auto& report) -> absl::StatusOr<std::string> {
    QH_RETURN_IF_ERROR(report.status());
    return report->Describe();
  };
  switch (step) {
    case PrepStep::kImport:
      return describe(Import(options.import, pool));
    case PrepStep::kPartition:
      return describe(PartitionStore(options.store, options.partition, pool));
    case PrepStep::kEncode:
      return describe(EncodeStore(options.store, options.encode, pool));
    case PrepStep::kPropagate:
      break;
  }
  QH_RETURN_IF_ERROR(PropagateStore(options.store, options.propagate, pool));
  return options.propagate.ToString();
}

absl::Status Prep(PrepOptions options, bool dry_run, ThreadPool& pool, PrepObserver& observer) {
  options.Share();
  // OpenIntact has checked the files that are there.
  options.partition.verified = options.encode.verified = options.propagate.verified = true;
  return PrepRun(options, dry_run, pool, observer).Run();
}

}  // namespace quadhop
