// quadhop prep --from PATH --store NAME.qh: import, partition, encode and propagate, skipping what
// is done.
#include <absl/strings/str_format.h>
#include <absl/strings/str_replace.h>
#include <absl/time/time.h>

#include <cstdio>

#include "core/base/status.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/step_flags.h"
#include "launch/display/step_display.h"
#include "launch/ranks/runtime.h"
#include "partition/prep/prep.h"

namespace quadhop {
namespace {

class Printer : public PrepObserver {
 public:
  // Files of the store and of the input are checked first.
  Printer() { display_.Begin("checks"); }

  ProgressHook hook() { return display_.hook(); }
  void Say(absl::string_view lines) override { Print(lines); }
  void Begins(PrepStep step) override { display_.Begin(PrepStepName(step)); }
  void Done(PrepStep step, absl::Duration elapsed, absl::string_view report) override {
    PrintStep(step, "done", elapsed, report);
  }
  void Skipped(PrepStep step, absl::Duration elapsed, absl::string_view options) override {
    PrintStep(step, "skipped", elapsed, options);
  }

 private:
  void PrintStep(PrepStep step, const char* what, absl::Duration elapsed,
                 absl::string_view details) {
    Print(absl::StrFormat("%-10s %-8s %8.2f s\n    %s\n", PrepStepName(step), what,
                          absl::ToDoubleSeconds(elapsed),
                          absl::StrReplaceAll(details, {{"\n", "\n    "}})));
  }
  void Print(absl::string_view lines) {
    display_.End();
    PrintLines(lines);
  }

  StepDisplay display_;
};

}  // namespace

absl::StatusOr<ExitCode> PrepCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags(
      "prep",
      "Makes a store ready to train on: import, partition, encode, propagate. A step is skipped if "
      "its result is there, intact, and made from the same input with the same options.");
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
  ThreadPool pool(NumThreads(step.threads));
  Printer printer;
  step.prep.on_progress = printer.hook();
  QH_RETURN_IF_ERROR(Prep(step.prep, step.dry_run, pool, printer));
  return ExitCode::kDone;
}

}  // namespace quadhop
