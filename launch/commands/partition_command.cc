// quadhop partition --store NAME.qh --parts P
#include <absl/strings/str_cat.h>

#include <cstdio>

#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/step_flags.h"
#include "launch/display/step_display.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/runtime.h"
#include "partition/prep/prep.h"

namespace quadhop {
namespace {

absl::Status PrintPlan(const StepFlags& step, ThreadPool& pool) {
  return PlanStepsOfStore(step.prep, step.dry_run, {PrepStep::kPartition}, pool.num_threads(),
                          PrintLines);
}

absl::StatusOr<ExitCode> Partition(StepFlags step, ThreadPool& pool) {
  QH_RETURN_IF_ERROR(PrintPlan(step, pool));
  if (step.dry_run) return ExitCode::kDone;
  StepDisplay display;
  step.prep.partition.on_progress = display.hook();
  display.Begin(PrepStepName(PrepStep::kPartition));
  QH_ASSIGN_OR_RETURN(const PartitionReport report,
                      PartitionStore(step.prep.store, step.prep.partition, pool));
  display.End();
  std::printf("%s\n", report.Describe().c_str());
  return ExitCode::kDone;
}

// Runs as one of the ranks that cut the graph together.
absl::StatusOr<ExitCode> PartitionOnRank(StepFlags step, const RankContext& context) {
  PrepOptions& prep = step.prep;
  prep.partition.ranks = &context.comm;
  if (prep.memory_bytes == 0) {
    QH_ASSIGN_OR_RETURN(const int64_t of_host_bytes, MemoryBudget(0));
    prep.memory_bytes = of_host_bytes / context.ranks_on_host;
    prep.Share();
  }
  const absl::Status plan = context.IsMain() ? PrintPlan(step, context.pool) : absl::OkStatus();
  QH_RETURN_IF_ERROR(AgreeOnStatus(context.comm, "plan the partition", plan));
  if (step.dry_run) return ExitCode::kDone;
  StepDisplay display(context.IsMain());
  prep.partition.on_progress = display.hook();
  display.Begin(PrepStepName(PrepStep::kPartition));
  QH_ASSIGN_OR_RETURN(const PartitionReport report,
                      PartitionStore(prep.store, prep.partition, context.pool));
  display.End();
  if (context.IsMain()) std::printf("%s\n", report.Describe().c_str());
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
  ThreadPool pool(NumThreads(step.threads));
  return Partition(step, pool);
}

}  // namespace quadhop
