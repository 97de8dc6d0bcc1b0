// Rows of a matrix in groups of 8 columns, which come from memory together, as do their keep bits.
// A warp takes a row, and its lane l the groups l, l + 32, ...; or the warps of a Team take rows
// together, and a lane has one group of each row.
#pragma once

#include <absl/strings/str_cat.h>

#include <type_traits>

#include "core/cuda/cuda_device.h"
#include "model/cuda/batch_tokens.h"
#include "model/cuda/dropout.cuh"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

inline constexpr int kGroupColumns = 8;
inline constexpr int kWarpColumns = kWarpThreads * kGroupColumns;

// 8 columns, in float.
struct Group {
  float at[kGroupColumns];
};

// The same columns as they are in memory, until they are used.
template <typename T>
struct StoredGroup;
template <>
struct StoredGroup<float> {
  float4 low, high;
};
template <>
struct StoredGroup<__nv_bfloat16> {
  uint4 words;
};

// The two bf16 values of a word.
__device__ inline float First(uint32_t pair) { return __uint_as_float(pair << 16); }
__device__ inline float Second(uint32_t pair) { return __uint_as_float(pair & 0xFFFF0000u); }

__device__ inline StoredGroup<float> LoadWhole(const float* from) {
  return {*reinterpret_cast<const float4*>(from), *reinterpret_cast<const float4*>(from + 4)};
}
__device__ inline StoredGroup<__nv_bfloat16> LoadWhole(const __nv_bfloat16* from) {
  return {*reinterpret_cast<const uint4*>(from)};
}
__device__ inline Group Widen(const StoredGroup<float>& stored) {
  const float4 &low = stored.low, &high = stored.high;
  return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
}
__device__ inline Group Widen(const StoredGroup<__nv_bfloat16>& stored) {
  const uint4& words = stored.words;
  const unsigned pairs[4] = {words.x, words.y, words.z, words.w};
  Group group;
  for (int i = 0; i < 4; ++i) {
    group.at[2 * i] = First(pairs[i]);
    group.at[2 * i + 1] = Second(pairs[i]);
  }
  return group;
}
__device__ inline void StoreWhole(const Group& group, float* to) {
  const float* v = group.at;
  *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
  *reinterpret_cast<float4*>(to + 4) = make_float4(v[4], v[5], v[6], v[7]);
}
__device__ inline void StoreWhole(const Group& group, __nv_bfloat16* to) {
  __nv_bfloat162 pairs[4];
  for (int i = 0; i < 4; ++i)
    pairs[i] = __floats2bfloat162_rn(group.at[2 * i], group.at[2 * i + 1]);
  uint4 words;
  memcpy(&words, pairs, sizeof(words));
  *reinterpret_cast<uint4*>(to) = words;
}

// Whether all groups of a row of `columns` are whole, and begin at multiples of 16 bytes, which
// vectors among a model's weights need not do.
template <typename T>
__device__ bool HasWholeGroups(const T* row, int64_t columns) {
  return columns % kGroupColumns == 0 && reinterpret_cast<uintptr_t>(row) % 16 == 0;
}

// Columns from `column` on of a row that has `columns`; zeros beyond, which are not stored.
template <typename T>
__device__ StoredGroup<T> LoadStored(const T* row, int64_t columns, int64_t column) {
  if (HasWholeGroups(row, columns)) return LoadWhole(row + column);
  alignas(16) T values[kGroupColumns] = {};
  for (int i = 0; i < kGroupColumns && column + i < columns; ++i) values[i] = row[column + i];
  return LoadWhole(values);
}
template <typename T>
__device__ Group LoadGroup(const T* row, int64_t columns, int64_t column) {
  return Widen(LoadStored(row, columns, column));
}
template <typename T>
__device__ void StoreGroup(const Group& group, int64_t columns, int64_t column, T* row) {
  if (HasWholeGroups(row, columns)) return StoreWhole(group, row + column);
  for (int i = 0; i < kGroupColumns && column + i < columns; ++i)
    row[column + i] = FromFloat<T>(group.at[i]);
}

// The elementwise product of two rows' groups.
__device__ inline Group MultiplyGroups(const float* a, const float* b, int64_t columns,
                                       int64_t column) {
  Group product = LoadGroup(a, columns, column);
  const Group other = LoadGroup(b, columns, column);
  for (int c = 0; c < kGroupColumns; ++c) product.at[c] *= other.at[c];
  return product;
}

// Calls visit(i, column) for the groups of the lane: its i-th, which begins at `column`.
template <int kGroups, typename Visit>
__device__ void ForEachGroup(int64_t columns, const Visit& visit) {
#pragma unroll
  for (int i = 0; i < kGroups; ++i) {
    const int64_t column = i * kWarpColumns + Lane() * kGroupColumns;
    if (column < columns) visit(i, column);
  }
}
// Calls visit(c) for those of a group's columns that exist.
template <typename Visit>
__device__ void ForEachColumn(int64_t columns, int64_t column, const Visit& visit) {
  const bool whole = column + kGroupColumns <= columns;
#pragma unroll
  for (int c = 0; c < kGroupColumns; ++c)
    if (whole || column + c < columns) visit(c);
}

// The mean of a row's values, of which each lane has summed its own.
__device__ inline float RowMean(float sum, int64_t columns) {
  return WarpSum(sum) / static_cast<float>(columns);
}

// The keep bits of a token's row of `columns`: a node's values are those of its tokens, one after
// the other.
class TokenKeep {
 public:
  __device__ TokenKeep(const DeviceDropout& dropout, const TokenRows& tokens, int64_t row,
                       int64_t columns)
      : threshold_(dropout.threshold) {
    if (threshold_ == 0) return;
    const int64_t node = tokens.node[row];
    key_ = DropoutKey(dropout, node);
    first_group_ = (row - tokens.begin[node]) * ((columns + kGroupColumns - 1) / kGroupColumns);
  }
  __device__ uint8_t Mask(int64_t column) const {
    if (threshold_ == 0) return 0xFF;
    return KeepMask(key_, static_cast<uint64_t>(first_group_ + column / kGroupColumns), threshold_);
  }

 private:
  uint32_t threshold_;
  uint64_t key_ = 0;
  int64_t first_group_ = 0;
};

// Warps of a block that share rows: a lane has the same 8 columns of every row, so that what it
// keeps per column takes few registers however wide rows are. kTeamWarps * kWarpColumns is at least
// the number of columns.
template <int kTeamWarps>
struct Team {
  static constexpr int kTeams = kBlockWarps / kTeamWarps;  // of a block
  static __device__ int Index() { return WarpOfBlock() / kTeamWarps; }
  static __device__ int Member() { return WarpOfBlock() % kTeamWarps; }
  static __device__ int64_t Column() {
    return Member() * kWarpColumns + int64_t{Lane()} * kGroupColumns;
  }
};

// Calls use(first row, load(first row)) for the team's rows of [begin, end), kRows rows at a time;
// the next are loaded ahead. All teams of a block take the same number of turns, in some of which
// there may be no row.
template <typename OfTeam, int kRows, typename Load, typename Use>
__device__ void ForEachRowsAhead(int64_t begin, int64_t end, const Load& load, const Use& use) {
  constexpr int kStep = OfTeam::kTeams * kRows;
  int64_t first = begin + OfTeam::Index() * kRows;
  auto next = load(first);
  for (int64_t of_block = begin; of_block < end; of_block += kStep) {
    const auto now = next;
    if (of_block + kStep < end) next = load(first + kStep);
    use(first, now);
    first += kStep;
  }
}

// The value for `row`, if lane r has that for row r.
template <typename V>
__device__ V OfRow(V of_lanes, int row) {
  return __shfl_sync(kAllLanes, of_lanes, row);
}

// Sums over the lanes of a team, of kValues values of each of kRows rows.
template <int kTeamWarps, int kRows, int kValues>
class TeamSums {
 public:
  static constexpr int kSharedFloats = 2 * kBlockWarps * kRows * kValues;

  __device__ explicit TeamSums(float* shared) : shared_(shared) {}
  // Adds in place; every lane gets the sums. All threads of a block call it, in step.
  __device__ void Add(float (&values)[kRows][kValues]) {
#pragma unroll
    for (auto& of_row : values)
#pragma unroll
      for (float& value : of_row) value = WarpSum(value);
    if constexpr (kTeamWarps > 1) {
      // Two halves in turn: before a warp writes to one again, it has met the others at a barrier
      // after they read it.
      turn_ ^= 1;
      float* of_warps = shared_ + turn_ * (kSharedFloats / 2);
      if (Lane() == 0) memcpy(of_warps + WarpOfBlock() * kRows * kValues, values, sizeof(values));
      __syncthreads();
      const float* of_team = of_warps + Team<kTeamWarps>::Index() * kTeamWarps * kRows * kValues;
#pragma unroll
      for (int i = 0; i < kRows * kValues; ++i) {
        float sum = 0;
        for (int warp = 0; warp < kTeamWarps; ++warp) sum += of_team[warp * kRows * kValues + i];
        values[i / kValues][i % kValues] = sum;
      }
    }
  }

 private:
  float* shared_;
  int turn_ = 0;
};

// Calls run(n), a std::integral_constant, where n * kWarpColumns is at least the number of columns:
// n is the number of groups that a lane holds if a warp has rows of its own, or of warps of a team.
template <typename Run>
void WithRowSize(Device& device, int64_t columns, const Run& run) {
  if (columns <= kWarpColumns) return run(std::integral_constant<int, 1>{});
  if (columns <= 2 * kWarpColumns) return run(std::integral_constant<int, 2>{});
  if (columns <= 4 * kWarpColumns) return run(std::integral_constant<int, 4>{});
  if (columns <= 8 * kWarpColumns) return run(std::integral_constant<int, 8>{});
  device.Note(absl::InvalidArgumentError(
      absl::StrCat("model.width times model.heads is ", columns, ": the GPU kernels take up to ",
                   8 * kWarpColumns, "; lower them, or set model.backend=CPU")));
}

}  // namespace quadhop::cuda
