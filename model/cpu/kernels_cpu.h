// The CPU backend: products by oneDNN on tiles of fixed size, everything else in SIMD, on the
// threads of one pool.
#pragma once

#include <memory>
#include <vector>

#include "model/cpu/lane_sums.h"
#include "model/cpu/local_activations.h"
#include "model/kernels/kernels.h"
#include "model/kernels/local_weights.h"

namespace quadhop::cpu {

// Rows of node-level matrices that one product takes: a constant, so that results do not depend on
// the number of threads.
inline constexpr int64_t kTileRows = 64;
// Token rows that the local module takes through all its layers at once, so that they stay in
// cache.
inline constexpr int64_t kTileTokens = 512;

// Consecutive rows of one partition.
struct Tile {
  int64_t partition;
  int64_t begin, end;  // rows of the batch
};
// Every slice cut into tiles of `rows` rows (the last of a slice may be smaller), in order.
std::vector<Tile> MakeTiles(const Slices& slices, int64_t rows);

class CpuKernels final : public Kernels {
 public:
  explicit CpuKernels(ThreadPool& pool) : pool_(pool) {}
  Memory& memory() override { return row_adder_.memory(); }
  RowAdder& row_adder() override { return row_adder_; }
  absl::StatusOr<std::unique_ptr<Kernels>> OnNewStream() const override { return nullptr; }
  std::unique_ptr<LocalActivations> MakeLocalActivations() override {
    return std::make_unique<CpuLocalActivations>();
  }

 private:
  void DoLinear(const LinearArgs& args) override;
  void DoLinearBackward(const LinearBackwardArgs& args) override;
  void DoColumnMoments(const Slices& slices, TensorView<const float> x,
                       TensorView<Moments> moments) override;
  void DoTakeMoments(const TakeMomentsArgs& args) override;
  void DoInverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) override;
  void DoStandardise(TensorView<const float> x, TensorView<const float> mean,
                     TensorView<const float> inv_std, TensorView<float> y) override;
  void DoGatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                    TensorView<float> y) override;
  void DoActivation(const ActivationArgs& args) override;
  void DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) override;
  void DoActivationBackward(const ActivationBackwardArgs& args) override;
  void DoLocalForward(const LocalForwardArgs& args) override;
  void DoLocalBackward(const LocalBackwardArgs& args) override;
  void DoCodebookAttention(const CodebookAttentionArgs& args) override;
  void DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) override;
  void DoCodebookOuterSum(const CodebookOuterSumArgs& args) override;
  void DoCodebookAssign(const CodebookAssignArgs& args) override;
  void DoCodebookRecode(const CodebookRecodeArgs& args) override;
  void DoCodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                       TensorView<float> log_count) override;
  void DoCodebookMove(const CodebookMoveArgs& args) override;
  void DoCodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                        TensorView<const float> variance, TensorView<float> output) override;
  void DoLoss(const LossArgs& args) override;
  void DoAdam(const AdamArgs& args) override;
  void DoCheckFinite(TensorView<const float> x, TensorView<double> all_finite) override;
  void DoMultiply(absl::Span<const ProductArgs> products) override;

  template <typename T>
  void LocalForwardIn(const LocalForwardArgs& args);
  template <typename T>
  void LocalBackwardIn(const LocalBackwardArgs& args);
  // The array of `weights` in T; the one in bf16 is valid until the next call.
  template <typename T>
  const T* OperandsOf(const LargeGTDims& dims, const LocalWeights& weights);

  ThreadPool& pool_;
  HostRowAdder row_adder_;
  std::vector<std::vector<float>> scratch_;  // [threads]: grows to what a tile needs, then stays
  std::vector<BFloat16> bf16_weights_;       // of the local module
  LaneMemory lane_memory_;                   // of partial gradients of the local module
};

template <>
const float* CpuKernels::OperandsOf<float>(const LargeGTDims& dims, const LocalWeights& weights);
template <>
const BFloat16* CpuKernels::OperandsOf<BFloat16>(const LargeGTDims& dims,
                                                 const LocalWeights& weights);

}  // namespace quadhop::cpu
