#include "partition/features/hop_features.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "core/threads/parallel_status.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;

float LargestOf(DType dtype) {
  if (dtype == DType::kF16) return 65504;
  if (dtype == DType::kBF16) return 0x1.fep127f;
  return std::numeric_limits<float>::max();
}

}  // namespace

absl::StatusOr<HopFeatures> HopFeatures::Begin(const HopFeaturesShape& shape,
                                               const RawFeatures& raw, absl::Span<uint8_t> data,
                                               const std::string& scratch_folder) {
  HopFeatures features(shape, raw, data);
  if (shape.columns == shape.width) return features;
  QH_ASSIGN_OR_RETURN(features.scratch_, ScratchFile::Create(scratch_folder));
  for (int32_t hop = 1; hop <= shape.hops; ++hop)
    features.kept_.emplace_back(*features.scratch_, shape.num_nodes, shape.width, shape.columns,
                                SizeOfDType(shape.dtype));
  return features;
}

uint8_t* HopFeatures::PlaceOf(int64_t node, int32_t hop, int64_t column) const {
  const int64_t element = (node * (1 + shape_.hops) + hop) * shape_.width + column;
  return data_ + element * SizeOfDType(shape_.dtype);
}

absl::Status HopFeatures::Write(int32_t hop, int64_t begin, TensorView<const float> x,
                                ThreadPool& pool) {
  const float largest = LargestOf(shape_.dtype);
  const auto beyond = [=](float value) { return !(std::abs(value) <= largest); };  // or a NaN
  std::atomic<bool> too_large = false;
  const int64_t rows_per_block = kept_.empty() ? kRowsPerBlock : kept_[0].rows_at_a_time();
  QH_RETURN_IF_ERROR(ParallelForBlocks(pool, x.dim(0), rows_per_block, [&](BlockRange rows) {
    if (std::any_of(x.row(rows.begin), x.row(rows.end), beyond)) too_large = true;
    return WriteRows(rows, hop, begin, x);
  }));
  if (!too_large) return absl::OkStatus();
  const float* const first = std::find_if(x.row(0), x.row(x.dim(0)), beyond);
  const int64_t place = first - x.row(0);
  return absl::InvalidArgumentError(absl::StrCat(
      "hop ", hop, " of node ", place / x.dim(1), " of the store, column ",
      begin + place % x.dim(1), ", is ", *first, ", beyond ", largest, ", the largest ",
      DTypeName(shape_.dtype), ": scale the features down, as --standardize does",
      shape_.dtype == DType::kF16 ? ", or use --dtype bf16 or f32" : ""));
}

absl::Status HopFeatures::WriteRows(BlockRange rows, int32_t hop, int64_t begin,
                                    TensorView<const float> x) {
  if (scratch_ == nullptr) {
    for (int64_t node = rows.begin; node < rows.end; ++node)
      ConvertFromFloat(shape_.dtype, x.row(node), x.dim(1), PlaceOf(node, hop, begin));
    return absl::OkStatus();
  }
  if (hop == 0) return absl::OkStatus();  // x is there to be read again
  ColumnBlocks& kept = kept_[AsSize(hop - 1)];
  const int64_t num_rows = rows.end - rows.begin;
  std::vector<uint8_t> converted(AsSize(kept.BytesOf(num_rows, begin)));
  ConvertFromFloat(shape_.dtype, x.row(rows.begin), num_rows * x.dim(1), converted.data());
  return kept.Write(rows, begin, converted.data());
}

absl::Status HopFeatures::Finish(ThreadPool& pool) {
  if (scratch_ == nullptr) return absl::OkStatus();
  const int64_t rows_per_block = kept_.empty() ? kRowsPerBlock : kept_[0].rows_at_a_time();
  return ParallelForBlocks(pool, shape_.num_nodes, rows_per_block,
                           [&](BlockRange rows) { return GatherRows(rows); });
}

absl::Status HopFeatures::GatherRows(BlockRange rows) {
  std::vector<float> x(AsSize(shape_.width));
  for (int64_t node = rows.begin; node < rows.end; ++node) {
    raw_->CopyRow(node, 0, shape_.width, x.data());
    ConvertFromFloat(shape_.dtype, x.data(), shape_.width, PlaceOf(node, 0, 0));
  }
  std::vector<uint8_t> read;
  for (int32_t hop = 1; hop <= shape_.hops; ++hop) {
    const ColumnBlocks& kept = kept_[AsSize(hop - 1)];
    for (int64_t begin = 0; begin < shape_.width; begin += shape_.columns) {
      read.resize(AsSize(kept.BytesOf(rows.end - rows.begin, begin)));
      QH_RETURN_IF_ERROR(kept.Read(rows, begin, read.data()));
      const auto row_bytes = AsSize(kept.BytesOf(1, begin));
      for (int64_t node = rows.begin; node < rows.end; ++node)
        std::memcpy(PlaceOf(node, hop, begin), read.data() + AsSize(node - rows.begin) * row_bytes,
                    row_bytes);
    }
  }
  return absl::OkStatus();
}

}  // namespace quadhop
