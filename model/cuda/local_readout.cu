// The readout of the local module: one block per node, whose tokens' rows are read once.
#include <tuple>

#include "model/cuda/local_rows.h"

namespace quadhop::cuda {
namespace {

constexpr int kReadoutRows = 4;  // that a team takes at a time

template <typename T>
struct ReadoutLoaded {
  float bias;  // of row r: lane r's
  StoredGroup<T> t_hat[kReadoutRows];
};

// What a team has seen of a softmax: the largest score, and the sum of exp(score - top).
struct SeenScores {
  float top, sum;
};

// The sum of tokens weighted by exp(score) is kept along with the largest score so far: "online"
// softmax (Milakov and Gimelshein, arXiv 1805.02867).
template <typename T, int kTeamWarps>
__global__ void __launch_bounds__(kBlockThreads) ReadoutKernel(ReadoutRows<T> args, float* y) {
  constexpr int kRows = kReadoutRows;
  using OfTeam = Team<kTeamWarps>;
  const int64_t node = blockIdx.x, n = args.width, column = OfTeam::Column();
  const int64_t begin = args.tokens.begin[node], end = args.tokens.begin[node + 1];
  float* scores = reinterpret_cast<float*>(shared_memory);                           // [S]
  auto* of_teams = reinterpret_cast<SeenScores*>(scores + args.tokens.most_tokens);  // [kTeams]
  TeamSums<kTeamWarps, kRows, 1> over_columns(reinterpret_cast<float*>(of_teams + OfTeam::kTeams));
  float* shared = reinterpret_cast<float*>(of_teams + OfTeam::kTeams) + over_columns.kSharedFloats;
  // The shift's part of the score is the same for all tokens, and cancels.
  Group weight = {};
  if (column < n) weight = MultiplyGroups(args.scale, args.w_read, n, column);
  SeenScores seen{-INFINITY, 0};
  BlockColumnSums<kTeamWarps, 1> sums;
  const auto load = [&](int64_t first) {
    ReadoutLoaded<T> loaded{};
    if (const int64_t row = first + Lane() % kRows; row < end)
      loaded.bias =
          row == begin ? args.tokens.log_own_others[node] : args.tokens.log_multiplicity[row];
#pragma unroll
    for (int r = 0; r < kRows; ++r)
      if (first + r < end && column < n)
        loaded.t_hat[r] = LoadStored(args.t_hat + (first + r) * n, n, column);
    return loaded;
  };
  const auto use = [&](int64_t first, const ReadoutLoaded<T>& loaded) {
    float of_rows[kRows][1] = {};
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const Group t = Widen(loaded.t_hat[r]);
      for (int c = 0; c < kGroupColumns; ++c)
        of_rows[r][0] = fmaf(weight.at[c], t.at[c], of_rows[r][0]);
    }
    over_columns.Add(of_rows);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const float score = of_rows[r][0] + OfRow(loaded.bias, r);
      if (first + r >= end) continue;
      if (OfTeam::Member() == 0 && Lane() == 0) scores[first + r - begin] = score;
      if (score == -INFINITY) continue;
      if (score > seen.top) {
        const float factor = expf(seen.top - score);
        seen = {score, seen.sum * factor};
        sums.Scale(0, factor);
      }
      const float share = expf(score - seen.top);
      seen.sum += share;
      const Group t = Widen(loaded.t_hat[r]);
      for (int c = 0; c < kGroupColumns; ++c) sums.Add(0, c, share * t.at[c]);
    }
  };
  ForEachRowsAhead<OfTeam, kRows>(begin, end, load, use);
  if (OfTeam::Member() == 0 && Lane() == 0) of_teams[OfTeam::Index()] = seen;
  __syncthreads();
  SeenScores all{-INFINITY, 0};
  for (int team = 0; team < OfTeam::kTeams; ++team) all.top = fmaxf(all.top, of_teams[team].top);
  for (int team = 0; team < OfTeam::kTeams; ++team)
    if (of_teams[team].sum > 0) all.sum += of_teams[team].sum * expf(of_teams[team].top - all.top);
  const float inverse = all.sum > 0 ? 1.0f / all.sum : 0.0f;  // 0 if the first token is alone
  const float shifts = all.sum > 0 ? 2 : 1;
  if (seen.sum > 0) sums.Scale(0, expf(seen.top - all.top) * inverse);
  for (int64_t row = begin + threadIdx.x; row < end; row += kBlockThreads) {
    const float score = scores[row - begin];
    args.alpha[row] = score == -INFINITY ? 0.0f : expf(score - all.top) * inverse;
  }
  const float* summary = sums.Totals(n, shared);
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads) {
    args.summary[node * n + c] = summary[c];
    y[node * n + c] = fmaf(ToFloat(args.t_hat[begin * n + c]) + summary[c], args.scale[c],
                           shifts * args.shift[c]);
  }
}

// One warp per node.
template <typename T, int kGroups>
__global__ void ReadoutNodesKernel(ReadoutRows<T> args, const float* d_y, float* scaled,
                                   float* mean, float* along_summary, float* d_vectors) {
  const int64_t node = WarpOfGrid(), n = args.width;
  if (node >= args.tokens.nodes) return;
  const int64_t first_row = args.tokens.begin[node];
  const T* t_hat = args.t_hat + first_row * n;  // of the node itself
  const bool is_alone = args.tokens.begin[node + 1] - first_row == 1 && args.alpha[first_row] == 0;
  const float shifts = is_alone ? 1 : 2;
  float sum = 0, along = 0;
  ForEachGroup<kGroups>(n, [&](int, int64_t column) {
    const Group of_scaled = MultiplyGroups(args.scale, d_y + node * n, n, column);
    StoreGroup(of_scaled, n, column, scaled + node * n);
    Group d = LoadGroup(d_y + node * n, n, column);
    const Group summary = LoadGroup(args.summary + node * n, n, column);
    const Group own = LoadGroup(t_hat, n, column);
    Group d_scale;
    for (int c = 0; c < kGroupColumns; ++c) {
      sum += of_scaled.at[c];
      along = fmaf(of_scaled.at[c], summary.at[c], along);
      d_scale.at[c] = d.at[c] * (own.at[c] + summary.at[c]);
      d.at[c] *= shifts;
    }
    StoreGroup(d_scale, n, column, d_vectors + node * 2 * n);
    StoreGroup(d, n, column, d_vectors + (node * 2 + 1) * n);
  });
  sum = RowMean(sum, n);
  along = WarpSum(along);
  if (Lane() != 0) return;
  mean[node] = sum;
  along_summary[node] = along;
}

// One thread per slice and column.
__global__ void ReadoutScoresKernel(int64_t slices, int64_t width, const float* scale,
                                    const float* w_read, PartitionGradients d_scale,
                                    PartitionGradients d_read) {
  const int64_t item = ThreadOfGrid(), slice = item / width, c = item % width;
  if (slice >= slices) return;
  const float scored = d_read.of(slice)[c];
  d_scale.of(slice)[c] += w_read[c] * scored;
  d_read.of(slice)[c] = scale[c] * scored;
}

}  // namespace

// One block per node, with shared memory for its tokens' scores, its teams and sums.
template <typename T>
void Readout(Device& device, const ReadoutRows<T>& args, float* y) {
  WithRowSize(device, args.width, [&](auto warps) {
    const int64_t floats = args.tokens.most_tokens +
                           TeamSums<warps, kReadoutRows, 1>::kSharedFloats +
                           BlockColumnSums<warps, 1>::SharedFloats(args.width);
    const size_t shared_bytes =
        static_cast<size_t>(floats) * sizeof(float) + Team<warps>::kTeams * sizeof(SeenScores);
    device.Launch(ReadoutKernel<T, warps>, {args.tokens.nodes, kBlockThreads, shared_bytes}, args,
                  y);
  });
}

template <typename T>
ReadoutNodes ReadoutBackwardNodes(Device& device, const ReadoutRows<T>& args, const float* d_y,
                                  float* d_vectors) {
  const int64_t nodes = args.tokens.nodes;
  ReadoutNodes made{
      {device, nodes * args.width}, Buffer<float>(device, nodes), Buffer<float>(device, nodes)};
  WithRowSize(device, args.width, [&](auto groups) {
    device.Launch(ReadoutNodesKernel<T, groups>, {BlocksOfWarps(nodes), kBlockThreads}, args, d_y,
                  made.scaled.data(), made.mean.data(), made.along_summary.data(), d_vectors);
  });
  return made;
}

template <typename T>
void ReadoutBackwardScores(Device& device, const ReadoutRows<T>& args, int64_t slices,
                           const PartitionGradients& d_scale, const PartitionGradients& d_read) {
  device.Launch(ReadoutScoresKernel, {BlocksOfThreads(slices * args.width), kBlockThreads}, slices,
                args.width, args.scale, args.w_read, d_scale, d_read);
}

template <typename T>
struct ReadoutInstances {
  static constexpr auto kAll =
      std::tuple(&Readout<T>, &ReadoutBackwardNodes<T>, &ReadoutBackwardScores<T>);
};
template struct ReadoutInstances<float>;
template struct ReadoutInstances<__nv_bfloat16>;

}  // namespace quadhop::cuda
