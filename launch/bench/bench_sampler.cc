#include "launch/bench/bench_sampler.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "core/store/topology.h"
#include "launch/bench/bench_machine.h"
#include "partition/import/target/graph_builder.h"
#include "partition/synth/synth_model.h"
#include "sampler/batches/batch_loader.h"
#include "sampler/cuda/batch_sampler_cuda.h"
#include "sampler/features/feature_source.h"
#include "sampler/samples/two_hop_sampler.h"

namespace quadhop {
namespace {

constexpr double kSecondsEach = 2;
constexpr int64_t kHopsAndSelf = 3, kWidth = 100;

// Seconds that this thread computed: what else runs on the machine affects them less.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Calls body(i) for i = 0, 1, ... for about kSecondsEach; returns calls per second.
template <typename Body>
double Rate(int64_t calls_between_looks, Body body) {
  const double begin = CpuSeconds();
  int64_t calls = 0;
  double end = begin;
  for (; end < begin + kSecondsEach; end = CpuSeconds())
    for (int64_t i = 0; i < calls_between_looks; ++i) body(calls++);
  return static_cast<double>(calls) / (end - begin);
}

constexpr SamplerOptions::Method kMethods[] = {SamplerOptions::Method::kExact,
                                               SamplerOptions::Method::kPaths};
const char* NameOf(SamplerOptions::Method method) {
  return method == SamplerOptions::Method::kExact ? "EXACT" : "PATHS";
}

GlobalId NodeAt(int64_t i, int64_t num_nodes) {
  return GlobalId(
      static_cast<int64_t>(Mix64(static_cast<uint64_t>(i)) % static_cast<uint64_t>(num_nodes)));
}

void PrintGraph(const Topology& topology) {
  double paths = 0;
  int64_t largest = 0;
  for (int64_t v = 0; v < topology.num_nodes(); ++v)
    largest = std::max(largest, topology.degree(v));
  for (int64_t i = 0; i < 100000; ++i) {
    const int64_t v = NodeAt(i, topology.num_nodes()).value();
    VisitIndices(topology, [&](auto indices) {
      for (const auto neighbour : NeighborsOf(topology, indices, v))
        paths += static_cast<double>(topology.degree(static_cast<int64_t>(neighbour)));
    });
  }
  absl::PrintF("graph: %d nodes, %d arcs, largest degree %d, mean 2-step paths %.0f\n",
               topology.num_nodes(), topology.num_arcs(), largest, paths / 1e5);
}

void BenchSampler(const Topology& topology) {
  absl::PrintF("\n%-8s %6s %14s %22s\n", "method", "K", "us per node", "M sampled nodes/s");
  for (const SamplerOptions::Method method : kMethods)
    for (int32_t k : {20, 50, 100}) {
      const TwoHopSampler sampler(topology, {.sampled_nodes = k, .method = method, .seed = 1});
      TwoHopSampler::Scratch scratch;
      std::vector<GlobalId> out(static_cast<size_t>(k));
      const double rate = Rate(1000, [&](int64_t i) {
        sampler.Prefetch(NodeAt(i + 1, topology.num_nodes()));
        sampler.Sample(1, NodeAt(i, topology.num_nodes()), absl::MakeSpan(out), scratch);
      });
      absl::PrintF("%-8s %6d %14.2f %22.2f\n", NameOf(method), k, 1e6 / rate, rate * k / 1e6);
    }
}

// Samples batches of 1024 nodes; the times include copying ids to the GPU and samples back.
absl::Status BenchGpuSampler(const Topology& topology) {
  constexpr int64_t kBatch = 1024, kInHostMemory = 0;
  constexpr int64_t kInDeviceMemory = std::numeric_limits<int64_t>::max();
  ThreadPool pool(1);
  absl::PrintF("\n%-8s %6s %14s %22s   topology in the memory of\n", "on GPU", "K", "us per node",
               "M sampled nodes/s");
  for (const SamplerOptions::Method method : kMethods)
    for (int32_t k : {20, 50, 100})
      for (int64_t place : {kInDeviceMemory, kInHostMemory}) {
        const SamplerOptions options = {.sampled_nodes = k, .method = method, .seed = 1};
        QH_ASSIGN_OR_RETURN(const auto sampler, MakeCudaBatchSampler(topology, options, 0, place));
        std::vector<GlobalId> nodes(kBatch), out(static_cast<size_t>(kBatch * k));
        Stopwatch watch;
        double seconds = 0;
        int64_t batches = -1;  // the first warms up
        for (; seconds < kSecondsEach; ++batches) {
          for (int64_t i = 0; i < kBatch; ++i)
            nodes[static_cast<size_t>(i)] =
                NodeAt((batches + 1) * kBatch + i, topology.num_nodes());
          if (batches == 0) watch = {};
          QH_RETURN_IF_ERROR(sampler->Sample(1, nodes, absl::MakeSpan(out), pool));
          if (batches >= 0) seconds = watch.Seconds();
        }
        const double rate = static_cast<double>(batches * kBatch) / seconds;
        absl::PrintF("%-8s %6d %14.2f %22.2f   %s\n", NameOf(method), k, 1e6 / rate, rate * k / 1e6,
                     place == kInHostMemory ? "the host" : "the GPU");
      }
  return absl::OkStatus();
}

// Bytes gathered from the table per second, compared with copying between arrays larger than the
// caches, and with copying from the table, in order, to the place of gathered rows, which stays in
// the caches.
absl::Status BenchGather(const FeatureTable& table) {
  constexpr int64_t kRows = 4096;
  const auto source = MakeMappedFeatureSource(table);
  ThreadPool pool(1);
  Tensor<float> out({kRows, table.hops_and_self, table.width});
  std::vector<GlobalId> nodes(kRows);
  absl::Status gathered;
  const double gathers = Rate(1, [&](int64_t i) {
    for (int64_t j = 0; j < kRows; ++j)
      nodes[static_cast<size_t>(j)] = NodeAt(i * kRows + j, table.num_nodes);
    gathered.Update(source->Gather(nodes, out.view(), pool));
  });
  QH_RETURN_IF_ERROR(gathered);
  const auto copy_bytes = static_cast<size_t>(out.size()) * sizeof(float);
  const size_t table_bytes = static_cast<size_t>(table.num_nodes * table.row_bytes());
  const size_t num_places = std::max<size_t>(1, table_bytes / copy_bytes);
  const double copies = Rate(1, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i) % num_places * copy_bytes;
    std::memcpy(out.data(), static_cast<const uint8_t*>(table.data) + at,
                std::min(copy_bytes, table_bytes - at));
  });
  absl::PrintF("\n%-28s %8s\n", "", "GB/s");
  absl::PrintF("%-28s %8.2f\n", absl::StrCat("gather of ", table.row_bytes(), "-byte rows"),
               gathers * static_cast<double>(kRows * table.row_bytes()) / 1e9);
  QH_ASSIGN_OR_RETURN(const double copy_rate, MakeHostMachine(pool)->CopyRate());
  absl::PrintF("%-28s %8.2f\n", "copy of large arrays", copy_rate);
  absl::PrintF("%-28s %8.2f\n", "copy to the same place",
               copies * static_cast<double>(copy_bytes) / 1e9);
  return absl::OkStatus();
}

absl::Status BenchLoader(const Topology& topology, const FeatureTable& table) {
  constexpr int64_t kWarmUp = 3, kTimed = 40;
  const auto n = static_cast<size_t>(topology.num_nodes());
  const auto source = MakeMappedFeatureSource(table);
  const std::vector<int32_t> labels(n, 0);
  std::vector<uint8_t> split(n, 0);
  for (size_t v = 0; v < n; v += n < 24 ? 1 : 12) split[v] = 1;
  const std::vector<int64_t> offsets = {0, topology.num_nodes()};
  LoaderInputs inputs;
  inputs.topology = topology;
  inputs.features = source.get();
  inputs.labels = labels;
  inputs.split = split;
  inputs.partition_offsets = offsets;
  inputs.end_partition = 1;
  absl::PrintF("\n%-28s %16s %16s\n", "batches of at most 1024", "ms per batch", "k nodes/s");
  for (int32_t k : {0, 20, 100}) {
    LoaderOptions options;
    options.sampler.sampled_nodes = k;
    options.prefetch_steps = 0;
    QH_ASSIGN_OR_RETURN(const auto loader, BatchLoader::Create(inputs, options));
    int64_t batches = 0, nodes = 0;
    double begin = 0;
    // Takes as many passes as needed: graphs may have few training nodes.
    for (int64_t epoch = 1; batches < kWarmUp + kTimed; ++epoch) {
      QH_RETURN_IF_ERROR(loader->Start({.batch = 1024, .epoch = epoch}));
      while (batches < kWarmUp + kTimed) {
        QH_ASSIGN_OR_RETURN(const Batch* batch, loader->Next());
        if (batch == nullptr) break;
        if (batches >= kWarmUp) nodes += batch->num_nodes();
        if (++batches == kWarmUp) begin = CpuSeconds();
      }
    }
    const double seconds = CpuSeconds() - begin;
    absl::PrintF("%-28s %16.2f %16.1f\n", absl::StrCat("EXACT, K = ", k), seconds * 1e3 / kTimed,
                 static_cast<double>(nodes) / seconds / 1e3);
  }
  return absl::OkStatus();
}

absl::Status Bench(const Topology& topology, const FeatureTable& features, bool with_gpu) {
  PrintGraph(topology);
  BenchSampler(topology);
  if (with_gpu) QH_RETURN_IF_ERROR(BenchGpuSampler(topology));
  QH_RETURN_IF_ERROR(BenchGather(features));
  return BenchLoader(topology, features);
}

}  // namespace

absl::Status BenchSamplerOnStore(const std::string& path, bool with_gpu, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const auto store, Store::Open(path));
  QH_RETURN_IF_ERROR(store->VerifyFiles({"indptr.npy", "indices.npy"}, pool));
  QH_ASSIGN_OR_RETURN(const Topology topology, store->topology());
  QH_ASSIGN_OR_RETURN(const FeatureTable features, store->features());
  return Bench(topology, features, with_gpu);
}

absl::Status BenchSamplerOnSynthetic(int64_t num_nodes, bool with_gpu, ThreadPool& pool) {
  SynthOptions options;
  options.nodes = num_nodes;
  options.degree = 50;
  options.features = kWidth;
  QH_ASSIGN_OR_RETURN(const SynthModel model, SynthModel::Make(options));
  QH_ASSIGN_OR_RETURN(const int64_t memory_bytes, MemoryBudget(0));
  GraphBuilder graph({.num_nodes = num_nodes,
                      .memory_bytes = memory_bytes / 2,
                      .scratch_folder = std::filesystem::temp_directory_path().string()});
  model.DrawEdges(graph, pool);
  QH_ASSIGN_OR_RETURN(const GraphCounts counts, graph.Build(pool));
  std::vector<uint32_t> indices(static_cast<size_t>(counts.arcs));  // [E]
  QH_RETURN_IF_ERROR(graph.CopyIndices(absl::MakeSpan(indices)));
  Tensor<float> rows({num_nodes, kHopsAndSelf, kWidth});
  rows.Fill(1);
  return Bench({graph.indptr(), indices, {}},
               {DType::kF32, rows.data(), num_nodes, kHopsAndSelf, kWidth}, with_gpu);
}

}  // namespace quadhop
