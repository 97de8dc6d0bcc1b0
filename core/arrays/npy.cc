#include "core/arrays/npy.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kMaxRank = 32;  // numpy's own
constexpr int64_t kHeaderAlignment = 64;

absl::Status NotNpy(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", what,
                   "; a .npy file of little-endian numbers is needed, as numpy.save writes it"));
}

// Reads the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderReader {
 public:
  explicit HeaderReader(absl::string_view text) : rest_(text) {}

  // Takes the next character that is not a space, if it is `c`.
  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(absl::string_view word) {
    SkipSpace();
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool TakeString(absl::string_view* value) {
    SkipSpace();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) return false;
    const size_t end = rest_.find(rest_.front(), 1);
    if (end == absl::string_view::npos) return false;
    *value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool TakeCount(int64_t* value) {
    SkipSpace();
    const size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (!absl::SimpleAtoi(rest_.substr(0, digits), value)) return false;
    rest_.remove_prefix(digits);
    TakeWord("L");  // as Python 2 wrote long integers
    return true;
  }
  bool TakeTuple(std::vector<int64_t>* values) {
    if (!Take('(')) return false;
    while (!Take(')')) {
      int64_t value;
      if (values->size() == kMaxRank || !TakeCount(&value)) return false;
      values->push_back(value);
      if (!Take(',')) return Take(')');
    }
    return true;
  }
  bool AtEnd() {
    SkipSpace();
    return rest_.empty();
  }

 private:
  void SkipSpace() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  absl::string_view rest_;
};

absl::StatusOr<DType> DTypeOfDescr(absl::string_view descr, absl::string_view path) {
  for (const DType dtype :
       {DType::kF32, DType::kF64, DType::kF16, DType::kI64, DType::kI32, DType::kI16, DType::kI8,
        DType::kU64, DType::kU32, DType::kU16, DType::kU8}) {
    if (descr == NumpyDescr(dtype)) return dtype;
  }
  if (descr == "|b1") return DType::kU8;  // numpy's bool: bytes of 0 and 1
  if (descr == "|O")
    return NotNpy(path,
                  "Python objects, as numpy saves None and sparse matrices: leave the array out, "
                  "or save its numbers");
  if (!descr.empty() && descr.front() == '>')
    return NotNpy(path, absl::StrCat("big-endian elements ('", descr,
                                     "'): convert with a.astype('<", descr.substr(1), "')"));
  if (descr.size() > 1 && (descr[1] == 'U' || descr[1] == 'S'))
    return NotNpy(path,
                  "texts: save numbers instead; for classes, numpy.unique(a, return_inverse=True) "
                  "gives the distinct texts and a number for each element");
  return NotNpy(path, absl::StrCat("elements of type '", descr, "' are not supported"));
}

// Fills the three fields; each must be there once.
absl::Status ReadFields(absl::string_view text, absl::string_view path, NpyFields* header) {
  const absl::Status malformed =
      NotNpy(path, "the header is not the dict of descr, fortran_order and shape");
  HeaderReader reader(text);
  bool has_descr = false, has_order = false, has_shape = false;
  if (!reader.Take('{')) return malformed;
  while (!reader.Take('}')) {
    absl::string_view key;
    if (!reader.TakeString(&key) || !reader.Take(':')) return malformed;
    if (key == "descr" && !has_descr) {
      has_descr = true;
      if (reader.Take('[')) return NotNpy(path, "a structured dtype is not supported");
      absl::string_view descr;
      if (!reader.TakeString(&descr)) return malformed;
      header->descr = std::string(descr);
    } else if (key == "fortran_order" && !has_order) {
      has_order = true;
      header->fortran_order = reader.TakeWord("True");
      if (!header->fortran_order && !reader.TakeWord("False")) return malformed;
    } else if (key == "shape" && !has_shape) {
      has_shape = true;
      if (!reader.TakeTuple(&header->dims)) return malformed;
    } else {
      return NotNpy(path, absl::StrCat("the header has an unknown or repeated key '",
                                       key.substr(0, 40), "'"));
    }
    if (reader.Take(',')) continue;
    if (!reader.Take('}')) return malformed;
    break;
  }
  return has_descr && has_order && has_shape && reader.AtEnd() ? absl::OkStatus() : malformed;
}

// The sizes of all accepted arrays fit in int64, so that no later code need check for overflow.
absl::Status CheckSizes(const NpyHeader& header, absl::string_view path) {
  int64_t bytes = SizeOfDType(header.dtype);
  bool overflow = false;
  for (const int64_t dim : header.dims) {
    if (dim > 0) overflow |= __builtin_mul_overflow(bytes, dim, &bytes);
  }
  overflow |= __builtin_add_overflow(bytes, header.data_offset, &bytes);
  if (overflow)
    return NotNpy(path, absl::StrCat("shape (", absl::StrJoin(header.dims, ", "),
                                     ") has more than 2^63 bytes"));
  return absl::OkStatus();
}

}  // namespace

int64_t NpyHeader::size() const {
  int64_t product = 1;
  for (const int64_t dim : dims) product *= dim;
  return product;
}

absl::StatusOr<NpyFields> ParseNpyFields(absl::Span<const uint8_t> bytes, absl::string_view path) {
  const absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || text.substr(0, kMagic.size()) != kMagic)
    return NotNpy(path, "does not begin with numpy's magic and version");
  const int version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] != 0)
    return NotNpy(path, absl::StrCat("format version ", version, ".", int{bytes[7]},
                                     " is not 1.0, 2.0 or 3.0"));
  const size_t length_bytes = version == 1 ? 2 : 4;
  const size_t start = 8 + length_bytes;
  if (text.size() < start) return NotNpy(path, "ends inside its header");
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= size_t{bytes[8 + i]} << (8 * i);
  if (text.size() - start < length)
    return NotNpy(path, absl::StrCat("ends inside its header: ", length, " bytes announced, ",
                                     text.size() - start, " there"));
  NpyFields fields;
  fields.data_offset = static_cast<int64_t>(start + length);
  QH_RETURN_IF_ERROR(ReadFields(text.substr(start, length), path, &fields));
  return fields;
}

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::Span<const uint8_t> bytes, absl::string_view path) {
  QH_ASSIGN_OR_RETURN(NpyFields fields, ParseNpyFields(bytes, path));
  QH_ASSIGN_OR_RETURN(const DType dtype, DTypeOfDescr(fields.descr, path));
  NpyHeader header{dtype, fields.fortran_order, std::move(fields.dims), fields.data_offset};
  QH_RETURN_IF_ERROR(CheckSizes(header, path));
  return header;
}

std::string NpyHeaderBytes(DType dtype, absl::Span<const int64_t> dims) {
  QH_CHECK_LE(dims.size(), kMaxRank);
  std::string dict =
      absl::StrCat("{'descr': '", NumpyDescr(dtype), "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(dims, ", "), dims.size() == 1 ? ",), }" : "), }");
  const int64_t prefix = static_cast<int64_t>(kMagic.size()) + 4;
  const int64_t unpadded = prefix + static_cast<int64_t>(dict.size()) + 1;
  const int64_t total = NumBlocks(unpadded, kHeaderAlignment) * kHeaderAlignment;
  dict.append(static_cast<size_t>(total - unpadded), ' ');
  dict.push_back('\n');
  const size_t length = dict.size();
  std::string header(kMagic);
  header.append({'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)});
  return header + dict;
}

absl::StatusOr<NpyFile> NpyFile::Open(const std::string& path) {
  NpyFile array;
  QH_ASSIGN_OR_RETURN(array.file_, MappedFile::Open(path));
  QH_ASSIGN_OR_RETURN(array.header_, ParseNpyHeader(array.file_.bytes(), path));
  const NpyHeader& header = array.header_;
  const int64_t expected = header.data_offset + header.data_bytes();
  const int64_t actual = static_cast<int64_t>(array.file_.bytes().size());
  if (actual != expected)
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", actual, " bytes, but its header (", DTypeName(header.dtype),
                     " [", absl::StrJoin(header.dims, ", "), "]) says ", expected,
                     actual < expected ? "; it was cut short: copy or make it again"
                                       : "; it is not a plain .npy file"));
  if (header.data_offset % SizeOfDType(header.dtype) != 0)
    return NotNpy(path, absl::StrCat("its data begin at byte ", header.data_offset,
                                     ", which is not aligned"));
  return array;
}

absl::Status WriteNpy(const std::string& path, DType dtype, absl::Span<const int64_t> dims,
                      const void* data) {
  NpyHeader header;
  header.dtype = dtype;
  header.dims.assign(dims.begin(), dims.end());
  const std::string prefix = NpyHeaderBytes(dtype, dims);
  const int64_t prefix_bytes = static_cast<int64_t>(prefix.size());
  QH_ASSIGN_OR_RETURN(TemporaryFile file,
                      TemporaryFile::Create(path, prefix_bytes + header.data_bytes()));
  QH_RETURN_IF_ERROR(file.WriteAt(0, prefix.data(), prefix_bytes));
  QH_RETURN_IF_ERROR(file.WriteAt(prefix_bytes, data, header.data_bytes()));
  return file.TakeName();
}

}  // namespace quadhop
