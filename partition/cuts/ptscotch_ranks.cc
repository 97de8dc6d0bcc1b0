#include "partition/cuts/ptscotch_ranks.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/status.h"

namespace quadhop {

absl::Status PtscotchStatus(int code, absl::string_view call) {
  if (code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("PT-Scotch: ", call, " failed with code ", code));
}

namespace {

// The first row of which it and those before have so many nodes and arcs.
int64_t RowAt(const Topology& topology, int64_t wanted) {
  int64_t low = 0, high = topology.num_nodes();
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (topology.indptr[static_cast<size_t>(middle)] + middle < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::vector<int64_t> FirstRows(const Topology& topology, int num_ranks) {
  const int64_t num_nodes = topology.num_nodes(), total = num_nodes + topology.num_arcs();
  std::vector<int64_t> first = {0};
  for (int rank = 1; rank < num_ranks; ++rank)
    first.push_back(std::clamp(RowAt(topology, total / num_ranks * rank), first.back() + 1,
                               num_nodes - (num_ranks - rank)));
  first.push_back(num_nodes);
  return first;
}

}  // namespace

absl::StatusOr<PtscotchRanks> PtscotchRanks::Create(const Topology& topology) {
  PtscotchRanks ranks;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_dup(MPI_COMM_WORLD, &ranks.comm_), "MPI_Comm_dup"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_rank(ranks.comm_, &ranks.rank_), "MPI_Comm_rank"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(ranks.comm_, &ranks.num_ranks_), "MPI_Comm_size"));
  QH_CHECK(topology.num_nodes() >= ranks.num_ranks_);
  ranks.first_ = FirstRows(topology, ranks.num_ranks_);
  return ranks;
}

PtscotchRanks::PtscotchRanks(PtscotchRanks&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)),
      rank_(other.rank_),
      num_ranks_(other.num_ranks_),
      first_(std::move(other.first_)) {}

PtscotchRanks::~PtscotchRanks() {
  if (comm_ != MPI_COMM_NULL) QH_CHECK_EQ(MPI_Comm_free(&comm_), MPI_SUCCESS);
}

absl::StatusOr<uint64_t> PtscotchRanks::Sum(uint64_t mine) {
  uint64_t sum = 0;
  QH_RETURN_IF_ERROR(
      MpiStatus(MPI_Allreduce(&mine, &sum, 1, MPI_UINT64_T, MPI_SUM, comm_), "MPI_Allreduce"));
  return sum;
}

absl::Status PtscotchRanks::Share(absl::Span<int32_t> part_of) {
  constexpr int64_t kMostAtOnce = int64_t{1} << 27;  // MPI counts in int
  for (int owner = 0; owner < num_ranks_; ++owner) {
    const int64_t end = First(owner + 1);
    for (int64_t at = First(owner); at < end; at += kMostAtOnce)
      QH_RETURN_IF_ERROR(MpiStatus(
          MPI_Bcast(&part_of[static_cast<size_t>(at)],
                    static_cast<int>(std::min(kMostAtOnce, end - at)), MPI_INT32_T, owner, comm_),
          "MPI_Bcast"));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
