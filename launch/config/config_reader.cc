#include "launch/config/config_reader.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace quadhop {
namespace {

using google::protobuf::io::Tokenizer;

class Reader : private google::protobuf::io::ErrorCollector {
 public:
  Reader(absl::string_view text, absl::string_view file_name, std::vector<std::string>* faults)
      : input_(text.data(), static_cast<int>(text.size())),
        file_name_(file_name),
        faults_(faults),
        tokenizer_(&input_, this) {
    tokenizer_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokenizer_.Next();
  }

  std::vector<Assignment> Read() {
    while (!At(Tokenizer::TYPE_END)) ReadField();
    if (!messages_.empty()) {
      Fault(absl::StrCat("the message ", Path(), " is not closed; expected }"));
    }
    return std::move(assignments_);
  }

 private:
  bool At(Tokenizer::TokenType type) { return tokenizer_.current().type == type; }
  bool At(const char* symbol) { return tokenizer_.current().text == symbol; }
  std::string Path() const { return absl::StrJoin(messages_, "."); }
  std::string Place(int line) const { return absl::StrCat(file_name_, ":", line + 1); }
  void Fault(absl::string_view what) {
    faults_->push_back(absl::StrCat(Place(tokenizer_.current().line), ": ", what));
  }
  void AddError(int line, google::protobuf::io::ColumnNumber /*column*/,
                const std::string& what) override {
    faults_->push_back(absl::StrCat(Place(line), ": ", what));
  }

  // `name: value`, `name { ... }` (whose fields are read by the following calls), or the } of an
  // open message.
  void ReadField() {
    if (At("}") && !messages_.empty()) {
      messages_.pop_back();
      tokenizer_.Next();
      return SkipSeparator();
    }
    if (!At(Tokenizer::TYPE_IDENTIFIER)) {
      Fault(
          absl::StrCat("expected the name of a field, got ", Printable(tokenizer_.current().text)));
      tokenizer_.Next();
      return;
    }
    messages_.push_back(tokenizer_.current().text);
    const int line = tokenizer_.current().line;
    tokenizer_.Next();
    const bool colon = At(":");
    if (colon) tokenizer_.Next();
    if (At("{")) {
      tokenizer_.Next();
      return;
    }
    if (colon) {
      ReadValue(line);
    } else {
      Fault(absl::StrCat("expected : or { after ", Path()));
    }
    messages_.pop_back();
    SkipSeparator();
  }

  void ReadValue(int line) {
    std::string value;
    if (At("-")) {
      value = "-";
      tokenizer_.Next();
    }
    if (At(Tokenizer::TYPE_SYMBOL) || At(Tokenizer::TYPE_END)) {
      Fault(absl::StrCat(
          "expected a value for ", Path(), ", got ",
          At(Tokenizer::TYPE_END) ? "the end of the text" : Printable(tokenizer_.current().text)));
      return;
    }
    const std::string& text = tokenizer_.current().text;
    if (At(Tokenizer::TYPE_STRING)) {
      std::string unquoted;
      Tokenizer::ParseString(text, &unquoted);
      value += unquoted;
    } else {
      value += text;
    }
    tokenizer_.Next();
    assignments_.push_back({Path(), value, Place(line)});
  }

  void SkipSeparator() {
    if (At(",") || At(";")) tokenizer_.Next();
  }

  google::protobuf::io::ArrayInputStream input_;
  std::string file_name_;
  std::vector<std::string>* faults_;
  Tokenizer tokenizer_;
  std::vector<std::string> messages_;  // open messages, outermost first
  std::vector<Assignment> assignments_;
};

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  for (const char c : text) {
    if (absl::ascii_isprint(static_cast<unsigned char>(c)))
      printable.push_back(c);
    else
      absl::StrAppendFormat(&printable, "\\x%02x", static_cast<unsigned char>(c));
  }
  return printable;
}

std::vector<Assignment> ReadAssignments(absl::string_view text, absl::string_view file_name,
                                        std::vector<std::string>* faults) {
  return Reader(text, file_name, faults).Read();
}

}  // namespace quadhop
