// Text for a shell, and commands run by one.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>

#include <string>

namespace quadhop {

// `text` as one word of a shell: unchanged if that is safe, else in single quotes.
std::string ShellWord(absl::string_view text);
// `text` as one word in which $NAME and ${NAME} are variables of the shell, which ends if one is
// not set; everything else is literal. nullopt if there is another $ in `text`.
absl::optional<std::string> ShellWordOfVariables(absl::string_view text);

struct ShellOutcome {
  int exit_code = 0;   // 128 + the signal if one ended it
  std::string output;  // stdout and stderr, without white space at the end
};
// Runs `command` in sh, without input, and waits for it. kInternal if sh cannot be started.
absl::StatusOr<ShellOutcome> RunInShell(const std::string& command);

// The path of the executable `program` in the first folder of PATH that has one; "" if none has.
std::string FindInPath(absl::string_view program);

// The path of this program's file.
std::string OwnProgram();

}  // namespace quadhop
