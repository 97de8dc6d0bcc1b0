// features.npy while it is being filled.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"
#include "partition/features/raw_features.h"
#include "partition/linear_algebra/column_blocks.h"
#include "partition/scratch/scratch_file.h"

namespace quadhop {

struct HopFeaturesShape {
  int64_t num_nodes = 0;
  int32_t hops = 0;
  int64_t width = 0;    // F
  int64_t columns = 0;  // made at a time: F, or fewer
  DType dtype = DType::kF32;
};

// Takes hops [N, F] as they are made, all columns or some at a time. In the file a node's hops
// stand together, so that a hop's columns lie on every page of it: hops that are made by columns
// are kept on disk, and the file is written at the end, once, from its beginning to its end.
class HopFeatures {
 public:
  // Fills `data`, [N, 1 + hops, F]. Borrows it and `raw`, which is x.
  static absl::StatusOr<HopFeatures> Begin(const HopFeaturesShape& shape, const RawFeatures& raw,
                                           absl::Span<uint8_t> data,
                                           const std::string& scratch_folder);

  // Columns [begin, begin + W) of a hop, 0 being x. kInvalidArgument, naming the first, if a value
  // is beyond the dtype, or not finite; errors of the disk.
  absl::Status Write(int32_t hop, int64_t begin, TensorView<const float> x,  // [N, W]
                     ThreadPool& pool);
  // After all columns of all hops.
  absl::Status Finish(ThreadPool& pool);

 private:
  HopFeatures(const HopFeaturesShape& shape, const RawFeatures& raw, absl::Span<uint8_t> data)
      : shape_(shape), raw_(&raw), data_(data.data()) {}

  uint8_t* PlaceOf(int64_t node, int32_t hop, int64_t column) const;
  absl::Status WriteRows(BlockRange rows, int32_t hop, int64_t begin, TensorView<const float> x);
  absl::Status GatherRows(BlockRange rows);

  HopFeaturesShape shape_;
  const RawFeatures* raw_;
  uint8_t* data_;
  std::unique_ptr<ScratchFile> scratch_;  // or null: all columns are made at a time
  std::vector<ColumnBlocks> kept_;        // [hops], of the hops from the first on
};

}  // namespace quadhop
