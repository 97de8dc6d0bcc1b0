#include "partition/propagate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "core/aligned_memory.h"
#include "core/host_memory.h"
#include "core/status.h"
#include "core/store.h"
#include "core/tensor.h"
#include "partition/provenance.h"
#include "partition/raw_features.h"
#include "partition/sparse_product.h"
#include "partition/store_step.h"

namespace quadhop {
namespace {

constexpr int32_t kMaxHops = 16;
constexpr int64_t kRowsPerBlock = 1024;
constexpr int64_t kLeastColumns = 16;  // a cache line

float LargestOf(DType dtype) {
  if (dtype == DType::kF16) return 65504;
  if (dtype == DType::kBF16) return 0x1.fep127f;
  return std::numeric_limits<float>::max();
}

absl::Status CheckOptions(const PropagateOptions& options) {
  if (options.hops < 0 || options.hops > kMaxHops)
    return absl::InvalidArgumentError(
        absl::StrCat("hops is ", options.hops, ": it must be 0 to ", kMaxHops));
  if (options.dtype != DType::kF32 && options.dtype != DType::kF16 && options.dtype != DType::kBF16)
    return absl::InvalidArgumentError(
        absl::StrCat("dtype is ", DTypeName(options.dtype), ": it must be f32, f16 or bf16"));
  return absl::OkStatus();
}

// How many columns to carry at a time: all of them if two copies fit.
absl::StatusOr<int64_t> ColumnsAtATime(int64_t num_nodes, int64_t width, int64_t memory_bytes) {
  const int64_t column_bytes = 2 * num_nodes * int64_t{sizeof(float)};
  QH_ASSIGN_OR_RETURN(const int64_t budget_bytes, MemoryBudget(memory_bytes));
  // The scales of the adjacency, and a little for all else.
  const int64_t working_bytes = budget_bytes - 12 * num_nodes - (int64_t{64} << 20);
  const int64_t fitting = working_bytes / std::max<int64_t>(1, column_bytes);
  const int64_t columns =
      std::min(width, std::max(kLeastColumns, fitting / kLeastColumns * kLeastColumns));
  QH_RETURN_IF_ERROR(CheckMemory("propagate", column_bytes * columns));
  return columns;
}

// features.npy while it is being filled.
class HopFeatures {
 public:
  HopFeatures(absl::Span<uint8_t> data, const PropagateOptions& options, int64_t width)
      : data_(data.data()), dtype_(options.dtype), hops_(options.hops), width_(width) {}

  // Columns [begin, begin + W) of one hop. kInvalidArgument, naming the first, if a value is beyond
  // the dtype, or not finite.
  absl::Status Write(int64_t hop, int64_t begin, TensorView<const float> x,  // [N, W]
                     ThreadPool& pool) {
    const int64_t columns = x.dim(1);
    const float largest = LargestOf(dtype_);
    const auto beyond = [=](float value) { return !(std::abs(value) <= largest); };  // or a NaN
    std::atomic<bool> too_large = false;
    pool.ParallelFor(NumBlocks(x.dim(0), kRowsPerBlock), [&](int64_t block, int) {
      const BlockRange range = Block(block, x.dim(0), kRowsPerBlock);
      for (int64_t node = range.begin; node < range.end; ++node) {
        const int64_t element = (node * (1 + hops_) + hop) * width_ + begin;
        ConvertFromFloat(dtype_, x.row(node), columns, data_ + element * SizeOfDType(dtype_));
      }
      if (std::any_of(x.row(range.begin), x.row(range.end), beyond)) too_large = true;
    });
    if (!too_large) return absl::OkStatus();
    const float* const first = std::find_if(x.row(0), x.row(x.dim(0)), beyond);
    const int64_t place = first - x.row(0);
    return absl::InvalidArgumentError(
        absl::StrCat("hop ", hop, " of node ", place / columns, " of the store, column ",
                     begin + place % columns, ", is ", *first, ", beyond ", largest,
                     ", the largest ", DTypeName(dtype_), ": scale the features down",
                     dtype_ == DType::kF16 ? ", or use --dtype bf16 or f32" : ""));
  }

 private:
  uint8_t* data_;
  DType dtype_;
  int64_t hops_;
  int64_t width_;
};

absl::Status FillColumns(const RawFeatures& raw, const NormalizedAdjacency& adjacency, int32_t hops,
                         int64_t begin, TensorView<float> x, TensorView<float> next,
                         HopFeatures& features, ThreadPool& pool) {
  raw.CopyColumns(begin, x, pool);
  QH_RETURN_IF_ERROR(features.Write(0, begin, x, pool));
  for (int32_t hop = 1; hop <= hops; ++hop) {
    adjacency.ScaleAndMultiply(x, next, pool);
    QH_RETURN_IF_ERROR(features.Write(hop, begin, next, pool));
    std::swap(x, next);
  }
  return absl::OkStatus();
}

std::vector<absl::string_view> FilesRead(const Store& store) {
  std::vector<absl::string_view> files = {"indptr.npy",     "indices.npy",     "raw.npy",
                                          "raw.indptr.npy", "raw.indices.npy", "raw.values.npy"};
  if (store.manifest().features() == 0) files.push_back("pos_enc.npy");
  return files;
}

}  // namespace

std::string PropagateOptions::ToString() const {
  return absl::StrCat("hops=", hops, " dtype=", DTypeName(dtype));
}

absl::Status PropagateStore(const std::string& path, const PropagateOptions& options,
                            ThreadPool& pool) {
  QH_RETURN_IF_ERROR(CheckOptions(options));
  QH_ASSIGN_OR_RETURN(const auto step, BeginStep(path, kDerivedFiles, options.on_commit));
  const auto& [writer, store] = step;
  if (!options.verified) QH_RETURN_IF_ERROR(store->VerifyFiles(FilesRead(*store), pool));
  QH_ASSIGN_OR_RETURN(const Topology topology, store->topology());
  QH_ASSIGN_OR_RETURN(const RawFeatures raw, RawFeatures::Open(*store));
  const int64_t num_nodes = store->num_nodes(), width = raw.width();
  QH_ASSIGN_OR_RETURN(const int64_t columns,
                      ColumnsAtATime(num_nodes, width, options.memory_bytes));
  QH_ASSIGN_OR_RETURN(
      const absl::Span<uint8_t> data,
      writer->AddArray("features.npy", options.dtype, {num_nodes, 1 + options.hops, width}));
  HopFeatures features(data, options, width);
  const NormalizedAdjacency adjacency(topology, pool);
  const auto x = AllocateAligned<float>(static_cast<size_t>(num_nodes * columns));
  const auto next = AllocateAligned<float>(static_cast<size_t>(num_nodes * columns));
  for (int64_t begin = 0; begin < width; begin += columns) {
    const int64_t count = std::min(columns, width - begin);
    QH_RETURN_IF_ERROR(FillColumns(raw, adjacency, options.hops, begin,
                                   {x.get(), {num_nodes, count}}, {next.get(), {num_nodes, count}},
                                   features, pool));
  }
  writer->manifest().set_hops(options.hops);
  writer->manifest().set_feature_dtype(DTypeName(options.dtype));
  return writer->Commit(MakeProvenance("propagate", options.ToString()), pool);
}

}  // namespace quadhop
