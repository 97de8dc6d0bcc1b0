// quadhop bench model|sampler|exchange ...
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "launch/bench/bench_exchange.h"
#include "launch/bench/bench_machine.h"
#include "launch/bench/bench_model.h"
#include "launch/bench/bench_sampler.h"
#include "launch/command_line/flags.h"
#include "launch/commands/command_group.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/ranks/runtime.h"
#include "model/kernels/kernels.h"

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

absl::StatusOr<ExitCode> RunBenchModel(absl::Span<const std::string> arguments) {
  ModelFlags model;
  int64_t threads = 0;
  Flags flags("bench model",
              "Measures training steps on random tokens against the peak rate of matrix products.");
  flags.Choice("shape", &model.shape, ShapeNames(), "the data set that sets the model's sizes");
  flags.Choice("precision", &model.precision, {"all", "F32", "TF32", "BF16"},
               "precision of the operands of matrix products");
  flags.Int("steps", &model.steps, int64_t{1}, int64_t{1000},
            "steps to time; the median is reported");
  flags.Int("batch", &model.batch, int64_t{0}, int64_t{1} << 20,
            "training nodes per step (0: the batch of the shape)");
  flags.Choice("backend", &model.backend, {"cpu", "cuda"}, "the processors or the first GPU");
  flags.Switch("cuda-graphs", &model.cuda_graphs,
               "with --backend cuda, replay steps from a recording (model.cuda_graphs)");
  AddThreadsFlag(&flags, &threads);
  flags.Example("bench model --shape products")
      .Example("bench model --shape products --batch 1024 --backend cuda --precision BF16");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  ThreadPool pool(NumThreads(threads));
  QH_RETURN_IF_ERROR(BenchModel(model, pool));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunBenchSampler(absl::Span<const std::string> arguments) {
  std::string store, backend = "cpu";
  int64_t nodes = 1000000, threads = 0;
  Flags flags("bench sampler",
              "Measures sampling and gathering against the rate of memory copies.");
  flags.String("store", &store, "STORE", "the store to sample; without it a graph is generated");
  flags.Int("nodes", &nodes, int64_t{1000}, int64_t{100000000}, "nodes in the generated graph");
  flags.Choice("backend", &backend, {"cpu", "cuda"}, "cuda adds the first GPU");
  AddThreadsFlag(&flags, &threads);
  flags.Example("bench sampler --store stores/wordnet.qh");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(flags.CheckExcluded("store", {"nodes"}));
  ThreadPool pool(NumThreads(threads));
  const bool with_gpu = backend == "cuda";
  QH_RETURN_IF_ERROR(store.empty() ? BenchSamplerOnSynthetic(nodes, with_gpu, pool)
                                   : BenchSamplerOnStore(store, with_gpu, pool));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunBenchExchange(absl::Span<const std::string> arguments) {
  RanksOptions ranks;
  Flags flags("bench exchange", "Measures the exchanges between ranks in a step.");
  AddRanksFlags(&flags, &ranks);
  flags.Example("bench exchange --ranks-in-process 2");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  return RunRanks(ranks, [](const RankContext& context) -> absl::StatusOr<ExitCode> {
    QH_RETURN_IF_ERROR(BenchExchange(context));
    return ExitCode::kDone;
  });
}

constexpr Command kBenches[] = {
    {"model", "training steps, compared with the peak rate of matrix products", RunBenchModel},
    {"sampler", "sampling and gathering, compared with the rate of memory copies", RunBenchSampler},
    {"exchange", "the exchanges between ranks in a step", RunBenchExchange,
     /*on_ranks=*/true},
};

}  // namespace

absl::StatusOr<ExitCode> BenchCommand(absl::Span<const std::string> arguments) {
  return RunGroup({.name = "bench",
                   .which = "WHAT",
                   .summary = "Measures this machine.",
                   .usage = "[FLAGS]",
                   .example = "  quadhop bench model --help\n"
                              "  quadhop bench model --shape products\n",
                   .members = kBenches},
                  arguments);
}

}  // namespace quadhop
