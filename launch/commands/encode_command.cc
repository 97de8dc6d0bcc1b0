// quadhop encode --store NAME.qh
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/run_step.h"
#include "launch/commands/step_flags.h"

namespace quadhop {

absl::StatusOr<ExitCode> EncodeCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags("encode", "Computes the positional encodings of a store, or takes them from a file.");
  step.AddStore(&flags);
  step.AddEncode(&flags, "");
  step.AddSeed(&flags);
  step.AddMemory(&flags);
  step.AddThreads(&flags);
  flags.Example("encode --store stores/products.qh --method fastrp --dim 64");
  flags.Example("encode --store stores/products.qh --method file --file node2vec.npy");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  return RunStep(step, PrepStep::kEncode);
}

}  // namespace quadhop
