// The texts of a column that become features of 0 and 1, one feature per text.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace quadhop {

// First Add the texts of all nodes, then Number or NumberAs, then ask.
class Categories {
 public:
  // A column with more holds names, rather.
  static constexpr size_t kMost = 1000;

  // Errors name `place`.
  explicit Categories(std::string place) : place_(std::move(place)) {}

  // Thread-safe. kInvalidArgument beyond kMost. Missing entries (table_values.h) do not count.
  absl::Status Add(const absl::flat_hash_set<std::string>& texts);
  // Numbers the texts in the order of their bytes. kInvalidArgument if there is none.
  absl::Status Number();

  // Instead of Number: as these stand. Texts beside them have no number.
  void NumberAs(std::vector<std::string> names);

  // Then: "; "NA" and "none" are taken for missing, which is no category", "; "Oslo" is none of
  // these", both, or "".
  std::string LeftOutText() const;

  const std::vector<std::string>& names() const { return names_; }       // [K], by number
  int64_t count() const { return static_cast<int64_t>(names_.size()); }  // K
  // For a text that was added: 1 at its number, else 0; all 0 for one without.
  void TakeOneHot(absl::string_view text, float* out) const;  // [K]

 private:
  std::string place_;
  std::mutex mutex_;  // guards the rest while texts are added
  absl::flat_hash_map<std::string, int64_t> numbers_;
  absl::flat_hash_set<std::string> missing_;  // but for the empty text
  std::vector<std::string> unknown_;          // to NumberAs
  std::vector<std::string> names_;
};

}  // namespace quadhop
