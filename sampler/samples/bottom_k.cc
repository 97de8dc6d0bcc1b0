#include "sampler/samples/bottom_k.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace quadhop {
namespace {

bool Before(const BottomK::Entry& a, const BottomK::Entry& b) {
  return a.hash != b.hash ? a.hash < b.hash : a.id < b.id;
}

constexpr int64_t kLeastCapacity = 64;

}  // namespace

void BottomK::Reset(int64_t k, int64_t max_entries, uint32_t upper_limit) {
  QH_CHECK_GE(k, 1);
  k_ = k;
  upper_limit_ = upper_limit;
  max_size_ = static_cast<size_t>(std::min(std::max(4 * k, kLeastCapacity), max_entries));
  const size_t slots = std::bit_ceil(2 * max_size_ + 2);
  mask_ = slots - 1;
  table_.assign(slots, 0);
  entries_.clear();
  entries_.reserve(max_size_);
}

void BottomK::Insert(Entry entry) {
  if (static_cast<uint32_t>(entry.hash >> 32) > upper_limit_) return;
  size_t slot = static_cast<size_t>(entry.hash) & mask_;
  while (table_[slot] != 0) {
    const Entry& other = entries_[table_[slot] - 1];
    if (other.hash == entry.hash && other.id == entry.id) return;
    slot = (slot + 1) & mask_;
  }
  if (entries_.size() == max_size_) {
    Shrink();
    if (static_cast<uint32_t>(entry.hash >> 32) > upper_limit_) return;
    entries_.push_back(entry);
    AddToTable(entries_.size() - 1);
    return;
  }
  entries_.push_back(entry);
  table_[slot] = static_cast<uint32_t>(entries_.size());
}

void BottomK::AddToTable(size_t index) {
  size_t slot = static_cast<size_t>(entries_[index].hash) & mask_;
  while (table_[slot] != 0) slot = (slot + 1) & mask_;
  table_[slot] = static_cast<uint32_t>(index + 1);
}

void BottomK::Shrink() {
  const auto last = entries_.begin() + (k_ - 1);
  std::nth_element(entries_.begin(), last, entries_.end(), Before);
  upper_limit_ = static_cast<uint32_t>(last->hash >> 32);
  entries_.erase(last + 1, entries_.end());
  std::fill(table_.begin(), table_.end(), 0);
  for (size_t i = 0; i < entries_.size(); ++i) AddToTable(i);
}

// Hashes are uniform below the limit: as many buckets as entries leave next to nothing for the
// insertion sort.
absl::Span<const BottomK::Entry> BottomK::Sorted() {
  const size_t n = entries_.size();
  const uint64_t scale = (uint64_t{n} << 32) / (uint64_t{upper_limit_} + 1);
  const auto bucket = [scale, n](const Entry& e) {
    return std::min(static_cast<size_t>(((e.hash >> 32) * scale) >> 32), n - 1);
  };
  buckets_.assign(n + 1, 0);
  for (const Entry& e : entries_) ++buckets_[bucket(e) + 1];
  for (size_t i = 0; i < n; ++i) buckets_[i + 1] += buckets_[i];
  sorted_.resize(n);
  for (const Entry& e : entries_) sorted_[buckets_[bucket(e)]++] = e;
  for (size_t i = 1; i < n; ++i) {
    const Entry e = sorted_[i];
    size_t j = i;
    for (; j > 0 && Before(e, sorted_[j - 1]); --j) sorted_[j] = sorted_[j - 1];
    sorted_[j] = e;
  }
  return absl::MakeConstSpan(sorted_).first(std::min(n, static_cast<size_t>(k_)));
}

}  // namespace quadhop
