#include "tests/partition/import/arrays/pickle_writers.h"

#include <absl/strings/str_cat.h>

#include "tests/partition/import/formats/format_writers.h"

namespace quadhop {
namespace {

std::string Little(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return out;
}
std::string Int(int64_t value) {
  return absl::StrCat("J", Little(static_cast<uint64_t>(value), 4));
}

}  // namespace

std::string PickledText(const std::string& text) {
  return absl::StrCat("U", Little(text.size(), 1), text);
}

std::string PickledGlobal(const std::string& module, const std::string& name) {
  return absl::StrCat("c", module, "\n", name, "\n");
}

std::string PickledArray(const std::string& descr, const std::vector<int64_t>& dims,
                         const std::string& data) {
  std::string tuple = "(";
  for (const int64_t dim : dims) tuple += Int(dim);
  return absl::StrCat(PickledGlobal("numpy.core.multiarray", "_reconstruct"),
                      PickledGlobal("numpy", "ndarray"), Int(0), "\x85", PickledText("b"), "\x87R(",
                      Int(1), tuple, "t", PickledGlobal("numpy", "dtype"), PickledText(descr),
                      Int(0), Int(1), "\x87R(", Int(3), PickledText("<"), "NNN", Int(-1), Int(-1),
                      Int(0), "tb\x89T", Little(data.size(), 4), data, "tb");
}

std::string PickledCsr(int64_t rows, int64_t columns, const std::vector<int32_t>& indptr,
                       const std::vector<int32_t>& indices, const std::vector<float>& values) {
  const auto size = [](const auto& array) { return static_cast<int64_t>(array.size()); };
  return absl::StrCat(PickledGlobal("scipy.sparse.csr", "csr_matrix"), ")\x81}(",
                      PickledText("format"), PickledText("csr"), PickledText("_shape"), Int(rows),
                      Int(columns), "\x86", PickledText("indptr"),
                      PickledArray("i4", {size(indptr)}, BytesOf(indptr)), PickledText("indices"),
                      PickledArray("i4", {size(indices)}, BytesOf(indices)), PickledText("data"),
                      PickledArray("f4", {size(values)}, BytesOf(values)), "ub");
}

std::string PickledLists(const std::vector<std::vector<int64_t>>& lists) {
  std::string text = absl::StrCat(PickledGlobal("collections", "defaultdict"),
                                  PickledGlobal("__builtin__", "list"), "\x85R(");
  int64_t node = 0;
  for (const auto& list : lists) {
    absl::StrAppend(&text, Int(node++), "](");
    for (const int64_t value : list) text += Int(value);
    text += "e";
  }
  return absl::StrCat(text, "u");
}

std::string PickledTensor(const std::string& storage, const std::string& key, int64_t elements,
                          int64_t offset, const std::vector<int64_t>& dims,
                          const std::vector<int64_t>& strides) {
  const auto long_of = [](int64_t value) {
    return absl::StrCat("\x8a\x08", Little(static_cast<uint64_t>(value), 8));
  };
  const auto tuple_of = [&](const std::vector<int64_t>& values) {
    std::string tuple = "(";
    for (const int64_t value : values) tuple += long_of(value);
    return tuple + "t";
  };
  return absl::StrCat(PickledGlobal("torch._utils", "_rebuild_tensor_v2"), "((",
                      PickledText("storage"), PickledGlobal("torch", storage), PickledText(key),
                      PickledText("cpu"), long_of(elements), "tQ", long_of(offset), tuple_of(dims),
                      tuple_of(strides), "\x89", PickledGlobal("collections", "OrderedDict"),
                      ")RtR");
}

std::string Pickled(const std::string& value) { return absl::StrCat("\x80\x02", value, "."); }

std::string NpyOfObject(const std::string& value) {
  std::string header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }";
  header += std::string(117 - header.size(), ' ') + "\n";
  const std::string array = absl::StrCat(
      PickledGlobal("numpy.core.multiarray", "_reconstruct"), PickledGlobal("numpy", "ndarray"),
      Int(0), "\x85", PickledText("b"), "\x87R(", Int(1), ")", PickledGlobal("numpy", "dtype"),
      PickledText("O8"), Int(0), Int(1), "\x87R(", Int(3), PickledText("|"), "NNN", Int(-1),
      Int(-1), Int(63), "tb\x89](", value, "etb");
  return absl::StrCat(absl::string_view("\x93NUMPY\x01\x00v\x00", 10), header, Pickled(array));
}

}  // namespace quadhop
