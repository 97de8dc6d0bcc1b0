#include "partition/import/arrays/npz_file.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/npy_texts.h"

namespace quadhop {
absl::StatusOr<NpzFile> NpzFile::Open(const std::string& path, int64_t max_bytes) {
  QH_ASSIGN_OR_RETURN(ZipFile zip, ZipFile::Open(path));
  return NpzFile(std::move(zip), max_bytes);
}

std::string NpzFile::Place(const std::string& name) const {
  return absl::StrCat(path(), ": ", name);
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  for (const absl::string_view member : zip_.members())
    names.emplace_back(absl::StripSuffix(member, ".npy"));
  return names;
}

absl::StatusOr<ArraySource> NpzFile::Array(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, zip_.Read(name + ".npy"));
  return ArraySource::OfNpyBytes(std::move(bytes), Place(name));
}

NamedArrays NpzFile::arrays() const {
  return {path(), names(), [this](const std::string& name) { return Array(name); }};
}

absl::StatusOr<bool> NpzFile::HoldsObjects(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> bytes, zip_.Read(name + ".npy"));
  std::string head(256, '\0');
  QH_ASSIGN_OR_RETURN(const int64_t count, bytes->Read(absl::MakeSpan(head.data(), head.size())));
  return quadhop::HoldsObjects(absl::string_view(head).substr(0, static_cast<size_t>(count)));
}

absl::StatusOr<std::string> NpzFile::Bytes(const std::string& name) const {
  return zip_.ReadWhole(name + ".npy", max_bytes_, Place(name));
}

absl::StatusOr<Pickle> NpzFile::Objects(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const std::string bytes, Bytes(name));
  return Pickle::ReadNpy(bytes, Place(name));
}

absl::StatusOr<std::vector<std::string>> NpzFile::Texts(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const std::string bytes, Bytes(name));
  return TextsOfNpy(bytes, Place(name));
}

bool NpzFile::HasCsrMatrix(const std::string& prefix) const {
  return Has(Member(prefix, "indptr")) && Has(Member(prefix, "indices"));
}

std::string NpzFile::Member(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : absl::StrCat(prefix, "_", name);
}

// An array of one text, in characters of one byte or of four: its letters are what is not zero
// after the header.
absl::StatusOr<std::string> NpzFile::SparseFormat(const std::string& prefix) const {
  const std::string name = Member(prefix, "format");
  if (!Has(name)) return std::string("csr");
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> bytes, zip_.Read(name + ".npy"));
  std::string all(512, '\0');
  QH_ASSIGN_OR_RETURN(const int64_t count, bytes->Read(absl::MakeSpan(all.data(), all.size())));
  all.resize(static_cast<size_t>(count));
  all.erase(0, std::min(all.find('\n'), all.size() - 1) + 1);
  all.erase(std::remove(all.begin(), all.end(), '\0'), all.end());
  return absl::CHexEscape(all.substr(0, 20));
}

absl::StatusOr<std::array<int64_t, 2>> NpzFile::MatrixDims(const std::string& prefix) const {
  QH_ASSIGN_OR_RETURN(ArraySource shape, Array(Member(prefix, "shape")));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, shape.ReadRest<int64_t>(1 << 20));
  if (dims.size() != 2)
    return ArrayError(shape.place(), absl::StrCat(dims.size(), " numbers"), "two are needed");
  return std::array<int64_t, 2>{dims[0], dims[1]};
}

absl::StatusOr<OwnedSparseMatrix> NpzFile::CsrMatrix(const std::string& prefix) const {
  QH_ASSIGN_OR_RETURN(const std::string format, SparseFormat(prefix));
  if (format != "csr")
    return ArrayError(Place(Member(prefix, "format")), absl::StrCat("\"", format, "\""),
                      "csr is needed: save matrix.tocsr()");
  CsrParts parts;
  QH_ASSIGN_OR_RETURN(const auto dims, MatrixDims(prefix));
  parts.num_rows = dims[0];
  parts.num_cols = dims[1];
  QH_ASSIGN_OR_RETURN(ArraySource indptr, Array(Member(prefix, "indptr")));
  QH_ASSIGN_OR_RETURN(parts.indptr, indptr.ReadRest<int64_t>(max_bytes_));
  QH_ASSIGN_OR_RETURN(ArraySource indices, Array(Member(prefix, "indices")));
  QH_ASSIGN_OR_RETURN(parts.indices, indices.ReadRest<int64_t>(max_bytes_));
  if (Has(Member(prefix, "data"))) {
    QH_ASSIGN_OR_RETURN(ArraySource data, Array(Member(prefix, "data")));
    QH_ASSIGN_OR_RETURN(parts.values, data.ReadRest<float>(max_bytes_));
  }
  return MakeSparseRows(std::move(parts), Place(prefix));
}

bool IsNpzWith(const std::string& path, std::initializer_list<const char*> names) {
  if (!absl::EndsWith(path, ".npz")) return false;
  const absl::StatusOr<NpzFile> npz = NpzFile::Open(path, 0);
  return npz.ok() &&
         std::all_of(names.begin(), names.end(), [&](const char* name) { return npz->Has(name); });
}

}  // namespace quadhop
