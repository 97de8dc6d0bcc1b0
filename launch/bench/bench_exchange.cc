#include "launch/bench/bench_exchange.h"

#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "comm/collectives/gather.h"
#include "comm/sums/ordered_sum.h"
#include "comm/sums/partition_owners.h"
#include "comm/sums/reduction.h"
#include "core/arrays/tensor.h"
#include "core/base/counted.h"
#include "core/base/median.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "sampler/features/partitioned_feature_source.h"

namespace quadhop {
namespace {

constexpr int kRounds = 11;  // the first warms up
constexpr int64_t kNodesOfRank = 50000;
constexpr int64_t kRowsAsked = 20000;  // distinct nodes in a rank's share of a step
constexpr int64_t kFeatures = 128, kHopsAndSelf = 3;
constexpr int64_t kGradients = int64_t{2}
                               << 20;  // trained parameters of the products model: 2 million
constexpr int64_t kMomentColumns = 256;

// Median over rounds of the seconds of the slowest rank. Collective.
absl::StatusOr<double> Seconds(Communicator& comm, const std::function<absl::Status()>& exchange) {
  std::vector<double> rounds;
  for (int i = 0; i < kRounds; ++i) {
    QH_RETURN_IF_ERROR(comm.Barrier("round of the benchmark"));
    const Stopwatch watch;
    QH_RETURN_IF_ERROR(exchange());
    const double mine = watch.Seconds();
    QH_ASSIGN_OR_RETURN(const std::vector<double> all,
                        GatherOne(comm, "seconds of the benchmark", mine));
    if (i > 0) rounds.push_back(*std::max_element(all.begin(), all.end()));
  }
  return Median(std::move(rounds));
}

class Exchanges {
 public:
  explicit Exchanges(const RankContext& context)
      : context_(context),
        comm_(context.comm),
        rank_(comm_.rank().value()),
        num_ranks_(comm_.num_ranks()) {
    for (int32_t r = 0; r <= num_ranks_; ++r) owners_.first.push_back(r);
  }

  absl::Status Run() {
    if (context_.IsMain())
      absl::PrintF("%s, %d of them on this host\n%-34s %12s %10s %9s\n",
                   Counted(num_ranks_, "rank"), context_.ranks_on_host, "exchange of a step",
                   "MB received", "ms", "GB/s");
    QH_RETURN_IF_ERROR(Features());
    QH_RETURN_IF_ERROR(Gradients());
    return MomentsOfBatch();
  }

 private:
  void Print(const std::string& what, int64_t bytes, double seconds) const {
    if (!context_.IsMain()) return;
    const auto received = static_cast<double>(bytes);
    absl::PrintF("%-34s %12.2f %10.3f %9.2f\n", what, 1e-6 * received, 1e3 * seconds,
                 1e-9 * received / seconds);
  }

  // Sends equally many bytes from every rank to every other; what arrives at a rank is `bytes`.
  absl::Status PlainAllToAll(int64_t bytes) {
    const int64_t of_peer = bytes / (num_ranks_ - 1);
    Tensor<uint8_t> send({num_ranks_, of_peer}), receive({num_ranks_, of_peer});
    std::vector<Communicator::Message> messages(static_cast<size_t>(num_ranks_));
    for (int32_t r = 0; r < num_ranks_; ++r) {
      if (r == rank_) continue;
      messages[static_cast<size_t>(r)] = {send.row(r), of_peer, receive.row(r), of_peer};
    }
    QH_ASSIGN_OR_RETURN(const double seconds, Seconds(comm_, [&] {
                          return comm_.AllToAllV("plain all-to-all", messages);
                        }));
    Print("  plain all-to-all of equal size", bytes, seconds);
    return absl::OkStatus();
  }

  // Rows in f16, of nodes all over the graph.
  absl::Status Features() {
    FeatureTable shape;
    shape.dtype = DType::kF16;
    shape.num_nodes = kNodesOfRank * num_ranks_;
    shape.hops_and_self = kHopsAndSelf;
    shape.width = kFeatures;
    FeatureResidence residence;
    for (int32_t r = 0; r <= num_ranks_; ++r) residence.rank_offsets.push_back(kNodesOfRank * r);
    const RowReader read = [](BlockRange, absl::Span<uint8_t> rows) {
      std::memset(rows.data(), 1, rows.size());
      return absl::OkStatus();
    };
    QH_ASSIGN_OR_RETURN(
        const auto source,
        MakePartitionedFeatureSource(shape, std::move(residence), read, comm_, context_.pool));
    // Distinct, all over the graph, in no order.
    std::vector<GlobalId> nodes;
    for (int64_t i = 0; i < kRowsAsked; ++i)
      nodes.push_back(GlobalId(i * 7919 % kRowsAsked * (shape.num_nodes / kRowsAsked)));
    QH_ASSIGN_OR_RETURN(const double fetch,
                        Seconds(comm_, [&] { return source->Fetch(nodes, context_.pool); }));
    const int64_t bytes = kRowsAsked * shape.row_bytes() * (num_ranks_ - 1) / num_ranks_;
    Print(absl::StrFormat("rows of features, %d bytes each", shape.row_bytes()), bytes, fetch);
    return PlainAllToAll(bytes);
  }

  absl::Status Gradients() {
    Tensor<float> summands({1, kGradients}), sum({kGradients});
    HostRowAdder adder;
    for (const Reduction reduction : {Reduction::kReproducible, Reduction::kFast}) {
      QH_ASSIGN_OR_RETURN(const double seconds, Seconds(comm_, [&] {
                            return SumOverPartitions(comm_, owners_, reduction, "gradients", adder,
                                                     absl::MakeSpan(summands.data(), kGradients),
                                                     absl::MakeSpan(sum.data(), kGradients));
                          }));
      // Chunks of the peers' summands, then the sums of their chunks: the same volume as of a ring.
      const auto bytes =
          static_cast<int64_t>(2 * sizeof(float)) * kGradients * (num_ranks_ - 1) / num_ranks_;
      Print(reduction == Reduction::kFast ? "gradients, 2 million, FAST"
                                          : "gradients, 2 million, REPRODUCIBLE",
            bytes, seconds);
      if (reduction == Reduction::kReproducible) QH_RETURN_IF_ERROR(PlainAllToAll(bytes));
    }
    return absl::OkStatus();
  }

  absl::Status MomentsOfBatch() {
    Tensor<Moments> summands({1, kMomentColumns}), sum({kMomentColumns});
    QH_ASSIGN_OR_RETURN(const double seconds, Seconds(comm_, [&] {
                          return OrderedSum<Moments>(
                              comm_, owners_, "batch moments",
                              absl::MakeSpan(summands.data(), kMomentColumns),
                              absl::MakeSpan(sum.data(), kMomentColumns));
                        }));
    Print(absl::StrFormat("moments of %d columns", kMomentColumns),
          static_cast<int64_t>(sizeof(Moments)) * kMomentColumns * (num_ranks_ - 1), seconds);
    return absl::OkStatus();
  }

  const RankContext& context_;
  Communicator& comm_;
  const int32_t rank_;
  const int32_t num_ranks_;
  PartitionOwners owners_;  // one partition per rank
};

}  // namespace

absl::Status BenchExchange(const RankContext& context) {
  if (context.comm.num_ranks() == 1)
    return absl::FailedPreconditionError(
        "one rank exchanges nothing: start several, with mpirun -n 2 or --ranks-in-process 2");
  return Exchanges(context).Run();
}

}  // namespace quadhop
