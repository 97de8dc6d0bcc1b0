// The operations on bf16 rows are those on float rows (row_ops_test.cc) with operands widened and
// results rounded: equal in every bit.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/model/cpu/rows.h"

namespace quadhop::cpu {
namespace {

TEST(RowOpsOfBF16, RoundsAsTheScalarConversionDoes) {
  for (const int64_t n : Lengths()) {
    Row x = RandomRow(n, 30, 1e3);
    x[0] = -0.0f;
    if (n > 3) x[1] = std::numeric_limits<float>::infinity();
    if (n > 3) x[2] = 1 + 0x1p-8f;  // a tie
    HalfRow y(n);
    kBF16Ops.round(x.data(), n, y.data());
    y.ExpectIs(x);
    x[n - 1] = __builtin_bit_cast(float, 0x7FFFFFFF);
    kBF16Ops.round(x.data(), n, y.data());
    EXPECT_TRUE(std::isnan(BF16ToFloat(y.data()[n - 1].bits)));
  }
}

TEST(RowOpsOfBF16, SumsAndDotsAreThoseOfWidenedRows) {
  for (const int64_t n : Lengths()) {
    HalfRow half = RandomHalfRow(n, 31);
    Row wide = half.Widened(), other = RandomRow(n, 32), expected = other, actual = other;
    EXPECT_EQ(kBF16Ops.dot(other.data(), half.data(), n), kOps.dot(other.data(), wide.data(), n));
    kBF16Ops.add(half.data(), n, actual.data());
    kOps.add(wide.data(), n, expected.data());
    ExpectSame(actual, expected, n);
    kBF16Ops.add_scaled(0.3f, half.data(), n, actual.data());
    kOps.add_scaled(0.3f, wide.data(), n, expected.data());
    ExpectSame(actual, expected, n);
  }
}

TEST(RowOpsOfBF16, ActivationsAndSoftmaxAreRoundedOnce) {
  for (const int64_t n : Lengths()) {
    const std::vector<uint8_t> keep = RandomKeep(n, static_cast<uint64_t>(n));
    Row x = RandomRow(n, 33), bias = RandomRow(n, 34), expected(n);
    HalfRow y(n), d_half(n), p(n);
    kBF16Ops.bias_relu_dropout(x.data(), bias.data(), keep.data(), 1.4f, n, y.data());
    kOps.bias_relu_dropout(x.data(), bias.data(), keep.data(), 1.4f, n, expected.data());
    y.ExpectIs(expected);
    Row y_wide = y.Widened(), d = RandomRow(n, 35);
    kBF16Ops.relu_dropout_backward(d.data(), y.data(), 1.4f, n, d_half.data());
    kOps.relu_dropout_backward(d.data(), y_wide.data(), 1.4f, n, expected.data());
    d_half.ExpectIs(expected);
    Row scores = x, scores_again = x;
    kBF16Ops.softmax(n, scores.data(), p.data());
    kOps.softmax(n, scores_again.data(), expected.data());
    p.ExpectIs(expected);
    Row p_wide = p.Widened();
    kBF16Ops.softmax_backward(p.data(), d.data(), n, d_half.data());
    kOps.softmax_backward(p_wide.data(), d.data(), n, expected.data());
    d_half.ExpectIs(expected);
  }
}

TEST(RowOpsOfBF16, LayerNormIsThatOfItsRoundedInput) {
  for (const int64_t n : Lengths()) {
    Row x = RandomRow(n, 36, 2, 5), bias = RandomRow(n, 37), scale = RandomRow(n, 38),
        shift = RandomRow(n, 39), zero(n), u_float(n), z_float(n);
    HalfRow u(n), z(n), again(n);
    const RowStatistics actual = kBF16Ops.bias_layer_norm(x.data(), bias.data(), scale.data(),
                                                          shift.data(), n, u.data(), z.data());
    Row u_wide = u.Widened();
    const RowStatistics expected = kOps.bias_layer_norm(
        u_wide.data(), zero.data(), scale.data(), shift.data(), n, u_float.data(), z_float.data());
    EXPECT_EQ(actual.mean, expected.mean);
    EXPECT_EQ(actual.inv_std, expected.inv_std);
    z.ExpectIs(z_float);
    kBF16Ops.apply_layer_norm(u.data(), actual, scale.data(), shift.data(), n, again.data());
    again.ExpectIs(z_float);
    Row d_z = RandomRow(n, 40), d_u(n), d_u_expected(n), d_scale(n), d_shift(n),
        d_scale_expected(n), d_shift_expected(n);
    kBF16Ops.layer_norm_backward(u.data(), actual, scale.data(), d_z.data(), n, d_u.data(),
                                 d_scale.data(), d_shift.data());
    kOps.layer_norm_backward(u_wide.data(), actual, scale.data(), d_z.data(), n,
                             d_u_expected.data(), d_scale_expected.data(), d_shift_expected.data());
    ExpectSame(d_u, d_u_expected, n);
    ExpectSame(d_scale, d_scale_expected, n);
    ExpectSame(d_shift, d_shift_expected, n);
  }
}

TEST(RowOpsOfBF16, ResidualNormIsThatOfWidenedRows) {
  for (const int64_t n : Lengths()) {
    const ResidualCase c = ResidualCases(n).back();
    Row residual = RandomRow(n, 41), residual_again = residual, bias = RandomRow(n, 42);
    Row attended = RandomRow(n, 43), attended_bias = RandomRow(n, 44), expected(n), other(n);
    ResidualRow row{residual.data(),
                    bias.data(),
                    attended.data(),
                    attended_bias.data(),
                    c.attention_keep.data(),
                    c.residual_keep.data(),
                    1.25f,
                    1.5f};
    HalfRow x_hat(n), d_residual(n), d_attended(n);
    const float inv_std = kBF16Ops.residual_norm(row, n, x_hat.data());
    row.residual = residual_again.data();
    EXPECT_EQ(inv_std, kOps.residual_norm(row, n, expected.data()));
    x_hat.ExpectIs(expected);
    Row x_hat_wide = x_hat.Widened(), g = RandomRow(n, 45), gw = RandomRow(n, 46);
    const ResidualRowBackward<BFloat16> half{
        x_hat.data(),           0.75f, 0.5f, g.data(), -2.0f, gw.data(), c.attention_keep.data(),
        c.residual_keep.data(), 1.25f, 1.5f};
    const ResidualRowBackward<float> wide{
        x_hat_wide.data(),      0.75f, 0.5f, g.data(), -2.0f, gw.data(), c.attention_keep.data(),
        c.residual_keep.data(), 1.25f, 1.5f};
    kBF16Ops.residual_norm_backward(half, n, d_residual.data(), d_attended.data());
    kOps.residual_norm_backward(wide, n, expected.data(), other.data());
    d_residual.ExpectIs(expected);
    d_attended.ExpectIs(other);
  }
}

}  // namespace
}  // namespace quadhop::cpu
