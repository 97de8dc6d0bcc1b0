#include "launch/doctor/store_check.h"

#include <absl/strings/str_format.h>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/threads/thread_pool.h"
#include "launch/config/backends.h"
#include "launch/config/model_options.h"
#include "launch/memory/memory_plan.h"
#include "launch/memory/training_plan.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/gpus.h"
#include "launch/session/open_store.h"
#include "launch/session/trainable.h"

namespace quadhop {
namespace {

// Every rank's own view; AgreeOnStatus names the first host that lacks something.
absl::Status MayTrain(const RankContext& context, const Store& store, const Config& config,
                      std::string* need) {
  QH_RETURN_IF_ERROR(CheckTrainable(store, "", config, context.pool));
  QH_ASSIGN_OR_RETURN(const LargeGTOptions options, ModelOptions(config, store));
  QH_ASSIGN_OR_RETURN(const GraphShape graph, GraphShape::Of(store, context.pool));
  Config largest = WithLargestBatch(config, graph.train_nodes, graph.nodes);
  ChooseBackends(RankHasGpu(context.local_rank), &largest);
  const int64_t partitions = store.num_partitions();
  const int64_t owned = NumBlocks(partitions, context.comm.num_ranks());
  const MemoryPlan plan =
      PlanMemory(options, largest, owned, partitions, graph.nodes, context.pool.num_threads());
  *need = absl::StrCat(
      "a rank needs ", BytesText(plan.host_bytes()),
      plan.on_gpu ? absl::StrCat(" and ", BytesText(plan.gpu_bytes()), " of its GPU") : "",
      ", besides ", BytesText(graph.store_bytes()), " of the graph's files");
  const absl::StatusOr<int64_t> available_bytes = AvailableMemoryBytes();
  if (available_bytes.ok() &&
      graph.store_bytes() + context.ranks_on_host * plan.host_bytes() > *available_bytes)
    absl::StrAppend(need, ", which do not stay in ", BytesText(*available_bytes),
                    " of memory: quadhop plan says how many hosts take them");
  return quadhop::CheckMemory(
      absl::StrFormat("training (ranks per host: %d)", context.ranks_on_host),
      context.ranks_on_host * plan.host_bytes());
}

}  // namespace

absl::StatusOr<Findings> CheckStore(const RankContext& context, const std::string& path,
                                    const Config& config) {
  const absl::StatusOr<std::unique_ptr<Store>> store = OpenStoreOnAllRanks(context.comm, path);
  if (!store.ok()) {
    if (!IsAgreed(store.status())) return store.status();
    return Findings{{Verdict::kFail, "store", std::string(store.status().message()), ""}};
  }
  const StoreManifest& manifest = (*store)->manifest();
  Findings findings = {
      {Verdict::kOk, "store",
       absl::StrFormat("%s: %d nodes, %d arcs, %s; the same on every rank", path, manifest.nodes(),
                       manifest.arcs(), Counted((*store)->num_partitions(), "partition")),
       ""}};
  if (context.comm.num_ranks() > (*store)->num_partitions())
    findings.push_back({Verdict::kFail, "partitions", "fewer than ranks",
                        AdviceOnRanks(**store, context.comm.num_ranks(), context.pool)});
  std::string need;
  const absl::Status enough =
      AgreeOnStatus(context.comm, "check the store", MayTrain(context, **store, config, &need));
  if (!enough.ok() && !IsAgreed(enough)) return enough;
  findings.push_back({enough.ok() ? Verdict::kOk : Verdict::kFail, "training",
                      enough.ok() ? need : std::string(enough.message()), ""});
  return findings;
}

}  // namespace quadhop
