#include "partition/formats/pickle.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstring>

#include "core/status.h"

namespace quadhop {

using Kind = PickleValue::Kind;

// The stack machine of the pickle protocol, versions 0 (in part) to 5.
class PickleMachine {
 public:
  PickleMachine(absl::string_view bytes, Pickle* pickle) : bytes_(bytes), pickle_(pickle) {}

  absl::Status Run() {
    while (!done_) {
      start_ = at_;
      const char opcode = Take(1).empty() ? '\0' : bytes_[start_];
      if (truncated_) return Error("it is cut short");
      if (const absl::Status status = Step(opcode); !status.ok()) return status;
      if (truncated_) return Error("it is cut short");
      if (underflow_) return Error("an opcode finds too little on the stack");
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(
        pickle_->place_, ": pickle, byte ", start_, ": ", what,
        "; allowed are numbers, texts, lists, dicts, numpy arrays and scipy csr matrices"));
  }

  absl::string_view Take(uint64_t count) {
    if (count > bytes_.size() - at_) {
      truncated_ = true;
      return {};
    }
    const absl::string_view piece = bytes_.substr(at_, count);
    at_ += count;
    return piece;
  }
  uint64_t TakeUnsigned(size_t width) {
    uint64_t value = 0;
    const absl::string_view piece = Take(width);
    for (size_t i = 0; i < piece.size(); ++i)
      value |= uint64_t{static_cast<uint8_t>(piece[i])} << (8 * i);
    return value;
  }
  absl::string_view TakeLine() {
    const size_t end = bytes_.find('\n', at_);
    if (end == absl::string_view::npos) {
      truncated_ = true;
      return {};
    }
    const absl::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  PickleValue* New(Kind kind) {
    pickle_->values_.emplace_back();
    pickle_->values_.back().kind = kind;
    return &pickle_->values_.back();
  }
  void PushNew(Kind kind) { stack_.push_back(New(kind)); }
  void PushInteger(int64_t value) {
    PushNew(Kind::kInteger);
    stack_.back()->integer = value;
  }
  void PushText(absl::string_view text) {
    PushNew(Kind::kText);
    stack_.back()->text = std::string(text);
  }
  // Never null: a value of no kind where there is none, and underflow_.
  PickleValue* Pop() {
    if (stack_.empty() || stack_.back()->kind == Kind::kMark) {
      underflow_ = true;
      return New(Kind::kNone);
    }
    PickleValue* const value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PickleValue* Top() {
    PickleValue* const value = Pop();
    stack_.push_back(value);
    return value;
  }
  std::vector<PickleValue*> PopToMark() {
    size_t begin = stack_.size();
    while (begin > 0 && stack_[begin - 1]->kind != Kind::kMark) --begin;
    if (begin == 0) {
      underflow_ = true;
      return {};
    }
    std::vector<PickleValue*> items(stack_.begin() + static_cast<std::ptrdiff_t>(begin),
                                    stack_.end());
    stack_.resize(begin - 1);
    return items;
  }
  void PushTuple(size_t count) {
    std::vector<PickleValue*> items(count);
    for (size_t i = count; i > 0; --i) items[i - 1] = Pop();
    PushNew(Kind::kList);
    stack_.back()->items = std::move(items);
  }
  void Memoize(uint64_t index) {
    if (index > bytes_.size()) {  // they are numbered one after another, from 0 or 1
      underflow_ = true;
      return;
    }
    if (index >= memo_.size()) memo_.resize(index + 1);
    memo_[index] = Top();
  }
  absl::Status Recall(uint64_t index) {
    if (index >= memo_.size() || memo_[index] == nullptr)
      return Error(absl::StrCat("memo ", index, " was never set"));
    stack_.push_back(memo_[index]);
    return absl::OkStatus();
  }

  // By groups of opcodes; each asks the next about those that are not its own.
  absl::Status Step(char opcode);
  absl::Status StepOfNumbers(char opcode);
  absl::Status StepOfLists(char opcode);
  absl::Status StepOfText(char opcode);
  absl::Status StepOfMemo(char opcode);
  absl::Status PushGlobal(absl::string_view module, absl::string_view name);
  absl::Status Reduce();
  absl::Status NewObject();
  absl::Status Build();
  absl::Status BuildArray(PickleValue* array, const PickleValue& state);
  absl::Status FillArray(PickleValue* array, const PickleValue& shape, const PickleValue& dtype,
                         bool fortran_order, const PickleValue* content);
  absl::Status Append(PickleValue* list, const std::vector<PickleValue*>& items);
  absl::Status SetItems(PickleValue* dict, const std::vector<PickleValue*>& items);
  absl::Status PushLong(absl::string_view little_endian);

  absl::string_view bytes_;
  Pickle* pickle_;
  size_t at_ = 0;
  size_t start_ = 0;  // of the opcode at work
  size_t copied_bytes_ = 0;
  bool truncated_ = false;
  bool underflow_ = false;
  bool done_ = false;
  std::vector<PickleValue*> stack_;
  std::vector<PickleValue*> memo_;
};

absl::Status PickleMachine::PushLong(absl::string_view little_endian) {
  if (little_endian.size() > 8) return Error("an integer of more than 64 bits");
  uint64_t value = !little_endian.empty() && (little_endian.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (size_t i = little_endian.size(); i > 0; --i)
    value = value << 8 | static_cast<uint8_t>(little_endian[i - 1]);
  PushInteger(static_cast<int64_t>(value));
  return absl::OkStatus();
}

absl::Status PickleMachine::Step(char opcode) {
  switch (opcode) {
    case '\x80':  // PROTO
      if (const uint64_t version = TakeUnsigned(1); version > 5)
        return Error(absl::StrCat("protocol ", version, " is not 2 to 5"));
      return absl::OkStatus();
    case '\x95':  // FRAME
      TakeUnsigned(8);
      return absl::OkStatus();
    case '.':  // STOP
      pickle_->root_ = Pop();
      done_ = true;
      return absl::OkStatus();
    case '(':  // MARK
      PushNew(Kind::kMark);
      return absl::OkStatus();
    case 'R':
      return Reduce();
    case '\x81':
      return NewObject();
    case 'b':
      return Build();
    case '0':  // POP
      Pop();
      return absl::OkStatus();
    case 'c': {  // GLOBAL
      const absl::string_view module = TakeLine();
      return PushGlobal(module, TakeLine());
    }
    case '\x93': {  // STACK_GLOBAL
      const PickleValue* const name = Pop();
      return PushGlobal(Pop()->text, name->text);
    }
    default:
      return StepOfNumbers(opcode);
  }
}

absl::Status PickleMachine::StepOfNumbers(char opcode) {
  switch (opcode) {
    case 'N':  // NONE
      PushNew(Kind::kNone);
      return absl::OkStatus();
    case '\x88':  // NEWTRUE, NEWFALSE
    case '\x89':
      PushInteger(opcode == '\x88');
      return absl::OkStatus();
    case 'K':  // BININT1, BININT2, BININT
      PushInteger(static_cast<int64_t>(TakeUnsigned(1)));
      return absl::OkStatus();
    case 'M':
      PushInteger(static_cast<int64_t>(TakeUnsigned(2)));
      return absl::OkStatus();
    case 'J':
      PushInteger(static_cast<int32_t>(TakeUnsigned(4)));
      return absl::OkStatus();
    case '\x8a':  // LONG1
      return PushLong(Take(TakeUnsigned(1)));
    case 'G': {  // BINFLOAT, big-endian
      const uint64_t bits = __builtin_bswap64(TakeUnsigned(8));
      PushNew(Kind::kNumber);
      std::memcpy(&stack_.back()->number, &bits, sizeof(bits));
      return absl::OkStatus();
    }
    default:
      return StepOfLists(opcode);
  }
}

absl::Status PickleMachine::StepOfLists(char opcode) {
  switch (opcode) {
    case ']':  // EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT
    case ')':
      PushNew(Kind::kList);
      return absl::OkStatus();
    case '}':
      PushNew(Kind::kDict);
      return absl::OkStatus();
    case 't':  // TUPLE, LIST
    case 'l': {
      std::vector<PickleValue*> items = PopToMark();
      PushNew(Kind::kList);
      stack_.back()->items = std::move(items);
      return absl::OkStatus();
    }
    case '\x85':  // TUPLE1, TUPLE2, TUPLE3
    case '\x86':
    case '\x87':
      PushTuple(static_cast<size_t>(static_cast<uint8_t>(opcode) - 0x84));
      return absl::OkStatus();
    case 'a': {  // APPEND
      PickleValue* const item = Pop();
      return Append(Top(), {item});
    }
    case 'e': {  // APPENDS
      const std::vector<PickleValue*> items = PopToMark();
      return Append(Top(), items);
    }
    case 's': {  // SETITEM
      PickleValue* const value = Pop();
      PickleValue* const key = Pop();
      return SetItems(Top(), {key, value});
    }
    case 'u': {  // SETITEMS
      const std::vector<PickleValue*> items = PopToMark();
      return SetItems(Top(), items);
    }
    default:
      return StepOfMemo(opcode);
  }
}

absl::Status PickleMachine::StepOfMemo(char opcode) {
  switch (opcode) {
    case 'q':  // BINPUT, LONG_BINPUT
      Memoize(TakeUnsigned(1));
      return absl::OkStatus();
    case 'r':
      Memoize(TakeUnsigned(4));
      return absl::OkStatus();
    case '\x94':  // MEMOIZE
      Memoize(memo_.size());
      return absl::OkStatus();
    case 'h':  // BINGET, LONG_BINGET
      return Recall(TakeUnsigned(1));
    case 'j':
      return Recall(TakeUnsigned(4));
    default:
      return StepOfText(opcode);
  }
}

absl::Status PickleMachine::StepOfText(char opcode) {
  switch (opcode) {
    case 'U':     // SHORT_BINSTRING
    case 'C':     // SHORT_BINBYTES
    case '\x8c':  // SHORT_BINUNICODE
      PushText(Take(TakeUnsigned(1)));
      return absl::OkStatus();
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
    case 'X':  // BINUNICODE
      PushText(Take(TakeUnsigned(4)));
      return absl::OkStatus();
    case '\x96':  // BYTEARRAY8
    case '\x8e':  // BINBYTES8
    case '\x8d':  // BINUNICODE8
      PushText(Take(TakeUnsigned(8)));
      return absl::OkStatus();
    default:
      return Error(absl::StrCat("opcode ", absl::CHexEscape(absl::string_view(&opcode, 1)),
                                " is not one that is read"));
  }
}

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
  const std::string global = absl::StrCat(module, " ", name);
  if (truncated_) return absl::OkStatus();
  if (std::find(std::begin(kAllowed), std::end(kAllowed), global) == std::end(kAllowed))
    return Error(absl::StrCat("it asks for Python's ", absl::CHexEscape(module.substr(0, 60)), ".",
                              absl::CHexEscape(name.substr(0, 60))));
  PushNew(Kind::kGlobal);
  stack_.back()->text = global;
  return absl::OkStatus();
}

// What numpy, scipy and collections give when called with these arguments, before BUILD fills it.
absl::Status PickleMachine::Reduce() {
  const PickleValue* const arguments = Pop();
  const PickleValue* const callee = Pop();
  if (callee->kind != Kind::kGlobal || arguments->kind != Kind::kList)
    return underflow_ ? absl::OkStatus() : Error("a call of what is no function");
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
  if (type->kind != Kind::kGlobal || type->text.find("csr_matrix") == std::string::npos)
    return underflow_ ? absl::OkStatus() : Error("an object that is not read");
  PushNew(Kind::kObject);
  stack_.back()->text = type->text;
  return absl::OkStatus();
}

absl::Status PickleMachine::Build() {
  const PickleValue* const state = Pop();
  PickleValue* const target = Top();
  switch (target->kind) {
    case Kind::kArray:
      return BuildArray(target, *state);
    case Kind::kText:  // a dtype: (version, byte order, ...)
      if (state->items.size() < 2) return Error("a dtype's state that is not read");
      if (state->items[1]->text == ">") return Error("big-endian numbers");
      return absl::OkStatus();
    case Kind::kObject:
      if (state->kind != Kind::kDict) return Error("an object whose state is no dict");
      target->content = state;
      return absl::OkStatus();
    default:
      return underflow_ ? absl::OkStatus() : Error("a state for what has none");
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
  if (list->kind != Kind::kList) return underflow_ ? absl::OkStatus() : Error("it is no list");
  list->items.insert(list->items.end(), items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::SetItems(PickleValue* dict, const std::vector<PickleValue*>& items) {
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

absl::StatusOr<Pickle> Pickle::Read(absl::string_view bytes, const std::string& place) {
  Pickle pickle;
  pickle.place_ = place;
  QH_RETURN_IF_ERROR(PickleMachine(bytes, &pickle).Run());
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
