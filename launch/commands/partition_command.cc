// quadhop partition --store NAME.qh --parts P
#include <absl/strings/str_cat.h>

#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/run_step.h"
#include "launch/commands/step_flags.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/runtime.h"

namespace quadhop {
namespace {

// Runs as one of the ranks that cut the graph together.
absl::StatusOr<ExitCode> PartitionOnRank(StepFlags step, const RankContext& context) {
  PrepOptions& prep = step.prep;
  prep.partition.ranks = &context.comm;
  if (prep.memory_bytes == 0) {
    QH_ASSIGN_OR_RETURN(const int64_t of_host_bytes, MemoryBudget(0));
    prep.memory_bytes = of_host_bytes / context.ranks_on_host;
    prep.Share();
  }
  QH_RETURN_IF_ERROR(OnMainRank(context.comm, "plan the partition", [&] {
    return PrintPlan(step, PrepStep::kPartition, context.pool);
  }));
  if (step.dry_run) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(DoStepShown(prep, PrepStep::kPartition, context.pool, context.IsMain()));
  QH_RETURN_IF_ERROR(context.comm.Barrier("end of the partition"));  // rank 0 writes the store
  return ExitCode::kDone;
}

}  // namespace

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
  flags.Example(
      "launch hosts --hostfile hosts -- partition --store stores/products.qh --parts 8 --method "
      "ptscotch");
  QH_ASSIGN_OR_RETURN(const bool proceed, step.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  if (step.prep.partition.method == "ptscotch") {
    RanksOptions ranks;
    ranks.threads = step.threads;
    // The others wait until rank 0 has written; the heartbeat detects a rank that died.
    ranks.collective_deadline = absl::Hours(1000);
    return RunRanks(ranks,
                    [&](const RankContext& context) { return PartitionOnRank(step, context); });
  }
  QH_RETURN_IF_ERROR(CheckStartedAlone(absl::StrCat("--method ", step.prep.partition.method),
                                       ", or use --method ptscotch"));
  return RunStep(step, PrepStep::kPartition);
}

}  // namespace quadhop
