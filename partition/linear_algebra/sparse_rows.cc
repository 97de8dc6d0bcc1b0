#include "partition/linear_algebra/sparse_rows.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/casts.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/threads/for_each_row.h"
#include "partition/linear_algebra/random_rows.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 256;

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
    return Wrong(place,
                 absl::StrCat("indptr has ", parts.indptr.size(), " entries for ", parts.num_rows,
                              " rows; one more than there are rows is needed"));
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

// R / sqrt(width).
class RandomSigns {
 public:
  RandomSigns(int64_t num_columns, int64_t width, uint64_t seed, ThreadPool& pool)
      : width_(width),
        words_((width + 31) / 32),
        scale_(static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)))),
        signs_(AsSize(num_columns * words_)) {
    ForEachRow(num_columns, kRowsPerBlock, pool, [&](int64_t column, int) {
      RandomStream random = StreamOfRow(seed, column, RowDraws::kProjection);
      for (int64_t w = 0; w < words_; ++w) signs_[AsSize(column * words_ + w)] = random.Next32();
    });
  }

  // What an entry of `value` in the column adds to its row's projection y.
  void AddColumn(int64_t column, float value, float* y) const {
    const float scaled = value * scale_;
    const uint32_t* const bits = signs_.data() + column * words_;
    for (int64_t i = 0; i < width_; ++i)
      y[i] += (bits[i / 32] >> (i % 32) & 1) != 0 ? scaled : -scaled;
  }

 private:
  const int64_t width_, words_;
  const float scale_;
  std::vector<uint32_t> signs_;  // [columns, words], one bit per sign
};

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
  const RandomSigns signs(a.num_cols, out.dim(1), seed, pool);
  ForEachRow(a.num_rows, kRowsPerBlock, pool, [&](int64_t row, int) {
    std::fill_n(out.row(row), out.dim(1), 0.0f);
    for (int64_t e = a.indptr[AsSize(row)]; e < a.indptr[AsSize(row) + 1]; ++e)
      signs.AddColumn(a.indices[AsSize(e)], a.value(e), out.row(row));
  });
}

void ProjectRows(TensorView<const float> a, uint64_t seed, ThreadPool& pool,
                 TensorView<float> out) {
  QH_CHECK_EQ(out.dim(0), a.dim(0));
  const RandomSigns signs(a.dim(1), out.dim(1), seed, pool);
  ForEachRow(a.dim(0), kRowsPerBlock, pool, [&](int64_t row, int) {
    std::fill_n(out.row(row), out.dim(1), 0.0f);
    for (int64_t column = 0; column < a.dim(1); ++column)
      if (a.row(row)[column] != 0) signs.AddColumn(column, a.row(row)[column], out.row(row));
  });
}

}  // namespace quadhop
