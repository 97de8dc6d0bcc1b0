// What values in columns of features and labels mean, and the errors for those that mean nothing.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cmath>
#include <cstdint>

#include "core/store/store.h"

namespace quadhop {

// Whether the value is a class, or -1 or NaN for a node without one.
inline bool IsClass(double value) {
  return std::isnan(value) || (value >= -1 && value < INT32_MAX && value == std::floor(value));
}
inline int32_t ClassOf(double value) {
  return std::isnan(value) ? kUnlabelled : static_cast<int32_t>(value);
}

// Whether the value is one of several labels of a node: 0, 1, or NaN if it is not known.
inline bool IsMultiLabel(double value) { return std::isnan(value) || value == 0 || value == 1; }
inline uint8_t MultiLabelOf(double value) {
  return std::isnan(value) ? kUnlabelledMulti : static_cast<uint8_t>(value);
}

constexpr char kAdviceOnRegression[] =
    "quadhop classifies: cut a target of regression into classes, as by quantiles, "
    "numpy.digitize(y, "
    "numpy.quantile(y, [0.2, 0.4, 0.6, 0.8]))";

// The errors for a value for which those are false, and for a feature that is not finite:
// kInvalidArgument.
absl::Status WrongClass(absl::string_view place, double value);
absl::Status WrongMultiLabel(absl::string_view place, double value);
absl::Status WrongFeature(absl::string_view place, absl::string_view value);

}  // namespace quadhop
