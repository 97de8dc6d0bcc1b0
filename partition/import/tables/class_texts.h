// Classes that a table gives as texts: names, or numbers that may have gaps.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quadhop {

// The first label that is a list, "[1, 0, 1]" or "red;blue", if more than half of the labels are,
// or if there is one whose parts all occur in other labels; else empty. Labels that are missing do
// not count.
absl::string_view SeveralLabels(absl::Span<const absl::string_view> labels);

// First Add the texts of all nodes, then Number or NumberAs, then ask.
class ClassTexts {
 public:
  // More texts are not taken for classes.
  static constexpr size_t kMostClasses = size_t{1} << 16;

  // Errors name `place`.
  explicit ClassTexts(std::string place) : place_(std::move(place)) {}

  // Thread-safe. kInvalidArgument beyond kMostClasses.
  absl::Status Add(const absl::flat_hash_set<std::string>& texts);

  // If all are whole numbers, these become, in their order, the classes 0, 1, ..., where 3 and 3.0
  // are the same; else each text is a name (01 is no number but a name), and names in the order of
  // their bytes become classes. -1 is no label, unless the numbers are -1 and 1, or others are
  // below it. kInvalidArgument for numbers of which some are not whole.
  absl::Status Number();

  // Instead of Number: the classes 0 to C - 1, or by their names [C]. kInvalidArgument for a text
  // that is none of them.
  absl::Status NumberAs(int64_t num_classes, std::vector<std::string> names);

  int32_t ClassOf(absl::string_view text) const;  // kUnlabelled; else the text was added
  int64_t num_classes() const { return num_classes_; }
  // [C]; empty if the texts are the numbers 0 to C - 1.
  const std::vector<std::string>& names() const { return names_; }
  // Which of the texts mean that a node has no label (table_values.h).
  const std::set<std::string>& unlabelled() const { return unlabelled_; }

 private:
  void LeaveOutMinusOne();
  absl::Status NumberByValue();  // all are numbers
  void NumberByName();

  std::string place_;
  std::mutex mutex_;  // guards the rest while texts are added
  absl::flat_hash_map<std::string, int32_t> classes_;
  std::set<std::string> unlabelled_;
  int64_t num_classes_ = 0;
  std::vector<std::string> names_;
};

}  // namespace quadhop
