#include "launch/cluster/shell.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "core/base/status.h"

namespace quadhop {
namespace {

bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("_-./=:,@+%").find(c) != absl::string_view::npos;
}

// The name of a variable at the start of `text`; "" if there is none.
absl::string_view VariableAtStart(absl::string_view text) {
  if (!text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) return "";
  size_t length = 0;
  while (length < text.size() &&
         (absl::ascii_isalnum(static_cast<unsigned char>(text[length])) || text[length] == '_'))
    ++length;
  return text.substr(0, length);
}

}  // namespace

std::string ShellWord(absl::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), IsPlain)) return std::string(text);
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

absl::optional<std::string> ShellWordOfVariables(absl::string_view text) {
  std::string word = "\"";
  while (!text.empty()) {
    if (!absl::ConsumePrefix(&text, "$")) {
      if (absl::string_view("\"\\`").find(text[0]) != absl::string_view::npos) word += '\\';
      word += text[0];
      text.remove_prefix(1);
      continue;
    }
    const bool in_braces = absl::ConsumePrefix(&text, "{");
    const absl::string_view name = VariableAtStart(text);
    text.remove_prefix(name.size());
    if (name.empty() || (in_braces && !absl::ConsumePrefix(&text, "}"))) return absl::nullopt;
    absl::StrAppend(&word, "${", name, ":?is not set}");
  }
  return word + "\"";
}

absl::StatusOr<ShellOutcome> RunInShell(const std::string& command) {
  std::FILE* pipe = popen(absl::StrCat("{ ", command, "\n} </dev/null 2>&1").c_str(), "r");
  if (pipe == nullptr) return ErrnoStatus(errno, absl::StrCat("start ", command));
  ShellOutcome outcome;
  std::array<char, 4096> block;
  while (const size_t count = std::fread(block.data(), 1, block.size(), pipe))
    outcome.output.append(block.data(), count);
  const int status = pclose(pipe);
  if (status < 0) return ErrnoStatus(errno, absl::StrCat("wait for ", command));
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  absl::StripTrailingAsciiWhitespace(&outcome.output);
  return outcome;
}

std::string FindInPath(absl::string_view program) {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    const std::string candidate = absl::StrCat(folder.empty() ? "." : folder, "/", program);
    std::error_code absent;
    if (std::filesystem::is_regular_file(candidate, absent) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return "";
}

std::string OwnProgram() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "quadhop" : path.string();
}

}  // namespace quadhop
