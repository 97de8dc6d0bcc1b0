#include "partition/features/moments.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<ColumnMoments> MomentsFor(const RawFeatures& raw, const Store& store,
                                         ThreadPool& pool) {
  if (!store.HasFile(kMomentsFile)) return raw.Measure(pool);
  QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array(kMomentsFile));
  const NpyHeader& header = file->header();
  if (header.dims.size() != 2 || header.dims[0] != 2 || header.dtype != DType::kF64 ||
      header.fortran_order)
    return absl::DataLossError(
        absl::StrCat(file->file().path(), " is not f64 [2, columns]: run `quadhop import` again"));
  if (header.dims[1] != raw.width())
    return absl::FailedPreconditionError(
        absl::StrCat(store.path(), " is like a store whose features have ", header.dims[1],
                     " columns, those of --with-encodings among them, but here they have ",
                     raw.width(), ": give --with-encodings, or not, as for that one"));
  const absl::Span<const double> values = file->values<double>();
  const auto middle = values.begin() + raw.width();
  return ColumnMoments{{values.begin(), middle}, {middle, values.end()}};
}

absl::Status AddMoments(const ColumnMoments& moments, StoreWriter& writer) {
  QH_ASSIGN_OR_RETURN(
      const absl::Span<double> values,
      writer.AddArrayOf<double>(kMomentsFile, {2, static_cast<int64_t>(moments.mean.size())}));
  const auto middle = std::copy(moments.mean.begin(), moments.mean.end(), values.begin());
  std::copy(moments.deviation.begin(), moments.deviation.end(), middle);
  return absl::OkStatus();
}

}  // namespace quadhop
