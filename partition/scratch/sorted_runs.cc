#include "partition/scratch/sorted_runs.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/base/status.h"
#include "core/threads/out_of_memory.h"
#include "partition/scratch/radix_sort.h"

namespace quadhop {
namespace {

constexpr int64_t kLeastRunKeys = 1024;
constexpr int64_t kMostRunKeys = int64_t{1} << 24;
constexpr int kMostSorters = 4;
// The run being filled, and those being sorted, each of these with as much again to sort by.
constexpr int64_t kRunsAtOnce = 1 + 2 * kMostSorters;

// The bytes of all runs that stay in memory; as much again is for sorting.
int64_t HeldBytes(int64_t memory_bytes) { return memory_bytes / 2; }

template <typename Key>
int64_t RunKeys(int64_t memory_bytes) {
  return std::clamp(memory_bytes / 2 / (kRunsAtOnce * static_cast<int64_t>(sizeof(Key))),
                    kLeastRunKeys, kMostRunKeys);
}

template <typename Key>
void SortUnique(int num_bits, std::vector<Key>& keys, std::vector<Key>& scratch) {
  RadixSort(num_bits, keys, scratch);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

template <typename Key>
SortedRuns<Key>::SortedRuns(int num_bits, int64_t memory_bytes, std::string scratch_folder,
                            int num_threads)
    : num_bits_(num_bits),
      num_sorters_(std::clamp(num_threads - 1, 0, kMostSorters)),
      run_keys_(RunKeys<Key>(memory_bytes)),
      memory_left_bytes_(HeldBytes(memory_bytes)),
      scratch_folder_(std::move(scratch_folder)) {}

template <typename Key>
int64_t SortedRuns<Key>::ScratchBytes(int64_t num_keys, int64_t memory_bytes) {
  constexpr auto kKeyBytes = static_cast<int64_t>(sizeof(Key));
  const int64_t all = num_keys * kKeyBytes, held = HeldBytes(memory_bytes);
  if (all <= held) return 0;
  // Room for less than a run is left when the first goes to disk.
  return all - std::max<int64_t>(0, held - RunKeys<Key>(memory_bytes) * kKeyBytes);
}

template <typename Key>
absl::Status SortedRuns<Key>::Add(absl::Span<const Key> keys) {
  const auto is_full = [this] { return static_cast<int64_t>(filling_.size()) == run_keys_; };
  while (!keys.empty()) {
    std::unique_lock<std::mutex> lock(mutex_);
    QH_RETURN_IF_ERROR(status_);
    const size_t room = static_cast<size_t>(run_keys_) - filling_.size();
    const size_t count = std::min(room, keys.size());  // none while a full run waits for a sorter
    filling_.insert(filling_.end(), keys.begin(), keys.begin() + count);
    keys.remove_prefix(count);
    if (!is_full()) continue;
    changed_.wait(lock,
                  [&] { return !is_full() || num_sorting_ < num_sorters_ || num_sorters_ == 0; });
    if (!is_full()) continue;  // another took it
    std::vector<Key> full = std::exchange(filling_, {});
    if (num_sorters_ > 0) {
      SortBeside(std::move(full));
    } else {
      lock.unlock();
      QH_RETURN_IF_ERROR(SortAndKeep(std::move(full)));
    }
  }
  return absl::OkStatus();
}

template <typename Key>
absl::Status SortedRuns<Key>::Finish() {
  for (std::future<void>& sorter : sorters_)
    if (sorter.valid()) sorter.wait();
  QH_RETURN_IF_ERROR(status_);
  if (filling_.empty()) return absl::OkStatus();
  return SortAndKeep(std::exchange(filling_, {}));
}

// Call with mutex_ held.
template <typename Key>
void SortedRuns<Key>::SortBeside(std::vector<Key> full) {
  changed_.notify_all();
  sorters_.emplace_back();
  // Counted once it runs: the system may refuse it.
  sorters_.back() = std::async(std::launch::async, [this, keys = std::move(full)]() mutable {
    const absl::Status status = OrOutOfMemory("sorting arcs: lower --memory or --threads",
                                              [&] { return SortAndKeep(std::move(keys)); });
    const std::lock_guard<std::mutex> lock(mutex_);
    status_.Update(status);
    --num_sorting_;
    changed_.notify_all();
  });
  ++num_sorting_;
}

template <typename Key>
absl::Status SortedRuns<Key>::SortAndKeep(std::vector<Key> keys) {
  {
    std::vector<Key> scratch;
    SortUnique(num_bits_, keys, scratch);
  }
  Run run;
  run.num_keys = static_cast<int64_t>(keys.size());
  for (size_t i = 0; i < keys.size(); i += kKeysABlock) run.block_keys.push_back(keys[i]);
  const int64_t num_bytes = run.num_keys * static_cast<int64_t>(sizeof(Key));
  bool on_disk = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    on_disk = memory_left_bytes_ < num_bytes;
    if (!on_disk) {
      memory_left_bytes_ -= num_bytes;
    } else if (scratch_ == nullptr) {
      QH_ASSIGN_OR_RETURN(scratch_, ScratchFile::Create(scratch_folder_));
    }
  }
  if (on_disk) {
    QH_ASSIGN_OR_RETURN(run.offset_bytes, scratch_->Append(keys.data(), num_bytes));
  } else {
    keys.shrink_to_fit();
    run.keys = std::move(keys);
  }
  std::lock_guard<std::mutex> lock(mutex_);
  runs_.push_back(std::move(run));
  return absl::OkStatus();
}

template <typename Key>
std::vector<Key> SortedRuns<Key>::CutIntoRanges(int64_t max_keys) const {
  std::vector<Key> samples;
  for (const Run& run : runs_)
    samples.insert(samples.end(), run.block_keys.begin(), run.block_keys.end());
  std::sort(samples.begin(), samples.end());
  const auto step = static_cast<size_t>(std::max<int64_t>(1, max_keys / kKeysABlock));
  std::vector<Key> bounds = {0};
  for (size_t i = step; i < samples.size(); i += step) {
    const Key bound = samples[i] & ~Key{1};
    if (bound > bounds.back()) bounds.push_back(bound);
  }
  bounds.push_back(~Key{0});
  return bounds;
}

template <typename Key>
absl::Status SortedRuns<Key>::ReadRange(Key begin, Key end, std::vector<Key>& keys,
                                        std::vector<Key>& scratch) const {
  keys.clear();
  for (const Run& run : runs_) {
    const auto blocks = run.block_keys.begin();
    // The blocks that can hold keys of the range.
    const auto first =
        std::max<int64_t>(0, std::upper_bound(blocks, run.block_keys.end(), begin) - blocks - 1);
    const auto last = std::lower_bound(blocks, run.block_keys.end(), end) - blocks;
    const int64_t first_key = first * kKeysABlock;
    const int64_t last_key = std::min<int64_t>(last * kKeysABlock, run.num_keys);
    if (first_key >= last_key) continue;
    absl::Span<const Key> piece = absl::MakeConstSpan(run.keys);
    if (run.keys.empty()) {
      scratch.resize(static_cast<size_t>(last_key - first_key));
      constexpr auto kKeyBytes = static_cast<int64_t>(sizeof(Key));
      QH_RETURN_IF_ERROR(scratch_->ReadAt(run.offset_bytes + first_key * kKeyBytes, scratch.data(),
                                          (last_key - first_key) * kKeyBytes));
      piece = scratch;
    } else {
      piece =
          piece.subspan(static_cast<size_t>(first_key), static_cast<size_t>(last_key - first_key));
    }
    keys.insert(keys.end(), std::lower_bound(piece.begin(), piece.end(), begin),
                std::lower_bound(piece.begin(), piece.end(), end));
  }
  SortUnique(num_bits_, keys, scratch);
  return absl::OkStatus();
}

template class SortedRuns<uint64_t>;
template class SortedRuns<unsigned __int128>;

}  // namespace quadhop
