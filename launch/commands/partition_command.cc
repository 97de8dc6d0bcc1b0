// quadhop partition --store NAME.qh --parts P
#include <cstdio>

#include "core/status.h"
#include "core/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/step_flags.h"
#include "launch/ranks/runtime.h"
#include "partition/partition_store.h"

namespace quadhop {

absl::StatusOr<ExitCode> PartitionCommand(absl::Span<const std::string> arguments) {
  StepFlags step;
  Flags flags("partition",
              "Cuts the graph of a store and orders all its files by partition. A store can be cut "
              "again.");
  step.AddStore(&flags);
  step.AddPartition(&flags, "");
  step.AddSeed(&flags);
  step.AddMemory(&flags);
  step.AddThreads(&flags);
  flags.Example("partition --store stores/products.qh --parts 8");
  flags.Example("partition --store stores/products.qh --parts 8 --method hash");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(step.PrintPlanOfStore({"partition"}));
  if (step.dry_run) return ExitCode::kDone;
  ThreadPool pool(NumThreads(step.threads));
  QH_ASSIGN_OR_RETURN(const PartitionReport report,
                      PartitionStore(step.store, step.partition, pool));
  std::printf("%s\n", report.Describe().c_str());
  return ExitCode::kDone;
}

}  // namespace quadhop
