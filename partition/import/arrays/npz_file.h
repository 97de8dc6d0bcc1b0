// numpy's .npz: a zip archive with one .npy array per member.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/import/arrays/pickle.h"
#include "partition/import/bytes/zip_file.h"
#include "partition/linear_algebra/sparse_rows.h"

namespace quadhop {

// Errors of all functions: ZipFile's, ArraySource's and Pickle's; they name archive and member.
// Thread-safe.
class NpzFile {
 public:
  // `max_bytes`: the most that is held of one array.
  static absl::StatusOr<NpzFile> Open(const std::string& path, int64_t max_bytes);

  const std::string& path() const { return zip_.path(); }
  std::vector<std::string> names() const;  // of its arrays
  bool Has(const std::string& name) const { return zip_.Has(name + ".npy"); }

  absl::StatusOr<ArraySource> Array(const std::string& name) const;
  NamedArrays arrays() const;  // borrows this object
  // Whether the array is one of Python objects.
  absl::StatusOr<bool> HoldsObjects(const std::string& name) const;
  absl::StatusOr<Pickle> Objects(const std::string& name) const;
  // The texts of an array of texts: npy_texts.h.
  absl::StatusOr<std::vector<std::string>> Texts(const std::string& name) const;

  // A sparse matrix in the members PREFIX_{data,indices,indptr,shape}, or {data,indices,indptr,
  // shape} if the prefix is empty, as scipy.sparse.save_npz names them.
  absl::StatusOr<OwnedSparseMatrix> CsrMatrix(const std::string& prefix) const;
  bool HasCsrMatrix(const std::string& prefix) const;
  // Rows and columns, by PREFIX_shape.
  absl::StatusOr<std::array<int64_t, 2>> MatrixDims(const std::string& prefix) const;
  // What PREFIX_format says: "csr", "csc", "coo", ...; "csr" if there is no such member.
  absl::StatusOr<std::string> SparseFormat(const std::string& prefix) const;
  // PREFIX_NAME, or NAME if the prefix is empty.
  static std::string Member(const std::string& prefix, const std::string& name);

 private:
  explicit NpzFile(ZipFile zip, int64_t max_bytes) : zip_(std::move(zip)), max_bytes_(max_bytes) {}
  std::string Place(const std::string& name) const;
  absl::StatusOr<std::string> Bytes(const std::string& name) const;  // of the whole array
  ZipFile zip_;
  int64_t max_bytes_;
};

// Whether the file is a zip archive with these arrays; false too if it cannot be read.
bool IsNpzWith(const std::string& path, std::initializer_list<const char*> names);

}  // namespace quadhop
