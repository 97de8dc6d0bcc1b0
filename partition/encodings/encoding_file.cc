#include "partition/encodings/encoding_file.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;

void CopyEncodingRow(const NpyFile& file, int64_t row, TensorView<float> out, int64_t node) {
  const NpyHeader& header = file.header();
  const int64_t width = out.dim(1);
  const bool by_columns = header.fortran_order;
  const int64_t first = by_columns ? row : row * width, step = by_columns ? header.dims[0] : 1;
  const auto* source = static_cast<const uint8_t*>(file.data());
  if (header.dtype == DType::kF64) {
    const double* values = reinterpret_cast<const double*>(source) + first;
    for (int64_t i = 0; i < width; ++i) out.row(node)[i] = static_cast<float>(values[i * step]);
    return;
  }
  const int64_t run = by_columns ? 1 : width;  // values side by side
  for (int64_t i = 0; i < width; i += run)
    ConvertToFloat(header.dtype, source + (first + i * step) * SizeOfDType(header.dtype), run,
                   out.row(node) + i);
}

}  // namespace

absl::StatusOr<NpyFile> OpenEncodingFile(const std::string& path, int64_t num_nodes) {
  QH_ASSIGN_OR_RETURN(NpyFile file, NpyFile::Open(path));
  const NpyHeader& header = file.header();
  if (header.dims.size() != 2 || header.dims[0] != num_nodes || header.dims[1] < 1 ||
      header.dims[1] > kMaxEncodingWidth)
    return absl::InvalidArgumentError(absl::StrCat(path, " has dims [",
                                                   absl::StrJoin(header.dims, ", "), "], not [",
                                                   num_nodes, ", 1 to ", kMaxEncodingWidth, "]"));
  if (header.dtype != DType::kF32 && header.dtype != DType::kF64 && header.dtype != DType::kF16)
    return absl::InvalidArgumentError(absl::StrCat(path, " holds ", DTypeName(header.dtype),
                                                   ": save it as float32, float64 or float16"));
  return file;
}

absl::Status ReadEncodingFile(const NpyFile& file, const Store& store, ThreadPool& pool,
                              TensorView<float> out) {
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> ids, store.original_ids());
  const int64_t num_nodes = store.num_nodes(), width = out.dim(1);
  std::atomic<int64_t> wrong_row = -1;
  std::atomic<bool> wrong_id = false;
  pool.ParallelFor(NumBlocks(num_nodes, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes, kRowsPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node) {
      const int64_t row = ids[static_cast<size_t>(node)];
      if (row < 0 || row >= num_nodes) {
        wrong_id = true;
        continue;
      }
      CopyEncodingRow(file, row, out, node);
      const float* values = out.row(node);
      if (!std::all_of(values, values + width, [](float x) { return std::isfinite(x); }))
        wrong_row = row;
    }
  });
  if (wrong_id)
    return absl::DataLossError(absl::StrCat(store.path(), "/original_ids.npy has ids beyond ",
                                            num_nodes, ": run `quadhop import` again"));
  if (wrong_row >= 0)
    return absl::InvalidArgumentError(absl::StrCat(file.file().path(), " row ", wrong_row.load(),
                                                   " has a value that is not a finite float"));
  return absl::OkStatus();
}

}  // namespace quadhop
