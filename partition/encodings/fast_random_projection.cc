#include "partition/encodings/fast_random_projection.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/threads/for_each_row.h"
#include "core/threads/parallel_status.h"
#include "partition/linear_algebra/add_scaled.h"
#include "partition/linear_algebra/column_blocks.h"
#include "partition/linear_algebra/random_rows.h"
#include "partition/linear_algebra/standardize.h"
#include "partition/scratch/scratch_file.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;
constexpr float kWeights[] = {0.5f, 1.0f, 1.0f};  // of the powers 1, 2, 3
constexpr size_t kPowers = std::size(kWeights);
// A node's square while a power is made, and its scale in each.
constexpr int64_t kScaleBytes = sizeof(double) + kPowers * sizeof(float);

void ProjectInMemory(const FastRpInput& input, ThreadPool& pool, TensorView<float> out) {
  const int64_t num_nodes = out.dim(0), width = out.dim(1);
  Tensor<float> r({num_nodes, width}), next({num_nodes, width});
  FillNormals(input.keys, input.seed, RowDraws::kFastRp, 0, r.view(), pool);
  std::fill_n(out.data(), out.size(), 0.0f);
  for (size_t power = 0; power < kPowers; ++power) {
    Tell(input.on_progress, "powers",
         ShareOf(static_cast<int64_t>(power), static_cast<int64_t>(kPowers)));
    input.adjacency.ScaleAndMultiply(r.view(), next.view(), pool);
    NormalizeRows(next.view(), pool);
    ForEachRow(num_nodes, kRowsPerBlock, pool,
               [&](int64_t v, int) { AddScaled(kWeights[power], next.row(v), width, out.row(v)); });
    std::swap(r, next);
  }
}

// The same, some columns at a time. A power's rows have length 1 over all columns, so it is made
// whole, on disk, before the next: Y_k = Â R_(k-1), whose rows are scaled when they are read.
class ProjectionByColumns {
 public:
  static absl::StatusOr<ProjectionByColumns> Begin(const FastRpInput& input, int64_t width,
                                                   int64_t columns, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(std::unique_ptr<ScratchFile> scratch,
                        ScratchFile::Create(input.scratch_folder));
    return ProjectionByColumns(input, width, columns, pool, std::move(scratch));
  }

  // Y_(power + 1).
  absl::Status MakePower(size_t power) {
    std::vector<double> squares(static_cast<size_t>(num_nodes()));
    Tensor<float> x({num_nodes(), columns_}), y({num_nodes(), columns_});
    for (int64_t begin = 0; begin < width_; begin += columns_) {
      const int64_t count = powers_[power].CountAt(begin);
      const TensorView<float> r(x.data(), {num_nodes(), count});
      const TensorView<float> product(y.data(), {num_nodes(), count});
      Tell(input_.on_progress, "powers",
           ShareOf(static_cast<int64_t>(power) * width_ + begin,
                   static_cast<int64_t>(kPowers) * width_));
      QH_RETURN_IF_ERROR(Load(power, begin, r));
      input_.adjacency.ScaleAndMultiply(r, product, pool_);
      ForEachRow(num_nodes(), kRowsPerBlock, pool_, [&](int64_t v, int) {
        double& square = squares[static_cast<size_t>(v)];
        for (int64_t i = 0; i < count; ++i)
          square += double{product.row(v)[i]} * double{product.row(v)[i]};
      });
      QH_RETURN_IF_ERROR(powers_[power].Write(all_rows(), begin, product.data()));
    }
    row_scales_[power].resize(squares.size());
    ForEachRow(num_nodes(), kRowsPerBlock, pool_, [&](int64_t v, int) {
      const auto i = static_cast<size_t>(v);
      row_scales_[power][i] = ScaleToLengthOne(squares[i]);
    });
    return absl::OkStatus();
  }

  absl::Status AddUp(TensorView<float> out) {
    return ParallelForBlocks(pool_, num_nodes(), powers_[0].rows_at_a_time(),
                             [&](BlockRange rows) { return AddUpRows(rows, out); });
  }

 private:
  ProjectionByColumns(const FastRpInput& input, int64_t width, int64_t columns, ThreadPool& pool,
                      std::unique_ptr<ScratchFile> scratch)
      : input_(input), width_(width), columns_(columns), pool_(pool), scratch_(std::move(scratch)) {
    for (size_t power = 0; power < kPowers; ++power)
      powers_.emplace_back(*scratch_, num_nodes(), width, columns, int64_t{sizeof(float)});
  }

  int64_t num_nodes() const { return input_.adjacency.num_nodes(); }
  BlockRange all_rows() const { return {0, num_nodes()}; }

  // Columns [begin, begin + L) of R_power.
  absl::Status Load(size_t power, int64_t begin, TensorView<float> r) {  // [N, L]
    if (power == 0) {
      FillNormals(input_.keys, input_.seed, RowDraws::kFastRp, begin, r, pool_);
      return absl::OkStatus();
    }
    QH_RETURN_IF_ERROR(powers_[power - 1].Read(all_rows(), begin, r.data()));
    ForEachRow(num_nodes(), kRowsPerBlock, pool_, [&](int64_t v, int) {
      const float scale = row_scales_[power - 1][static_cast<size_t>(v)];
      for (int64_t i = 0; i < r.dim(1); ++i) r.row(v)[i] *= scale;
    });
    return absl::OkStatus();
  }

  absl::Status AddUpRows(BlockRange rows, TensorView<float> out) {
    std::fill(out.row(rows.begin), out.row(rows.begin) + (rows.end - rows.begin) * width_, 0.0f);
    Tensor<float> y({rows.end - rows.begin, columns_});
    for (size_t power = 0; power < kPowers; ++power)
      for (int64_t begin = 0; begin < width_; begin += columns_) {
        const int64_t count = powers_[power].CountAt(begin);
        QH_RETURN_IF_ERROR(powers_[power].Read(rows, begin, y.data()));
        for (int64_t v = rows.begin; v < rows.end; ++v) {
          float* const row = y.data() + (v - rows.begin) * count;
          for (int64_t i = 0; i < count; ++i) row[i] *= row_scales_[power][static_cast<size_t>(v)];
          AddScaled(kWeights[power], row, count, out.row(v) + begin);
        }
      }
    return absl::OkStatus();
  }

  const FastRpInput& input_;
  int64_t width_;    // G
  int64_t columns_;  // that are in memory at a time
  ThreadPool& pool_;
  std::unique_ptr<ScratchFile> scratch_;
  std::vector<ColumnBlocks> powers_;        // Y_1, Y_2, Y_3  // [N, G] each
  std::vector<float> row_scales_[kPowers];  // [N]: that turn Y_k into R_k
};

}  // namespace

StepNeeds FastRandomProjectionNeeds(int64_t num_nodes, int64_t dim) {
  const int64_t column_bytes = 2 * num_nodes * int64_t{sizeof(float)};
  StepNeeds needs;
  needs.memory_bytes = num_nodes * NormalizedAdjacency::kBytesANode + column_bytes * dim;
  needs.least_bytes =
      std::min(needs.memory_bytes, num_nodes * (NormalizedAdjacency::kBytesANode + kScaleBytes) +
                                       column_bytes * std::min(dim, kLeastColumns));
  if (needs.least_bytes < needs.memory_bytes)
    needs.scratch_bytes = static_cast<int64_t>(kPowers) * num_nodes * dim * int64_t{sizeof(float)};
  return needs;
}

absl::Status FastRandomProjection(const FastRpInput& input, ThreadPool& pool,
                                  TensorView<float> out) {
  const int64_t num_nodes = input.adjacency.num_nodes(), width = out.dim(1);
  QH_CHECK_EQ(static_cast<int64_t>(input.keys.size()), num_nodes);
  QH_CHECK_EQ(out.dim(0), num_nodes);
  if (FastRandomProjectionNeeds(num_nodes, width).memory_bytes <= input.memory_bytes) {
    ProjectInMemory(input, pool, out);
  } else {
    const int64_t columns = ColumnsThatFit(
        width, 2 * num_nodes * int64_t{sizeof(float)},
        input.memory_bytes - num_nodes * (NormalizedAdjacency::kBytesANode + kScaleBytes));
    QH_ASSIGN_OR_RETURN(ProjectionByColumns projection,
                        ProjectionByColumns::Begin(input, width, columns, pool));
    for (size_t power = 0; power < kPowers; ++power)
      QH_RETURN_IF_ERROR(projection.MakePower(power));
    QH_RETURN_IF_ERROR(projection.AddUp(out));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
