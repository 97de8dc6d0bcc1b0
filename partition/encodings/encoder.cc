#include "partition/encodings/encoder.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "partition/encodings/fast_random_projection.h"
#include "partition/encodings/laplacian_eigenvectors.h"
#include "partition/encodings/node2vec.h"
#include "partition/encodings/return_probabilities.h"
#include "partition/linear_algebra/randomized_svd.h"
#include "partition/linear_algebra/sparse_product.h"
#include "partition/linear_algebra/sparse_transpose.h"

namespace quadhop {
namespace {

absl::Status EncodeByProjection(const EncoderInput& input, TensorView<float> out) {
  const NormalizedAdjacency adjacency(input.topology, input.pool);
  return FastRandomProjection({adjacency, input.keys, input.seed, input.memory_bytes,
                               input.scratch_folder, input.on_progress},
                              input.pool, out);
}

StepNeeds SvdNeeds(int64_t num_nodes, int64_t dim) {
  return StepNeeds::AllInMemory(num_nodes * NormalizedAdjacency::kBytesANode +
                                RandomizedSvdBytes(num_nodes, num_nodes, dim));
}

absl::Status EncodeBySvd(const EncoderInput& input, TensorView<float> out) {
  const Topology& topology = input.topology;
  const int64_t num_nodes = topology.num_nodes();
  if (input.directed && !topology.indices64.empty())
    return absl::UnimplementedError(absl::StrCat("svd of a directed graph of ", num_nodes,
                                                 " nodes: encode by fastrp beyond 2^32"));
  const NormalizedAdjacency adjacency(topology, input.pool);
  OwnedSparseMatrix transposed;
  if (input.directed) {
    QH_RETURN_IF_ERROR(CheckMemory(
        "encode by svd of a directed graph",
        SvdNeeds(num_nodes, out.dim(1)).least_bytes + num_nodes * 8 + topology.num_arcs() * 4,
        input.memory_bytes));
    transposed = Transpose({num_nodes, num_nodes, topology.indptr, topology.indices32, {}});
  }
  int64_t products = 0;
  const auto count_product = [&] {
    Tell(input.on_progress, absl::StrCat("svd: product ", ++products));
  };
  LinearMap map;
  map.num_rows = map.num_cols = num_nodes;
  map.column_keys = input.keys;
  map.multiply = [&](TensorView<const float> x, TensorView<float> y) {
    count_product();
    adjacency.Multiply(x, y, input.pool);
  };
  map.multiply_transposed = [&](TensorView<const float> y, TensorView<float> x) {
    count_product();
    if (input.directed)
      Multiply(transposed.view(), {adjacency.row_sum_scale(), adjacency.column_sum_scale(), true},
               y, x, input.pool);
    else
      adjacency.Multiply(y, x, input.pool);  // symmetric
  };
  return RandomizedSvd(map, out.dim(1), input.seed, input.pool, out);
}

StepNeeds WalksNeed(int64_t, int64_t) { return {}; }

constexpr EncodingMethod kEncoders[] = {
    {"fastrp", EncodeByProjection, FastRandomProjectionNeeds, 3, true},
    {"svd", EncodeBySvd, SvdNeeds, 8, false},
    {"node2vec", Node2Vec, Node2VecNeeds, 3, false},
    {"rwse", ReturnProbabilities, WalksNeed, 3, true},
    // Up to 1000, and more on small graphs, where there are long paths.
    {"laplacian", LaplacianEigenvectors, LaplacianEigenvectorsNeeds, 150, false},
};

}  // namespace

std::vector<std::string> EncoderNames() {
  std::vector<std::string> names;
  for (const EncodingMethod& one : kEncoders) names.emplace_back(one.name);
  return names;
}

absl::StatusOr<const EncodingMethod*> FindEncoder(absl::string_view name) {
  for (const EncodingMethod& one : kEncoders)
    if (name == one.name) return &one;
  return absl::InvalidArgumentError(absl::StrCat("encoding method '", name, "' is unknown: use ",
                                                 absl::StrJoin(EncoderNames(), ", "), " or file"));
}

}  // namespace quadhop
