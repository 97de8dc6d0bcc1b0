// Classes that a table gives as texts: names, or numbers that may have gaps.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace quadhop {

// Nothing, nan, na, n/a, null, none, unknown, ? or -1, in any case.
bool IsUnlabelled(absl::string_view text);

// First Add the texts of all nodes, then Number, then ask.
class ClassTexts {
 public:
  // More are no classes.
  static constexpr size_t kMostClasses = size_t{1} << 16;

  // `place` is named by errors.
  explicit ClassTexts(std::string place) : place_(std::move(place)) {}

  // Thread-safe. Those of IsUnlabelled are passed over. kInvalidArgument beyond kMostClasses.
  absl::Status Add(const absl::flat_hash_set<absl::string_view>& texts);

  // Whole numbers in their order, or names in the order of their bytes, become classes 0, 1, ...
  // 3 and 3.0 are one class. kInvalidArgument for numbers that are not whole.
  absl::Status Number();

  int32_t ClassOf(absl::string_view text) const;  // kUnlabelled; else the text was added
  // [C]; empty if the texts are the numbers 0 to C - 1.
  std::vector<std::string> Names() const;

 private:
  std::string place_;
  std::mutex mutex_;  // guards classes_ while texts are added
  absl::flat_hash_map<std::string, int32_t> classes_;
  std::vector<std::string> names_;
};

}  // namespace quadhop
