#include "launch/commands/command_help.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <string>

#include "core/base/check.h"
#include "launch/command_line/version.h"
#include "launch/commands/commands.h"

namespace quadhop {
namespace {

constexpr char kExitCodes[] =
    "0 done, 1 failed, 2 wrong usage, 75 stopped early but resumable (train --resume)";

std::string TextHelp() {
  std::string help =
      "quadhop trains graph transformers (LargeGT) on large graphs.\n\n"
      "Usage: quadhop COMMAND [FLAGS]; quadhop COMMAND --help; quadhop --version\n\n";
  for (const Command& command : Commands()) {
    absl::StrAppendFormat(&help, "  %-10s %s\n", command.name, command.summary);
  }
  return absl::StrCat(help, "\nExit codes: ", kExitCodes, "\n");
}

// Each command prints its own part.
void PrintPart(const Command& command, const std::string& form) {
  QH_CHECK(command.run({form}).ok());
}

void PrintManualPage() {
  absl::PrintF(
      ".TH QUADHOP 1 \"\" \"quadhop %s\"\n"
      ".SH NAME\nquadhop \\- trains graph transformers (LargeGT) on large graphs\n"
      ".SH SYNOPSIS\n.B quadhop\n.I COMMAND\n[\\fIFLAGS\\fR]\n"
      ".SH COMMANDS\n",
      kVersion);
  for (const Command& command : Commands()) PrintPart(command, "--help=man");
  absl::PrintF(".SH EXIT STATUS\n%s.\n", kExitCodes);
}

// A command line after "--" of launch is completed as if it stood alone.
void PrintBashCompletion() {
  std::string names;
  for (const Command& command : Commands()) absl::StrAppend(&names, command.name, " ");
  absl::PrintF(R"(# Completes command lines of quadhop %s in bash; written by quadhop --help=bash.
_quadhop() {
  local first=1 i words=
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} != -- ]] || first=$((i + 1))
  done
  local typed= current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  for ((i = first; i < COMP_CWORD; ++i)); do typed+="${COMP_WORDS[i]} "; done
  case $typed in
    '') words='%s--help --version' ;;
)",
               kVersion, names);
  for (const Command& command : Commands()) PrintPart(command, "--help=bash");
  absl::PrintF(R"(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _quadhop quadhop
)");
}

}  // namespace

void PrintHelp(HelpFormat format, std::FILE* file) {
  switch (format) {
    case HelpFormat::kText:
      std::fputs(TextHelp().c_str(), file);
      return;
    case HelpFormat::kMan:
      PrintManualPage();
      return;
    case HelpFormat::kBash:
      PrintBashCompletion();
      return;
  }
}

}  // namespace quadhop
