// Votes of many rows, on many threads, in memory that hardly depends on the threads.
//
// A worker counts a row in a small table of its own. Rows with more labels than that may hold,
// which are few, take turns with one array of all labels: the two phases of Salwasser, Seemaier,
// Gottesbüren and Sanders, "Tera-Scale Multilevel Graph Partitioning", arXiv 2410.19119 (2024).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/threads/thread_pool.h"
#include "partition/cuts/vote_table.h"
#include "partition/cuts/votes.h"

namespace quadhop {

class RowVotes {
 public:
  // Memory: kBytesALabel, two thirds of it only if some rows have many labels, and kBytesAThread.
  RowVotes(size_t num_labels, int num_threads)
      : num_labels_(num_labels),
        tables_(static_cast<size_t>(num_threads), VoteTable(MostSlots(num_labels, num_threads))) {}

  static constexpr int64_t kBytesALabel = 24;  // 8 for all tables, 16 for the array while it grows
  static constexpr int64_t kBytesAThread = int64_t{1} << 20;  // a table of small graphs

  // add_all(votes) calls votes.Add(label, weight) for what the row has, and is called again if that
  // was too much for a table; then use(votes) is called, with Votes or a VoteTable, and its result
  // returned. Thread-safe: one call per worker at a time. What is counted does not depend on the
  // threads.
  template <typename AddAll, typename Use>
  auto Count(int worker, const AddAll& add_all, const Use& use) {
    VoteTable& table = tables_[static_cast<size_t>(worker)];
    table.Clear();
    AddBatches(table, add_all);
    if (!table.full()) return use(std::as_const(table));
    const std::lock_guard<std::mutex> lock(mutex_);
    if (all_ == nullptr) all_ = std::make_unique<Votes>(num_labels_);
    all_->Clear();
    AddBatches(*all_, add_all);
    return use(std::as_const(*all_));
  }

 private:
  template <typename Sums, typename AddAll>
  static void AddBatches(Sums& sums, const AddAll& add_all) {
    VoteBatch batch(sums);
    add_all(batch);
  }
  static size_t MostSlots(size_t num_labels, int num_threads) {
    constexpr size_t kSlotsOfSmallGraphs = size_t{1} << 16;
    const size_t share = num_labels * 8 / VoteTable::kBytesASlot / static_cast<size_t>(num_threads);
    const size_t enough = std::bit_ceil(std::max(VoteTable::kLeastSlots, 2 * num_labels));
    return std::min(enough, std::bit_floor(std::max(kSlotsOfSmallGraphs, share)));
  }

  size_t num_labels_;
  std::vector<VoteTable> tables_;  // [threads]
  std::mutex mutex_;               // of all_
  std::unique_ptr<Votes> all_;     // null until a row needs it
};

}  // namespace quadhop
