#include "comm/sums/ordered_sum.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "comm/collectives/even_chunk.h"
#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop::internal {
namespace {

// A sum takes one trip, in which a rank sends its partial rows to all others, instead of two, if it
// thereby sends at most this much more (a trip takes as long as sending some 100 KB), and if all
// partial rows, which each rank then holds and adds up, have at most this many bytes. Only sizes
// decide, so that all ranks choose alike.
constexpr int64_t kOneTripExcessBytes = int64_t{64} << 10;
constexpr int64_t kOneTripBytes = int64_t{1} << 20;

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

// Which partial sums each rank has after adding up its own rows.
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

// The additions of a part of the tree, down to its leaves or to given nodes, whose sums are the
// rows of a table in order.
class TreeAdditions {
 public:
  // leaves: begins of those nodes, ascending.
  TreeAdditions(absl::Span<const int32_t> leaves, int32_t leaves_end)
      : leaves_(leaves), leaves_end_(leaves_end) {}

  // Appends the additions that add up node [begin, end), whose leaves start at `row`, into that
  // row.
  void Append(int32_t begin, int32_t end, size_t row, std::vector<RowAddition>& additions) const {
    const int32_t leaf_end = row + 1 < leaves_.size() ? leaves_[row + 1] : leaves_end_;
    if (end <= leaf_end) return;
    const int32_t middle = SplitPoint(begin, end);
    const size_t middle_row = static_cast<size_t>(
        std::lower_bound(leaves_.begin(), leaves_.end(), middle) - leaves_.begin());
    Append(begin, middle, row, additions);
    Append(middle, end, middle_row, additions);
    additions.push_back({static_cast<int32_t>(row), static_cast<int32_t>(middle_row)});
  }

 private:
  const absl::Span<const int32_t> leaves_;
  const int32_t leaves_end_;
};

// Memory for rows, uninitialised: it is about to be overwritten.
class Scratch {
 public:
  Scratch(Memory& memory, int64_t num_bytes)
      : memory_(memory),
        data_(static_cast<std::byte*>(memory.Allocate(static_cast<size_t>(num_bytes)))) {}
  ~Scratch() { memory_.Free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::byte* get() const { return data_; }

 private:
  Memory& memory_;
  std::byte* const data_;
};

class OrderedSummation {
 public:
  OrderedSummation(Communicator& comm, const PartitionOwners& owners, absl::string_view operation,
                   RowAdder& adder, const RowSum& rows)
      : comm_(comm),
        owners_(owners),
        operation_(operation),
        adder_(adder),
        memory_(adder.memory()),
        rows_(rows),
        element_bytes_(BytesOf(rows.element)),
        partials_(owners),
        rank_(comm.rank().value()),
        num_ranks_(comm.num_ranks()) {}

  absl::Status Run() {
    AddOwnRows();
    const int64_t row_bytes = rows_.num_elements * element_bytes_;
    if (num_ranks_ == 1) {
      Copy(rows_.sum, rows_.summands, row_bytes);
      return memory_.status();
    }
    if (row_bytes * num_partials() <= kOneTripBytes &&
        ExcessOfOneTrip(row_bytes) <= kOneTripExcessBytes)
      return InOneTrip();
    return InTwoTrips();
  }

 private:
  int64_t num_partials() const { return static_cast<int64_t>(partials_.begins.size()); }
  int64_t num_own_partials() const { return partials_.num_of(rank_); }
  // How many bytes more a rank sends in one trip than in two, on average. In one it sends its
  // partial rows to all others; in two a chunk of them to each, and a chunk of the sum to all.
  int64_t ExcessOfOneTrip(int64_t row_bytes) const {
    const int64_t others = num_ranks_ - 1;
    const int64_t in_one = num_partials() * others * row_bytes / num_ranks_;
    const int64_t in_two =
        (num_partials() + num_ranks_) * others * row_bytes / num_ranks_ / num_ranks_;
    return in_one - in_two;
  }
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
    const TreeAdditions tree(leaves, last);
    const size_t begin_of_mine = static_cast<size_t>(partials_.first[static_cast<size_t>(rank_)]);
    const size_t end_of_mine = static_cast<size_t>(partials_.first[static_cast<size_t>(rank_) + 1]);
    std::vector<RowAddition> additions;
    for (size_t i = begin_of_mine; i < end_of_mine; ++i) {
      const int32_t begin = partials_.begins[i];
      const int32_t end = i + 1 < end_of_mine ? partials_.begins[i + 1] : last;
      tree.Append(begin, end, static_cast<size_t>(begin - first), additions);
    }
    adder_.Add(rows_.element, rows_.summands, rows_.num_elements, additions);
    const int64_t row_bytes = rows_.num_elements * element_bytes_;
    for (size_t i = begin_of_mine + 1; i < end_of_mine; ++i) {
      const int64_t from = partials_.begins[i] - first;
      const int64_t to = static_cast<int64_t>(i - begin_of_mine);
      if (from != to)
        Copy(rows_.summands + to * row_bytes, rows_.summands + from * row_bytes, row_bytes);
    }
  }

  // Adds up partials [num_partials, num_columns] of all ranks into row 0.
  void Complete(std::byte* partials, int64_t num_columns) const {
    std::vector<RowAddition> additions;
    TreeAdditions(partials_.begins, owners_.num_partitions())
        .Append(0, owners_.num_partitions(), 0, additions);
    adder_.Add(rows_.element, partials, num_columns, additions);
  }

  void Copy(std::byte* to, const std::byte* from, int64_t num_bytes) const {
    memory_.Copy(from, to, static_cast<size_t>(num_bytes));
  }

  absl::Status InOneTrip() const {
    const int64_t row_bytes = rows_.num_elements * element_bytes_;
    const Scratch partials(memory_, num_partials() * row_bytes);
    std::vector<int64_t> bytes_of;
    for (int32_t r = 0; r < num_ranks_; ++r) bytes_of.push_back(partials_.num_of(r) * row_bytes);
    QH_RETURN_IF_ERROR(memory_.Synchronize());
    QH_RETURN_IF_ERROR(
        comm_.AllGatherV(operation_,
                         absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(rows_.summands),
                                             static_cast<size_t>(num_own_partials() * row_bytes)),
                         bytes_of,
                         absl::MakeSpan(reinterpret_cast<uint8_t*>(partials.get()),
                                        static_cast<size_t>(num_partials() * row_bytes))));
    Complete(partials.get(), rows_.num_elements);
    Copy(rows_.sum, partials.get(), row_bytes);
    return memory_.status();
  }

  absl::Status InTwoTrips() const {
    const int64_t chunk_bytes = ChunkSize(rank_) * element_bytes_;
    const Scratch partials(memory_, num_partials() * chunk_bytes);
    {
      const bool pack = num_own_partials() > 1;
      const Scratch packed(memory_,
                           pack ? num_own_partials() * rows_.num_elements * element_bytes_ : 0);
      if (pack) PackByChunk(packed.get());
      const std::byte* to_send = pack ? packed.get() : rows_.summands;
      QH_RETURN_IF_ERROR(memory_.Synchronize());
      std::vector<Communicator::Message> messages;
      for (int32_t r = 0; r < num_ranks_; ++r)
        messages.push_back({to_send + ChunkBegin(r) * num_own_partials() * element_bytes_,
                            ChunkSize(r) * num_own_partials() * element_bytes_,
                            partials.get() + partials_.first[static_cast<size_t>(r)] * chunk_bytes,
                            partials_.num_of(r) * chunk_bytes});
      QH_RETURN_IF_ERROR(comm_.AllToAllV(operation_, messages));
    }
    Complete(partials.get(), ChunkSize(rank_));
    QH_RETURN_IF_ERROR(memory_.Synchronize());
    std::vector<int64_t> bytes_of;
    for (int32_t r = 0; r < num_ranks_; ++r) bytes_of.push_back(ChunkSize(r) * element_bytes_);
    return comm_.AllGatherV(
        operation_,
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(partials.get()),
                            static_cast<size_t>(chunk_bytes)),
        bytes_of,
        absl::MakeSpan(reinterpret_cast<uint8_t*>(rows_.sum),
                       static_cast<size_t>(rows_.num_elements * element_bytes_)));
  }

  // Copies this rank's partial sums [partials, n] as one table [partials, chunk size] after
  // another.
  void PackByChunk(std::byte* to) const {
    const int64_t row_bytes = rows_.num_elements * element_bytes_;
    for (int32_t r = 0; r < num_ranks_; ++r) {
      const int64_t bytes = ChunkSize(r) * element_bytes_;
      memory_.CopyRows(rows_.summands + ChunkBegin(r) * element_bytes_,
                       static_cast<size_t>(row_bytes), to, static_cast<size_t>(bytes),
                       num_own_partials(), static_cast<size_t>(bytes));
      to += num_own_partials() * bytes;
    }
  }

  Communicator& comm_;
  const PartitionOwners& owners_;
  const absl::string_view operation_;
  RowAdder& adder_;
  Memory& memory_;
  const RowSum& rows_;
  const int64_t element_bytes_;
  const Partials partials_;
  const int32_t rank_;
  const int32_t num_ranks_;
};

}  // namespace

absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, RowAdder& adder, const RowSum& rows) {
  return OrderedSummation(comm, owners, operation, adder, rows).Run();
}

}  // namespace quadhop::internal
