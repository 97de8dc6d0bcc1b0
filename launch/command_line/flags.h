// The flags of one command: declared once, parsed into typed variables, and described by --help
// from the declaration.
//
// Not absl::flags: it has one global table for the whole program, whereas each command here has its
// own flags, and its library would also bring a global help. Not CLI11 either: it has commands,
// ranges and sizes, but help, manual page and completions would still have to be written for it,
// and they are most of this. Several commands, and a command's tests, can parse side by side.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "launch/command_line/exit_code.h"

namespace quadhop {

// What --help prints; --help=man is a section of a manual page in roff, --help=bash an arm of the
// case statement that completes a command line in bash (launch/commands/command_help.h puts them
// together).
enum class HelpFormat { kText, kMan, kBash };

// "--help", "-h" or "--help=FORMAT".
absl::optional<HelpFormat> AsksForHelp(absl::string_view argument);

// Variables given to a declaration must outlive Parse; their values before it are the defaults that
// --help shows, except for numbers outside their range, which stand for a flag that is not given.
// --name VALUE and --name=VALUE are the same; a switch takes no value, or =true or =false. "--"
// ends the flags.
class Flags {
 public:
  // `command` is what follows "quadhop": "import".
  Flags(absl::string_view command, absl::string_view summary);

  Flags& String(absl::string_view name, std::string* target, absl::string_view value_name,
                absl::string_view help);
  // May be given many times.
  Flags& Strings(absl::string_view name, std::vector<std::string>* target,
                 absl::string_view value_name, absl::string_view help);
  // One of `allowed`, in any case; the target gets the spelling of `allowed`.
  Flags& Choice(absl::string_view name, std::string* target, std::vector<std::string> allowed,
                absl::string_view help);
  // Whole numbers in [low, high]. T is int32_t or int64_t.
  template <typename T>
  Flags& Int(absl::string_view name, T* target, T low, T high, absl::string_view help);
  Flags& Unsigned(absl::string_view name, uint64_t* target, absl::string_view help);
  // Numbers in [low, high].
  Flags& Double(absl::string_view name, double* target, double low, double high,
                absl::string_view help);
  // A number of bytes, with an optional K, M, G or T of 1024s: 512M.
  Flags& Bytes(absl::string_view name, int64_t* target, absl::string_view help);
  Flags& Switch(absl::string_view name, bool* target, absl::string_view help);
  // An argument without a name, by order of declaration.
  Flags& Positional(absl::string_view value_name, std::string* target, absl::string_view help);
  // Whatever follows the last positional, or "--", including flags of another command.
  Flags& Rest(absl::string_view value_name, std::vector<std::string>* target,
              absl::string_view help);
  // The flag declared last may also be given as -LETTER VALUE.
  Flags& Letter(char letter);
  // The flag or positional declared last must be given.
  Flags& Required();
  // Adds a form of the command to the usage in the help: what follows the command. Without any, the
  // help makes the usage of all declarations.
  Flags& Usage(absl::string_view text);
  // Adds a line to the examples in the help: what follows "quadhop ".
  Flags& Example(absl::string_view text);

  // Sets the targets. Returns true to go on, false if --help or --help=FORMAT was asked for and has
  // been printed. A UsageError names the flag, the value and what is allowed; targets may then hold
  // some of the values.
  absl::StatusOr<bool> Parse(absl::Span<const std::string> arguments);

  // After Parse: a UsageError if --name was given together with one of `others`, which it replaces.
  absl::Status CheckExcluded(absl::string_view name,
                             absl::Span<const absl::string_view> others) const;

  // Written from the declarations alone, so that all forms say the same.
  std::string Help(HelpFormat format = HelpFormat::kText) const;

 private:
  struct Declaration {
    std::string name{};  // without --; empty for a positional
    std::string value_name{};
    std::string help{};
    std::string allowed{};        // for errors: "a whole number in [1, 64]"
    std::string default_value{};  // for the help; empty: none worth showing
    bool is_switch = false;
    bool required = false;
    bool given = false;
    bool repeatable = false;
    bool takes_rest = false;
    char letter = 0;                               // 0: none
    std::vector<std::string> choices{};            // what a Choice allows
    std::function<bool(absl::string_view)> set{};  // false: not a value of this flag
  };
  static std::string Shown(const Declaration& declaration);
  Flags& Add(Declaration declaration);
  Declaration* Find(absl::string_view name);
  Declaration* NextPositional();
  absl::Status Set(Declaration* declaration, absl::string_view value);
  std::vector<std::string> FlagNames() const;  // "--out"
  absl::Status SetNamed(absl::Span<const std::string> arguments, size_t* position);
  absl::Status CheckRequired() const;
  std::string TextHelp() const;
  std::string ManHelp() const;
  std::string BashHelp() const;

  std::string command_;
  std::string summary_;
  std::vector<Declaration> declarations_;
  std::vector<std::string> usages_;
  std::vector<std::string> examples_;
};

// Adds --threads, the same for all commands; its default is 0.
void AddThreadsFlag(Flags* flags, int64_t* threads);

// "512M" to bytes; suffixes K, M, G, T of 1024s. false if `text` is not a number of bytes, is
// negative, or is beyond 2^63.
bool ParseBytes(absl::string_view text, int64_t* bytes);

}  // namespace quadhop
