#include "launch/command_line/flags.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cstdio>

#include "core/base/check.h"
#include "core/base/status.h"
#include "launch/command_line/nearest.h"

namespace quadhop {
namespace {

template <typename T>
std::string IntervalText(T low, T high) {
  return absl::StrCat("[", low, ", ", high, "]");
}

// A default that may not be given as a value stands for "not given".
template <typename T>
std::string DefaultText(T value, T low, T high) {
  return value < low || value > high ? "" : absl::StrCat(value);
}

}  // namespace

bool ParseBytes(absl::string_view text, int64_t* bytes) {
  constexpr absl::string_view kSuffixes = "KMGT";
  int64_t unit = 1;
  if (!text.empty()) {
    const size_t suffix =
        kSuffixes.find(absl::ascii_toupper(static_cast<unsigned char>(text.back())));
    if (suffix != absl::string_view::npos) {
      unit = int64_t{1} << (10 * (suffix + 1));
      text.remove_suffix(1);
    }
  }
  int64_t count = 0;
  return absl::SimpleAtoi(text, &count) && count >= 0 &&
         !__builtin_mul_overflow(count, unit, bytes);
}

Flags::Flags(absl::string_view command, absl::string_view summary)
    : command_(command), summary_(summary) {}

Flags& Flags::Add(Declaration declaration) {
  declarations_.push_back(std::move(declaration));
  return *this;
}

Flags& Flags::String(absl::string_view name, std::string* target, absl::string_view value_name,
                     absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = std::string(value_name),
                          .help = std::string(help),
                          .allowed = "any text that is not empty",
                          .default_value = *target};
  declaration.set = [target](absl::string_view text) {
    *target = std::string(text);
    return !text.empty();
  };
  return Add(std::move(declaration));
}

Flags& Flags::Strings(absl::string_view name, std::vector<std::string>* target,
                      absl::string_view value_name, absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = std::string(value_name),
                          .help = absl::StrCat(help, " (may be repeated)"),
                          .allowed = "any text that is not empty",
                          .repeatable = true};
  declaration.set = [target](absl::string_view text) {
    target->emplace_back(text);
    return !text.empty();
  };
  return Add(std::move(declaration));
}

Flags& Flags::Choice(absl::string_view name, std::string* target, std::vector<std::string> allowed,
                     absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = absl::StrJoin(allowed, "|"),
                          .help = std::string(help),
                          .allowed = absl::StrJoin(allowed, ", "),
                          .default_value = *target,
                          .choices = allowed};
  declaration.set = [target, allowed = std::move(allowed)](absl::string_view text) {
    const auto found = std::find_if(allowed.begin(), allowed.end(), [text](const std::string& one) {
      return absl::EqualsIgnoreCase(one, text);
    });
    if (found == allowed.end()) return false;
    *target = *found;
    return true;
  };
  return Add(std::move(declaration));
}

template <typename T>
Flags& Flags::Int(absl::string_view name, T* target, T low, T high, absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = "N",
                          .help = std::string(help),
                          .allowed = absl::StrCat("a whole number in ", IntervalText(low, high)),
                          .default_value = DefaultText(*target, low, high)};
  declaration.set = [target, low, high](absl::string_view text) {
    T value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < low || value > high) return false;
    *target = value;
    return true;
  };
  return Add(std::move(declaration));
}

template Flags& Flags::Int(absl::string_view, int32_t*, int32_t, int32_t, absl::string_view);
template Flags& Flags::Int(absl::string_view, int64_t*, int64_t, int64_t, absl::string_view);

Flags& Flags::Unsigned(absl::string_view name, uint64_t* target, absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = "N",
                          .help = std::string(help),
                          .allowed = "a whole number in [0, 2^64)",
                          .default_value = absl::StrCat(*target)};
  declaration.set = [target](absl::string_view text) { return absl::SimpleAtoi(text, target); };
  return Add(std::move(declaration));
}

Flags& Flags::Double(absl::string_view name, double* target, double low, double high,
                     absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = "X",
                          .help = std::string(help),
                          .allowed = absl::StrCat("a number in ", IntervalText(low, high)),
                          .default_value = DefaultText(*target, low, high)};
  declaration.set = [target, low, high](absl::string_view text) {
    double value = 0;
    if (!absl::SimpleAtod(text, &value) || !(value >= low && value <= high)) return false;
    *target = value;
    return true;
  };
  return Add(std::move(declaration));
}

Flags& Flags::Bytes(absl::string_view name, int64_t* target, absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .value_name = "BYTES",
                          .help = std::string(help),
                          .allowed = "a number of bytes such as 8000000000, 512M or 8G"};
  declaration.set = [target](absl::string_view text) { return ParseBytes(text, target); };
  return Add(std::move(declaration));
}

Flags& Flags::Switch(absl::string_view name, bool* target, absl::string_view help) {
  Declaration declaration{.name = std::string(name),
                          .help = std::string(help),
                          .allowed = "no value, true or false",
                          .is_switch = true};
  declaration.set = [target](absl::string_view text) { return absl::SimpleAtob(text, target); };
  return Add(std::move(declaration));
}

Flags& Flags::Positional(absl::string_view value_name, std::string* target,
                         absl::string_view help) {
  String("", target, value_name, help);
  return *this;
}

Flags& Flags::Rest(absl::string_view value_name, std::vector<std::string>* target,
                   absl::string_view help) {
  Strings("", target, value_name, help);
  declarations_.back().help = std::string(help);
  declarations_.back().takes_rest = true;
  return *this;
}

Flags& Flags::Letter(char letter) {
  QH_CHECK(!declarations_.empty());
  declarations_.back().letter = letter;
  return *this;
}

Flags& Flags::Required() {
  QH_CHECK(!declarations_.empty());
  declarations_.back().required = true;
  declarations_.back().default_value.clear();
  return *this;
}

Flags& Flags::Usage(absl::string_view text) {
  usages_.push_back(absl::StrCat("quadhop ", command_, " ", text));
  return *this;
}

Flags& Flags::Example(absl::string_view text) {
  examples_.push_back(absl::StrCat("quadhop ", text));
  return *this;
}

Flags::Declaration* Flags::Find(absl::string_view name) {
  const auto found =
      std::find_if(declarations_.begin(), declarations_.end(), [name](const Declaration& one) {
        if (one.name.empty()) return false;
        return name == absl::StrCat("--", one.name) ||
               (one.letter != 0 && name == absl::StrCat("-", std::string(1, one.letter)));
      });
  return found == declarations_.end() ? nullptr : &*found;
}

Flags::Declaration* Flags::NextPositional() {
  const auto found = std::find_if(
      declarations_.begin(), declarations_.end(),
      [](const Declaration& one) { return one.name.empty() && (!one.given || one.repeatable); });
  return found == declarations_.end() ? nullptr : &*found;
}

absl::Status Flags::Set(Declaration* declaration, absl::string_view value) {
  const std::string shown = Shown(*declaration);
  if (declaration->given && !declaration->repeatable) {
    return UsageError(absl::StrCat(shown, " is given twice, the second time as '", value, "'"));
  }
  declaration->given = true;
  if (declaration->set(value)) return absl::OkStatus();
  return UsageError(absl::StrCat(shown, " is '", value, "'; allowed: ", declaration->allowed));
}

std::vector<std::string> Flags::FlagNames() const {
  std::vector<std::string> names;
  for (const Declaration& declaration : declarations_)
    if (!declaration.name.empty()) names.push_back(absl::StrCat("--", declaration.name));
  return names;
}

absl::Status Flags::SetNamed(absl::Span<const std::string> arguments, size_t* position) {
  const absl::string_view argument = arguments[*position];
  const size_t equals = argument.find('=');
  const absl::string_view name = argument.substr(0, equals);
  Declaration* declaration = Find(name);
  if (declaration == nullptr)
    return UsageError(absl::StrCat("there is no flag ", name, DidYouMean(name, FlagNames())));
  if (equals != absl::string_view::npos) return Set(declaration, argument.substr(equals + 1));
  if (declaration->is_switch) return Set(declaration, "true");
  const bool is_last = *position + 1 == arguments.size();
  const absl::string_view next = is_last ? "" : absl::string_view(arguments[*position + 1]);
  const bool is_flag =
      absl::StartsWith(next, "--") && Find(next.substr(0, next.find('='))) != nullptr;
  if (is_last || is_flag)
    return UsageError(absl::StrCat(name, " needs a value",
                                   is_flag ? absl::StrCat(" before ", next) : "",
                                   "; allowed: ", declaration->allowed));
  return Set(declaration, arguments[++*position]);
}

absl::StatusOr<bool> Flags::Parse(absl::Span<const std::string> arguments) {
  bool flags_ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const absl::optional<HelpFormat> format = AsksForHelp(argument);
    if (!flags_ended && format.has_value()) {
      std::fputs(Help(*format).c_str(), stdout);
      return false;
    }
    if (!flags_ended && argument == "--") {
      flags_ended = true;
    } else if (!flags_ended && (absl::StartsWith(argument, "--") || Find(argument) != nullptr)) {
      QH_RETURN_IF_ERROR(SetNamed(arguments, &i));
    } else {
      Declaration* positional = NextPositional();
      if (positional == nullptr)
        return UsageError(absl::StrCat("there is no place for the argument '", argument, "'"));
      flags_ended = flags_ended || positional->takes_rest;
      QH_RETURN_IF_ERROR(Set(positional, argument));
    }
  }
  QH_RETURN_IF_ERROR(CheckRequired());
  return true;
}

absl::Status Flags::CheckExcluded(absl::string_view name,
                                  absl::Span<const absl::string_view> others) const {
  const auto given = [this](absl::string_view flag) {
    return std::any_of(declarations_.begin(), declarations_.end(),
                       [flag](const Declaration& one) { return one.name == flag && one.given; });
  };
  for (const absl::string_view other : others)
    if (given(name) && given(other))
      return UsageError(
          absl::StrCat("--", name, " and --", other, " are given; give only one of them"));
  return absl::OkStatus();
}

absl::Status Flags::CheckRequired() const {
  for (const Declaration& one : declarations_) {
    if (!one.required || one.given) continue;
    const std::string shown = one.name.empty() ? "" : absl::StrCat("--", one.name, " ");
    return UsageError(absl::StrCat("needs ", shown, one.value_name, ": ", one.help));
  }
  return absl::OkStatus();
}

void AddThreadsFlag(Flags* flags, int64_t* threads) {
  flags->Int("threads", threads, int64_t{0}, int64_t{1024},
             "threads per rank (0: the cores that this process may use, divided among the ranks of "
             "a host)");
}

}  // namespace quadhop
