// Sorting of unsigned keys by counting, least significant digits first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace quadhop {

// Sorts keys below 2^num_bits; `scratch` grows to their number. About 3 ns a key and digit of 11
// bits, while comparing takes some 80 ns a key.
template <typename Key>
void RadixSort(int num_bits, std::vector<Key>& keys, std::vector<Key>& scratch) {
  constexpr int kDigitBits = 11;
  constexpr size_t kDigits = size_t{1} << kDigitBits;
  if (keys.size() < kDigits) {
    std::sort(keys.begin(), keys.end());
    return;
  }
  scratch.resize(keys.size());
  for (int shift = 0; shift < num_bits; shift += kDigitBits) {
    std::array<size_t, kDigits> next{};
    const auto digit = [shift](Key key) { return static_cast<size_t>(key >> shift) % kDigits; };
    for (const Key key : keys) ++next[digit(key)];
    size_t sum = 0;
    for (size_t& count : next) sum += std::exchange(count, sum);
    for (const Key key : keys) scratch[next[digit(key)]++] = key;
    keys.swap(scratch);
  }
}

}  // namespace quadhop
