// Files with the arrays of a graph in PyTorch Geometric's names.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "partition/import/arrays/named_arrays.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/arrays/torch_file.h"

namespace quadhop {

// What the array of labels may be called; of several, the first counts.
constexpr const char* kLabelNames[] = {"y", "label", "labels", "node_label", "node_labels"};

// An .npz, or what torch.save writes of a dict, of a torch_geometric.data.Data, or of what a
// dataset of one graph keeps: (either of them, slices, ...). In a list, labels and a split may
// follow the graph: OGB's (graph, labels). Immutable.
class PygFile {
 public:
  // Errors are NpzFile's and TorchFile's, and kInvalidArgument for a dataset of several graphs, and
  // for a split_idx that is none.
  // max_bytes: the default suffices for a pickle that names tensors, which are no part of it.
  static absl::StatusOr<std::unique_ptr<PygFile>> Open(const std::string& path,
                                                       int64_t max_bytes = int64_t{1} << 30);

  const NamedArrays& arrays() const { return arrays_; }
  bool has_arcs() const { return arrays_.Has("edge_index") || arrays_.Has("edges"); }

 private:
  PygFile() = default;
  absl::Status TakeTorch();

  std::optional<NpzFile> npz_;
  std::optional<TorchFile> torch_;
  NamedArrays arrays_;  // of one of them
};

// Whether a file of torch.save has this name.
bool IsTorchName(const std::string& path);

}  // namespace quadhop
