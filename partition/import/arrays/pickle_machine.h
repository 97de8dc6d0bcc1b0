// How a pickle is read. Only for pickle.cc and pickle_steps.cc.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "partition/import/arrays/pickle.h"

namespace quadhop {

// The stack machine of the pickle protocol, versions 0 (in part) to 5.
class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

  PickleMachine(absl::string_view bytes, bool keeps_unknown, Pickle* pickle)
      : bytes_(bytes), keeps_unknown_(keeps_unknown), pickle_(pickle) {}

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
  void PushObject(const std::string& name, const PickleValue* content) {
    PushNew(Kind::kObject);
    stack_.back()->text = name;
    stack_.back()->content = content;
  }
  void PushInteger(int64_t value) {
    PushNew(Kind::kInteger);
    stack_.back()->integer = value;
  }
  void PushText(absl::string_view text) {
    PushNew(Kind::kText);
    stack_.back()->text = std::string(text);
  }
  // Never null: if there is none, returns a value of kind kNone and sets underflow_.
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
  const bool keeps_unknown_;
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

}  // namespace quadhop
