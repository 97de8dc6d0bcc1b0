#include "partition/formats/mat_file.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <dlfcn.h>
#include <matio.h>

#include <algorithm>
#include <utility>

#include "core/status.h"
#include "partition/formats/mat_layout.h"

namespace quadhop {
namespace {

struct FreeVariable {
  void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
};
using Variable = std::unique_ptr<matvar_t, FreeVariable>;

// libmatio's HDF5 prints all that it does not find, also of variables that nobody asks for. It is
// looked for, since a libmatio may be without it.
void SilenceHdf5() {
  using SetAuto = int (*)(int64_t stack, void* print, void* data);
  if (const auto set_auto = reinterpret_cast<SetAuto>(dlsym(RTLD_DEFAULT, "H5Eset_auto2")))
    set_auto(/*stack=*/0, nullptr, nullptr);
}

absl::StatusOr<DType> DTypeOfMat(matio_types type, const std::string& place) {
  switch (type) {
    case MAT_T_DOUBLE:
      return DType::kF64;
    case MAT_T_SINGLE:
      return DType::kF32;
    case MAT_T_INT64:
      return DType::kI64;
    case MAT_T_INT32:
      return DType::kI32;
    case MAT_T_INT16:
      return DType::kI16;
    case MAT_T_INT8:
      return DType::kI8;
    case MAT_T_UINT64:
      return DType::kU64;
    case MAT_T_UINT32:
      return DType::kU32;
    case MAT_T_UINT16:
      return DType::kU16;
    case MAT_T_UINT8:
      return DType::kU8;
    default:
      return ArrayError(place, "no array of numbers", "one is needed");
  }
}

absl::StatusOr<std::vector<float>> SparseValues(const matvar_t& variable,
                                                const mat_sparse_t& sparse,
                                                const std::string& place) {
  if (sparse.data == nullptr || variable.isLogical != 0)
    return std::vector<float>(sparse.nir, 1.0f);
  QH_ASSIGN_OR_RETURN(const DType dtype, DTypeOfMat(variable.data_type, place));
  const auto count = static_cast<int64_t>(sparse.ndata);
  ArraySource source =
      ArraySource::OfMemory(dtype, false, {count},
                            std::string(static_cast<const char*>(sparse.data),
                                        static_cast<size_t>(count * SizeOfDType(dtype))),
                            place);
  return source.ReadRest<float>(INT64_MAX);
}

}  // namespace

struct MatFile::Handle {
  mat_t* mat = nullptr;
  ~Handle() {
    if (mat != nullptr) Mat_Close(mat);
  }
  // A variable that there is, of real numbers or of a class that holds none.
  absl::StatusOr<Variable> Read(const std::string& name, const std::string& place) const {
    Variable variable = ReadInfo(name);
    if (variable->rank != 2)
      return ArrayError(place, absl::StrCat("of ", variable->rank, " dims"), "2 are needed");
    if (variable->isComplex != 0) return ArrayError(place, "complex", "real numbers are needed");
    if (variable->class_type == MAT_C_CHAR) return ArrayError(place, "text", "numbers are needed");
    if (Mat_GetVersion(mat) == MAT_FT_MAT73 && variable->data_type == MAT_T_UNKNOWN)
      return ArrayError(place, "of a MATLAB_class that libmatio does not know",
                        "an array of numbers is needed; where it is one, save the file by "
                        "scipy.io.savemat, for hdf5storage and h5py leave out the null that ends "
                        "the class");
    if (Mat_VarReadDataAll(mat, variable.get()) != 0)
      return absl::InvalidArgumentError(
          absl::StrCat(place, " cannot be read: the file is cut short or corrupt"));
    return variable;
  }
  // Without its data; null if there is none.
  Variable ReadInfo(const std::string& name) const {
    Mat_Rewind(mat);
    return Variable(Mat_VarReadInfo(mat, name.c_str()));
  }
};

MatFile::MatFile() : handle_(std::make_unique<Handle>()) {}
MatFile::~MatFile() = default;
MatFile::MatFile(MatFile&&) noexcept = default;

absl::StatusOr<MatFile> MatFile::Open(const std::string& path) {
  QH_RETURN_IF_ERROR(CheckMatIsWhole(path));
  SilenceHdf5();
  MatFile file;
  file.path_ = path;
  file.handle_->mat = Mat_Open(path.c_str(), MAT_ACC_RDONLY);
  if (file.handle_->mat == nullptr)
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a .mat file that can be read"));
  while (const Variable info{Mat_VarReadNextInfo(file.handle_->mat)})
    if (info->name != nullptr) file.names_.push_back(info->name);
  Mat_Rewind(file.handle_->mat);
  return file;
}

bool MatFile::Has(absl::string_view name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

std::string MatFile::Place(const std::string& name) const {
  return absl::StrCat(path_, ": ", name);
}

absl::StatusOr<bool> MatFile::IsSparse(const std::string& name) const {
  const Variable info = handle_->ReadInfo(name);
  if (info == nullptr)
    return absl::NotFoundError(
        absl::StrCat(path_, " has no variable ", name, "; it has: ", absl::StrJoin(names_, ", ")));
  return info->class_type == MAT_C_SPARSE;
}

absl::StatusOr<ArraySource> MatFile::Array(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const bool sparse, IsSparse(name));
  if (sparse) return ArrayError(Place(name), "a sparse matrix", "a dense array is needed");
  QH_ASSIGN_OR_RETURN(const Variable variable, handle_->Read(name, Place(name)));
  QH_ASSIGN_OR_RETURN(const DType dtype, DTypeOfMat(variable->data_type, Place(name)));
  const std::vector<int64_t> dims = {static_cast<int64_t>(variable->dims[0]),
                                     static_cast<int64_t>(variable->dims[1])};
  int64_t num_bytes = SizeOfDType(dtype);
  const bool overflow = __builtin_mul_overflow(num_bytes, dims[0], &num_bytes) ||
                        __builtin_mul_overflow(num_bytes, dims[1], &num_bytes);
  if (overflow || num_bytes != static_cast<int64_t>(variable->nbytes) ||
      (num_bytes > 0 && variable->data == nullptr))
    return ArrayError(Place(name), absl::StrCat("of ", variable->nbytes, " bytes"),
                      absl::StrCat("its dims are ", dims[0], " x ", dims[1]));
  return ArraySource::OfMemory(
      dtype, true, dims,
      std::string(static_cast<const char*>(variable->data), static_cast<size_t>(num_bytes)),
      Place(name));
}

NamedArrays MatFile::arrays() const {
  return {path_, names_, [this](const std::string& name) { return Array(name); }};
}

absl::StatusOr<OwnedSparseMatrix> MatFile::SquareMatrix(const std::string& name) const {
  const Variable info = handle_->ReadInfo(name);
  const bool is_matrix = info != nullptr && info->rank == 2;
  return ReadMatrix(name, is_matrix ? static_cast<int64_t>(info->dims[1]) : 0, false);
}

absl::StatusOr<OwnedSparseMatrix> MatFile::Matrix(const std::string& name, int64_t num_rows) const {
  return ReadMatrix(name, num_rows, true);
}

absl::StatusOr<OwnedSparseMatrix> MatFile::ReadMatrix(const std::string& name, int64_t num_rows,
                                                      bool with_values) const {
  QH_ASSIGN_OR_RETURN(const bool sparse, IsSparse(name));
  QH_ASSIGN_OR_RETURN(const Variable variable, handle_->Read(name, Place(name)));
  // Rows take memory that columns, which have their ends in the file, do not.
  if (static_cast<int64_t>(variable->dims[0]) != num_rows)
    return ArrayError(Place(name),
                      absl::StrCat("[", variable->dims[0], ", ", variable->dims[1], "]"),
                      absl::StrCat(num_rows, " rows are needed"));
  // By columns: the rows of the transpose.
  CsrParts columns;
  columns.num_rows = static_cast<int64_t>(variable->dims[1]);
  columns.num_cols = static_cast<int64_t>(variable->dims[0]);
  if (sparse) {
    const auto* data = static_cast<const mat_sparse_t*>(variable->data);
    if (data == nullptr || data->jc == nullptr || (data->nir > 0 && data->ir == nullptr))
      return ArrayError(Place(name), "a sparse matrix without entries", "fetch or make it again");
    columns.indptr.assign(data->jc, data->jc + data->njc);
    columns.indices.assign(data->ir, data->ir + data->nir);
    // Room for entries may be larger than what is used.
    if (!columns.indptr.empty() && columns.indptr.back() >= 0 &&
        columns.indptr.back() < static_cast<int64_t>(columns.indices.size()))
      columns.indices.resize(static_cast<size_t>(columns.indptr.back()));
    if (with_values) {
      QH_ASSIGN_OR_RETURN(columns.values, SparseValues(*variable, *data, Place(name)));
    }
    if (columns.values.size() > columns.indices.size())
      columns.values.resize(columns.indices.size());
  } else {
    QH_ASSIGN_OR_RETURN(ArraySource source, Array(name));
    QH_ASSIGN_OR_RETURN(const std::vector<float> values, source.ReadRest<float>(INT64_MAX));
    columns.indptr.push_back(0);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0) {
        columns.indices.push_back(static_cast<int64_t>(i) % columns.num_cols);
        columns.values.push_back(values[i]);
      }
      if ((static_cast<int64_t>(i) + 1) % columns.num_cols == 0)
        columns.indptr.push_back(static_cast<int64_t>(columns.indices.size()));
    }
  }
  QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix transposed,
                      MakeSparseRows(std::move(columns), Place(name)));
  return Transpose(transposed.view());
}

}  // namespace quadhop
