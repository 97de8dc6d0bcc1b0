// The features X that hop features are made from: raw.npy, or the sparse raw.* files; then, if
// asked for, and for a graph without features, its positional encodings.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "partition/linear_algebra/standardize.h"

namespace quadhop {

// Borrows the files of a store, which must outlive it. Thread-safe.
class RawFeatures {
 public:
  // kFailedPrecondition if there are no encodings where they are needed; kDataLoss if the files do
  // not fit the manifest or each other.
  static absl::StatusOr<RawFeatures> Open(const Store& store, bool with_encodings);

  // By which the columns are standardised: means and deviations over all nodes, or, if the store is
  // like another, over those of that one. The former reads the features twice; they are sums of
  // doubles that do not depend on the threads. kFailedPrecondition if the other store's features
  // are of other columns.
  absl::StatusOr<ColumnMoments> Moments(const Store& store, ThreadPool& pool) const;
  // From here on a column is read less its mean, divided by its deviation, and as 0 if that is 0.
  void Standardize(const ColumnMoments& moments);  // [F + G]

  int64_t num_nodes() const { return num_nodes_; }
  int64_t width() const { return own_width_ + encodings_width_; }

  // Columns [begin, begin + W) of all nodes as floats.
  void CopyColumns(int64_t begin, TensorView<float> out,  // [N, W]
                   ThreadPool& pool) const;
  // Columns [begin, begin + width) of a node as floats.
  void CopyRow(int64_t node, int64_t begin, int64_t width, float* out) const;

 private:
  RawFeatures() = default;
  absl::Status OpenDense(const NpyFile& file, int64_t width);
  absl::Status OpenSparse(const Store& store);
  absl::Status OpenEncodings(const Store& store);
  // As they stand in the store: any columns, and columns of the features alone.
  void ReadRow(int64_t node, int64_t begin, int64_t width, float* out) const;
  void ReadOwn(int64_t node, int64_t begin, int64_t width, float* out) const;

  int64_t num_nodes_ = 0;
  int64_t own_width_ = 0;        // F
  int64_t encodings_width_ = 0;  // G, or 0: they are left out
  DType dtype_ = DType::kF32;
  const uint8_t* dense_ = nullptr;      // [N, F]; null: sparse
  absl::Span<const int64_t> indptr_;    // [N + 1]
  absl::Span<const uint32_t> indices_;  // [nnz], in [0, F), ascending within a row
  absl::Span<const float> values_;      // [nnz]
  const float* encodings_ = nullptr;    // [N, G]
  // [F + G]: x is read as (x - middle) * scale. Empty: as it is.
  std::vector<double> middle_, scale_;
};

}  // namespace quadhop
