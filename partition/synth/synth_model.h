// The random graph of DESIGN.md section 8: degree-corrected planted classes with noisy features.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/threads/thread_pool.h"
#include "partition/import/target/graph_builder.h"
#include "partition/synth/alias_table.h"
#include "partition/synth/synth.h"

namespace quadhop {

// Chung-Lu (Chung and Lu, "Connected components in random graphs with given expected degree
// sequences", 2002): the ends of an edge are drawn in proportion to weights, the expected degrees,
// which are the quantiles of a power law of exponent 2.5 cut at 10 sqrt(N). The second end is drawn
// from the class of the first with probability 0.7, else from the others.
//
// Draws are keyed by block or node: the same for any number of threads. Immutable after Make, so
// thread-safe.
class SynthModel {
 public:
  // kInvalidArgument if an option is out of range.
  static absl::StatusOr<SynthModel> Make(const SynthOptions& options);

  int64_t num_nodes() const { return options_.nodes; }
  absl::Span<const int32_t> classes() const { return class_of_; }  // [N]
  absl::Span<const double> weights() const { return weights_; }    // [N]

  // Draws every edge, as one arc. More are drawn than are wanted, since some are self-loops or
  // coincide: as many as make the expected number of distinct ones N * degree / 2.
  void DrawEdges(GraphBuilder& graph, ThreadPool& pool) const;

  // Row `node` of the features  // [F]
  void FillFeatures(int64_t node, float* row) const;

 private:
  explicit SynthModel(const SynthOptions& options) : options_(options) {}
  void MakeWeights();
  void MakeClasses();
  void MakeMeans();
  absl::Status CountDraws();
  Arc DrawEdge(RandomStream& random) const;
  double ProbabilityOf(const Arc& edge) const;

  SynthOptions options_;
  std::vector<double> weights_;       // [N]
  std::vector<int32_t> class_of_;     // [N]
  std::vector<int64_t> class_begin_;  // [C + 1]: class c has members_[class_begin_[c]], ...
  std::vector<uint32_t> members_;     // [N]: nodes by class, ascending
  std::vector<double> class_weight_;  // [C]: sums of weights
  double total_weight_ = 0;
  AliasTable class_table_;                 // classes by weight
  std::vector<AliasTable> member_tables_;  // [C]: members by weight
  std::vector<float> means_;               // [C, F]
  bool single_class_ = false;              // all nodes are of one class
  int64_t num_draws_ = 0;
};

}  // namespace quadhop
