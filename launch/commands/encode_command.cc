// quadhop encode --store NAME.qh
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
  ThreadPool pool(NumThreads(step.threads));
  QH_RETURN_IF_ERROR(PlanStepsOfStore(step.prep, step.dry_run, {PrepStep::kEncode},
                                      pool.num_threads(), PrintLines));
  if (step.dry_run) return ExitCode::kDone;
  StepDisplay display;
  step.prep.encode.on_progress = display.hook();
  display.Begin(PrepStepName(PrepStep::kEncode));
  QH_ASSIGN_OR_RETURN(const EncodeReport report,
                      EncodeStore(step.prep.store, step.prep.encode, pool));
  display.End();
  std::printf("%s: pos_enc.npy with %s\n", step.prep.store.c_str(), report.Describe().c_str());
  return ExitCode::kDone;
}

}  // namespace quadhop
