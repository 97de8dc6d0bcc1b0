// Arrays of numbers in files that other programs wrote, read one block after another.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/arrays/npy.h"
#include "partition/import/bytes/byte_source.h"

namespace quadhop {

// Elements in file order, converted on the way. No memory is allocated on the word of a header
// alone. Movable, not copyable. Not thread-safe.
class ArraySource {
 public:
  // An .npy file.
  static absl::StatusOr<ArraySource> OpenNpy(const std::string& path);
  // The bytes of an .npy file; `place` names them in errors: "data.npz: member edges".
  static absl::StatusOr<ArraySource> OfNpyBytes(std::unique_ptr<ByteSource> bytes,
                                                std::string place);
  // What another reader found; `data` are the elements alone.
  static ArraySource OfData(DType dtype, bool fortran_order, std::vector<int64_t> dims,
                            std::unique_ptr<ByteSource> data, std::string place);
  // The data have the size that the header says.
  static ArraySource OfMemory(DType dtype, bool fortran_order, std::vector<int64_t> dims,
                              std::string data, std::string place);

  const std::string& place() const { return place_; }
  const std::vector<int64_t>& dims() const { return header_.dims; }
  bool fortran_order() const { return header_.fortran_order; }
  DType dtype() const { return header_.dtype; }
  int64_t size() const { return header_.size(); }  // elements
  std::string DimsText() const;                    // "[4, 2]"

  // The next elements, as T: int64_t, float or double. kDataLoss if the file ends before them, or,
  // once the last is read, if the compressed data they come from prove corrupt; kInvalidArgument,
  // naming the element, if it is not a whole number although T is, or does not fit T.
  template <typename T>
  absl::Status Read(absl::Span<T> out);
  absl::Status Skip(int64_t num_elements);

  // All that is left. kResourceExhausted if that is more than max_bytes.
  template <typename T>
  absl::StatusOr<std::vector<T>> ReadRest(int64_t max_bytes);

 private:
  ArraySource() = default;
  absl::Status ReadBytes(int64_t num_elements);
  absl::Status FaultAtEnd();

  NpyHeader header_;
  std::string place_;
  std::unique_ptr<ByteSource> bytes_;
  int64_t next_ = 0;          // the element that comes next
  std::vector<char> buffer_;  // of the file's own type
};

// Opens the same array anew at each call: for when two parts of it are read side by side.
using ArrayOpener = std::function<absl::StatusOr<ArraySource>()>;

// The number in an array of a single element. kInvalidArgument, saying what is `allowed`, if it
// holds more.
absl::StatusOr<int64_t> ReadNumber(ArraySource array, absl::string_view allowed);

// "PLACE is GOT; ALLOWED", as kInvalidArgument.
absl::Status ArrayError(absl::string_view place, absl::string_view got, absl::string_view allowed);

}  // namespace quadhop
