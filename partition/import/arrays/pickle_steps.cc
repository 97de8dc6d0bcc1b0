// The opcodes of pickles, by groups.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <cstring>
#include <utility>

#include "partition/import/arrays/pickle_machine.h"

namespace quadhop {

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
    case 'Q':  // BINPERSID: the name of what stands elsewhere, which stays as it is
      return keeps_unknown_ ? absl::OkStatus() : Error("it refers to something outside of it");
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

}  // namespace quadhop
