// Names by which operations (communicator.h) are found: train.fail_at strikes a rank as it enters
// one of these.
#pragma once

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace quadhop {

inline constexpr char kSumOfGradients[] = "gradients";

inline constexpr absl::string_view kFeatureExchange = "feature exchange ";
inline constexpr absl::string_view kRowsOfExchange = ", rows";

// "feature exchange 3", in three calls, the last of which exchanges rows.
inline std::string FeatureExchange(int64_t number) {
  return absl::StrCat(kFeatureExchange, number);
}
inline std::string RowsOfExchange(absl::string_view feature_exchange) {
  return absl::StrCat(feature_exchange, kRowsOfExchange);
}
inline bool IsRowsOfExchange(absl::string_view operation) {
  return absl::StartsWith(operation, kFeatureExchange) &&
         absl::EndsWith(operation, kRowsOfExchange);
}

}  // namespace quadhop
