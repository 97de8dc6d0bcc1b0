// What the arrays and matrices of a pickle hold.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "core/base/status.h"
#include "partition/import/arrays/pickle.h"
#include "partition/linear_algebra/sparse_rows.h"

namespace quadhop {

using Kind = PickleValue::Kind;

absl::StatusOr<ArraySource> ArrayOf(const PickleValue& value, const std::string& place) {
  if (value.kind != Kind::kArray || value.content == nullptr)
    return ArrayError(place, "no array in its pickle", "a numpy array is needed");
  const std::string& data = value.content->text;
  std::string descr = value.text;
  if (descr == "b1") descr = "u1";
  if (descr.size() == 2) descr = absl::StrCat(descr[1] == '1' ? "|" : "<", descr);
  for (const DType dtype :
       {DType::kF32, DType::kF64, DType::kF16, DType::kI64, DType::kI32, DType::kI16, DType::kI8,
        DType::kU64, DType::kU32, DType::kU16, DType::kU8}) {
    if (descr != NumpyDescr(dtype)) continue;
    int64_t num_bytes = SizeOfDType(dtype);
    bool overflow = false;
    for (const int64_t dim : value.dims)
      overflow |= __builtin_mul_overflow(num_bytes, dim, &num_bytes);
    if (overflow || num_bytes != static_cast<int64_t>(data.size()))
      return ArrayError(place, absl::StrCat("an array with ", data.size(), " bytes of data"),
                        "its shape says otherwise: fetch or make it again");
    return ArraySource::OfMemory(dtype, value.fortran_order, value.dims, data, place);
  }
  return ArrayError(place,
                    absl::StrCat("an array of '", absl::CHexEscape(value.text.substr(0, 20)), "'"),
                    "numbers are needed");
}

absl::StatusOr<OwnedSparseMatrix> SparseMatrixOf(const PickleValue& value, const std::string& place,
                                                 bool with_values) {
  CsrParts parts;
  const PickleValue* shape = value.Find("_shape");
  if (value.kind != Kind::kObject || shape == nullptr || shape->items.size() != 2)
    return ArrayError(place, "no csr_matrix in its pickle", "a scipy.sparse.csr_matrix is needed");
  parts.num_rows = shape->items[0]->integer;
  parts.num_cols = shape->items[1]->integer;
  const auto read = [&](const char* name, auto* out) -> absl::Status {
    const PickleValue* array = value.Find(name);
    const std::string where = absl::StrCat(place, " ", name);
    if (array == nullptr) return ArrayError(where, "absent", "a csr_matrix has it");
    QH_ASSIGN_OR_RETURN(ArraySource source, ArrayOf(*array, where));
    QH_ASSIGN_OR_RETURN(
        *out, source.ReadRest<typename std::decay_t<decltype(*out)>::value_type>(INT64_MAX));
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(read("indptr", &parts.indptr));
  QH_RETURN_IF_ERROR(read("indices", &parts.indices));
  if (with_values) QH_RETURN_IF_ERROR(read("data", &parts.values));
  return MakeSparseRows(std::move(parts), place);
}

}  // namespace quadhop
