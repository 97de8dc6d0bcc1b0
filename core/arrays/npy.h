// numpy's .npy arrays, format 1.0:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/arrays/tensor.h"
#include "core/files/file.h"

namespace quadhop {

struct NpyHeader {
  DType dtype = DType::kF32;  // kBF16 is written as u16 and read back as u16
  bool fortran_order = false;
  std::vector<int64_t> dims;
  int64_t data_offset = 0;  // bytes before the first element

  int64_t size() const;  // elements; 1 for a scalar
  int64_t data_bytes() const { return size() * SizeOfDType(dtype); }
};

// The header of an array with elements of any type, as numpy writes it.
struct NpyFields {
  std::string descr;  // '<f4', '|S7'
  bool fortran_order = false;
  std::vector<int64_t> dims;
  int64_t data_offset = 0;  // bytes before the first element
};

// Formats 1.0, 2.0 and 3.0. kInvalidArgument, naming `path` and what is wrong. Does not look at the
// data.
absl::StatusOr<NpyFields> ParseNpyFields(absl::Span<const uint8_t> bytes, absl::string_view path);
// The same; kInvalidArgument also for anything that is not a little-endian array of a DType, or
// whose sizes overflow. numpy's bool is kU8.
absl::StatusOr<NpyHeader> ParseNpyHeader(absl::Span<const uint8_t> bytes, absl::string_view path);
// The bytes before the data: magic, version, padded header; a multiple of 64.
std::string NpyHeaderBytes(DType dtype, absl::Span<const int64_t> dims);

// An array in a file, mapped. Views into it live as long as the object. Thread-safe.
class NpyFile {
 public:
  // kInvalidArgument also if the file's size is not what the header says.
  static absl::StatusOr<NpyFile> Open(const std::string& path);

  const NpyHeader& header() const { return header_; }
  const MappedFile& file() const { return file_; }
  const void* data() const { return file_.bytes().data() + header_.data_offset; }
  // All elements, in file order. QH_CHECKs that T is the file's type.
  template <typename T>
  absl::Span<const T> values() const {
    QH_CHECK(DTypeOf<T>() == header_.dtype);
    return {static_cast<const T*>(data()), static_cast<size_t>(header_.size())};
  }

 private:
  NpyHeader header_;
  MappedFile file_;
};

// Writes a whole array under a temporary name and renames it.
absl::Status WriteNpy(const std::string& path, DType dtype, absl::Span<const int64_t> dims,
                      const void* data);
template <typename T>
absl::Status WriteNpy(const std::string& path, TensorView<const T> array) {
  std::vector<int64_t> dims;
  for (int i = 0; i < array.rank(); ++i) dims.push_back(array.dim(i));
  return WriteNpy(path, DTypeOf<T>(), dims, array.data());
}

}  // namespace quadhop
