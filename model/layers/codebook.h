// The global codebook: centroids moved by exponential-moving-average k-means over batch-normalised
// queries, and how many nodes are assigned to each. Equal on every rank. DESIGN.md section 4.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "model/layers/batch_moments.h"
#include "model/layers/step.h"

namespace quadhop {

// How many queries a codebook of CodebookStart::kData collects before its centroids are chosen.
constexpr int64_t QueriesToStart(int64_t centroids) { return 4 * centroids; }

class Codebook {
 public:
  // Its state is in the memory of `kernels`, which must outlive it. owned_original_ids [N_owned]
  // are those of this rank's nodes, which are the store's nodes from first_node on; the initial
  // code of a node is a hash of (seed, original id). Collective: counts are summed over ranks.
  static absl::StatusOr<Codebook> Create(const LargeGTOptions& options, GlobalId first_node,
                                         absl::Span<const int64_t> owned_original_ids,
                                         Communicator& comm, Kernels& kernels);

  // The centroids from which keys and values are made, in the scale of queries.
  TensorView<const float> output() const { return output_.cview(); }        // [M, 2G]
  TensorView<const float> log_count() const { return log_count_.cview(); }  // [M]; -inf: no node

  // One training step, in three parts between which this rank does other work while ranks exchange
  // data. First: starts the moments of the batch's queries [B, 2G].
  void StartUpdate(const Step& step, TensorView<const float> query);
  // Second: assigns the batch's nodes to centroids by the same queries. With codebook_start DATA
  // the first steps only collect queries, until there are 4 M of them to choose centroids from.
  // Collective.
  absl::Status Assign(const Step& step, TensorView<const float> query);
  // Third, after step.WaitForSums(): moves the centroids, and updates output() and log_count().
  void Move(const Step& step);

  // State, for checkpoints and exchange; after writing through these views, call RecountCodes().
  TensorView<float> embedding() { return embedding_.view(); }  // [M, 2G]
  TensorView<float> output_state() { return output_.view(); }  // [M, 2G]
  TensorView<float> sizes() { return sizes_.view(); }          // [M]
  TensorView<float> sums() { return sums_.view(); }            // [M, 2G]
  BatchMoments& moments() { return moments_; }
  bool started() const { return started_; }
  // Queries seen before the start, from which the centroids will be chosen.
  struct Candidates {
    std::vector<int64_t> keys;   // [n, 2]: place in the order of choice (the bits of a u64), node
    std::vector<float> queries;  // [n, 2G], normalised
    int64_t size() const { return static_cast<int64_t>(keys.size()) / 2; }
  };
  // The candidates of all ranks, on every rank. Collective.
  absl::StatusOr<Candidates> GatherCandidates(Communicator& comm) const;
  // Replaces what was collected with the candidates of all ranks; `all` is the same on every rank.
  void RestoreCandidates(Rank rank, Candidates all);
  // Copies of the codes of this rank's nodes [N_owned], values in [0, M), and of the number of
  // nodes, over all ranks, of each centroid [M].
  std::vector<int16_t> codes() const { return ToHost(kernels_->memory(), codes_.view()); }
  std::vector<int64_t> counts() const { return ToHost(kernels_->memory(), counts_.view()); }
  // codes(), copied into `to`, whose memory is reused if it is large enough.
  void CopyCodes(std::vector<int16_t>& to) const {
    to.resize(static_cast<size_t>(codes_.size()));
    kernels_->memory().Download(codes_.data(), to.size() * sizeof(int16_t), to.data());
  }
  int64_t num_centroids() const { return options_.dims.centroids; }
  void SetCodes(absl::Span<const int16_t> codes);  // [N_owned]
  // What a step changes besides LargeGT::State(): take it before the step, and pass it to Undo.
  struct Progress {
    bool started = false;
    int64_t num_collected = 0;   // over all ranks
    int64_t num_candidates = 0;  // of this rank
  };
  Progress progress() const {
    return {started_, num_collected_, started_ ? 0 : candidates_.size()};
  }
  // Undoes the last step, in which this rank's nodes were `nodes`: they get back the codes they had
  // before it, and its queries are no longer candidates. The caller restores LargeGT::State().
  // Collective.
  absl::Status Undo(Communicator& comm, const Progress& before, absl::Span<const GlobalId> nodes);
  // After codes were replaced: counts the nodes of every code again. Collective.
  absl::Status RecountCodes(Communicator& comm, bool started);
  // Sets the counts [M] to those of another graph's nodes, in place of those of this rank's codes,
  // to apply a model that was trained there. For evaluation only: an update would need the codes.
  void TakeCounts(absl::Span<const int64_t> counts);

 private:
  Codebook(const LargeGTOptions& options, GlobalId first_node, Kernels& kernels);
  void SetCounts(absl::Span<const int64_t> counts);
  void UndoCodes(absl::Span<const GlobalId> nodes);
  void Collect(const Step& step);
  absl::Status Start(Communicator& comm);

  LargeGTOptions options_;
  GlobalId first_node_;
  Kernels* kernels_;
  BatchMoments moments_;
  Array<float> embedding_, output_, sums_;  // [M, 2G]
  Array<float> sizes_, log_count_;          // [M]
  Array<int16_t> codes_;                    // [N_owned]
  Array<int64_t> counts_;                   // [M]
  bool started_ = false;

  int64_t num_collected_ = 0;  // over all ranks
  Candidates candidates_;      // of this rank; until the step after the start

  Array<float> z_;              // [B, 2G]
  Array<int16_t> nearest_;      // [B]
  Array<int16_t> replaced_;     // [B]: codes before the last update
  Array<float> hits_and_sums_;  // [Pl, M + M*2G]
  Array<float> total_;          // [M + M*2G]
  Array<int64_t> moves_;        // [Pl, M]: nodes gained, less nodes lost
  Array<int64_t> total_moves_;  // [M]
};

}  // namespace quadhop
