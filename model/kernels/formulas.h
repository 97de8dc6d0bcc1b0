// Arithmetic on single values that the backends share, on the host and on a GPU. (Templates, since
// a square root is not a constant expression everywhere.)
#pragma once

#include <cmath>
#include <cstdint>

#include "comm/sums/row_adder.h"

namespace quadhop {

inline constexpr double kNormEpsilon = 1e-5;
inline constexpr double kMomentum = 0.1;  // of running moments
inline constexpr double kSizeEpsilon =
    1e-5;  // of the paper's code: keeps empty centroids' sizes off zero

// sqrt(variance + epsilon).
template <typename Real>
constexpr Real Deviation(Real variance) {
  return std::sqrt(variance + kNormEpsilon);
}

// keep * average + take * value.
constexpr float MovedAverage(double keep, float average, double take, double value) {
  return static_cast<float>(keep * double{average} + take * value);
}

// The variance of n values, as a running average takes it.
constexpr double UnbiasedVariance(const Moments& moments) {
  return moments.count > 1 ? moments.m2 / (moments.count - 1) : 0;
}

// The codebook's sizes are smoothed such that their sum over `centroids` centroids stays `all`.
constexpr double SizeSmoothing(double all, int64_t centroids) {
  return all / (all + static_cast<double>(centroids) * kSizeEpsilon);
}
constexpr float SmoothedSize(float size, double smoothing) {
  return static_cast<float>((double{size} + kSizeEpsilon) * smoothing);
}

// Whether the float with these bits is finite.
constexpr bool IsFinite(uint32_t bits) { return (bits & 0x7f800000u) != 0x7f800000u; }

// The factor by which a gradient with this sum of squares is scaled, to have at most the norm
// `clip_norm`.
template <typename Real>
constexpr float GradientScale(Real sum_of_squares, Real clip_norm) {
  const Real norm = std::sqrt(sum_of_squares);
  return norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0f;
}

}  // namespace quadhop
