#include "launch/commands/run_step.h"

#include <cstdio>
#include <string>

#include "core/base/status.h"
#include "launch/display/step_display.h"
#include "launch/ranks/cores.h"
#include "partition/prep/prep.h"

namespace quadhop {

absl::Status PrintPlan(const StepFlags& flags, PrepStep step, ThreadPool& pool) {
  if (step == PrepStep::kImport)
    return PlanStepsOfInput(flags.prep, {step}, pool.num_threads(), PrintLines).status();
  return PlanStepsOfStore(flags.prep, flags.dry_run, {step}, pool.num_threads(), PrintLines);
}

absl::Status DoStepShown(PrepOptions options, PrepStep step, ThreadPool& pool, bool shown) {
  StepDisplay display(shown);
  options.on_progress = display.hook();
  options.Share();
  display.Begin(PrepStepName(step));
  QH_ASSIGN_OR_RETURN(const std::string report, DoStep(options, step, pool));
  display.End();
  if (shown) std::printf("%s\n", report.c_str());
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> RunStep(const StepFlags& flags, PrepStep step) {
  ThreadPool pool(NumThreads(flags.threads));
  QH_RETURN_IF_ERROR(PrintPlan(flags, step, pool));
  if (!flags.dry_run) QH_RETURN_IF_ERROR(DoStepShown(flags.prep, step, pool, /*shown=*/true));
  return ExitCode::kDone;
}

}  // namespace quadhop
