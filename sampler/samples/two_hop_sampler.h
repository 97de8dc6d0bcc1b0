// Samples of 2-hop neighbourhoods, drawn online from the topology: no 2-hop matrix. DESIGN.md
// section 4.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/store/topology.h"
#include "sampler/samples/bottom_k.h"
#include "sampler/samples/hash_filter.h"

namespace quadhop {

struct SamplerOptions {
  // kExact: the pool of v is its out-neighbours (1-hop entries) and the distinct nodes reachable in
  // two steps (2-hop entries; v itself and 1-hop nodes can be among them). Each entry has a hash of
  // (seed, epoch, v, hop, id); the sample is the K-1 entries of smallest hash, in the order of
  // hash: K-1 of the pool uniformly without replacement.
  //
  // kPaths: the pool is the one-step paths (d_v of them) and the two-step paths (the sum of d_u
  // over neighbours u), each a member of its own; the sample is the ends of the first K-1 distinct
  // members of a keyed sequence of uniform draws. A node is weighted by the number of its paths and
  // can occur more than once.
  //
  // A pool smaller than K-1 is taken whole, in the same order, and repeated until K-1 are there. An
  // empty pool is replaced by the nodes of the graph, drawn as in kPaths.
  enum class Method { kExact, kPaths };
  // kOnce: every epoch of training has the sample of epoch 0, with which evaluation begins.
  enum class Resample { kEveryEpoch, kOnce };

  int32_t sampled_nodes = 20;  // K, including the node itself; >= 1
  Method method = Method::kExact;
  Resample resample = Resample::kEveryEpoch;
  uint64_t seed = 0;

  // The epoch whose sample stands for that of `epoch`.
  int64_t DrawnEpoch(int64_t epoch) const {
    return resample == Resample::kOnce && epoch > 0 ? 0 : epoch;
  }
};

// A sample is a pure function of (options, topology, epoch, node), whatever the width of the
// topology's ids. Borrows the topology. Thread-safe: each thread brings its own Scratch.
class TwoHopSampler {
 public:
  // Working memory of one thread: some 24 bytes per neighbour of the largest node met and 200 bytes
  // per sampled node.
  struct Scratch {
    std::vector<NeighbourRow<uint32_t>> rows32;  // [d_v]: the neighbours' rows, by width of ids
    std::vector<NeighbourRow<int64_t>> rows64;
    std::vector<uint32_t> kept32;
    std::vector<int64_t> kept64;
    BottomK smallest;
    double distinct_share =
        0.7;  // of entries among paths, learnt from node to node: affects speed only
    std::vector<int64_t> path_ends;  // [d_v]: running sum of the neighbours' degrees
    std::vector<int64_t> draws;
    std::vector<int64_t> draw_table;
  };

  TwoHopSampler(const Topology& topology, const SamplerOptions& options);

  const SamplerOptions& options() const { return options_; }

  // epoch: from 1 in training, 0 and -1, -2, ... for evaluation. out [K]: the node itself, then its
  // sample.
  void Sample(int64_t epoch, GlobalId node, absl::Span<GlobalId> out, Scratch& scratch) const;

  // Asks for the memory that Sample reads first; worth a call some nodes ahead.
  void Prefetch(GlobalId node) const;

 private:
  template <typename Index>
  void SampleFrom(absl::Span<const Index> indices, uint64_t node_key, int64_t node,
                  absl::Span<GlobalId> out, Scratch& scratch) const;

  Topology topology_;
  SamplerOptions options_;
};

}  // namespace quadhop
