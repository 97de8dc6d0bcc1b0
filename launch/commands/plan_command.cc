// quadhop plan: what preparing and training a graph will take, before there are cluster nodes for
// it.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>

#include "core/arrays/dtype.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "launch/bench/bench_model.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/config/config.h"
#include "launch/memory/training_plan.h"
#include "launch/ranks/runtime.h"
#include "launch/session/open_store.h"
#include "partition/cuts/partition_store.h"
#include "partition/prep/prep_plan.h"

namespace quadhop {
namespace {

// Limits by which no estimate overflows: a node has at most 17 x 65536 features of 4 bytes.
constexpr int64_t kMostNodes = int64_t{1} << 36, kMostArcs = int64_t{1} << 42;
constexpr int64_t kMeasuredSteps = 3;

struct PlanFlags {
  std::string store, config = "quickstart", dtype = "f32";
  std::vector<std::string> overrides;
  GraphShape graph;
  int64_t features = -1;  // raw ones per node; -1: not given
  bool features_with_encodings = false;
  int32_t hops = 2;
  JobShape job;
  int64_t gpus_per_host = 0, gpu_memory_bytes = int64_t{80} << 30;
  int64_t host_memory_bytes = 0;  // after CompleteJob: the part that may be used
  int64_t threads = 0;
};

Flags Declare(PlanFlags* plan) {
  Flags flags("plan",
              "Estimates what a graph takes: memory, disk and time to prepare it; memory per rank "
              "and host, rows exchanged and time to train on it. Steps on processors are timed on "
              "this machine.");
  GraphShape& graph = plan->graph;
  graph.dims.pos_enc = 64;
  graph.dims.classes = 40;
  plan->job.partitions = 0;
  flags.String("store", &plan->store, "NAME.qh",
               "a store to plan for, instead of the figures of a graph");
  flags.Int("nodes", &graph.nodes, int64_t{2}, kMostNodes, "nodes in the graph");
  flags.Int("arcs", &graph.arcs, int64_t{1}, kMostArcs,
            "arcs in the graph; an undirected edge counts as two");
  flags.Int("features", &plan->features, int64_t{0}, int64_t{65536},
            "features per node; 0: none, encodings stand in for them");
  flags.Int("classes", &graph.dims.classes, int64_t{2}, int64_t{INT32_MAX},
            "classes of the labels");
  flags.Int("train-nodes", &graph.train_nodes, int64_t{2}, kMostNodes,
            "labelled nodes to train on (default: 8 % of all nodes)");
  flags.Int("valid-nodes", &graph.valid_nodes, int64_t{0}, kMostNodes,
            "labelled nodes to validate on");
  flags.Int("test-nodes", &graph.test_nodes, int64_t{0}, kMostNodes, "labelled nodes to test on");
  flags.Int("dim", &graph.dims.pos_enc, int64_t{1}, int64_t{65536}, "width of the encodings");
  flags.Int("hops", &plan->hops, int32_t{0}, int32_t{16}, "hops of features to compute");
  flags.Choice("dtype", &plan->dtype, {"f32", "f16", "bf16"},
               "element type of hop features on disk");
  flags.Int("ranks", &plan->job.ranks, int64_t{1}, int64_t{1} << 20, "training ranks");
  flags.Int("ranks-per-host", &plan->job.ranks_per_host, int64_t{1}, int64_t{1} << 20,
            "ranks on each host");
  flags.Int("gpus-per-host", &plan->gpus_per_host, int64_t{0}, int64_t{1} << 20,
            "GPUs per host, one rank each, instead of --ranks-per-host; 0: none");
  flags.Bytes("gpu-memory", &plan->gpu_memory_bytes, "memory of each GPU");
  flags.Int("parts", &plan->job.partitions, int64_t{0}, int64_t{1} << 20,
            "partitions; 0: as many as ranks, at least 4");
  flags.Bytes(
      "host-memory", &plan->host_memory_bytes,
      "memory per host (0: what this host has free); 80 % of it may be used, as in train and prep");
  flags.String("config", &plan->config, "CONFIG", "a preset or a textproto file");
  flags.Strings("set", &plan->overrides, "FIELD=VALUE", "set a field of the config");
  AddThreadsFlag(&flags, &plan->threads);
  flags.Example(
      "plan --nodes 111059956 --arcs 3231371744 --features 128 --classes 172 --train-nodes "
      "1207179 --dtype f16 --config ogbn-papers100m --ranks 8 --gpus-per-host 8 --host-memory "
      "512G");
  flags.Example("plan --store stores/wordnet.qh --ranks 2 --ranks-per-host 2");
  return flags;
}

absl::Status CheckRanks(const Store& store, const PlanFlags& plan, ThreadPool& pool) {
  if (plan.job.ranks <= store.num_partitions()) return absl::OkStatus();
  return UsageError(absl::StrCat("--ranks is ", plan.job.ranks, ", but ", plan.store, " has ",
                                 Counted(store.num_partitions(), "partition"),
                                 ", and every rank needs one: ",
                                 AdviceOnRanks(store, static_cast<int>(plan.job.ranks), pool)));
}

absl::Status TakeGraph(PlanFlags* plan) {
  GraphShape& graph = plan->graph;
  if (!plan->store.empty()) {
    QH_ASSIGN_OR_RETURN(const auto store, Store::Open(plan->store));
    ThreadPool pool(NumThreads(plan->threads));
    QH_ASSIGN_OR_RETURN(graph, GraphShape::Of(*store, pool));
    plan->job.partitions = store->num_partitions();
    plan->features = store->manifest().features();
    plan->features_with_encodings = store->manifest().features_with_encodings();
    return CheckRanks(*store, *plan, pool);
  }
  if (graph.nodes == 0 || graph.arcs == 0 || plan->features < 0)
    return UsageError("give --nodes, --arcs and --features, or --store");
  if ((graph.arcs - 1) / graph.nodes >= graph.nodes - 1)
    return UsageError(absl::StrCat("--arcs is ", graph.arcs, ", but --nodes is ", graph.nodes,
                                   ": N nodes have at most N * (N - 1) arcs"));
  if (graph.train_nodes == 0) graph.train_nodes = std::max<int64_t>(2, graph.nodes * 8 / 100);
  const int64_t labelled = graph.train_nodes + graph.valid_nodes + graph.test_nodes;
  if (labelled > graph.nodes)
    return UsageError(absl::StrCat("--train-nodes, --valid-nodes and --test-nodes are ", labelled,
                                   " together, more than --nodes, ", graph.nodes));
  graph.dims.features = plan->features > 0 ? plan->features : graph.dims.pos_enc;
  graph.dims.hops_and_self = 1 + plan->hops;
  QH_ASSIGN_OR_RETURN(const DType dtype, ParseDType(plan->dtype));
  graph.feature_bytes = SizeOfDType(dtype);
  return absl::OkStatus();
}

// Like partition, makes no more partitions than the training nodes allow.
absl::Status ChooseParts(const GraphShape& graph, JobShape* job) {
  const int64_t most = MostParts(graph.nodes, graph.train_nodes);
  if (job->ranks > most)
    return UsageError(absl::StrCat(
        "--ranks is ", job->ranks,
        ", but every rank needs a partition, "
        "and the graph can have ",
        Counted(most, "partition"), " at most, because each keeps at least ", kLeastTrainPerPart,
        " of its ", Counted(graph.train_nodes, "training node"), " (--train-nodes)"));
  if (job->partitions > 0 && job->ranks > job->partitions)
    return UsageError(absl::StrCat("--parts is ", job->partitions, ", but --ranks is ", job->ranks,
                                   ": every rank needs a partition"));
  const int64_t asked = job->partitions > 0 ? job->partitions : std::max<int64_t>(4, job->ranks);
  job->partitions = std::min(asked, most);
  return absl::OkStatus();
}

absl::Status CompleteJob(PlanFlags* plan) {
  JobShape& job = plan->job;
  if (plan->gpus_per_host > 0) {
    job.ranks_per_host = std::min(job.ranks, plan->gpus_per_host);
    job.gpus = true;
    job.gpu_bytes = plan->gpu_memory_bytes;
  }
  if (plan->store.empty()) QH_RETURN_IF_ERROR(ChooseParts(plan->graph, &job));
  if (job.ranks_per_host > job.ranks)
    return UsageError(absl::StrCat("--ranks is ", job.ranks, ", but --ranks-per-host is ",
                                   job.ranks_per_host, "; allowed: at most --ranks"));
  if (plan->host_memory_bytes == 0) {
    QH_ASSIGN_OR_RETURN(plan->host_memory_bytes, AvailableMemoryBytes());
  }
  plan->host_memory_bytes = UsableBytes(plan->host_memory_bytes);
  return absl::OkStatus();
}

void PrintPreparation(const PlanFlags& plan, int32_t threads) {
  const GraphShape& graph = plan.graph;
  PrepShape shape;
  shape.nodes = graph.nodes;
  shape.arcs = graph.arcs;
  shape.features = plan.features;
  shape.features_with_encodings = plan.features_with_encodings;
  shape.parts = static_cast<int32_t>(plan.job.partitions);
  shape.encode_dim = static_cast<int32_t>(graph.dims.pos_enc);
  shape.hops = static_cast<int32_t>(graph.dims.hops_and_self - 1);
  shape.feature_bytes = graph.feature_bytes;
  shape.threads = threads;
  absl::PrintF("preparation, on one host with %s\n%s\n", Counted(threads, "thread"),
               DescribePlan(PlanPrep(shape, plan.host_memory_bytes), plan.host_memory_bytes));
}

void PrintPlacement(const char* name, const PlacementPlan& placement, int64_t host_memory_bytes) {
  absl::PrintF("  %-12s %14s %14s   %s\n", name, BytesText(placement.rank_bytes),
               BytesText(placement.host_bytes),
               placement.host_bytes <= host_memory_bytes ? "fits" : "does not fit");
}

void PrintMemory(const PlanFlags& plan, const TrainingPlan& training) {
  absl::PrintF("training, %s, %d per host\n", Counted(plan.job.ranks, "rank"),
               plan.job.ranks_per_host);
  absl::PrintF("  files of the store that training reads: %s\n",
               BytesText(plan.graph.store_bytes()));
  absl::PrintF("  %s, without the graph\n", training.work.Describe());
  absl::PrintF("  %-12s %14s %14s   of %s, 80 %% of its memory\n", "features", "per rank",
               "per host", BytesText(plan.host_memory_bytes));
  PrintPlacement("MAPPED", training.mapped, plan.host_memory_bytes);
  PrintPlacement("PARTITIONED", training.partitioned, plan.host_memory_bytes);
  if (plan.job.ranks > 1)
    absl::PrintF(
        "  PARTITIONED ranks exchange at most %d of %d rows per step, %.1f MB, without their hot "
        "sets\n  and with a random cut\n",
        training.remote_rows, training.distinct_rows,
        static_cast<double>(training.remote_rows * plan.graph.row_bytes()) * 1e-6);
}

void PrintGpu(const PlanFlags& plan, const TrainingPlan& training) {
  const GraphShape& graph = plan.graph;
  const GpuPlan& gpu = training.gpu;
  if (training.work.gpu_bytes() > plan.job.gpu_bytes) {
    absl::PrintF("  a step does not fit in %s of a GPU: lower train.batch, or start more ranks\n",
                 BytesText(plan.job.gpu_bytes));
    return;
  }
  absl::PrintF("  of %s of a GPU, features MAPPED: a step %s, rows %s of %s%s, topology %s\n",
               BytesText(plan.job.gpu_bytes), BytesText(training.work.gpu_bytes()),
               BytesText(gpu.row_bytes), BytesText(graph.all_rows_bytes()),
               gpu.row_bytes < graph.all_rows_bytes()
                   ? ", those drawn most, the others read from the host"
                   : "",
               gpu.topology_bytes > 0 ? BytesText(gpu.topology_bytes) : "read from the host");
}

std::string SecondsText(double seconds) {
  return absl::StrFormat("%.*f s", seconds < 10 ? 1 : 0, seconds);
}

// Time of evaluating one rank's share of the nodes, if `step` took a batch of `step_nodes`.
std::string EvaluationText(int64_t nodes, const char* part, const StepFigures& step,
                           int64_t step_nodes, int64_t ranks) {
  const double batches = static_cast<double>(nodes) / static_cast<double>(step_nodes * ranks);
  return absl::StrCat(SecondsText(batches * step.evaluation_seconds), " for ",
                      Counted(nodes, part));
}

void PrintEvaluation(const PlanFlags& plan, const TrainingPlan& training, const StepFigures& step,
                     const Config& config) {
  const GraphShape& graph = plan.graph;
  if (graph.valid_nodes + graph.test_nodes == 0) {
    if (plan.store.empty())
      absl::PrintF(
          "  evaluation is not counted: --valid-nodes and --test-nodes say of how many nodes\n");
    return;
  }
  const auto text = [&](int64_t nodes, const char* part) {
    return EvaluationText(nodes, part, step, training.rank_nodes, plan.job.ranks);
  };
  const int32_t every = config.train().eval_every_epochs();
  absl::PrintF("  evaluation%s, without sampling: %s, %s%s\n",
               every == 1 ? "" : absl::StrFormat(" every %d epochs", every),
               text(graph.valid_nodes, "validation node"), text(graph.test_nodes, "test node"),
               config.train().evaluate_test() == TrainConfig::ALWAYS
                   ? ""
                   : ", only when validation improves");
}

// Memory of a step of training.rank_nodes nodes, on the processors of this machine.
int64_t StepBytes(const PlanFlags& plan, const TrainingPlan& training, Config config) {
  config.mutable_train()->set_batch(training.rank_nodes);
  config.mutable_model()->set_backend(ModelConfig::CPU);
  return PlanMemory(ModelOptions(config, plan.graph.dims), config, 1, 1, training.rank_nodes,
                    plan.job.threads)
      .host_bytes();
}

absl::Status PrintTime(const PlanFlags& plan, const TrainingPlan& training, const Config& config) {
  const std::string nodes = Counted(training.rank_nodes, "node");
  if (plan.gpus_per_host > 0) {
    absl::PrintF(
        "  %s per epoch, each of %s per rank; to evaluate: %s, %s; `quadhop bench model "
        "--backend cuda` times steps on a GPU\n",
        Counted(training.steps, "step"), nodes, Counted(plan.graph.valid_nodes, "validation node"),
        Counted(plan.graph.test_nodes, "test node"));
    return absl::OkStatus();
  }
  QH_ASSIGN_OR_RETURN(const int64_t here_bytes, AvailableMemoryBytes());
  const int64_t step_bytes = StepBytes(plan, training, config);
  if (step_bytes > UsableBytes(here_bytes)) {
    absl::PrintF(
        "  %s per epoch; one of %s per rank takes %s of memory on processors, but only %s may be "
        "used here, so none is timed\n",
        Counted(training.steps, "step"), nodes, BytesText(step_bytes),
        BytesText(UsableBytes(here_bytes)));
    return absl::OkStatus();
  }
  ThreadPool pool(plan.job.threads);
  const auto machine = MakeHostMachine(pool);
  QH_ASSIGN_OR_RETURN(const StepFigures step,
                      MeasureSteps(ModelOptions(config, plan.graph.dims), training.rank_nodes,
                                   kMeasuredSteps, *machine));
  absl::PrintF(
      "  %s per epoch; one of %s per rank takes %.3f s with %s of this "
      "machine:\n  %s per epoch, if sampling and the exchange hide behind it "
      "(quadhop bench sampler measures sampling)\n",
      Counted(training.steps, "step"), nodes, step.seconds, Counted(plan.job.threads, "thread"),
      SecondsText(step.seconds * static_cast<double>(training.steps)));
  PrintEvaluation(plan, training, step, config);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> PlanCommand(absl::Span<const std::string> arguments) {
  PlanFlags plan;
  Flags flags = Declare(&plan);
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(
      flags.CheckExcluded("store", {"nodes", "arcs", "features", "classes", "train-nodes",
                                    "valid-nodes", "test-nodes", "dim", "hops", "dtype", "parts"}));
  if (plan.gpus_per_host > 0)
    QH_RETURN_IF_ERROR(flags.CheckExcluded("gpus-per-host", {"ranks-per-host"}));
  const absl::StatusOr<Config> config = LoadConfig(plan.config, plan.overrides);
  if (!config.ok()) return UsageError(config.status().message());
  QH_RETURN_IF_ERROR(TakeGraph(&plan));
  QH_RETURN_IF_ERROR(CompleteJob(&plan));
  plan.job.threads = NumThreads(plan.threads, plan.job.ranks_per_host);
  const TrainingPlan training = PlanTraining(plan.graph, plan.job, *config);
  PrintPreparation(plan, NumThreads(plan.threads));
  PrintMemory(plan, training);
  if (plan.job.gpu_bytes > 0) PrintGpu(plan, training);
  QH_RETURN_IF_ERROR(PrintTime(plan, training, *config));
  return ExitCode::kDone;
}

}  // namespace quadhop
