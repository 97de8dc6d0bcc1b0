// The few pickles that graphs are kept in: numbers, texts, lists, dicts, numpy arrays and scipy's
// csr matrices. https://github.com/python/cpython/blob/main/Lib/pickletools.py
//
// Nothing is ever called: a fixed list of globals is understood (numpy's and scipy's ways to
// rebuild an array, list, defaultdict), every other one is refused by name, or kept as a name.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/arrays/dtype.h"
#include "partition/import/arrays/array_source.h"
#include "partition/linear_algebra/sparse_transpose.h"

namespace quadhop {

struct PickleValue {
  enum class Kind {
    kNone,
    kInteger,
    kNumber,
    kText,
    kList,
    kDict,
    kArray,
    kObject,
    kGlobal,
    kMark
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;  // also True and False
  double number = 0;
  std::string text;  // also bytes; of a global and an object "module name", of each the first 100
                     // letters; of an array its dtype
  std::vector<PickleValue*> items;                             // of a list or tuple
  std::vector<std::pair<PickleValue*, PickleValue*>> entries;  // of a dict
  std::vector<int64_t> dims;                                   // of an array
  bool fortran_order = false;
  // For an array its bytes, or the list of its objects; for an object the dict of its attributes,
  // or the list of the arguments of the unknown call that makes it. Shared, since a pickle can name
  // one value many times.
  const PickleValue* content = nullptr;

  // The value of a text key of a dict, or of an object's attribute, or null.
  const PickleValue* Find(absl::string_view key) const;
};

// A pickle that was read, and all its values. Immutable.
class Pickle {
 public:
  // What becomes of classes and functions that are not understood: an error, or objects.
  enum class Unknown { kRefused, kKept };

  // kInvalidArgument, naming `place`, the byte and what is wrong or not allowed. Memory and time
  // are in proportion to the bytes, whatever they are.
  static absl::StatusOr<Pickle> Read(absl::string_view bytes, const std::string& place,
                                     Unknown unknown = Unknown::kRefused);
  // The array of objects in the bytes of an .npy file: its pickle.
  static absl::StatusOr<Pickle> ReadNpy(absl::string_view bytes, const std::string& place);

  const PickleValue& root() const { return *root_; }
  const std::string& place() const { return place_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
  std::string place_;
};

// Whether the beginning of an .npy file says that it holds Python objects.
bool HoldsObjects(absl::string_view npy_bytes);

// The only element, if the value is an array of objects without dims, as numpy.save makes of a dict
// or matrix; any other value as it is.
const PickleValue& Unwrapped(const PickleValue& value);

// kInvalidArgument if the value is no array of numbers, or its data do not have the size that it
// says.
absl::StatusOr<ArraySource> ArrayOf(const PickleValue& value, const std::string& place);
// A scipy csr_matrix, rows sorted; unless `with_values`, ones replace its values, also where they
// are 0.
absl::StatusOr<OwnedSparseMatrix> SparseMatrixOf(const PickleValue& value, const std::string& place,
                                                 bool with_values = true);

}  // namespace quadhop
