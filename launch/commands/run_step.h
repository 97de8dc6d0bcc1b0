// A step of prep as a command of its own: its plan, its progress on a terminal, and its report.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "core/threads/thread_pool.h"
#include "launch/command_line/exit_code.h"
#include "launch/commands/step_flags.h"

namespace quadhop {

// Prints to stdout what the step needs. Errors of PlanStepsOfInput and PlanStepsOfStore.
absl::Status PrintPlan(const StepFlags& flags, PrepStep step, ThreadPool& pool);

// Does the step. Shows its progress and prints its report if `shown`. Errors of DoStep.
absl::Status DoStepShown(PrepOptions options, PrepStep step, ThreadPool& pool, bool shown);

// Both, with the threads that the flags say; only the plan in a dry run.
absl::StatusOr<ExitCode> RunStep(const StepFlags& flags, PrepStep step);

}  // namespace quadhop
