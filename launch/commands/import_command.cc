// quadhop import --from PATH --store NAME.qh
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/run_step.h"
#include "launch/commands/step_flags.h"
#include "partition/import/import.h"

namespace quadhop {

absl::StatusOr<ExitCode> ImportCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags("import",
              "Imports a graph from another format into a store, replacing the store if there is "
              "one. Duplicates and self-loops are removed.");
  step.AddImport(&flags);
  step.AddStore(&flags);
  step.AddSeed(&flags);
  step.AddMemory(&flags);
  step.AddThreads(&flags);
  flags.Example("import --from dataset/ogbn_products --store stores/products.qh");
  flags.Example("import --from /usr/share/wordnet --store stores/wordnet.qh --project 128");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(ImportInputs(step.prep.import).status());
  return RunStep(step, PrepStep::kImport);
}

}  // namespace quadhop
