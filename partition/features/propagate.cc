#include "partition/features/propagate.h"

#include <algorithm>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/status.h"
#include "core/memory/aligned_memory.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "partition/features/hop_features.h"
#include "partition/features/raw_features.h"
#include "partition/linear_algebra/column_blocks.h"
#include "partition/linear_algebra/sparse_product.h"
#include "partition/steps/provenance.h"
#include "partition/steps/store_step.h"

namespace quadhop {
namespace {

constexpr int32_t kMaxHops = 16;
// Buffers of threads, and a little for all else.
constexpr int64_t kOtherBytes = int64_t{64} << 20;
constexpr int64_t kScaleBytes = NormalizedAdjacency::kBytesANode + sizeof(uint32_t);  // and degrees

int64_t ColumnBytes(int64_t num_nodes) { return 2 * num_nodes * int64_t{sizeof(float)}; }

absl::Status CheckOptions(const PropagateOptions& options) {
  if (options.hops < 0 || options.hops > kMaxHops)
    return absl::InvalidArgumentError(
        absl::StrCat("hops is ", options.hops, ": it must be 0 to ", kMaxHops));
  if (options.dtype != DType::kF32 && options.dtype != DType::kF16 && options.dtype != DType::kBF16)
    return absl::InvalidArgumentError(
        absl::StrCat("dtype is ", DTypeName(options.dtype), ": it must be f32, f16 or bf16"));
  return absl::OkStatus();
}

// How many columns to make at a time: two copies of them are in memory.
absl::StatusOr<int64_t> ColumnsAtATime(int64_t num_nodes, int64_t width, int64_t memory_bytes) {
  QH_ASSIGN_OR_RETURN(const int64_t budget_bytes, MemoryBudget(memory_bytes));
  const int64_t columns = ColumnsThatFit(width, ColumnBytes(num_nodes),
                                         budget_bytes - kScaleBytes * num_nodes - kOtherBytes);
  QH_RETURN_IF_ERROR(CheckMemory("propagate", ColumnBytes(num_nodes) * columns));
  return columns;
}

absl::Status MakeHops(const RawFeatures& raw, const Topology& topology,
                      const HopFeaturesShape& shape, const ProgressHook& on_progress,
                      HopFeatures& features, ThreadPool& pool) {
  const NormalizedAdjacency adjacency(topology, pool);
  const auto size = static_cast<size_t>(shape.num_nodes * shape.columns);
  const auto buffer = AllocateAligned<float>(size), other = AllocateAligned<float>(size);
  for (int64_t begin = 0; begin < shape.width; begin += shape.columns) {
    const int64_t count = std::min(shape.columns, shape.width - begin);
    TensorView<float> x(buffer.get(), {shape.num_nodes, count});
    TensorView<float> next(other.get(), {shape.num_nodes, count});
    raw.CopyColumns(begin, x, pool);
    QH_RETURN_IF_ERROR(features.Write(0, begin, x, pool));
    for (int32_t hop = 1; hop <= shape.hops; ++hop) {
      Tell(on_progress, "hops",
           ShareOf(begin * shape.hops + count * (hop - 1), shape.width * shape.hops));
      adjacency.ScaleAndMultiply(x, next, pool);
      QH_RETURN_IF_ERROR(features.Write(hop, begin, next, pool));
      std::swap(x, next);
    }
  }
  return absl::OkStatus();
}

std::vector<absl::string_view> FilesRead(const Store& store, bool with_encodings) {
  std::vector<absl::string_view> files = {"indptr.npy",     "indices.npy",     "raw.npy",
                                          "raw.indptr.npy", "raw.indices.npy", "raw.values.npy",
                                          kMomentsFile};
  if (with_encodings || store.manifest().features() == 0) files.push_back("pos_enc.npy");
  return files;
}

}  // namespace

std::string PropagateOptions::ToString() const {
  return absl::StrCat("hops=", hops, " dtype=", DTypeName(dtype),
                      standardize ? " standardize=true" : "",
                      with_encodings ? " with-encodings=true" : "");
}

StepNeeds PropagateNeeds(int64_t num_nodes, int64_t width, int32_t hops, int64_t value_bytes) {
  StepNeeds needs;
  const int64_t least_columns = std::min(width, kLeastColumns);
  needs.least_bytes = kScaleBytes * num_nodes + ColumnBytes(num_nodes) * least_columns;
  needs.memory_bytes = kOtherBytes + kScaleBytes * num_nodes + ColumnBytes(num_nodes) * width;
  if (least_columns < width) needs.scratch_bytes = num_nodes * hops * width * value_bytes;
  return needs;
}

absl::Status PropagateStore(const std::string& path, const PropagateOptions& options,
                            ThreadPool& pool) {
  QH_RETURN_IF_ERROR(CheckOptions(options));
  QH_ASSIGN_OR_RETURN(const auto step, BeginStep(path, kDerivedFiles, options.on_commit));
  const auto& [writer, store] = step;
  if (!options.verified)
    QH_RETURN_IF_ERROR(store->VerifyFiles(FilesRead(*store, options.with_encodings), pool));
  QH_ASSIGN_OR_RETURN(const Topology topology, store->topology());
  QH_ASSIGN_OR_RETURN(RawFeatures raw, RawFeatures::Open(*store, options.with_encodings));
  HopFeaturesShape shape{store->num_nodes(), options.hops, raw.width(), 0, options.dtype};
  QH_ASSIGN_OR_RETURN(shape.columns,
                      ColumnsAtATime(shape.num_nodes, shape.width, options.memory_bytes));
  if (options.standardize) {
    Tell(options.on_progress, "measures features");
    QH_ASSIGN_OR_RETURN(const ColumnMoments moments, raw.Moments(*store, pool));
    raw.Standardize(moments);
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data,
                      writer->AddArray("features.npy", shape.dtype,
                                       {shape.num_nodes, 1 + shape.hops, shape.width}));
  {
    QH_ASSIGN_OR_RETURN(HopFeatures features, HopFeatures::Begin(shape, raw, data, path));
    QH_RETURN_IF_ERROR(MakeHops(raw, topology, shape, options.on_progress, features, pool));
    Tell(options.on_progress, "writes");
    QH_RETURN_IF_ERROR(features.Finish(pool));
  }
  writer->manifest().set_hops(options.hops);
  writer->manifest().set_feature_dtype(DTypeName(options.dtype));
  writer->manifest().set_features_with_encodings(options.with_encodings);
  return writer->Commit(MakeProvenance(PrepStep::kPropagate, options.ToString()), pool);
}

}  // namespace quadhop
