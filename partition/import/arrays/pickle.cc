#include "partition/import/arrays/pickle.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "partition/import/arrays/pickle_machine.h"

namespace quadhop {

using Kind = PickleValue::Kind;

absl::Status PickleMachine::PushGlobal(absl::string_view module, absl::string_view name) {
  static constexpr absl::string_view kAllowed[] = {"scipy.sparse.csr csr_matrix",
                                                   "scipy.sparse._csr csr_matrix",
                                                   "numpy.core.multiarray _reconstruct",
                                                   "numpy._core.multiarray _reconstruct",
                                                   "numpy.core.numeric _frombuffer",
                                                   "numpy._core.numeric _frombuffer",
                                                   "numpy.core.multiarray scalar",
                                                   "numpy._core.multiarray scalar",
                                                   "numpy ndarray",
                                                   "numpy dtype",
                                                   "collections defaultdict",
                                                   "collections OrderedDict",
                                                   "__builtin__ list",
                                                   "builtins list",
                                                   "_codecs encode"};
  const std::string global = absl::StrCat(module.substr(0, 100), " ", name.substr(0, 100));
  if (truncated_) return absl::OkStatus();
  if (std::find(std::begin(kAllowed), std::end(kAllowed), global) != std::end(kAllowed)) {
    PushNew(Kind::kGlobal);
    stack_.back()->text = global;
    return absl::OkStatus();
  }
  if (keeps_unknown_) {
    PushObject(global, nullptr);
    return absl::OkStatus();
  }
  if (module == "copy_reg" || module == "copyreg")
    return Error("it is of protocol 0 or 1: write it with protocol 2 to 5");
  return Error(absl::StrCat("it asks for Python's ", absl::CHexEscape(module.substr(0, 60)), ".",
                            absl::CHexEscape(name.substr(0, 60))));
}

// What numpy, scipy and collections give when called with these arguments, before BUILD fills it.
absl::Status PickleMachine::Reduce() {
  const PickleValue* const arguments = Pop();
  const PickleValue* const callee = Pop();
  if (callee->kind == Kind::kObject && keeps_unknown_) {
    PushObject(callee->text, arguments);
    return absl::OkStatus();
  }
  if (callee->kind != Kind::kGlobal || arguments->kind != Kind::kList)
    return underflow_ ? absl::OkStatus() : Error("a call of something that is no function");
  const absl::string_view name =
      absl::string_view(callee->text).substr(callee->text.rfind(' ') + 1);
  const auto& items = arguments->items;
  if (name == "_reconstruct") {
    PushNew(Kind::kArray);
  } else if (name == "_frombuffer" && items.size() == 4) {  // protocol 5's way to write an array
    PushNew(Kind::kArray);
    return FillArray(stack_.back(), *items[2], *items[1], items[3]->text == "F", items[0]);
  } else if (name == "dtype" && !items.empty()) {
    PushText(absl::string_view(items[0]->text).substr(0, 20));
  } else if (name == "defaultdict" || name == "OrderedDict") {
    PushNew(Kind::kDict);
  } else if (name == "list" && items.empty()) {
    PushNew(Kind::kList);
  } else if (name == "encode" && !items.empty()) {
    // Python 3's way to write bytes in protocol 2: a text whose code points are the bytes.
    copied_bytes_ += items[0]->text.size();
    if (copied_bytes_ > bytes_.size()) return Error("one text is made into bytes many times");
    std::string data;
    const std::string& utf8 = items[0]->text;
    for (size_t i = 0; i < utf8.size(); ++i) {
      const auto lead = static_cast<uint8_t>(utf8[i]);
      if (lead < 0x80) {
        data.push_back(utf8[i]);
      } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < utf8.size()) {
        data.push_back(static_cast<char>((lead & 3) << 6 | (utf8[++i] & 0x3f)));
      } else {
        return Error("bytes written as a text with characters beyond 255");
      }
    }
    PushText(data);
  } else if (name == "scalar" && items.size() == 2) {
    PushNew(Kind::kArray);
    stack_.back()->text = items[0]->text.substr(0, 20);
    stack_.back()->content = items[1];
  } else {
    return Error(absl::StrCat("a call of ", callee->text, " that is not read"));
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::NewObject() {
  Pop();
  const PickleValue* const type = Pop();
  const bool kept = type->kind == Kind::kObject && keeps_unknown_;
  const bool csr =
      type->kind == Kind::kGlobal && type->text.find("csr_matrix") != std::string::npos;
  if (!kept && !csr) return underflow_ ? absl::OkStatus() : Error("an object that is not read");
  PushObject(type->text, nullptr);
  return absl::OkStatus();
}

absl::Status PickleMachine::Build() {
  const PickleValue* const state = Pop();
  PickleValue* const target = Top();
  switch (target->kind) {
    case Kind::kArray:
      return BuildArray(target, *state);
    case Kind::kText:  // a dtype: (version, byte order, ...)
      if (state->items.size() < 2) return Error("a dtype with a state that is not read");
      if (state->items[1]->text == ">") return Error("big-endian numbers");
      return absl::OkStatus();
    case Kind::kObject:
      if (state->kind == Kind::kDict)
        target->content = state;
      else if (!keeps_unknown_)
        return Error("an object whose state is no dict");
      return absl::OkStatus();
    default:
      return underflow_ ? absl::OkStatus() : Error("a state for something that has none");
  }
}

// (version, shape, dtype, fortran order, bytes or list of objects)
absl::Status PickleMachine::BuildArray(PickleValue* array, const PickleValue& state) {
  if (state.items.size() != 5) return Error("an array's state that is not (version, shape, ...)");
  return FillArray(array, *state.items[1], *state.items[2], state.items[3]->integer != 0,
                   state.items[4]);
}

absl::Status PickleMachine::FillArray(PickleValue* array, const PickleValue& shape,
                                      const PickleValue& dtype, bool fortran_order,
                                      const PickleValue* content) {
  if (shape.items.size() > 32) return Error("an array of more than 32 dims");
  array->dims.clear();
  for (const PickleValue* dim : shape.items) {
    if (dim->kind != Kind::kInteger || dim->integer < 0) return Error("an array's shape is wrong");
    array->dims.push_back(dim->integer);
  }
  array->text = dtype.text.substr(0, 20);
  array->fortran_order = fortran_order;
  array->content = content;
  return absl::OkStatus();
}

absl::Status PickleMachine::Append(PickleValue* list, const std::vector<PickleValue*>& items) {
  if (list->kind == Kind::kObject && keeps_unknown_) return absl::OkStatus();
  if (list->kind != Kind::kList) return underflow_ ? absl::OkStatus() : Error("it is no list");
  list->items.insert(list->items.end(), items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::SetItems(PickleValue* dict, const std::vector<PickleValue*>& items) {
  if (dict->kind == Kind::kObject && keeps_unknown_) return absl::OkStatus();
  if (dict->kind != Kind::kDict || items.size() % 2 != 0)
    return underflow_ ? absl::OkStatus() : Error("it is no dict");
  for (size_t i = 0; i < items.size(); i += 2) dict->entries.emplace_back(items[i], items[i + 1]);
  return absl::OkStatus();
}

const PickleValue* PickleValue::Find(absl::string_view key) const {
  if (kind == Kind::kObject) return content == nullptr ? nullptr : content->Find(key);
  for (const auto& [entry_key, value] : entries)
    if (entry_key->kind == Kind::kText && entry_key->text == key) return value;
  return nullptr;
}

absl::StatusOr<Pickle> Pickle::Read(absl::string_view bytes, const std::string& place,
                                    Unknown unknown) {
  Pickle pickle;
  pickle.place_ = place;
  QH_RETURN_IF_ERROR(PickleMachine(bytes, unknown == Unknown::kKept, &pickle).Run());
  return pickle;
}

bool HoldsObjects(absl::string_view npy_bytes) {
  const absl::string_view head = npy_bytes.substr(0, 256);
  const size_t end = head.find('\n');
  return head.substr(0, 6) == absl::string_view("\x93NUMPY", 6) &&
         head.substr(0, end).find("'|O'") != absl::string_view::npos;
}

absl::StatusOr<Pickle> Pickle::ReadNpy(absl::string_view bytes, const std::string& place) {
  const size_t end = bytes.find('\n');  // of the header, which holds no other
  if (!HoldsObjects(bytes) || end == absl::string_view::npos)
    return ArrayError(place, "not an array of Python objects", "one is needed here");
  return Read(bytes.substr(end + 1), place);
}

const PickleValue& Unwrapped(const PickleValue& value) {
  const bool wraps = value.kind == Kind::kArray && value.dims.empty() && value.content != nullptr &&
                     value.content->items.size() == 1;
  return wraps ? *value.content->items[0] : value;
}

}  // namespace quadhop
