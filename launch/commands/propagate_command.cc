// quadhop propagate --store NAME.qh
#include <cstdio>

#include "core/base/status.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/step_flags.h"
#include "launch/display/step_display.h"
#include "launch/ranks/cores.h"
#include "partition/prep/prep.h"

namespace quadhop {

absl::StatusOr<ExitCode> PropagateCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags("propagate",
              "Computes the hop features of a store: x, Ax, ..., A^hops x of every node, A being "
              "the normalised adjacency. Without features, x is the encodings.");
  step.AddStore(&flags);
  step.AddPropagate(&flags);
  step.AddMemory(&flags);
  step.AddThreads(&flags);
  flags.Example("propagate --store stores/products.qh");
  flags.Example("propagate --store stores/papers100m.qh --hops 2 --dtype bf16");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  ThreadPool pool(NumThreads(step.threads));
  QH_RETURN_IF_ERROR(PlanStepsOfStore(step.prep, step.dry_run, {PrepStep::kPropagate},
                                      pool.num_threads(), PrintLines));
  if (step.dry_run) return ExitCode::kDone;
  StepDisplay display;
  step.prep.propagate.on_progress = display.hook();
  display.Begin(PrepStepName(PrepStep::kPropagate));
  QH_RETURN_IF_ERROR(PropagateStore(step.prep.store, step.prep.propagate, pool));
  display.End();
  std::printf("%s: features.npy with %s\n", step.prep.store.c_str(),
              step.prep.propagate.ToString().c_str());
  return ExitCode::kDone;
}

}  // namespace quadhop
