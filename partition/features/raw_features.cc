#include "partition/features/raw_features.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "partition/steps/moments_file.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;

absl::Status WrongFile(const Store& store, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(store.path(), ": ", what, ": run `quadhop import` again"));
}

// The values of a one-dimensional array of the store.
template <typename T>
absl::StatusOr<absl::Span<const T>> ReadVector(const Store& store, absl::string_view name) {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array(name));
  if (file->header().dims.size() != 1 || file->header().dtype != DTypeOf<T>())
    return WrongFile(store, absl::StrCat(name, " is not a vector of ", DTypeName(DTypeOf<T>())));
  return file->values<T>();
}

}  // namespace

absl::StatusOr<RawFeatures> RawFeatures::Open(const Store& store, bool with_encodings) {
  RawFeatures raw;
  raw.num_nodes_ = store.num_nodes();
  if (store.HasFile("raw.npy")) {
    QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array("raw.npy"));
    QH_RETURN_IF_ERROR(Annotate(raw.OpenDense(*file, store.manifest().features()), store.path()));
  } else if (store.HasFile("raw.indptr.npy")) {
    QH_RETURN_IF_ERROR(raw.OpenSparse(store));
  }
  if (with_encodings || raw.own_width_ == 0) QH_RETURN_IF_ERROR(raw.OpenEncodings(store));
  return raw;
}

absl::Status RawFeatures::OpenEncodings(const Store& store) {
  if (!store.HasFile("pos_enc.npy"))
    return absl::FailedPreconditionError(
        absl::StrCat(store.path(),
                     own_width_ == 0 ? " has no features, and no encodings to use in their place"
                                     : " has no encodings to use beside its features",
                     ": run `quadhop encode --store ", store.path(), "` first"));
  QH_ASSIGN_OR_RETURN(const TensorView<const float> encodings, store.pos_enc());
  encodings_ = encodings.data();
  encodings_width_ = encodings.dim(1);
  return absl::OkStatus();
}

absl::Status RawFeatures::OpenDense(const NpyFile& file, int64_t width) {
  const NpyHeader& header = file.header();
  if (header.dims != std::vector<int64_t>{num_nodes_, width} || header.fortran_order)
    return absl::DataLossError(absl::StrCat(file.file().path(), " is not [", num_nodes_, ", ",
                                            width, "] in row order, as the manifest says"));
  if (header.dtype != DType::kF32 && header.dtype != DType::kF16)
    return absl::DataLossError(
        absl::StrCat(file.file().path(), " holds ", DTypeName(header.dtype), ", not f32 or f16"));
  own_width_ = width;
  dtype_ = header.dtype;
  dense_ = static_cast<const uint8_t*>(file.data());
  return absl::OkStatus();
}

absl::Status RawFeatures::OpenSparse(const Store& store) {
  own_width_ = store.manifest().features();
  QH_ASSIGN_OR_RETURN(indptr_, ReadVector<int64_t>(store, "raw.indptr.npy"));
  QH_ASSIGN_OR_RETURN(indices_, ReadVector<uint32_t>(store, "raw.indices.npy"));
  QH_ASSIGN_OR_RETURN(values_, ReadVector<float>(store, "raw.values.npy"));
  const auto num_entries = static_cast<int64_t>(indices_.size());
  if (static_cast<int64_t>(indptr_.size()) != num_nodes_ + 1 || indptr_.front() != 0 ||
      indptr_.back() != num_entries || !std::is_sorted(indptr_.begin(), indptr_.end()) ||
      values_.size() != indices_.size())
    return WrongFile(store, "raw.indptr, raw.indices and raw.values.npy do not fit each other");
  const auto last = std::max_element(indices_.begin(), indices_.end());
  if (last != indices_.end() && int64_t{*last} >= own_width_)
    return WrongFile(store, absl::StrCat("raw.indices.npy has column ", *last, " of ", own_width_));
  return absl::OkStatus();
}

absl::StatusOr<ColumnMoments> RawFeatures::Moments(const Store& store, ThreadPool& pool) const {
  if (store.HasFile(kMomentsFile)) {
    QH_ASSIGN_OR_RETURN(ColumnMoments moments, ReadMoments(store, kMomentsFile));
    if (static_cast<int64_t>(moments.mean.size()) == width()) return moments;
    return absl::FailedPreconditionError(
        absl::StrCat(store.path(), " is like a store whose features have ", moments.mean.size(),
                     " columns, those of --with-encodings among them, but here they have ", width(),
                     ": give --with-encodings, or not, as for that one"));
  }
  const auto read = [this](int64_t node, float* row) -> const float* {
    ReadRow(node, 0, width(), row);
    return row;
  };
  return MeasureColumns(num_nodes_, width(), read, pool);
}

void RawFeatures::Standardize(const ColumnMoments& moments) {
  QH_CHECK_EQ(static_cast<int64_t>(moments.mean.size()), width());
  middle_ = moments.mean;
  scale_.clear();
  // A constant column deviates by 0: a sum of up to 2^29 equal floats is exact.
  for (const double deviation : moments.deviation)
    scale_.push_back(deviation > 0 ? 1 / deviation : 0);
}

void RawFeatures::CopyRow(int64_t node, int64_t begin, int64_t width, float* out) const {
  ReadRow(node, begin, width, out);
  if (scale_.empty()) return;
  const double* const middle = &middle_[AsSize(begin)];
  const double* const scale = &scale_[AsSize(begin)];
  for (int64_t j = 0; j < width; ++j)
    out[j] = static_cast<float>((double{out[j]} - middle[j]) * scale[j]);
}

void RawFeatures::ReadRow(int64_t node, int64_t begin, int64_t width, float* out) const {
  const int64_t own = std::clamp<int64_t>(own_width_ - begin, 0, width);
  if (own > 0) ReadOwn(node, begin, own, out);
  if (own == width) return;
  const int64_t first = std::max<int64_t>(begin - own_width_, 0);  // of the encodings' columns
  std::copy_n(encodings_ + node * encodings_width_ + first, width - own, out + own);
}

void RawFeatures::ReadOwn(int64_t node, int64_t begin, int64_t width, float* out) const {
  if (dense_ != nullptr) {
    const int64_t offset_bytes = (node * own_width_ + begin) * SizeOfDType(dtype_);
    ConvertToFloat(dtype_, dense_ + offset_bytes, width, out);
    return;
  }
  std::fill_n(out, width, 0.0f);
  const auto first = static_cast<size_t>(indptr_[static_cast<size_t>(node)]);
  const auto last = static_cast<size_t>(indptr_[static_cast<size_t>(node) + 1]);
  for (size_t entry = first; entry < last; ++entry) {
    const int64_t column = int64_t{indices_[entry]} - begin;
    if (column >= 0 && column < width) out[column] = values_[entry];
  }
}

void RawFeatures::CopyColumns(int64_t begin, TensorView<float> out, ThreadPool& pool) const {
  QH_CHECK_EQ(out.dim(0), num_nodes_);
  const int64_t width = out.dim(1);
  QH_CHECK_LE(begin + width, this->width());
  pool.ParallelFor(NumBlocks(num_nodes_, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes_, kRowsPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node)
      CopyRow(node, begin, width, out.data() + node * width);
  });
}

}  // namespace quadhop
