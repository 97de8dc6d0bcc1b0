// What an implementation computed from a golden case, and how far that is from what it should be.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "tests/golden/golden_case.h"

namespace quadhop::golden {

// The results of a case, as in GoldenCase; float results are widened.
struct GoldenOutcome {
  std::vector<double> eval_before, eval_after;   // [B, C]
  std::vector<std::vector<double>> step_logits;  // steps of [B, C]
  Arrays gradients;                              // of step 0; may lack those of unused parameters
  std::vector<double> losses;                    // [steps]
  Arrays state_after;                            // what is in it is compared, but for parameters
                                                 // whose gradient is 0; may be empty
};

inline constexpr double kNoBound = std::numeric_limits<double>::infinity();

// Largest allowed errors, relative (norm of difference over norm) unless said.
struct GoldenBounds {
  double eval_before = 0;
  double first_logits = 0;  // of step 0
  double later_logits = 0;  // of the other steps
  double gradients = 0;
  double zero_gradients = 0;  // where the true gradient is 0: largest error over largest gradient
  double losses = 0;
  double state_after = 0;
  double running_means = 0;  // of state_after, behind parameters whose gradient is 0
  double eval_after = 0;
};

// DESIGN.md section 4: of the reference in double, and of the production model in float.
//
// Biases in front of a batch norm have the gradient 0, and Adam turns its rounding noise into steps
// that nothing but running means, and so evaluation, feels. In double that noise stays below 1e-8
// for a few steps; 2e-7 was measured after 40.
GoldenBounds DoubleBounds(const GoldenCase& golden);
GoldenBounds FloatBounds(const GoldenCase& golden);
GoldenBounds NoBounds();  // errors are computed, nothing fails but NaN and what is missing

struct GoldenCheck {
  std::string what;  // "gradient fc_in.0.weight", "loss of step 2", ...
  double error = 0;  // NaN is a failure
  double bound = 0;

  bool ok() const { return error <= bound; }
};

// Everything that the bounds speak of, in the order of the run. A result that is missing, or of
// another size, has an infinite error.
std::vector<GoldenCheck> CompareWithGolden(const GoldenCase& golden, const GoldenOutcome& outcome,
                                           const GoldenBounds& bounds);

}  // namespace quadhop::golden
