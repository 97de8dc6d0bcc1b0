// quadhop prep --from PATH --store NAME.qh: import, partition, encode and propagate, as far as they
// are not done.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/time/time.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "core/status.h"
#include "core/stopwatch.h"
#include "core/store.h"
#include "core/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/step_flags.h"
#include "launch/ranks/runtime.h"
#include "partition/cuts/partitioner.h"
#include "partition/prep/prep.h"

namespace quadhop {
namespace {

struct PrepStep {
  const char* name;
  std::string options;                                // as in the store's provenance
  std::function<absl::StatusOr<std::string>()> make;  // returns what to tell people
};

// All steps in order. What cannot work is refused here, before any work: a format that is not
// recognised, a file of encodings that cannot be read, a partitioner that this build lacks.
absl::StatusOr<std::vector<PrepStep>> PlanSteps(const StepFlags& step, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(std::string import_options, ImportProvenance(step.import));
  if (step.partition.method != "auto")
    QH_RETURN_IF_ERROR(MakePartitioner(step.partition.method).status());
  QH_ASSIGN_OR_RETURN(std::string encode_options, step.encode.ToString());
  return std::vector<PrepStep>{
      {"import", std::move(import_options),
       [&]() -> absl::StatusOr<std::string> {
         QH_ASSIGN_OR_RETURN(const ImportReport report, Import(step.import, pool));
         return report.Describe();
       }},
      {"partition", step.partition.ToString(),
       [&]() -> absl::StatusOr<std::string> {
         QH_ASSIGN_OR_RETURN(const PartitionReport report,
                             PartitionStore(step.store, step.partition, pool));
         return report.Describe();
       }},
      {"encode", std::move(encode_options),
       [&]() -> absl::StatusOr<std::string> {
         QH_ASSIGN_OR_RETURN(const EncodeReport report, EncodeStore(step.store, step.encode, pool));
         return report.Describe();
       }},
      {"propagate", step.propagate.ToString(),
       [&]() -> absl::StatusOr<std::string> {
         QH_RETURN_IF_ERROR(PropagateStore(step.store, step.propagate, pool));
         return step.propagate.ToString();
       }},
  };
}

// The store to go on from, or nullptr: then everything is made.
absl::StatusOr<std::unique_ptr<Store>> OpenForSteps(const StepFlags& flags,
                                                    const PrepStep& import_step,
                                                    const std::string& inputs, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(IntactStore intact,
                      flags.dry_run ? LookAtStore(flags.store) : OpenIntact(flags.store, pool));
  if (!intact.damage.empty())
    std::printf("%s is damaged and will be made anew: %s\n",
                intact.store == nullptr ? "the store" : "a file of the store",
                intact.damage.c_str());
  if (intact.store != nullptr && InputsChanged(*intact.store, import_step.options, inputs)) {
    std::printf("the input has changed since it was imported: the store will be made anew\n");
    return nullptr;
  }
  if (intact.store != nullptr && !StepIsDone(*intact.store, "import", import_step.options)) {
    const Provenance* const done = intact.store->FindStep("import");
    std::printf("the store was made by%s, not by import %s: it will be made anew\n",
                done == nullptr ? " another command" : (" import " + done->options()).c_str(),
                import_step.options.c_str());
    return nullptr;
  }
  return std::move(intact.store);
}

void Tell(const PrepStep& step, const char* what, absl::Duration duration,
          absl::string_view details) {
  const std::string indented = absl::StrReplaceAll(details, {{"\n", "\n    "}});
  std::printf("%-10s %-8s %8.2f s\n    %s\n", step.name, what, absl::ToDoubleSeconds(duration),
              indented.c_str());
  std::fflush(stdout);
}

constexpr const char* kStepsAfterImport[] = {"partition", "encode", "propagate"};
constexpr const char* kAllSteps[] = {"import", "partition", "encode", "propagate"};

// Of a store that is gone on from: what is left to do.
absl::Status PrintPlanOfRest(const StepFlags& flags, const std::vector<PrepStep>& steps,
                             const Store& store) {
  const bool encodings_are_features = store.manifest().features() == 0;
  std::vector<const char*> done, left;
  for (const PrepStep& step : steps) {
    const bool of_new_encodings =
        encodings_are_features && !left.empty() && left.back() == absl::string_view("encode");
    const bool is_done = !of_new_encodings && StepIsDone(store, step.name, step.options);
    (is_done ? done : left).push_back(step.name);
  }
  if (flags.dry_run) std::printf("done before: %s\n", absl::StrJoin(done, ", ").c_str());
  return left.empty() ? absl::OkStatus() : flags.PrintPlan(PrepShape::Of(store), left);
}

absl::Status RunSteps(const StepFlags& flags, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::vector<PrepStep> steps, PlanSteps(flags, pool));
  QH_ASSIGN_OR_RETURN(const std::string inputs, ImportInputs(flags.import));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                      OpenForSteps(flags, steps.front(), inputs, pool));
  bool planned = store != nullptr;
  if (planned) {
    QH_RETURN_IF_ERROR(PrintPlanOfRest(flags, steps, *store));
  } else {
    QH_ASSIGN_OR_RETURN(planned, flags.PrintPlanOfInput(kAllSteps));
  }
  if (flags.dry_run) return absl::OkStatus();
  for (const PrepStep& step : steps) {
    const Stopwatch watch;
    if (store != nullptr && StepIsDone(*store, step.name, step.options)) {
      Tell(step, "skipped", watch.Elapsed(), step.options);
      continue;
    }
    store.reset();  // its maps are of files that the step replaces
    QH_ASSIGN_OR_RETURN(const std::string details, step.make());
    Tell(step, "done", watch.Elapsed(), details);
    QH_ASSIGN_OR_RETURN(store, Store::Open(flags.store));
    if (planned) continue;
    QH_RETURN_IF_ERROR(flags.PrintPlan(PrepShape::Of(*store), kStepsAfterImport));
    planned = true;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> PrepCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags("prep",
              "Makes a store ready to train on: import, partition, encode, propagate. A step is "
              "skipped if its result is there, intact, and made with the same options of the same "
              "input.");
  step.AddImport(&flags);
  step.AddStore(&flags);
  step.AddPartition(&flags, "partition-");
  step.AddEncode(&flags, "encode-");
  step.AddPropagate(&flags);
  step.AddSeed(&flags);
  step.AddMemory(&flags);
  step.AddThreads(&flags);
  step.AddFailAt(&flags);
  flags.Example("prep --from dataset/ogbn_products --store stores/products.qh --parts 8");
  flags.Example("prep --from /usr/share/wordnet --store stores/wordnet.qh --parts 4");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  step.partition.verified = step.encode.verified = step.propagate.verified = true;  // OpenIntact
  ThreadPool pool(NumThreads(step.threads));
  QH_RETURN_IF_ERROR(RunSteps(step, pool));
  return ExitCode::kDone;
}

}  // namespace quadhop
