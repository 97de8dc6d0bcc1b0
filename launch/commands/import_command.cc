// quadhop import --from PATH --store NAME.qh
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
  ThreadPool pool(NumThreads(step.threads));
  QH_RETURN_IF_ERROR(
      PlanStepsOfInput(step.prep, {PrepStep::kImport}, pool.num_threads(), PrintLines).status());
  if (step.dry_run) return ExitCode::kDone;
  StepDisplay display;
  step.prep.import.on_progress = display.hook();
  display.Begin(PrepStepName(PrepStep::kImport));
  QH_ASSIGN_OR_RETURN(const ImportReport report, Import(step.prep.import, pool));
  display.End();
  std::printf("%s\n", report.Describe().c_str());
  return ExitCode::kDone;
}

}  // namespace quadhop
