// Rows to try SIMD operations on: of every length around a vector's, begun at an odd address, ended
// before a guard that must not be touched.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/base/rng.h"
#include "model/cpu/dropout_bits.h"
#include "model/cpu/row_ops.h"

namespace quadhop::cpu {

inline constexpr float kGuard = 12345.5f;
inline const RowOps<float>& kOps = GetRowOps<float>();
inline const RowOps<BFloat16>& kBF16Ops = GetRowOps<BFloat16>();

inline std::vector<int64_t> Lengths() {
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= 70; ++n) lengths.push_back(n);
  lengths.push_back(128);
  return lengths;
}

// A row of n values, one float behind the alignment of its memory.
class Row {
 public:
  explicit Row(int64_t n, float value = 0) : n_(static_cast<size_t>(n)), all_(n_ + 1 + 64, value) {
    all_[0] = kGuard;
    std::fill(all_.begin() + 1 + n, all_.end(), kGuard);
  }
  ~Row() {
    EXPECT_EQ(all_[0], kGuard);
    for (size_t i = n_ + 1; i < all_.size(); ++i) EXPECT_EQ(all_[i], kGuard) << "row of " << n_;
  }
  float* data() { return all_.data() + 1; }
  float& operator[](int64_t i) { return all_[static_cast<size_t>(i) + 1]; }
  double at(int64_t i) const { return double{all_[static_cast<size_t>(i) + 1]}; }

 private:
  size_t n_;
  std::vector<float> all_;
};

inline Row RandomRow(int64_t n, uint64_t stream, double scale = 1, double shift = 0) {
  RandomStream random(3, RandomPurpose::kTest, static_cast<uint64_t>(n), stream);
  Row row(n);
  for (int64_t i = 0; i < n; ++i) row[i] = static_cast<float>(shift + scale * random.Normal());
  return row;
}

// Keep bits of a row of n values, of a dropout of about a third.
inline std::vector<uint8_t> RandomKeep(int64_t n, uint64_t key) {
  std::vector<uint8_t> keep(static_cast<size_t>(KeepBytes(n)));
  RandomStream random(4, RandomPurpose::kTest, key, 0);
  for (uint8_t& byte : keep)
    for (int bit = 0; bit < 8; ++bit)
      byte = static_cast<uint8_t>(byte | ((random.Uniform() < 2.0 / 3) << bit));
  return keep;
}
inline bool IsKept(const std::vector<uint8_t>& keep, int64_t i) {
  return (keep[static_cast<size_t>(i / 8)] >> (i % 8)) & 1;
}

// A row of bf16, between guards as Row is.
class HalfRow {
 public:
  explicit HalfRow(int64_t n) : n_(static_cast<size_t>(n)), all_(n_ + 1 + 64, kHalfGuard) {}
  explicit HalfRow(const Row& row, int64_t n) : HalfRow(n) {
    for (int64_t i = 0; i < n; ++i) data()[i].bits = FloatToBF16(static_cast<float>(row.at(i)));
  }
  ~HalfRow() {
    EXPECT_EQ(all_[0].bits, kHalfGuard.bits);
    for (size_t i = n_ + 1; i < all_.size(); ++i) EXPECT_EQ(all_[i].bits, kHalfGuard.bits);
  }
  BFloat16* data() { return all_.data() + 1; }
  Row Widened() const {
    Row row(static_cast<int64_t>(n_));
    for (size_t i = 0; i < n_; ++i) row[static_cast<int64_t>(i)] = BF16ToFloat(all_[i + 1].bits);
    return row;
  }
  void ExpectIs(Row& expected) {
    for (size_t i = 0; i < n_; ++i) {
      EXPECT_EQ(all_[i + 1].bits, FloatToBF16(expected[static_cast<int64_t>(i)]))
          << i << " of " << n_;
    }
  }

 private:
  static constexpr BFloat16 kHalfGuard{0x1234};
  size_t n_;
  std::vector<BFloat16> all_;
};

inline HalfRow RandomHalfRow(int64_t n, uint64_t stream) {
  return HalfRow(RandomRow(n, stream), n);
}

inline void ExpectSame(Row& a, Row& b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) EXPECT_EQ(a[i], b[i]) << i << " of " << n;
}

// The dropouts of a token at the end of the attention block, in double.
struct ResidualCase {
  std::vector<uint8_t> attention_keep, residual_keep;
  double attention_scale, residual_scale;
  bool drop_attention, drop_residual;
  double AttentionFactor(int64_t i) const {
    return !drop_attention ? 1 : IsKept(attention_keep, i) ? attention_scale : 0;
  }
  double ResidualFactor(int64_t i) const {
    return !drop_residual ? 1 : IsKept(residual_keep, i) ? residual_scale : 0;
  }
};

inline std::vector<ResidualCase> ResidualCases(int64_t n) {
  std::vector<ResidualCase> cases;
  for (const bool attention : {false, true})
    for (const bool residual : {false, true})
      cases.push_back({RandomKeep(n, 1000 + static_cast<uint64_t>(n)),
                       RandomKeep(n, 2000 + static_cast<uint64_t>(n)), double{1.25f}, double{1.5f},
                       attention, residual});
  return cases;
}

}  // namespace quadhop::cpu
