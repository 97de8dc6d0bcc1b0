// What torch.save writes since PyTorch 1.6: a zip archive of a pickle and of the numbers of its
// tensors. https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <utility>

#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/pickle.h"
#include "partition/import/bytes/zip_file.h"

namespace quadhop {

// Nothing in it is called: objects of unknown classes become names with attributes. Immutable, so
// thread-safe.
class TorchFile {
 public:
  // Errors are ZipFile's and Pickle's, and kInvalidArgument for an archive of other things, or of
  // big-endian numbers. `max_bytes`: the most that is held of the pickle, without tensors.
  static absl::StatusOr<TorchFile> Open(const std::string& path, int64_t max_bytes);

  const std::string& path() const { return zip_.path(); }
  const PickleValue& root() const { return pickle_.root(); }

  // The numbers of a value in it, called `name`: of a tensor, a numpy array, or one integer.
  // kInvalidArgument for all else, and for a tensor that is sparse or a view with gaps.
  absl::StatusOr<ArraySource> Array(const PickleValue& value, const std::string& name) const;

 private:
  TorchFile(ZipFile zip, std::string folder, Pickle pickle)
      : zip_(std::move(zip)), folder_(std::move(folder)), pickle_(std::move(pickle)) {}
  absl::StatusOr<ArraySource> Tensor(const PickleValue& call, const std::string& place) const;

  ZipFile zip_;
  std::string folder_;  // of all members, "archive/"
  Pickle pickle_;
};

}  // namespace quadhop
