// Positional encodings: `quadhop encode`.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/steps/progress.h"

namespace quadhop {

struct EncodeOptions {
  // fastrp: random projections of the powers 1 to 3 of Â.
  // svd: U S of Â, by three subspace iterations: where singular values lie close together, columns
  // lean towards those vectors but are none of them, which tells more (docs/performance.md).
  // node2vec: walks and skip-gram with negative samples, as in the paper.
  // rwse: probabilities of being back after 2, 3, ... steps of a random walk.
  // laplacian: eigenvectors of the normalised Laplacian, for its smallest eigenvalues except 0.
  // All with columns standardised, by their own moments or those of a store that this one is like;
  // see partition/encodings.
  // file: rows of an .npy array [N, G] of f32, f64 or f16 in original node order, as they are.
  std::string method = "fastrp";
  int32_t dim = 64;          // G, [1, 65536]; not file
  uint64_t seed = 0;         // not file
  std::string file;          // file only
  int64_t memory_bytes = 0;  // what working arrays may take; 0: 80 % of what is available
  CommitHook on_commit{};
  ProgressHook on_progress{};
  bool verified = false;  // the caller has checked, or just made, what is read of the store

  // As in the store's provenance: "method=fastrp dim=64 seed=0 keys=names" (node_keys.h), or for a
  // file the checksum of its content, "method=file xxh3=..". Fails if the file cannot be read.
  absl::StatusOr<std::string> ToString() const;
};

// The method in the options that ToString() gives.
std::string MethodOf(absl::string_view options);

struct EncodeReport {
  std::string options;
  double link_auc = 0.5;  // how well rows tell arcs from other pairs of nodes (link_auc.h)
  std::string note;       // what the method says of its result, if anything
  std::string Describe() const;
};

// Writes pos_enc.npy [N, G] in f32. Random numbers are keyed by original ids, so encodings stay
// valid when the store is cut anew. If the graph has no features, features.npy was made from the
// encodings: it is removed, and `propagate` has to run again.
// Errors: kInvalidArgument for options or a file that do not fit, naming the row of a value that is
//         not finite; kResourceExhausted; those of Store and StoreWriter. The store is then
//         unchanged.
absl::StatusOr<EncodeReport> EncodeStore(const std::string& path, const EncodeOptions& options,
                                         ThreadPool& pool);

}  // namespace quadhop
