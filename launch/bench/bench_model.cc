#include "launch/bench/bench_model.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/median.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/memory/staging_resource.h"
#include "model/largegt/largegt.h"
#include "model/parameters/adam.h"

namespace quadhop {
namespace {

constexpr BenchShape kShapes[] = {
    {"products", 100, 256, 2, 100, 47, 4096, 64, 128, 1.66},
    {"patents", 269, 128, 2, 50, 5, 4096, 64, 512, 0.233},
    {"quickstart", 128, 64, 2, 20, 45, 256, 32, 512, 0.0217},
};
constexpr int32_t kPartitions = 4;
constexpr double kEnoughSeconds = 10;  // of measured steps
// Sizes of the table that batches take rows from.
constexpr int64_t kTableBytes = int64_t{256} << 20, kMostRows = 20000, kLeastRows = 64;

void FillRandom(RandomStream random, Tensor<float>& tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>(random.Normal());
}

// Fills a batch with `size` of `num_nodes` nodes, each with its own random rows of `num_rows`, cut
// into equal slices.
void FillBatch(const LargeGTDims& dims, int64_t num_nodes, int64_t num_rows, int64_t size,
               int64_t step, Batch& batch) {
  const auto random_row = [&](RandomStream& random) {
    return LocalRow(static_cast<int32_t>(random.Below(static_cast<uint64_t>(num_rows))));
  };
  RandomStream random(1, RandomPurpose::kTest, static_cast<uint64_t>(step), 1);
  batch.step = step;
  batch.global_nodes = size;
  batch.slice_offsets.clear();
  for (int32_t p = 0; p <= kPartitions; ++p) batch.slice_offsets.push_back(size * p / kPartitions);
  batch.nodes.clear();
  batch.own.clear();
  batch.labels.clear();
  batch.sampled.clear();
  batch.pos_enc.Resize({size, dims.pos_enc});
  FillRandom(random, batch.pos_enc);
  for (int64_t i = 0; i < size; ++i) {
    batch.nodes.push_back(GlobalId((step * size + i) % num_nodes));
    batch.own.push_back(random_row(random));
    batch.labels.push_back(static_cast<int32_t>(random.Below(static_cast<uint64_t>(dims.classes))));
    for (int64_t k = 0; k < dims.sampled; ++k)
      batch.sampled.push_back(k == 0 ? batch.own.back() : random_row(random));
  }
  batch.CountEachOnce(dims.sampled);
}

}  // namespace

absl::Span<const BenchShape> BenchShapes() { return kShapes; }

LargeGTOptions OptionsOf(const BenchShape& shape, Precision precision) {
  LargeGTOptions options;
  options.dims.features = shape.features;
  options.dims.sampled = shape.sampled;
  options.dims.pos_enc = shape.pos_enc;
  options.dims.width = shape.width;
  options.dims.heads = shape.heads;
  options.dims.centroids = shape.centroids;
  options.dims.classes = shape.classes;
  options.precision = precision;
  return options;
}

absl::StatusOr<StepFigures> MeasureSteps(LargeGTOptions options, int64_t batch_size, int64_t steps,
                                         BenchMachine& machine) {
  machine.ResetPeakBytes();
  options.loss = LossKind::kCrossEntropy;
  options.codebook_start = CodebookStart::kPaper;
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  const int64_t row_bytes =
      options.dims.hops_and_self * options.dims.features * static_cast<int64_t>(sizeof(float));
  const int64_t num_rows = std::clamp(kTableBytes / row_bytes, kLeastRows, kMostRows);
  const int64_t num_nodes = std::max(num_rows, batch_size);
  std::vector<int64_t> ids(static_cast<size_t>(num_nodes));
  std::iota(ids.begin(), ids.end(), 0);
  ModelPlacement placement;
  placement.kernels = &machine.kernels(options.precision);
  placement.comm = comm.get();
  placement.owners.first = {0, kPartitions};
  placement.owned_original_ids = ids;
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<LargeGT> model, LargeGT::Create(options, placement));
  Adam adam({}, model->parameters());
  Tensor<float> features({num_rows, options.dims.hops_and_self, options.dims.features});
  FillRandom(RandomStream(1, RandomPurpose::kTest, 0, 0), features);
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<DeviceRows> device_rows,
                      machine.TakeRows({DType::kF32, features.data(), num_rows,
                                        options.dims.hops_and_self, options.dims.features}));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Memory> staging, placement.kernels->memory().NewStream());
  StagingResource batch_memory(std::move(staging));
  Batch batch(&batch_memory);
  batch.device_rows = device_rows.get();
  if (device_rows == nullptr)
    batch.features = std::move(features);
  else
    for (int64_t row = 0; row < num_rows; ++row) batch.rows.push_back(GlobalId(row));
  std::vector<double> seconds;  // after one to warm up
  double all_seconds = 0;
  for (int64_t s = 0; s <= steps && all_seconds < kEnoughSeconds; ++s) {
    FillBatch(options.dims, num_nodes, num_rows, batch_size, s, batch);
    const Stopwatch watch;
    QH_RETURN_IF_ERROR(model->ComputeGradients(batch).status());
    adam.Apply(machine.kernels(options.precision), 1e-3, model->parameters());
    if (s == 0) continue;
    seconds.push_back(watch.Seconds());
    all_seconds += seconds.back();
  }
  StepFigures figures;
  figures.seconds = Median(seconds);
  QH_ASSIGN_OR_RETURN(figures.peak_bytes, machine.PeakBytes());
  Tensor<float> logits({batch_size, options.dims.classes});
  QH_RETURN_IF_ERROR(model->Predict(batch, logits.view()));
  const Stopwatch watch;
  QH_RETURN_IF_ERROR(model->Predict(batch, logits.view()));
  figures.evaluation_seconds = watch.Seconds();
  return figures;
}

}  // namespace quadhop
