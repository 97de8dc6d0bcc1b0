#include "launch/session/session.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/base/warning.h"
#include "core/memory/host_memory.h"
#include "core/store/manifest.h"
#include "launch/config/backends.h"
#include "launch/config/model_options.h"
#include "launch/display/terminal_line.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/gpus.h"
#include "launch/ranks/host_sums.h"
#include "launch/session/class_counts.h"
#include "launch/session/class_weights.h"
#include "launch/session/model_communicator.h"
#include "launch/session/open_store.h"
#include "sampler/cuda/batch_sampler_cuda.h"
#include "sampler/cuda/gpu_room.h"

namespace quadhop {
namespace {

bool HasSplit(const Store& store, const std::string& split) {
  const auto& names = store.manifest().split_names();
  return std::find(names.begin(), names.end(), split) != names.end();
}

// The number of nodes of each partition that steps visit (without labels, all of them), at least 1:
// a rank's work grows with it.
std::vector<double> PartitionCosts(const Store& store, const LoaderInputs& targets) {
  std::vector<double> costs;
  for (int32_t p = 0; p < store.num_partitions(); ++p) {
    const BlockRange nodes = store.PartitionNodes(PartitionId(p));
    const int64_t cost =
        targets.split.empty() ? nodes.end - nodes.begin : targets.labelled.Of(SplitPart::kTrain, p);
    costs.push_back(static_cast<double>(std::max<int64_t>(1, cost)));
  }
  return costs;
}

// The number of rows of logits [B, C] that contain a NaN.
int64_t NumWithoutNumbers(TensorView<const float> logits) {
  int64_t count = 0;
  for (int64_t b = 0; b < logits.dim(0); ++b)
    count += std::any_of(logits.row(b), logits.row(b) + logits.dim(1),
                         [](float logit) { return std::isnan(logit); });
  return count;
}

// The mean of the ranks' costs over the largest, as all wait for the rank with the most work.
double Efficiency(const std::vector<double>& costs, const PartitionOwners& owners) {
  double all = 0, largest = 0;
  for (size_t r = 0; r + 1 < owners.first.size(); ++r) {
    const double own =
        std::accumulate(costs.begin() + owners.first[r], costs.begin() + owners.first[r + 1], 0.0);
    all += own;
    largest = std::max(largest, own);
  }
  return all / (largest * owners.num_ranks());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Create(const std::string& store_path,
                                                         const std::string& split,
                                                         const Config& config,
                                                         const RankContext& context,
                                                         int64_t classes_to_predict) {
  auto session = std::unique_ptr<Session>(new Session(config, context));
  session->classes_to_predict_ = classes_to_predict;
  QH_RETURN_IF_ERROR(session->AgreeOnBackends());
  QH_RETURN_IF_ERROR(session->Open(store_path, split));
  QH_RETURN_IF_ERROR(session->MakeKernels());
  QH_RETURN_IF_ERROR(session->PlaceGraph());
  QH_RETURN_IF_ERROR(session->MakeLoader());
  QH_RETURN_IF_ERROR(session->MakeModel());
  return session;
}

// All ranks compute on GPUs, or none.
absl::Status Session::AgreeOnBackends() {
  const int32_t num_ranks = context_.comm.num_ranks();
  int64_t lacking[] = {num_ranks};
  if (config_.model().backend() != ModelConfig::CPU) {
    lacking[0] = RankHasGpu(context_.local_rank) ? 0 : 1;
    QH_RETURN_IF_ERROR(SumOverRanks(context_.comm, "ranks without a GPU", absl::MakeSpan(lacking)));
    if (context_.IsMain() && LeavesBackendOpen(config_) && lacking[0] < num_ranks)
      absl::FPrintF(stderr, "model.backend is AUTO: %d of %d ranks have a GPU, all compute on %s\n",
                    num_ranks - lacking[0], num_ranks, lacking[0] == 0 ? "GPUs" : "CPUs");
  }
  ChooseBackends(lacking[0] == 0, &config_);
  return absl::OkStatus();
}

absl::Status Session::Open(const std::string& store_path, const std::string& split) {
  absl::StatusOr<FileLock> reads = FileLock::OfFolderToRead(store_path);
  QH_RETURN_IF_ERROR(AgreeOnStatus(
      context_.comm, "lock the store",
      absl::IsUnavailable(reads.status())
          ? absl::FailedPreconditionError(absl::StrCat(
                store_path, ": another process is writing this store; wait until it is done"))
          : absl::OkStatus()));
  if (reads.ok()) reads_.emplace(*std::move(reads));
  QH_ASSIGN_OR_RETURN(store_, OpenStoreOnAllRanks(context_.comm, store_path));
  QH_RETURN_IF_ERROR(AgreeOnStatus(context_.comm, "read the store", ReadStore(split)));
  return AgreeOnPrecision();
}

absl::Status Session::ReadStore(const std::string& split) {
  const bool may_differ = classes_to_predict_ > 0;
  const bool labelled =
      !may_differ || (store_->HasFile("labels.npy") && store_->HasFile("splits.npy"));
  const bool by_default = split.empty() || (may_differ && !HasSplit(*store_, split));
  split_ = by_default ? store_->DefaultSplit() : split;
  partition_offsets_.assign(store_->manifest().partition_offsets().begin(),
                            store_->manifest().partition_offsets().end());
  QH_RETURN_IF_ERROR(CheckRanksOfStore(*store_, context_.comm.num_ranks(), context_.pool));
  LoaderInputs targets = UnlabelledTargets(*store_);
  if (labelled) {
    QH_ASSIGN_OR_RETURN(targets, TargetsFromStore(*store_, split_, context_.pool));
  }
  const int64_t nodes = store_->num_nodes();
  const int64_t to_visit = labelled ? targets.NumLabelled(SplitPart::kTrain) : nodes;
  config_ = WithLargestBatch(std::move(config_), to_visit, nodes);
  const std::vector<double> costs = PartitionCosts(*store_, targets);
  QH_ASSIGN_OR_RETURN(owners_, PartitionOwners::Split(costs, context_.comm.num_ranks()));
  predicted_efficiency_ = Efficiency(costs, owners_);
  const auto rank = static_cast<size_t>(context_.comm.rank().value());
  const auto first_node = [&](size_t r) {
    return partition_offsets_[static_cast<size_t>(owners_.first[r])];
  };
  QH_RETURN_IF_ERROR(store_->VerifyNodes({first_node(rank), first_node(rank + 1)}, context_.pool));
  QH_ASSIGN_OR_RETURN(options_, ModelOptions(config_, *store_, classes_to_predict_));
  if (classes_to_predict_ == 0) {
    QH_ASSIGN_OR_RETURN(class_weights_, ClassWeights(config_.train(), *store_, split_));
  }
  if (labelled && store_->manifest().classes() == 2 && !store_->manifest().multi_label()) {
    QH_ASSIGN_OR_RETURN(ranked_class_, RarerClass(*store_, split_));
  }
  inputs_ = std::move(targets);
  const bool with_pos_enc = options_.dims.pos_enc > 0;
  return AddGraph(*store_, with_pos_enc, owners_, context_.comm.rank(), inputs_);
}

absl::Status Session::PlaceGraph() {
  MemoryPlan plan =
      PlanMemory(options_, config_, owners_.num_owned(context_.comm.rank()),
                 store_->num_partitions(), store_->num_nodes(), context_.pool.num_threads());
  QH_ASSIGN_OR_RETURN(const PlacementFacts facts,
                      FactsOf(*store_, inputs_, config_, context_, plan.host_bytes()));
  QH_ASSIGN_OR_RETURN(const Placement placement,
                      ChoosePlacement(config_.sampler(), facts, context_.comm));
  plan.resident_bytes = placement.resident_bytes;
  plan.forecast_bytes = placement.forecast_bytes;
  gpu_.step_bytes = plan.gpu_bytes();
  if (context_.IsMain())
    absl::FPrintF(stderr, "%s over %s, predicted efficiency %.2f\n%s\n",
                  Counted(owners_.num_partitions(), "partition"),
                  Counted(owners_.num_ranks(), "rank"), predicted_efficiency_, placement.reason);
  if (context_.IsMain()) absl::FPrintF(stderr, "%s\n", plan.Describe());
  QH_ASSIGN_OR_RETURN(const int64_t needed_bytes,
                      SumOnHost(context_.comm, "memory of a host's ranks",
                                context_.first_rank_on_host, plan.host_bytes()));
  QH_ASSIGN_OR_RETURN(
      const std::vector<int64_t> available_bytes,
      GatherOnHost(context_.comm, "memory that a host's ranks see", context_.first_rank_on_host,
                   AvailableMemoryBytes().value_or(std::numeric_limits<int64_t>::max())));
  const auto least = std::min_element(available_bytes.begin(), available_bytes.end());
  const bool sees_least = least - available_bytes.begin() == context_.local_rank;
  QH_RETURN_IF_ERROR(AgreeOnStatus(context_.comm, "compare memory",
                                   sees_least ? CheckMemory(needed_bytes) : absl::OkStatus()));
  QH_RETURN_IF_ERROR(CountRanksOnGpu());
  QH_ASSIGN_OR_RETURN(
      graph_, PlacedGraph::Create(*store_, placement, owners_, config_, context_, gpu_, inputs_));
  if (context_.IsMain() && !graph_->description().empty())
    absl::FPrintF(stderr, "%s\n", graph_->description());
  return absl::OkStatus();
}

// A rank that finds no GPU is told so where its kernels are made.
absl::Status Session::CountRanksOnGpu() {
  if (config_.model().backend() != ModelConfig::CUDA) return absl::OkStatus();
  const absl::StatusOr<GpuId> mine = IdOfGpu(context_.local_rank);
  QH_ASSIGN_OR_RETURN(const std::vector<GpuId> all,
                      GatherOne(context_.comm, "which GPU ranks have", mine.value_or(GpuId{})));
  if (mine.ok()) gpu_.num_ranks = static_cast<int32_t>(std::count(all.begin(), all.end(), *mine));
  return absl::OkStatus();
}

// Checks the memory of all ranks of this host together.
absl::Status Session::CheckMemory(int64_t needed_bytes) const {
  const absl::Status enough = quadhop::CheckMemory(
      absl::StrCat("training (", Counted(context_.ranks_on_host, "rank"), " on this host)"),
      needed_bytes);
  if (enough.ok()) return enough;
  return Annotate(enough,
                  "lower train.batch, sampler.sampled_nodes, sampler.hot_set_bytes or model.width, "
                  "start fewer ranks on this host, or ranks on more hosts");
}

// All ranks compute in the same precision; otherwise digits would depend on which rank has which
// partition.
absl::Status Session::AgreeOnPrecision() {
  const bool on_gpu = config_.model().backend() == ModelConfig::CUDA;
  if (options_.precision == Precision::kF32 || on_gpu) return absl::OkStatus();
  const bool has = options_.precision == Precision::kBF16 && ProcessorHasBF16Products();
  int64_t lacking[] = {has ? 0 : 1};
  QH_RETURN_IF_ERROR(
      SumOverRanks(context_.comm, "ranks without the precision", absl::MakeSpan(lacking)));
  if (lacking[0] == 0) return absl::OkStatus();
  if (context_.IsMain())
    absl::FPrintF(
        stderr,
        "model.precision is %s, but the processors of %s have no %s: "
        "all compute in F32\n",
        PrecisionName(options_.precision), Counted(lacking[0], "rank"),
        options_.precision == Precision::kBF16 ? "AVX-512 BF16" : "TF32, which GPUs have");
  options_.precision = Precision::kF32;
  return absl::OkStatus();
}

absl::Status Session::MakeKernels() {
  if (config_.model().backend() != ModelConfig::CUDA) {
    kernels_ = MakeCpuKernels(context_.pool);
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<Kernels>> made =
      MakeCudaKernels(context_.local_rank, options_.precision);
  QH_RETURN_IF_ERROR(AgreeOnStatus(context_.comm, "GPUs of all ranks", made.status()));
  kernels_ = *std::move(made);
  return absl::OkStatus();
}

absl::Status Session::MakeLoader() {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Memory> staging, kernels_->memory().NewStream());
  batch_memory_.emplace(std::move(staging));
  inputs_.batch_memory = &*batch_memory_;
  LoaderOptions options = SamplingOptions(config_);
  options.local_rank = context_.local_rank;
  options.num_threads = context_.pool.num_threads();
  if (options.sampler_backend == SamplerBackend::kCuda && options.device_topology_bytes < 0)
    options.device_topology_bytes = RoomForTopology(
        FreeGpuBytes(context_.local_rank).value_or(0) / gpu_.num_ranks, gpu_.step_bytes);
  absl::StatusOr<std::unique_ptr<BatchLoader>> made = BatchLoader::Create(inputs_, options);
  QH_RETURN_IF_ERROR(AgreeOnStatus(context_.comm, "batch loaders of all ranks", made.status()));
  loader_ = *std::move(made);
  WarnOfGpuMemory();
  return absl::OkStatus();
}

// Called once the GPU holds its part of the graph and kernels are made. Only a warning, as an
// evaluation takes less.
void Session::WarnOfGpuMemory() const {
  if (gpu_.step_bytes == 0) return;
  const int64_t needed = gpu_.step_bytes - kGpuKernelBytes;
  const absl::StatusOr<int64_t> free_bytes = FreeGpuBytes(context_.local_rank);
  if (!free_bytes.ok() || needed <= *free_bytes) return;
  PrintWarning(absl::StrCat(
      "a training step needs about ", BytesText(needed), " of its GPU's memory, but only ",
      BytesText(*free_bytes),
      " are free besides what it holds of the graph: if the step fails, lower train.batch, "
      "sampler.sampled_nodes or model.width, or start more ranks"));
}

absl::Status Session::MakeModel() {
  QH_ASSIGN_OR_RETURN(
      model_comm_,
      MakeModelCommunicator(context_, kernels_->memory(),
                            absl::Seconds(config_.train().collective_deadline_seconds())));
  ModelPlacement placement;
  placement.kernels = kernels_.get();
  placement.comm = model_comm_ != nullptr ? model_comm_.get() : &context_.comm;
  placement.owners = owners_;
  placement.reduction = ReductionOf(config_);
  placement.first_node = GlobalId(inputs_.FirstNode(inputs_.first_partition));
  QH_ASSIGN_OR_RETURN(placement.owned_original_ids, OwnedOriginalIds());
  placement.class_weight = class_weights_;
  QH_ASSIGN_OR_RETURN(model_, LargeGT::Create(options_, placement));
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const int64_t>> Session::OwnedOriginalIds() const {
  QH_ASSIGN_OR_RETURN(const auto original_ids, store_->original_ids());
  const auto begin = static_cast<size_t>(inputs_.FirstNode(inputs_.first_partition));
  const auto end = static_cast<size_t>(inputs_.FirstNode(inputs_.end_partition));
  return original_ids.subspan(begin, end - begin);
}

CheckpointSubject Session::Subject(Adam* adam) {
  return {
      *model_, adam, context_.comm, owners_, partition_offsets_, StoreIdentity(store_->manifest())};
}

int64_t Session::EndPassAfter(int64_t num_steps) {
  const int64_t end =
      std::min(loader_->num_steps(), num_steps + config_.sampler().prefetch_steps() + 1);
  loader_->EndBefore(end);
  return end;
}

absl::Status Session::ForEachPrediction(
    const Pass& pass, bool with_embeddings,
    const std::function<absl::Status(const Batch&, const Prediction&)>& use,
    const StopQuestion& is_to_stop) {
  QH_RETURN_IF_ERROR(loader_->Start(pass));
  const char* const what = pass.kind == Pass::Kind::kEvaluate ? "evaluate" : "predict";
  TerminalLine line(context_.IsMain(), stderr);
  const Stopwatch watch;
  PredictionMean mean(pass.samples, with_embeddings);
  int64_t counts[] = {0, 0};  // nodes; those of them with NaN logits
  bool stops = false;
  for (int64_t step = 0;; ++step) {
    QH_ASSIGN_OR_RETURN(const Batch* batch, loader_->Next());
    if (batch == nullptr) break;
    if (stops) continue;
    QH_RETURN_IF_ERROR(mean.Add(*model_, *batch));
    if (is_to_stop) {
      QH_ASSIGN_OR_RETURN(stops, is_to_stop());
      if (stops) EndPassAfter(step + 1);
    }
    if (line.IsDue()) line.Show(PassLine(what, step + 1, loader_->num_steps(), watch.Elapsed()));
    if (!mean.IsComplete()) continue;
    const Prediction prediction = mean.Get();
    counts[0] += batch->num_nodes();
    counts[1] += NumWithoutNumbers(prediction.logits);
    QH_RETURN_IF_ERROR(use(*batch, prediction));
  }
  line.Erase();
  if (stops) return absl::CancelledError("asked to stop");
  QH_RETURN_IF_ERROR(SumOverRanks(context_.comm, "nodes without numbers", absl::MakeSpan(counts)));
  if (counts[1] > 0 && context_.IsMain())
    PrintWarning(absl::StrCat(
        "the model's output is NaN for ", counts[1], " of ", counts[0],
        " nodes, which have no class and count as wrong: the model has diverged in training; lower "
        "train.learning_rate or set train.clip_norm"));
  return absl::OkStatus();
}

}  // namespace quadhop
