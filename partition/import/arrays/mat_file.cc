#include "partition/import/arrays/mat_file.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <dlfcn.h>
#include <matio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/mat_layout.h"

namespace quadhop {
namespace {

struct FreeVariable {
  void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
};
using Variable = std::unique_ptr<matvar_t, FreeVariable>;

struct CloseMat {
  void operator()(mat_t* mat) const { Mat_Close(mat); }
};
using Mat = std::unique_ptr<mat_t, CloseMat>;

absl::StatusOr<Mat> OpenMat(const std::string& path, const std::string& place) {
  Mat mat(Mat_Open(path.c_str(), MAT_ACC_RDONLY));
  if (mat == nullptr)
    return absl::InvalidArgumentError(absl::StrCat(place, " is not a .mat file that can be read"));
  return mat;
}

// A file of level 5 in memory, of one variable of another file.
absl::StatusOr<Mat> OpenAlone(const std::string& path, const MatVariable& variable) {
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const absl::string_view text = file.text();
  const int fd = memfd_create("variable.mat", MFD_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("make room for a variable of ", path));
  const absl::Cleanup close_it = [fd] { close(fd); };
  for (absl::string_view left : {text.substr(0, kMatHeaderBytes),
                                 text.substr(variable.begin, variable.end - variable.begin)}) {
    QH_RETURN_IF_ERROR(AppendAll(fd, &left, absl::StrCat("a copy of a variable of ", path)));
  }
  return OpenMat(absl::StrCat("/proc/self/fd/", fd), path);
}

// libmatio's HDF5 prints all that it does not find, also for variables that nobody asks for. It is
// looked up, since a libmatio may be without it.
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
  std::string path;
  std::vector<std::string> names;
  std::vector<MatVariable> variables;  // of a file of level 5
  // Null for a file of level 5 that also has variables of classes that are not read. libmatio would
  // go through these, trusting what they hold, so it gets to see one variable at a time.
  Mat whole;

  std::string Place(const std::string& name) const { return absl::StrCat(path, ": ", name); }
  bool Has(absl::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  absl::Status Open() {
    QH_ASSIGN_OR_RETURN(variables, CheckMatIsWhole(path));
    const bool all_are_read =
        std::all_of(variables.begin(), variables.end(), [](const MatVariable& variable) {
          return OtherMatClass(variable.head.array_class).empty();
        });
    if (!all_are_read) {
      for (const MatVariable& variable : variables)
        if (!variable.head.name.empty()) names.push_back(variable.head.name);
      return absl::OkStatus();
    }
    QH_ASSIGN_OR_RETURN(whole, OpenMat(path, path));
    while (const Variable info{Mat_VarReadNextInfo(whole.get())})
      if (info->name != nullptr) names.push_back(info->name);
    return absl::OkStatus();
  }

  struct Found {
    Mat alone;             // or null
    mat_t* mat = nullptr;  // that has the variable
    Variable variable;     // without its data
  };
  // Or null.
  const MatVariable* FindHead(const std::string& name) const {
    const auto known = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& each) { return each.head.name == name; });
    return known == variables.end() ? nullptr : &*known;
  }
  absl::StatusOr<Found> Find(const std::string& name) const {
    if (!Has(name))
      return absl::NotFoundError(
          absl::StrCat(path, " has no variable ", name, "; it has: ", ListOfNames(names)));
    Found found;
    found.mat = whole.get();
    if (whole == nullptr) {
      const MatVariable* const known = FindHead(name);
      QH_RETURN_IF_ERROR(CheckClass(known->head.array_class, name));
      QH_ASSIGN_OR_RETURN(found.alone, OpenAlone(path, *known));
      found.mat = found.alone.get();
    }
    Mat_Rewind(found.mat);
    found.variable.reset(Mat_VarReadInfo(found.mat, name.c_str()));
    if (found.variable == nullptr) return CannotBeRead(name);
    QH_RETURN_IF_ERROR(CheckClass(static_cast<uint32_t>(found.variable->class_type), name));
    return found;
  }
  absl::Status CheckClass(uint32_t array_class, const std::string& name) const {
    const absl::string_view other = OtherMatClass(array_class);
    if (other.empty()) return absl::OkStatus();
    return ArrayError(Place(name), absl::StrCat(other == "object" ? "an " : "a ", other),
                      "numbers are needed");
  }
  absl::Status CannotBeRead(const std::string& name) const {
    return absl::InvalidArgumentError(
        absl::StrCat(Place(name), " cannot be read: the file is cut short or corrupt"));
  }

  // Reads a variable, which must exist and hold real numbers.
  absl::StatusOr<Variable> Read(const std::string& name) const {
    QH_ASSIGN_OR_RETURN(Found found, Find(name));
    const std::string place = Place(name);
    Variable& variable = found.variable;
    if (variable->rank != 2)
      return ArrayError(place, absl::StrCat("of ", variable->rank, " dims"), "2 are needed");
    if (variable->isComplex != 0) return ArrayError(place, "complex", "real numbers are needed");
    if (variable->class_type == MAT_C_CHAR) return ArrayError(place, "text", "numbers are needed");
    if (Mat_GetVersion(found.mat) == MAT_FT_MAT73 && variable->data_type == MAT_T_UNKNOWN)
      return ArrayError(place, "of a MATLAB_class that libmatio does not know",
                        "an array of numbers is needed; if it is one, save the file by "
                        "scipy.io.savemat, since hdf5storage and h5py leave out the null that ends "
                        "the class");
    if (Mat_VarReadDataAll(found.mat, variable.get()) != 0) return CannotBeRead(name);
    return std::move(variable);
  }
};

MatFile::MatFile() : handle_(std::make_unique<Handle>()) {}
MatFile::~MatFile() = default;
MatFile::MatFile(MatFile&&) noexcept = default;

absl::StatusOr<MatFile> MatFile::Open(const std::string& path) {
  SilenceHdf5();
  MatFile file;
  file.handle_->path = path;
  QH_RETURN_IF_ERROR(file.handle_->Open());
  return file;
}

const std::string& MatFile::path() const { return handle_->path; }
const std::vector<std::string>& MatFile::names() const { return handle_->names; }
bool MatFile::Has(absl::string_view name) const { return handle_->Has(name); }
std::string MatFile::Place(const std::string& name) const { return handle_->Place(name); }

absl::StatusOr<bool> MatFile::IsSparse(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const Handle::Found found, handle_->Find(name));
  return found.variable->class_type == MAT_C_SPARSE;
}

absl::StatusOr<MatFile::Size> MatFile::SizeOf(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const Handle::Found found, handle_->Find(name));
  const matvar_t& info = *found.variable;
  if (info.rank != 2)
    return ArrayError(Place(name), absl::StrCat("of ", info.rank, " dims"), "2 are needed");
  Size size{static_cast<int64_t>(info.dims[0]), static_cast<int64_t>(info.dims[1]), {}};
  const MatVariable* const head = handle_->FindHead(name);
  if (info.class_type == MAT_C_SPARSE && head != nullptr) size.room = head->head.room;
  return size;
}

absl::StatusOr<ArraySource> MatFile::Array(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const bool sparse, IsSparse(name));
  if (sparse) return ArrayError(Place(name), "a sparse matrix", "a dense array is needed");
  QH_ASSIGN_OR_RETURN(const Variable variable, handle_->Read(name));
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
  return {path(), names(), [this](const std::string& name) { return Array(name); }};
}

absl::StatusOr<OwnedSparseMatrix> MatFile::SquareMatrix(const std::string& name) const {
  QH_ASSIGN_OR_RETURN(const Handle::Found found, handle_->Find(name));
  const matvar_t& info = *found.variable;
  return ReadMatrix(name, info.rank == 2 ? static_cast<int64_t>(info.dims[1]) : 0, false);
}

absl::StatusOr<OwnedSparseMatrix> MatFile::Matrix(const std::string& name, int64_t num_rows) const {
  return ReadMatrix(name, num_rows, true);
}

absl::StatusOr<OwnedSparseMatrix> MatFile::ReadMatrix(const std::string& name, int64_t num_rows,
                                                      bool with_values) const {
  QH_ASSIGN_OR_RETURN(const bool sparse, IsSparse(name));
  QH_ASSIGN_OR_RETURN(const Variable variable, handle_->Read(name));
  // Rows take memory even if the file is small; columns, whose ends are in the file, do not.
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
