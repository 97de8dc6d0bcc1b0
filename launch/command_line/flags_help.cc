// The forms of a command's help.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include "launch/command_line/flags.h"

namespace quadhop {
namespace {

// Text for roff: nothing in it is a request, and hyphens can be copied as such.
std::string Roff(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"\n.", "\n\\&."}});
  if (absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")) escaped.insert(0, "\\&");
  return escaped;
}

// What a value may be: lines break between choices, not within one.
std::string RoffChoices(absl::string_view text) {
  if (!absl::StrContains(text, '|')) return Roff(text);
  return absl::StrCat("\\%", absl::StrReplaceAll(Roff(text), {{"|", "|\\:\\%"}}));
}

std::string BashWord(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

}  // namespace

absl::optional<HelpFormat> AsksForHelp(absl::string_view argument) {
  if (argument == "--help" || argument == "-h") return HelpFormat::kText;
  if (argument == "--help=man") return HelpFormat::kMan;
  if (argument == "--help=bash") return HelpFormat::kBash;
  return absl::nullopt;
}

std::string Flags::Shown(const Declaration& declaration) {
  if (declaration.name.empty()) return declaration.value_name;
  if (declaration.letter == 0) return absl::StrCat("--", declaration.name);
  return absl::StrCat("-", std::string(1, declaration.letter), "|--", declaration.name);
}

std::string Flags::Help(HelpFormat format) const {
  switch (format) {
    case HelpFormat::kText:
      return TextHelp();
    case HelpFormat::kMan:
      return ManHelp();
    case HelpFormat::kBash:
      return BashHelp();
  }
  return "";
}

std::string Flags::TextHelp() const {
  std::string usage = absl::StrCat("quadhop ", command_);
  std::string details;
  for (const Declaration& one : declarations_) {
    std::string shown = Shown(one);
    if (!one.name.empty() && !one.is_switch) absl::StrAppend(&shown, " ", one.value_name);
    absl::StrAppend(&usage, " ", one.required ? shown : absl::StrCat("[", shown, "]"),
                    one.repeatable ? "..." : "");
    absl::StrAppend(&details, "  ", shown, "\n      ", one.help);
    if (!one.default_value.empty()) absl::StrAppend(&details, ". Default: ", one.default_value);
    absl::StrAppend(&details, "\n");
  }
  if (!usages_.empty()) usage = absl::StrJoin(usages_, "\n       ");
  std::string help = absl::StrCat(summary_, "\n\nUsage: ", usage, "\n\n", details);
  if (!examples_.empty()) {
    absl::StrAppend(&help, "\nExamples:\n  ", absl::StrJoin(examples_, "\n  "), "\n");
  }
  return help;
}

std::string Flags::ManHelp() const {
  std::string page =
      absl::StrCat(".SS quadhop ", Roff(command_), "\n.ad l\n", Roff(summary_), "\n");
  for (const Declaration& one : declarations_) {
    absl::StrAppend(&page, ".TP\n.B ", Roff(Shown(one)), "\n");
    if (!one.name.empty() && !one.is_switch)
      page.insert(page.size() - 1, absl::StrCat(" \\fI", RoffChoices(one.value_name), "\\fR"));
    absl::StrAppend(&page, Roff(one.help), one.required ? ". Required" : "");
    if (!one.default_value.empty()) absl::StrAppend(&page, ". Default: ", Roff(one.default_value));
    absl::StrAppend(&page, ".\n");
  }
  if (!examples_.empty())
    absl::StrAppend(&page, ".PP\n.nf\n", Roff(absl::StrJoin(examples_, "\n")), "\n.fi\n");
  return page;
}

// One arm for `case "$typed" in`, where $typed is the words after "quadhop" with a blank after
// each, and $previous the one before the cursor.
std::string Flags::BashHelp() const {
  std::vector<std::string> names = {"--help"};
  std::string of_values;
  for (const Declaration& one : declarations_) {
    if (one.name.empty()) continue;
    names.push_back(absl::StrCat("--", one.name));
    if (!one.choices.empty())
      absl::StrAppend(&of_values, "        --", one.name,
                      ") words=", BashWord(absl::StrJoin(one.choices, " ")), " ;;\n");
    else if (!one.is_switch)
      absl::StrAppend(&of_values, "        --", one.name, ") words= ;;\n");
  }
  return absl::StrCat("    ", BashWord(absl::StrCat(command_, " ")),
                      "*)\n      words=", BashWord(absl::StrJoin(names, " ")),
                      "\n      case $previous in\n", of_values, "      esac\n      ;;\n");
}

}  // namespace quadhop
