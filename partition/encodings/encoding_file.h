// Positional encodings that somebody else made.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "core/arrays/npy.h"
#include "core/arrays/tensor.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

inline constexpr int32_t kMaxEncodingWidth = 65536;

// An .npy file [N, G] of f32, f64 or f16 in original node order. kInvalidArgument if it is not.
absl::StatusOr<NpyFile> OpenEncodingFile(const std::string& path, int64_t num_nodes);

// Fills out [N, G] with the file's rows in the store's order. kInvalidArgument, naming a row with a
// value that is not finite; kDataLoss if the store's original ids are damaged.
absl::Status ReadEncodingFile(const NpyFile& file, const Store& store, ThreadPool& pool,
                              TensorView<float> out);

}  // namespace quadhop
