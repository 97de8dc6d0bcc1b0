// Exports a checkpoint for others: the paper's code, and quadhop on another store
// (checkpoint_transfer.h).
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

namespace quadhop {

// Writes the weights of a checkpoint, with the code of every node in the order of the input, as one
// safetensors file that the paper's code loads. `store` is the StoreIdentity of the store that
// original_ids [N] are of: kFailedPrecondition if the checkpoint has codes and is from another
// store, whose nodes may be in another order.
absl::Status ExportWeights(const std::string& checkpoint, const std::string& store,
                           absl::Span<const int64_t> original_ids, const std::string& out);

}  // namespace quadhop
