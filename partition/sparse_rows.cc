#include "partition/sparse_rows.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/check.h"
#include "core/rng.h"
#include "core/status.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 256;
constexpr uint64_t kProjectionStream = 2;  // `minor` of the stream keys; FastRP has 0, the SVD 1

absl::Status Wrong(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(place, " is no matrix of compressed rows: ", what));
}

absl::Status CheckParts(const CsrParts& parts, const std::string& place) {
  constexpr int64_t kMaxCols = std::numeric_limits<uint32_t>::max();
  const auto nnz = static_cast<int64_t>(parts.indices.size());
  if (parts.num_rows < 0 || parts.num_cols < 0 || parts.num_cols > kMaxCols)
    return Wrong(place, absl::StrCat("it is ", parts.num_rows, " x ", parts.num_cols,
                                     "; at most 2^32 - 1 columns are possible"));
  if (static_cast<int64_t>(parts.indptr.size()) != parts.num_rows + 1)
    return Wrong(place, absl::StrCat("indptr has ", parts.indptr.size(), " entries for ",
                                     parts.num_rows, " rows; one more than rows is needed"));
  if (parts.indptr.front() != 0 || parts.indptr.back() != nnz ||
      !std::is_sorted(parts.indptr.begin(), parts.indptr.end()))
    return Wrong(place, absl::StrCat("indptr must ascend from 0 to the ", nnz, " entries"));
  if (!parts.values.empty() && parts.values.size() != parts.indices.size())
    return Wrong(place, absl::StrCat(parts.values.size(), " values for ", nnz, " indices"));
  for (size_t i = 0; i < parts.indices.size(); ++i)
    if (parts.indices[i] < 0 || parts.indices[i] >= parts.num_cols)
      return Wrong(place, absl::StrCat("entry ", i, " is of column ", parts.indices[i],
                                       "; columns are in [0, ", parts.num_cols, ")"));
  for (size_t i = 0; i < parts.values.size(); ++i)
    if (!std::isfinite(parts.values[i]))
      return Wrong(place, absl::StrCat("entry ", i, " is ", parts.values[i],
                                       "; finite numbers of 32 bits are needed"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OwnedSparseMatrix> MakeSparseRows(CsrParts parts, const std::string& place) {
  QH_RETURN_IF_ERROR(CheckParts(parts, place));
  if (parts.values.empty()) parts.values.assign(parts.indices.size(), 1.0f);
  OwnedSparseMatrix rows{parts.num_rows, parts.num_cols, {0}, {}, {}};
  rows.indices.reserve(parts.indices.size());
  rows.values.reserve(parts.indices.size());
  std::vector<std::pair<int64_t, float>> row;
  for (size_t v = 0; v + 1 < parts.indptr.size(); ++v) {
    row.clear();
    for (auto e = static_cast<size_t>(parts.indptr[v]);
         e < static_cast<size_t>(parts.indptr[v + 1]); ++e)
      row.emplace_back(parts.indices[e], parts.values[e]);
    std::stable_sort(row.begin(), row.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < row.size();) {
      const int64_t column = row[i].first;
      float sum = 0;
      for (; i < row.size() && row[i].first == column; ++i) sum += row[i].second;
      if (sum == 0) continue;
      rows.indices.push_back(static_cast<uint32_t>(column));
      rows.values.push_back(sum);
    }
    rows.indptr.push_back(static_cast<int64_t>(rows.indices.size()));
  }
  return rows;
}

void ProjectRows(const SparseMatrix& a, uint64_t seed, ThreadPool& pool, TensorView<float> out) {
  QH_CHECK_EQ(out.dim(0), a.num_rows);
  const int64_t width = out.dim(1);
  const int64_t words = (width + 31) / 32;
  // Signs of R as bits  // [columns, words]
  std::vector<uint32_t> signs(static_cast<size_t>(a.num_cols * words));
  pool.ParallelFor(NumBlocks(a.num_cols, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, a.num_cols, kRowsPerBlock);
    for (int64_t column = range.begin; column < range.end; ++column) {
      RandomStream random(seed, RandomPurpose::kEncoding, static_cast<uint64_t>(column),
                          kProjectionStream);
      for (int64_t w = 0; w < words; ++w)
        signs[static_cast<size_t>(column * words + w)] = random.Next32();
    }
  });
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
  pool.ParallelFor(NumBlocks(a.num_rows, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, a.num_rows, kRowsPerBlock);
    for (int64_t row = range.begin; row < range.end; ++row) {
      float* const y = out.row(row);
      std::fill_n(y, width, 0.0f);
      for (int64_t e = a.indptr[static_cast<size_t>(row)];
           e < a.indptr[static_cast<size_t>(row) + 1]; ++e) {
        const float value = a.value(e) * scale;
        const uint32_t* const bits =
            signs.data() + int64_t{a.indices[static_cast<size_t>(e)]} * words;
        for (int64_t i = 0; i < width; ++i)
          y[i] += (bits[i / 32] >> (i % 32) & 1) != 0 ? value : -value;
      }
    }
  });
}

}  // namespace quadhop
