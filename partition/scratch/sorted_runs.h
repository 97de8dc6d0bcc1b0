// External sorting: keys in any order into sorted runs, in memory and beyond that on disk, and out
// of them again in order, range by range.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <condition_variable>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "partition/scratch/scratch_file.h"

namespace quadhop {

// Key: uint64_t or unsigned __int128. Memory: at most about the bytes given, whatever the number of
// keys, and one key in 256. Equal keys of a run are kept once.
template <typename Key>
class SortedRuns {
 public:
  // Keys are below 2^num_bits. Runs that memory does not hold go to the file system of
  // `scratch_folder`. Full runs are sorted in the background, by the threads of a job of
  // `num_threads` that may be spared: all but one, and no more than memory is meant for.
  SortedRuns(int num_bits, int64_t memory_bytes, std::string scratch_folder, int num_threads);
  // The most disk that `num_keys` keys need.
  static int64_t ScratchBytes(int64_t num_keys, int64_t memory_bytes);

  // Thread-safe. Errors of the disk: kResourceExhausted, ... Those of a run that is sorted in the
  // background come with a later call.
  absl::Status Add(absl::Span<const Key> keys);
  // After the last Add, before what follows.
  absl::Status Finish();

  // Bounds of ranges that have about `max_keys` keys each: range r is the keys in [bounds[r],
  // bounds[r + 1]). Even numbers, but the last, which is beyond all keys.
  std::vector<Key> CutIntoRanges(int64_t max_keys) const;
  // All distinct keys in [begin, end), ascending. Thread-safe.
  absl::Status ReadRange(Key begin, Key end, std::vector<Key>& keys,
                         std::vector<Key>& scratch) const;

 private:
  static constexpr int64_t kKeysABlock = 256;
  struct Run {
    int64_t num_keys = 0;
    std::vector<Key> keys;        // or, if it is empty:
    int64_t offset_bytes = 0;     // in the scratch file
    std::vector<Key> block_keys;  // the first key of each block of kKeysABlock
  };

  void SortBeside(std::vector<Key> full);
  absl::Status SortAndKeep(std::vector<Key> keys);

  int num_bits_;
  int num_sorters_;
  int64_t run_keys_;
  int64_t memory_left_bytes_;  // for runs that stay in memory
  std::string scratch_folder_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Key> filling_;
  std::vector<Run> runs_;
  std::unique_ptr<ScratchFile> scratch_;
  int num_sorting_ = 0;                     // at this moment
  std::condition_variable changed_;         // a full run was taken, or a sorter has ended
  absl::Status status_;                     // of the sorters
  std::vector<std::future<void>> sorters_;  // who use all of the above
};

}  // namespace quadhop
