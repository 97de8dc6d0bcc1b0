// The ranks that cut a graph by PT-Scotch: each holds a range of the rows.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/mpi_status.h"
#include "core/topology.h"

namespace quadhop {

// What a call of PT-Scotch returned: kInternal, naming the call, unless it is 0. What it printed
// stands above then: it tells its caller no more than that.
absl::Status PtscotchStatus(int code, absl::string_view call);

// A communicator of all ranks of the job, for one cut. Each call is collective unless const.
class PtscotchRanks {
 public:
  // The topology has at least as many nodes as the job has ranks: PT-Scotch (7.0.3) may wait for
  // ever where a rank has none.
  static absl::StatusOr<PtscotchRanks> Create(const Topology& topology);
  PtscotchRanks(PtscotchRanks&& other) noexcept;
  PtscotchRanks& operator=(PtscotchRanks&&) = delete;
  ~PtscotchRanks();

  MPI_Comm comm() const { return comm_; }
  int rank() const { return rank_; }
  int num_ranks() const { return num_ranks_; }
  // The rows [First(r), First(r + 1)) are those of rank r: at least one, and even in nodes and arcs
  // together.
  int64_t First(int rank) const { return first_[static_cast<size_t>(rank)]; }

  // The sum over ranks, modulo 2^64.
  absl::StatusOr<uint64_t> Sum(uint64_t mine);
  // Gives each rank's rows of `part_of` [N] to all.
  absl::Status Share(absl::Span<int32_t> part_of);

 private:
  PtscotchRanks() = default;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int num_ranks_ = 1;
  std::vector<int64_t> first_;  // [num_ranks + 1]
};

}  // namespace quadhop
