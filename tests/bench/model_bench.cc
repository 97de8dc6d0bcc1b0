// Training steps of the CPU model on random tokens: nodes a second and GFLOP/s of necessary
// operations.
//
//   quadhop_model_bench [SHAPE] [--threads T] [--batch B] [--steps N] [--partitions P]
//                       [--precision f32|bf16]
//
// Shapes are those of the PyTorch peer's benchmark. Necessary operations of a node, forward and
// backward, after merging: products 1.66, patents 0.233, quickstart 0.0217 GFLOP.
#include <absl/strings/str_format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "model/adam.h"
#include "model/largegt.h"

namespace quadhop {
namespace {

struct Shape {
  const char* name;
  int64_t features, width, heads, sampled, classes, centroids, pos_enc, batch;
  double gflop_per_node;
};
constexpr Shape kShapes[] = {
    {"products", 100, 256, 2, 100, 47, 4096, 64, 128, 1.66},
    {"patents", 269, 128, 2, 50, 5, 4096, 64, 512, 0.233},
    {"quickstart", 128, 64, 2, 20, 45, 256, 32, 512, 0.0217},
};

struct Setting {
  Shape shape = kShapes[2];
  int threads = 2;
  int64_t steps = 5;
  int32_t partitions = 4;
  Precision precision = Precision::kF32;
};

constexpr int64_t kNodes = 20000;

void FillRandom(RandomStream random, Tensor<float>& tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>(random.Normal());
}

LargeGTOptions OptionsOf(const Shape& shape, Precision precision) {
  LargeGTOptions options;
  options.dims.features = shape.features;
  options.dims.sampled = shape.sampled;
  options.dims.pos_enc = shape.pos_enc;
  options.dims.width = shape.width;
  options.dims.heads = shape.heads;
  options.dims.centroids = shape.centroids;
  options.dims.classes = shape.classes;
  options.precision = precision;
  options.codebook_start = CodebookStart::kPaper;
  return options;
}

// Random nodes, each with its own sampled rows, cut into equal slices.
void FillBatch(const Setting& setting, int64_t step, Batch& batch) {
  const Shape& shape = setting.shape;
  RandomStream random(1, RandomPurpose::kTest, static_cast<uint64_t>(step), 1);
  batch.step = step;
  batch.global_nodes = shape.batch;
  batch.slice_offsets.clear();
  for (int32_t p = 0; p <= setting.partitions; ++p)
    batch.slice_offsets.push_back(shape.batch * p / setting.partitions);
  batch.nodes.clear();
  batch.own.clear();
  batch.labels.clear();
  batch.sampled.clear();
  batch.pos_enc.Resize({shape.batch, shape.pos_enc});
  FillRandom(random, batch.pos_enc);
  for (int64_t i = 0; i < shape.batch; ++i) {
    const auto node = static_cast<int32_t>(random.Below(kNodes));
    batch.nodes.push_back(GlobalId(node));
    batch.own.push_back(LocalRow(node));
    batch.labels.push_back(
        static_cast<int32_t>(random.Below(static_cast<uint64_t>(shape.classes))));
    for (int64_t k = 0; k < shape.sampled; ++k)
      batch.sampled.push_back(LocalRow(k == 0 ? node : static_cast<int32_t>(random.Below(kNodes))));
  }
}

int Run(const Setting& setting) {
  const Shape& shape = setting.shape;
  ThreadPool pool(setting.threads);
  const std::unique_ptr<Kernels> kernels = MakeCpuKernels(pool);
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  std::vector<int64_t> ids(kNodes);
  std::iota(ids.begin(), ids.end(), 0);
  ModelPlacement placement;
  placement.kernels = kernels.get();
  placement.comm = comm.get();
  placement.owners.first = {0, setting.partitions};
  placement.owned_original_ids = ids;
  auto model = LargeGT::Create(OptionsOf(shape, setting.precision), placement);
  if (!model.ok()) return 1;
  Adam adam({}, (*model)->parameters().num_trained());
  Batch batch;
  batch.features.Resize({kNodes, 3, shape.features});
  FillRandom(RandomStream(1, RandomPurpose::kTest, 0, 0), batch.features);
  std::vector<double> seconds;
  for (int64_t s = 0; s <= setting.steps; ++s) {
    FillBatch(setting, s, batch);
    const auto start = std::chrono::steady_clock::now();
    if (!(*model)->ComputeGradients(batch).ok()) return 1;
    adam.Apply(*kernels, 1e-3, (*model)->parameters());
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin() + 1, seconds.end());
  const double median = seconds[1 + static_cast<size_t>(setting.steps) / 2];
  const double rate = static_cast<double>(shape.batch) / median;
  absl::PrintF("%-10s %-4s threads %d batch %d: step %.4f s, %.0f nodes/s, %.0f GFLOP/s\n",
               shape.name, setting.precision == Precision::kBF16 ? "bf16" : "f32", setting.threads,
               shape.batch, median, rate, rate * shape.gflop_per_node);
  return 0;
}

}  // namespace
}  // namespace quadhop

int main(int argc, char** argv) {
  quadhop::Setting setting;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&]() { return i + 1 < argc ? std::atoi(argv[++i]) : 0; };
    if (!std::strcmp(argv[i], "--threads")) {
      setting.threads = number();
    } else if (!std::strcmp(argv[i], "--batch")) {
      setting.shape.batch = number();
    } else if (!std::strcmp(argv[i], "--steps")) {
      setting.steps = number();
    } else if (!std::strcmp(argv[i], "--precision")) {
      const bool bf16 = i + 1 < argc && !std::strcmp(argv[++i], "bf16");
      setting.precision = bf16 ? quadhop::Precision::kBF16 : quadhop::Precision::kF32;
    } else if (!std::strcmp(argv[i], "--partitions")) {
      setting.partitions = number();
    } else {
      const auto* shape =
          std::find_if(std::begin(quadhop::kShapes), std::end(quadhop::kShapes),
                       [&](const quadhop::Shape& s) { return !std::strcmp(s.name, argv[i]); });
      if (shape == std::end(quadhop::kShapes)) {
        std::fprintf(stderr, "no shape %s; products, patents or quickstart\n", argv[i]);
        return 2;
      }
      setting.shape = *shape;
    }
  }
  return quadhop::Run(setting);
}
