// "MAT-File Format", MathWorks: level 5, a header of 128 bytes and elements, each a tag of 8 bytes
// (type, bytes) and its data; level 4, matrices, each a header of 20 bytes, its name and its data.
#include "partition/import/arrays/mat_layout.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/types/span.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/mat_element.h"

namespace quadhop {
namespace {

constexpr size_t kTagBytes = 8;            // of an element
constexpr size_t kMatrixHeaderBytes = 20;  // of a matrix of level 4
constexpr size_t kVersionAt = 124;         // in it
constexpr size_t kOrderAt = 126;
constexpr uint16_t kLevel5 = 0x0100;
constexpr uint16_t kHdf5 = 0x0200;
constexpr absl::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";
constexpr uint32_t kLargestType = 4052;  // of a matrix of level 4
constexpr uint32_t kSwappedType = 1000;  // added if its numbers are big-endian

// Whole numbers in the byte order of the file.
class Numbers {
 public:
  Numbers(absl::Span<const uint8_t> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}
  uint32_t At(size_t offset) const {
    uint32_t value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(value));
    return swapped_ ? __builtin_bswap32(value) : value;
  }

 private:
  absl::Span<const uint8_t> bytes_;
  bool swapped_;
};

absl::Status CutShort(const std::string& path, size_t begin, size_t file_bytes) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is cut short or corrupt: the variable at byte ", begin,
                   " does not end within the ", file_bytes, " bytes there are; fetch it again"));
}

absl::Status Wrong(const std::string& path, size_t begin, absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is cut short or corrupt: the variable at byte ", begin, ": ", reason));
}

absl::StatusOr<std::vector<MatVariable>> CheckLevel5(absl::Span<const uint8_t> bytes, bool swapped,
                                                     const std::string& path) {
  const Numbers numbers(bytes, swapped);
  std::vector<MatVariable> variables;
  for (size_t at = kMatHeaderBytes; at < bytes.size();) {
    const size_t left = bytes.size() - at;
    if (left < kTagBytes || numbers.At(at + 4) > left - kTagBytes)
      return CutShort(path, at, bytes.size());
    const size_t end = at + kTagBytes + numbers.At(at + 4);
    const absl::StatusOr<MatHead> head = CheckMatVariable(
        numbers.At(at), bytes.subspan(at + kTagBytes, end - at - kTagBytes), swapped);
    if (!head.ok()) return Wrong(path, at, head.status().message());
    variables.push_back({*head, at, end});
    at = end;
  }
  return variables;
}

// Bytes of an element by the type MOPT: its tens are 0 (double) to 5 (8 bits).
size_t ElementBytes(uint32_t type) {
  static constexpr size_t kBytes[] = {8, 4, 4, 2, 2, 1};
  return kBytes[type / 10 % 10];
}

absl::Status CheckLevel4(absl::Span<const uint8_t> bytes, const std::string& path) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t left = bytes.size() - at;
    if (left < kMatrixHeaderBytes) return CutShort(path, at, bytes.size());
    // Types have four digits at most: a larger number is in the other byte order.
    const bool swapped = Numbers(bytes, false).At(at) > kLargestType;
    const Numbers numbers(bytes, swapped);
    // MOPT: order of bytes (0 or 1), 0, type of numbers (to 5), class: 0 numbers, 1 text, 2 sparse
    const uint32_t type = numbers.At(at) - (swapped ? kSwappedType : 0);
    if (type / 10 > 5 || type % 10 > 2 || numbers.At(at + 16) == 0)
      return Wrong(path, at, "it begins with neither a header of level 4 nor one of level 5");
    if (type % 10 == 2)
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": the variable at byte ", at,
          " is a sparse matrix of level 4, which is not read: save the file with save -v7"));
    const unsigned __int128 elements = static_cast<unsigned __int128>(numbers.At(at + 4)) *
                                       numbers.At(at + 8) * (numbers.At(at + 12) != 0 ? 2 : 1);
    const unsigned __int128 data =
        elements * ElementBytes(type) + numbers.At(at + 16);  // and its name
    if (data > left - kMatrixHeaderBytes) return CutShort(path, at, bytes.size());
    at += kMatrixHeaderBytes + static_cast<size_t>(data);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<MatVariable>> CheckMatIsWhole(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const absl::Span<const uint8_t> bytes = file.bytes();
  if (absl::StartsWith({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kHdf5Signature))
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        " is HDF5 without the header that a .mat file of version 7.3 begins with: save it as "
        "a .mat file, for example by scipy.io.savemat"));
  if (bytes.size() >= kMatHeaderBytes) {
    const absl::string_view order(reinterpret_cast<const char*>(bytes.data()) + kOrderAt, 2);
    const bool swapped = order == "MI";  // "IM" if numbers are little-endian
    uint16_t version;
    std::memcpy(&version, bytes.data() + kVersionAt, sizeof(version));
    if (swapped) version = __builtin_bswap16(version);
    if (swapped || order == "IM") {
      if (version == kLevel5) return CheckLevel5(bytes, swapped, path);
      if (version == kHdf5) return std::vector<MatVariable>();
    }
  }
  QH_RETURN_IF_ERROR(CheckLevel4(bytes, path));
  return std::vector<MatVariable>();
}

}  // namespace quadhop
