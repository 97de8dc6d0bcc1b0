#include "partition/steps/moments_file.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/base/status.h"
#include "core/store/manifest.h"

namespace quadhop {

absl::StatusOr<ColumnMoments> ReadMoments(const Store& store, absl::string_view name) {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, store.array(name));
  const NpyHeader& header = file->header();
  if (header.dims.size() != 2 || header.dims[0] != 2 || header.dtype != DType::kF64 ||
      header.fortran_order)
    return absl::DataLossError(
        absl::StrCat(file->file().path(), " is not f64 [2, columns]: ", RemedyFor(name)));
  const absl::Span<const double> values = file->values<double>();
  const auto middle = values.begin() + header.dims[1];
  return ColumnMoments{{values.begin(), middle}, {middle, values.end()}};
}

absl::Status AddMoments(absl::string_view name, const ColumnMoments& moments, StoreWriter& writer) {
  QH_ASSIGN_OR_RETURN(
      const absl::Span<double> values,
      writer.AddArrayOf<double>(name, {2, static_cast<int64_t>(moments.mean.size())}));
  const auto middle = std::copy(moments.mean.begin(), moments.mean.end(), values.begin());
  std::copy(moments.deviation.begin(), moments.deviation.end(), middle);
  return absl::OkStatus();
}

}  // namespace quadhop
