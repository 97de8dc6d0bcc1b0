// Feature rows of a graph that no rank holds as a whole.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "comm/collectives/communicator.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "sampler/features/feature_source.h"

namespace quadhop {

// Reads the rows of nodes [begin, end), as stored, into `rows`. Thread-safe. Errors are the disk's.
using RowReader = std::function<absl::Status(BlockRange nodes, absl::Span<uint8_t> rows)>;

// Reads features.npy of a store, without mapping it. Borrows nothing.
absl::StatusOr<RowReader> FeatureRowReader(const Store& store);

// What a rank keeps in memory, and where the rest is.
struct FeatureResidence {
  std::vector<int64_t> rank_offsets;  // [R + 1]: rank r owns nodes [r], [r + 1)
  std::vector<GlobalId> hot_nodes;    // other ranks' nodes whose rows are kept here too; distinct
};

// Keeps the rows of this rank's nodes and of its hot nodes. Fetch asks the owners of all other
// nodes for their rows: a number, then ids, then rows as stored, in three all-to-all exchanges on a
// communicator of its own. Rows are the same bytes wherever they come from.
//
// `shape` says what a row is; its data is not read. Collective: duplicates `comm`, which need not
// outlive the source. Errors are the reader's and the communicator's.
absl::StatusOr<std::unique_ptr<FeatureSource>> MakePartitionedFeatureSource(
    const FeatureTable& shape, FeatureResidence residence, const RowReader& read,
    Communicator& comm, ThreadPool& pool);

// Bytes kept for one hot row of row_bytes, including its place in the table of hot nodes.
inline constexpr int64_t HotRowBytes(int64_t row_bytes) { return row_bytes + 32; }

}  // namespace quadhop
