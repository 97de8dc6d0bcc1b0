// Named arrays in one file, in the safetensors format that PyTorch and others exchange weights in:
// 8 bytes little-endian length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
// https://huggingface.co/docs/safetensors
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/files/file.h"

namespace quadhop {

// The format's limit, so that a hostile length takes no memory.
inline constexpr int64_t kMaxSafetensorsHeaderBytes = 100'000'000;

// One array of a file: a view, valid as long as the SafetensorsFile.
struct SafetensorsEntry {
  DType dtype = DType::kF32;        // kF64, kF32, kF16, kBF16, kI64, kI32, kI16 or kU8
  std::vector<int64_t> dims;        // empty for a scalar
  absl::Span<const uint8_t> bytes;  // row-major, little-endian, at any alignment

  int64_t size() const { return static_cast<int64_t>(bytes.size()) / SizeOfDType(dtype); }
};

// A memory-mapped safetensors file. Movable, not copyable. Thread-safe after Open.
class SafetensorsFile {
 public:
  // kNotFound and the like if the file cannot be mapped. kInvalidArgument, naming the file and the
  // array, for anything that is not a well-formed safetensors file: a header past the end or above
  // the limit, JSON that does not parse or names an array twice, an unknown dtype, a shape that
  // overflows or does not fit its data, data that overlaps, has holes or is not the whole file.
  static absl::StatusOr<SafetensorsFile> Open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<std::string>& names() const { return names_; }  // in the order of their data
  bool Contains(absl::string_view name) const;
  // nullptr if there is no such array.
  const SafetensorsEntry* Find(absl::string_view name) const;

  // All values in row-major order, converted from any dtype (to float: rounded if necessary).
  // kNotFound, naming the file, if there is no such array.
  absl::StatusOr<std::vector<double>> ReadAsDouble(absl::string_view name) const;
  absl::StatusOr<std::vector<float>> ReadAsFloat(absl::string_view name) const;
  // kInvalidArgument if the array is not of integers.
  absl::StatusOr<std::vector<int64_t>> ReadAsInt64(absl::string_view name) const;

 private:
  SafetensorsFile() = default;
  absl::Status ParseHeader();

  MappedFile file_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, SafetensorsEntry, std::less<>> entries_;
  std::vector<std::string> names_;
};

// An array to be written; borrows its data.
struct NamedTensor {
  std::string name;
  DType dtype = DType::kF32;  // one of those above
  std::vector<int64_t> dims;  // empty for a scalar
  const void* data = nullptr;
};

// Writes the arrays in the order given to a file beside `path`, then renames it. kInvalidArgument
// for two equal names, a name or metadata that is not UTF-8, negative dims or a dtype not listed
// above. On error `path` is as it was.
absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata);

}  // namespace quadhop
