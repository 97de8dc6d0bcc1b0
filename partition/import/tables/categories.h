// The texts of a column that become features of 0 and 1, a text each.
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

// First Add the texts of all nodes, then Number, then ask.
class Categories {
 public:
  // More are names, rather.
  static constexpr size_t kMost = 1000;

  // `place` is named by errors.
  explicit Categories(std::string place) : place_(std::move(place)) {}

  // Thread-safe. kInvalidArgument beyond kMost. Those that are missing (table_values.h) are none.
  absl::Status Add(const absl::flat_hash_set<std::string>& texts);
  // In the order of their bytes. kInvalidArgument if there is none.
  absl::Status Number();

  std::vector<std::string> Names() const;                                  // [K], by number
  int64_t count() const { return static_cast<int64_t>(numbers_.size()); }  // K
  // Of a text that was added: 1 at its number, else 0; all 0 of one that is missing.
  void TakeOneHot(absl::string_view text, float* out) const;  // [K]

 private:
  std::string place_;
  std::mutex mutex_;  // guards the rest while texts are added
  absl::flat_hash_map<std::string, int64_t> numbers_;
};

}  // namespace quadhop
