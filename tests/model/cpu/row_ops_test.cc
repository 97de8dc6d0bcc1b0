// Every SIMD row operation against plain loops in double, for lengths around every vector width.
#include "model/cpu/row_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "model/cpu/adam_step.h"
#include "tests/model/cpu/rows.h"
#include "tests/support/norms.h"

namespace quadhop::cpu {
namespace {

constexpr double kEpsilon = 0x1p-24;  // half a unit in the last place of 1
constexpr double kNormEpsilon = 1e-5;

struct Statistics {
  double mean = 0, inv_std = 0;
};
Statistics StatisticsOf(const std::vector<double>& x) {
  const double n = static_cast<double>(x.size());
  Statistics s;
  double variance = 0;
  for (const double v : x) s.mean += v / n;
  for (const double v : x) variance += (v - s.mean) * (v - s.mean) / n;
  s.inv_std = 1 / std::sqrt(variance + kNormEpsilon);
  return s;
}

// Error of a normalised value: rounding of x and of its mean over n values of at most `largest`,
// in standard deviations, and through the inverse standard deviation once more.
double NormTolerance(size_t n, double largest, double inv_std, double x_hat) {
  return 2 * (static_cast<double>(n) + 16) * kEpsilon * largest * inv_std * (1 + std::abs(x_hat)) +
         8 * kEpsilon * std::abs(x_hat);
}

TEST(RowOps, KeepBitsAreThoseOfPhiloxAtEveryLength) {
  for (const double probability : {0.0, 0.1, 0.3, 0.5, 0.9}) {
    const uint32_t threshold = DropoutThreshold(probability);
    EXPECT_EQ(threshold, static_cast<uint32_t>(std::lround(probability * 65536)));
    EXPECT_EQ(DropoutScale(probability), static_cast<float>(65536.0 / (65536 - threshold)));
    for (int64_t bytes = 0; bytes <= 150; ++bytes) {
      const uint64_t key = Mix64(static_cast<uint64_t>(bytes));
      std::vector<uint8_t> keep(static_cast<size_t>(bytes) + 64, 0xA5);
      KeepBits(key, threshold, bytes, keep.data());
      for (int64_t i = 0; i < 8 * bytes; ++i) {
        const uint32_t word =
            Philox4x32(key, static_cast<uint64_t>(i / 8))[static_cast<size_t>(i % 8 / 2)];
        const uint32_t draw = i % 2 == 0 ? word & 0xFFFFu : word >> 16;
        ASSERT_EQ(IsKept(keep, i), draw >= threshold) << "value " << i << " of " << 8 * bytes;
      }
      for (size_t i = static_cast<size_t>(bytes); i < keep.size(); ++i) ASSERT_EQ(keep[i], 0xA5);
    }
  }
}

TEST(RowOps, SoftmaxGivesNothingToMinusInfinity) {
  for (const int64_t n : Lengths()) {
    for (const double spread : {0.1, 3.0, 40.0}) {
      Row x = RandomRow(n, 1, spread);
      for (int64_t i = 0; i + 1 < n; i += 3) x[i] = -std::numeric_limits<float>::infinity();
      std::vector<double> expected;
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t i = 0; i < n; ++i) top = std::max(top, x.at(i));
      for (int64_t i = 0; i < n; ++i) {
        expected.push_back(std::exp(x.at(i) - top));
        sum += expected.back();
      }
      const Row before = x;
      kOps.softmax(n, x.data(), x.data());
      for (int64_t i = 0; i < n; ++i) {
        const double p = expected[static_cast<size_t>(i)] / sum;
        if (std::isinf(before.at(i))) {
          EXPECT_EQ(x[i], 0.0f);
          continue;
        }
        // Rounding of the exponent, of exp (4 units), of a sum of n terms and of a division; below
        // exp(-87) of the largest nothing is left.
        const double relative = 2 * kEpsilon * (top - before.at(i) + static_cast<double>(n) + 8);
        EXPECT_NEAR(x.at(i), p, relative * p + 2e-38) << i << " of " << n;
      }
    }
  }
}

TEST(RowOps, SoftmaxBackwardIsItsDerivative) {
  for (const int64_t n : Lengths()) {
    Row p = RandomRow(n, 2), d = RandomRow(n, 3);
    kOps.softmax(n, p.data(), p.data());
    const Row before = d;
    double mean = 0, largest = 0;
    for (int64_t i = 0; i < n; ++i) mean += p.at(i) * d.at(i);
    for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(d.at(i)));
    kOps.softmax_backward(p.data(), d.data(), n, d.data());
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_NEAR(d.at(i), p.at(i) * (before.at(i) - mean),
                  p.at(i) * largest * kEpsilon * (static_cast<double>(n) + 8));
    }
  }
}

TEST(RowOps, SumsAndDotsAreThoseOfPlainLoops) {
  for (const int64_t n : Lengths()) {
    Row a = RandomRow(n, 4), b = RandomRow(n, 5), sum = a, scaled = a;
    kOps.add(b.data(), n, sum.data());
    kOps.add_scaled(0.7f, b.data(), n, scaled.data());
    double dot = 0, size = 0;
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(sum[i], a[i] + b[i]);
      EXPECT_NEAR(scaled.at(i), a.at(i) + double{0.7f} * b.at(i),
                  2 * kEpsilon * (std::abs(a.at(i)) + std::abs(b.at(i))));
      dot += a.at(i) * b.at(i);
      size += std::abs(a.at(i) * b.at(i));
    }
    EXPECT_NEAR(double{kOps.dot(a.data(), b.data(), n)}, dot,
                (static_cast<double>(n) + 1) * kEpsilon * size);
  }
}

TEST(RowOps, BiasReluDropoutKeepsWhatItsBitsSay) {
  for (const int64_t n : Lengths()) {
    const std::vector<uint8_t> keep = RandomKeep(n, static_cast<uint64_t>(n));
    for (const bool drop : {false, true}) {
      Row x = RandomRow(n, 6), bias = RandomRow(n, 7), d = RandomRow(n, 8);
      const Row x_before = x, d_before = d;
      const float scale = drop ? 1.4f : 1.0f;
      kOps.bias_relu_dropout(x.data(), bias.data(), drop ? keep.data() : nullptr, scale, n,
                             x.data());
      kOps.relu_dropout_backward(d.data(), x.data(), scale, n, d.data());
      for (int64_t i = 0; i < n; ++i) {
        const double linear = x_before.at(i) + bias.at(i);
        const bool alive = linear > 0 && (!drop || IsKept(keep, i));
        const double y = alive ? linear * double{scale} : 0;
        EXPECT_NEAR(x.at(i), y, 3 * kEpsilon * y);
        const double d_y = alive ? d_before.at(i) * double{scale} : 0;
        EXPECT_NEAR(d.at(i), d_y, kEpsilon * std::abs(d_y));
      }
    }
  }
}

TEST(RowOps, LayerNormIsThatOfPlainLoops) {
  for (const int64_t n : Lengths()) {
    Row x = RandomRow(n, 9, 2, 5), bias = RandomRow(n, 10), scale = RandomRow(n, 11),
        shift = RandomRow(n, 12), z(n), again(n);
    std::vector<double> biased;
    for (int64_t i = 0; i < n; ++i) biased.push_back(double{x[i] + bias[i]});
    const Statistics expected = StatisticsOf(biased);
    const RowStatistics actual = kOps.bias_layer_norm(x.data(), bias.data(), scale.data(),
                                                      shift.data(), n, x.data(), z.data());
    kOps.apply_layer_norm(x.data(), actual, scale.data(), shift.data(), n, again.data());
    const double largest = LargestOf(biased);
    EXPECT_NEAR(double{actual.mean}, expected.mean,
                kEpsilon * (static_cast<double>(n) + 2) * largest);
    EXPECT_NEAR(double{actual.inv_std} / expected.inv_std, 1,
                NormTolerance(biased.size(), largest, expected.inv_std, 0));
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(x.at(i), biased[static_cast<size_t>(i)]);
      const double x_hat = (x.at(i) - expected.mean) * expected.inv_std;
      EXPECT_NEAR(
          z.at(i), x_hat * scale.at(i) + shift.at(i),
          NormTolerance(biased.size(), largest, expected.inv_std, x_hat) * std::abs(scale.at(i)) +
              2 * kEpsilon * (std::abs(x_hat * scale.at(i)) + std::abs(shift.at(i))));
      EXPECT_EQ(z[i], again[i]);
    }
  }
}

TEST(RowOps, LayerNormBackwardIsThatOfPlainLoops) {
  for (const int64_t n : Lengths()) {
    Row x = RandomRow(n, 13, 2, 5), scale = RandomRow(n, 14), d_z = RandomRow(n, 15);
    Row d_scale = RandomRow(n, 16), d_shift = RandomRow(n, 17), d_x(n);
    const Row d_scale_before = d_scale, d_shift_before = d_shift;
    std::vector<double> values;
    for (int64_t i = 0; i < n; ++i) values.push_back(x.at(i));
    const Statistics s = StatisticsOf(values);
    const RowStatistics given{static_cast<float>(s.mean), static_cast<float>(s.inv_std)};
    kOps.layer_norm_backward(x.data(), given, scale.data(), d_z.data(), n, d_x.data(),
                             d_scale.data(), d_shift.data());
    std::vector<double> x_hat, d_hat;
    double mean = 0, mean_hat = 0;
    for (int64_t i = 0; i < n; ++i) {
      x_hat.push_back((x.at(i) - double{given.mean}) * double{given.inv_std});
      d_hat.push_back(d_z.at(i) * scale.at(i));
      mean += d_hat.back() / static_cast<double>(n);
      mean_hat += d_hat.back() * x_hat.back() / static_cast<double>(n);
    }
    // x_hat rounds like (|x| + |mean|) inv_std, and enters squared; means are of n terms.
    const double size = 1 + LargestOf(x_hat) + 2 * LargestOf(values) * s.inv_std;
    const double tolerance = 2 * kEpsilon * (static_cast<double>(n) + 8) * LargestOf(d_hat);
    for (int64_t i = 0; i < n; ++i) {
      const size_t at = static_cast<size_t>(i);
      EXPECT_NEAR(d_x.at(i), double{given.inv_std} * (d_hat[at] - mean - x_hat[at] * mean_hat),
                  tolerance * s.inv_std * size * size);
      const double g = d_z.at(i);
      EXPECT_NEAR(d_scale.at(i), d_scale_before.at(i) + g * x_hat[at],
                  4 * kEpsilon * (std::abs(g) * size + std::abs(d_scale_before.at(i))));
      EXPECT_NEAR(d_shift.at(i), d_shift_before.at(i) + g,
                  kEpsilon * (std::abs(g) + std::abs(d_shift_before.at(i))));
    }
    Row in_place = d_z;
    kOps.layer_norm_backward(x.data(), given, scale.data(), in_place.data(), n, in_place.data(),
                             d_scale.data(), d_shift.data());
    for (int64_t i = 0; i < n; ++i) EXPECT_EQ(in_place[i], d_x[i]);
  }
}

TEST(RowOps, ResidualNormDropsTwiceThenNormalises) {
  for (const int64_t n : Lengths()) {
    for (const ResidualCase& c : ResidualCases(n)) {
      Row residual = RandomRow(n, 18), residual_bias = RandomRow(n, 19);
      Row attended = RandomRow(n, 20), attended_bias = RandomRow(n, 21), x_hat(n);
      const Row residual_before = residual;
      const ResidualRow row{residual.data(),
                            residual_bias.data(),
                            attended.data(),
                            attended_bias.data(),
                            c.drop_attention ? c.attention_keep.data() : nullptr,
                            c.drop_residual ? c.residual_keep.data() : nullptr,
                            1.25f,
                            1.5f};
      const float inv_std = kOps.residual_norm(row, n, x_hat.data());
      std::vector<double> x, terms;
      for (int64_t i = 0; i < n; ++i) {
        const double attention = (attended.at(i) + attended_bias.at(i)) * c.AttentionFactor(i);
        x.push_back((residual_before.at(i) + residual_bias.at(i) + attention) *
                    c.ResidualFactor(i));
        terms.push_back(1.5 * (std::abs(residual_before.at(i)) + std::abs(residual_bias.at(i)) +
                               1.25 * (std::abs(attended.at(i)) + std::abs(attended_bias.at(i)))));
      }
      const Statistics s = StatisticsOf(x);
      const double largest = LargestOf(terms);
      EXPECT_NEAR(double{inv_std} / s.inv_std, 1, NormTolerance(x.size(), largest, s.inv_std, 0));
      for (int64_t i = 0; i < n; ++i) {
        const double expected = (x[static_cast<size_t>(i)] - s.mean) * s.inv_std;
        EXPECT_NEAR(x_hat.at(i), expected, NormTolerance(x.size(), largest, s.inv_std, expected))
            << i << " of " << n;
      }
    }
  }
}

TEST(RowOps, ResidualNormBackwardIsThatOfPlainLoops) {
  for (const int64_t n : Lengths()) {
    for (const ResidualCase& c : ResidualCases(n)) {
      Row x_hat = RandomRow(n, 22), g = RandomRow(n, 23), gw = RandomRow(n, 24);
      Row d_residual(n), d_attended(n);
      const ResidualRowBackward<float> row{x_hat.data(),
                                           0.75f,
                                           0.5f,
                                           g.data(),
                                           -2.0f,
                                           gw.data(),
                                           c.drop_attention ? c.attention_keep.data() : nullptr,
                                           c.drop_residual ? c.residual_keep.data() : nullptr,
                                           1.25f,
                                           1.5f};
      kOps.residual_norm_backward(row, n, d_residual.data(), d_attended.data());
      std::vector<double> d_hat, hats;
      double mean = 0, mean_hat = 0, terms = 0;
      for (int64_t i = 0; i < n; ++i) {
        d_hat.push_back(0.5 * g.at(i) - 2 * gw.at(i));
        terms = std::max(terms, 0.5 * std::abs(g.at(i)) + 2 * std::abs(gw.at(i)));
        hats.push_back(x_hat.at(i));
        mean += d_hat.back() / static_cast<double>(n);
        mean_hat += d_hat.back() * x_hat.at(i) / static_cast<double>(n);
      }
      const double size = 1 + LargestOf(hats);
      const double tolerance =
          2 * kEpsilon * (static_cast<double>(n) + 8) * terms * size * size * 1.25 * 1.5;
      for (int64_t i = 0; i < n; ++i) {
        const double d = 0.75 * (d_hat[static_cast<size_t>(i)] - mean - x_hat.at(i) * mean_hat) *
                         c.ResidualFactor(i);
        EXPECT_NEAR(d_residual.at(i), d, tolerance);
        EXPECT_NEAR(d_attended.at(i), d * c.AttentionFactor(i), tolerance);
      }
    }
  }
}

TEST(RowOps, AdamStepIsThatOfPlainLoops) {
  const AdamConstants k{0.9f, 0.999f, 1e-8f, 1e-2f, 3.0f, 1e-3f};
  for (const int64_t n : Lengths()) {
    Row gradient = RandomRow(n, 25), m = RandomRow(n, 26), v = RandomRow(n, 27),
        w = RandomRow(n, 28);
    for (int64_t i = 0; i < n; ++i) v[i] = std::abs(v[i]);
    const Row m_before = m, v_before = v, w_before = w;
    AdamStep(k, 0.5f, gradient.data(), n, m.data(), v.data(), w.data());
    for (int64_t i = 0; i < n; ++i) {
      const double b1 = double{k.beta1}, b2 = double{k.beta2}, g = 0.5 * gradient.at(i);
      const double first = b1 * m_before.at(i) + (1 - b1) * g;
      const double second = b2 * v_before.at(i) + (1 - b2) * g * g;
      const double m_error = 4 * kEpsilon * (std::abs(m_before.at(i)) + std::abs(g));
      EXPECT_NEAR(m.at(i), first, m_error);
      EXPECT_NEAR(v.at(i), second, 6 * kEpsilon * second);
      const double slope = double{k.step_size} / (std::sqrt(second) * 3 + double{k.epsilon});
      const double expected = w_before.at(i) * (1 - double{k.decay}) - slope * first;
      EXPECT_NEAR(w.at(i), expected,
                  4 * kEpsilon * std::abs(w_before.at(i)) +
                      slope * (m_error + 8 * kEpsilon * std::abs(first)));
    }
  }
}

}  // namespace
}  // namespace quadhop::cpu
