// quadhop propagate --store NAME.qh
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/run_step.h"
#include "launch/commands/step_flags.h"

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
  return RunStep(step, PrepStep::kPropagate);
}

}  // namespace quadhop
