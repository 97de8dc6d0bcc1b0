#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "launch/bench/bench_exchange.h"
#include "launch/bench/bench_machine.h"
#include "launch/bench/bench_model.h"
#include "launch/bench/bench_sampler.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/ranks/runtime.h"
#include "model/kernels.h"

namespace quadhop {
namespace {

std::vector<std::string> ShapeNames() {
  std::vector<std::string> names = {"all"};
  for (const BenchShape& shape : BenchShapes()) names.emplace_back(shape.name);
  return names;
}

struct ModelFlags {
  std::string shape = "all", precision = "all", backend = "cpu";
  int64_t steps = 5, batch = 0;
  bool cuda_graphs = false;
};

absl::StatusOr<std::unique_ptr<BenchMachine>> MakeMachine(const std::string& backend,
                                                          ThreadPool& pool) {
  if (backend == "cuda") return MakeGpuMachine();
  return MakeHostMachine(pool);
}

absl::Status BenchModel(const ModelFlags& flags, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const auto machine, MakeMachine(flags.backend, pool));
  std::vector<Precision> precisions = machine->precisions();
  if (flags.precision != "all")
    std::erase_if(precisions,
                  [&](Precision precision) { return flags.precision != PrecisionName(precision); });
  if (precisions.empty())
    return absl::FailedPreconditionError(
        absl::StrCat(machine->name(), " does not multiply in ", flags.precision));
  absl::PrintF("%s\n", machine->name());
  std::vector<double> peaks;
  for (const Precision precision : precisions) {
    QH_ASSIGN_OR_RETURN(const double peak, machine->ProductPeak(precision));
    peaks.push_back(peak);
    absl::PrintF("  products of %-4s %10.0f GFLOP/s\n", PrecisionName(precision), peak);
  }
  QH_ASSIGN_OR_RETURN(const double copy_rate, machine->CopyRate());
  absl::PrintF("  copy             %10.1f GB/s\n\n", copy_rate);
  absl::PrintF("%-11s %6s %6s %9s %9s %9s %9s %9s\n", "training", "batch", "", "step s", "nodes/s",
               "GFLOP/s", "of peak", "peak MB");
  for (const BenchShape& shape : BenchShapes()) {
    if (flags.shape != "all" && flags.shape != shape.name) continue;
    const int64_t batch = flags.batch > 0 ? flags.batch : shape.batch;
    for (size_t i = 0; i < precisions.size(); ++i) {
      const Precision precision = precisions[i];
      LargeGTOptions options = OptionsOf(shape, precision);
      options.cuda_graphs = flags.cuda_graphs;
      QH_ASSIGN_OR_RETURN(const StepFigures step,
                          MeasureSteps(options, batch, flags.steps, *machine));
      const double rate = static_cast<double>(batch) / step.seconds;
      const double gflops = rate * shape.gflop_per_node;
      absl::PrintF("%-11s %6d %6s %9.4f %9.0f %9.0f %8.0f%% %9.0f\n", shape.name, batch,
                   PrecisionName(precision), step.seconds, rate, gflops, 100 * gflops / peaks[i],
                   1e-6 * static_cast<double>(step.peak_bytes));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> BenchCommand(absl::Span<const std::string> arguments) {
  std::string what, store;
  int64_t nodes = 1000000;
  ModelFlags model;
  RanksOptions ranks;
  Flags flags(
      "bench",
      "Measures this machine: training steps against its peak rate of products, sampling and "
      "gathering against its memory, or what ranks exchange in a step.");
  flags.Positional("WHAT", &what, "model, sampler or exchange").Required();
  flags.Choice("shape", &model.shape, ShapeNames(),
               "model: the data set whose sizes the model has");
  flags.Choice("precision", &model.precision, {"all", "F32", "TF32", "BF16"},
               "model: precision of the operands of products");
  flags.Int("steps", &model.steps, int64_t{1}, int64_t{1000},
            "model: steps to time; the median counts");
  flags.Int("batch", &model.batch, int64_t{0}, int64_t{1} << 20,
            "model: training nodes per step (0: those of the shape)");
  flags.Switch("cuda-graphs", &model.cuda_graphs,
               "model: with --backend cuda, repeat steps from a recording (model.cuda_graphs)");
  flags.Choice(
      "backend", &model.backend, {"cpu", "cuda"},
      "model: what to measure, the processors or the first GPU; sampler: cuda adds the GPU");
  flags.String("store", &store, "STORE",
               "sampler: the store to sample; without one a graph is made in memory");
  flags.Int("nodes", &nodes, int64_t{1000}, int64_t{100000000}, "sampler: nodes in that graph");
  AddRanksFlags(&flags, &ranks);
  flags.Example("bench model --shape products")
      .Example("bench model --shape products --batch 1024 --backend cuda --precision BF16")
      .Example("bench sampler --store stores/wordnet.qh")
      .Example("bench exchange --ranks-in-process 2");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  if (what == "exchange") {
    return RunRanks(ranks, [](const RankContext& context) -> absl::StatusOr<ExitCode> {
      QH_RETURN_IF_ERROR(BenchExchange(context));
      return ExitCode::kDone;
    });
  }
  QH_RETURN_IF_ERROR(CheckStartedAlone(absl::StrCat("bench ", what)));
  ThreadPool pool(NumThreads(ranks.threads));
  if (what == "model") {
    QH_RETURN_IF_ERROR(BenchModel(model, pool));
  } else if (what == "sampler") {
    const bool with_gpu = model.backend == "cuda";
    QH_RETURN_IF_ERROR(store.empty() ? BenchSamplerOnSynthetic(nodes, with_gpu, pool)
                                     : BenchSamplerOnStore(store, with_gpu, pool));
  } else {
    return UsageError(absl::StrCat("WHAT is '", what, "': it can be model, sampler or exchange"));
  }
  return ExitCode::kDone;
}

}  // namespace quadhop
