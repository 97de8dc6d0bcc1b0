#include "comm/ordered_sum.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "comm/even_chunk.h"
#include "core/check.h"
#include "core/status.h"

namespace quadhop::internal {
namespace {

// A sum whose partial rows are together at most this long goes in one trip. By size only, so that
// all ranks choose alike.
constexpr int64_t kOneTripBytes = int64_t{64} << 10;
// Columns are added up in blocks, so that a block stays in cache while its whole tree is worked
// off.
constexpr int64_t kBlockBytes = int64_t{16} << 10;

int32_t SplitPoint(int32_t begin, int32_t end) {
  return begin + static_cast<int32_t>(std::bit_floor(static_cast<uint32_t>(end - begin - 1)));
}

// Appends the begins of the largest nodes below [begin, end) that lie within [first, last), in
// order.
void MaximalNodes(int32_t begin, int32_t end, int32_t first, int32_t last,
                  std::vector<int32_t>& begins) {
  if (begin >= last || end <= first) return;
  if (first <= begin && end <= last) {
    begins.push_back(begin);
    return;
  }
  const int32_t middle = SplitPoint(begin, end);
  MaximalNodes(begin, middle, first, last, begins);
  MaximalNodes(middle, end, first, last, begins);
}

// Which partial sums each rank has after adding up alone.
struct Partials {
  explicit Partials(const PartitionOwners& owners) {
    for (size_t r = 0; r + 1 < owners.first.size(); ++r) {
      first.push_back(static_cast<int32_t>(begins.size()));
      MaximalNodes(0, owners.num_partitions(), owners.first[r], owners.first[r + 1], begins);
    }
    first.push_back(static_cast<int32_t>(begins.size()));
  }
  int32_t num_of(int32_t r) const {
    return first[static_cast<size_t>(r) + 1] - first[static_cast<size_t>(r)];
  }
  std::vector<int32_t> begins;  // of all ranks' partial sums: the first partition in each
  std::vector<int32_t> first;   // [R + 1]: rank r has partial sums [first[r], first[r+1])
};

// A table of rows to be added together, column block by column block.
struct Table {
  const RowSum& sum;
  std::byte* data;
  int64_t num_columns;
  std::byte* row(int64_t i) const { return data + i * num_columns * sum.element_bytes; }
  void AddRow(int64_t to, int64_t from, int64_t column, int64_t count) const {
    sum.add(row(to) + column * sum.element_bytes, row(from) + column * sum.element_bytes, count);
  }
  template <typename Body>
  void ForEachBlock(const Body& body) const {
    const int64_t block = std::max<int64_t>(1, kBlockBytes / sum.element_bytes);
    for (int64_t c = 0; c < num_columns; c += block) body(c, std::min(block, num_columns - c));
  }
};

// A part of the tree, down to its leaves or to given nodes, and the table of their rows in order.
class TreeSum {
 public:
  // leaves: begins of the nodes whose sums are the rows of the table, ascending.
  TreeSum(const Table& table, absl::Span<const int32_t> leaves, int32_t leaves_end)
      : table_(table), leaves_(leaves), leaves_end_(leaves_end) {}

  // Adds up node [begin, end), whose leaves start at `row`, into that row.
  void Add(int32_t begin, int32_t end, size_t row, int64_t column, int64_t count) const {
    const int32_t leaf_end = row + 1 < leaves_.size() ? leaves_[row + 1] : leaves_end_;
    if (end <= leaf_end) return;
    const int32_t middle = SplitPoint(begin, end);
    const size_t middle_row = static_cast<size_t>(
        std::lower_bound(leaves_.begin(), leaves_.end(), middle) - leaves_.begin());
    Add(begin, middle, row, column, count);
    Add(middle, end, middle_row, column, count);
    table_.AddRow(static_cast<int64_t>(row), static_cast<int64_t>(middle_row), column, count);
  }

 private:
  const Table& table_;
  const absl::Span<const int32_t> leaves_;
  const int32_t leaves_end_;
};

// Memory for rows, not set to zero: it is about to be overwritten.
std::unique_ptr<std::byte[]> Uninitialized(int64_t num_bytes) {
  return std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(num_bytes));
}

void Copy(std::byte* to, const std::byte* from, int64_t num_bytes) {
  if (num_bytes > 0) std::memcpy(to, from, static_cast<size_t>(num_bytes));
}

class OrderedSummation {
 public:
  OrderedSummation(Communicator& comm, const PartitionOwners& owners, absl::string_view operation,
                   const RowSum& rows)
      : comm_(comm),
        owners_(owners),
        operation_(operation),
        rows_(rows),
        partials_(owners),
        rank_(comm.rank().value()),
        num_ranks_(comm.num_ranks()) {}

  absl::Status Run() {
    AddOwnRows();
    const int64_t row_bytes = rows_.num_elements * rows_.element_bytes;
    if (num_ranks_ == 1) {
      Copy(rows_.sum, rows_.summands, row_bytes);
      return absl::OkStatus();
    }
    if (row_bytes * num_partials() <= kOneTripBytes) return InOneTrip();
    return InTwoTrips();
  }

 private:
  int64_t num_partials() const { return static_cast<int64_t>(partials_.begins.size()); }
  int64_t num_own_partials() const { return partials_.num_of(rank_); }
  int64_t ChunkBegin(int32_t chunk) const {
    return EvenChunkBegin(rows_.num_elements, num_ranks_, chunk);
  }
  int64_t ChunkSize(int32_t chunk) const { return ChunkBegin(chunk + 1) - ChunkBegin(chunk); }

  // Adds up the tree within this rank's run, and moves its partial sums to the first rows.
  void AddOwnRows() const {
    const int32_t first = owners_.first[static_cast<size_t>(rank_)];
    const int32_t last = owners_.first[static_cast<size_t>(rank_) + 1];
    std::vector<int32_t> leaves;
    for (int32_t p = first; p < last; ++p) leaves.push_back(p);
    const Table table{rows_, rows_.summands, rows_.num_elements};
    const TreeSum tree(table, leaves, last);
    const size_t begin_of_mine = static_cast<size_t>(partials_.first[static_cast<size_t>(rank_)]);
    const size_t end_of_mine = static_cast<size_t>(partials_.first[static_cast<size_t>(rank_) + 1]);
    table.ForEachBlock([&](int64_t column, int64_t count) {
      for (size_t i = begin_of_mine; i < end_of_mine; ++i) {
        const int32_t begin = partials_.begins[i];
        const int32_t end = i + 1 < end_of_mine ? partials_.begins[i + 1] : last;
        tree.Add(begin, end, static_cast<size_t>(begin - first), column, count);
      }
    });
    for (size_t i = begin_of_mine + 1; i < end_of_mine; ++i) {
      const int64_t from = partials_.begins[i] - first;
      const int64_t to = static_cast<int64_t>(i - begin_of_mine);
      if (from != to)
        Copy(table.row(to), table.row(from), rows_.num_elements * rows_.element_bytes);
    }
  }

  // partials [num_partials, num_columns] of all ranks: their sum, into row 0.
  void Complete(std::byte* partials, int64_t num_columns) const {
    const Table table{rows_, partials, num_columns};
    const TreeSum tree(table, partials_.begins, owners_.num_partitions());
    table.ForEachBlock([&](int64_t column, int64_t count) {
      tree.Add(0, owners_.num_partitions(), 0, column, count);
    });
  }

  absl::Status InOneTrip() const {
    const int64_t row_bytes = rows_.num_elements * rows_.element_bytes;
    const auto partials = Uninitialized(num_partials() * row_bytes);
    std::vector<int64_t> bytes_of;
    for (int32_t r = 0; r < num_ranks_; ++r) bytes_of.push_back(partials_.num_of(r) * row_bytes);
    QH_RETURN_IF_ERROR(
        comm_.AllGatherV(operation_,
                         absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(rows_.summands),
                                             static_cast<size_t>(num_own_partials() * row_bytes)),
                         bytes_of,
                         absl::MakeSpan(reinterpret_cast<uint8_t*>(partials.get()),
                                        static_cast<size_t>(num_partials() * row_bytes))));
    Complete(partials.get(), rows_.num_elements);
    Copy(rows_.sum, partials.get(), row_bytes);
    return absl::OkStatus();
  }

  absl::Status InTwoTrips() const {
    const int64_t chunk_bytes = ChunkSize(rank_) * rows_.element_bytes;
    const auto partials = Uninitialized(num_partials() * chunk_bytes);
    {
      std::unique_ptr<std::byte[]> packed;
      const std::byte* to_send = rows_.summands;
      if (num_own_partials() > 1) {
        packed = PackByChunk();
        to_send = packed.get();
      }
      std::vector<Communicator::Message> messages;
      for (int32_t r = 0; r < num_ranks_; ++r)
        messages.push_back({to_send + ChunkBegin(r) * num_own_partials() * rows_.element_bytes,
                            ChunkSize(r) * num_own_partials() * rows_.element_bytes,
                            partials.get() + partials_.first[static_cast<size_t>(r)] * chunk_bytes,
                            partials_.num_of(r) * chunk_bytes});
      QH_RETURN_IF_ERROR(comm_.AllToAllV(operation_, messages));
    }
    Complete(partials.get(), ChunkSize(rank_));
    std::vector<int64_t> bytes_of;
    for (int32_t r = 0; r < num_ranks_; ++r) bytes_of.push_back(ChunkSize(r) * rows_.element_bytes);
    return comm_.AllGatherV(
        operation_,
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(partials.get()),
                            static_cast<size_t>(chunk_bytes)),
        bytes_of,
        absl::MakeSpan(reinterpret_cast<uint8_t*>(rows_.sum),
                       static_cast<size_t>(rows_.num_elements * rows_.element_bytes)));
  }

  // This rank's partial sums [partials, n] as one table [partials, chunk size] after the other.
  std::unique_ptr<std::byte[]> PackByChunk() const {
    const int64_t row_bytes = rows_.num_elements * rows_.element_bytes;
    auto packed = Uninitialized(num_own_partials() * row_bytes);
    std::byte* to = packed.get();
    for (int32_t r = 0; r < num_ranks_; ++r) {
      const int64_t bytes = ChunkSize(r) * rows_.element_bytes;
      for (int64_t i = 0; i < num_own_partials(); ++i, to += bytes)
        Copy(to, rows_.summands + i * row_bytes + ChunkBegin(r) * rows_.element_bytes, bytes);
    }
    return packed;
  }

  Communicator& comm_;
  const PartitionOwners& owners_;
  const absl::string_view operation_;
  const RowSum& rows_;
  const Partials partials_;
  const int32_t rank_;
  const int32_t num_ranks_;
};

}  // namespace

absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, const RowSum& rows) {
  return OrderedSummation(comm, owners, operation, rows).Run();
}

}  // namespace quadhop::internal
