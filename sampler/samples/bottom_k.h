// The k entries of smallest hash out of a stream that may repeat entries (bottom-k sketch: Cohen
// and Kaplan, PODC 2007).
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

namespace quadhop {

// Keeps at most max(4k, 64) distinct entries: when they are full, the k of smallest hash remain,
// and entries above these are ignored from then on. What it returns does not depend on the order of
// the stream. Not thread-safe; Reset keeps memory.
class BottomK {
 public:
  struct Entry {
    uint64_t hash;  // expected uniform: time, not the result, depends on it
    uint64_t id;    // entries are the same if hash and id are; ties of hash are ordered by id
  };

  // Starts a stream of at most max_entries entries (repeats counted); of those, the ones whose hash
  // has upper 32 bits above `upper_limit` are ignored. k >= 1.
  void Reset(int64_t k, int64_t max_entries, uint32_t upper_limit);

  // Entries above it in the upper 32 bits of their hash are ignored: it falls to the k-th smallest
  // as entries arrive.
  uint32_t upper_limit() const { return upper_limit_; }
  void Insert(Entry entry);
  // Distinct entries kept: at least min(k, distinct entries seen).
  int64_t size() const { return static_cast<int64_t>(entries_.size()); }

  // The min(k, size()) smallest, ascending; valid until Reset. Ends the stream.
  absl::Span<const Entry> Sorted();

 private:
  void AddToTable(size_t index);
  void Shrink();

  int64_t k_ = 0;
  uint32_t upper_limit_ = 0;
  size_t max_size_ = 0;
  std::vector<Entry> entries_;
  std::vector<uint32_t> table_;  // open addressing: 1 + index into entries_, 0: free
  size_t mask_ = 0;
  std::vector<Entry> sorted_;
  std::vector<uint32_t> buckets_;
};

}  // namespace quadhop
