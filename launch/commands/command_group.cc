#include "launch/commands/command_group.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include "core/base/check.h"
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/ranks/runtime.h"

namespace quadhop {
namespace {

std::string NamesOf(absl::Span<const Command> members, absl::string_view separator) {
  return absl::StrJoin(members, separator, [](std::string* out, const Command& member) {
    absl::StrAppend(out, member.name);
  });
}

void PrintHelp(const CommandGroup& group, HelpFormat format, const std::string& form) {
  if (format == HelpFormat::kText) {
    absl::PrintF("%s\n\nUsage: quadhop %s %s %s\n\n", group.summary, group.name, group.which,
                 group.usage);
    for (const Command& member : group.members)
      absl::PrintF("  %-10s %s\n", member.name, member.summary);
    absl::PrintF("\nExamples:\n%s", group.example);
    return;
  }
  for (const Command& member : group.members) QH_CHECK(member.run({form}).ok());
  if (format == HelpFormat::kBash)
    absl::PrintF("    '%s ') words='%s --help' ;;\n", group.name, NamesOf(group.members, " "));
}

}  // namespace

absl::StatusOr<ExitCode> RunCommand(const Command& command, absl::string_view name,
                                    absl::Span<const std::string> arguments) {
  const bool asks_for_help = !arguments.empty() && AsksForHelp(arguments[0]).has_value();
  if (!command.on_ranks && !asks_for_help) QH_RETURN_IF_ERROR(CheckStartedAlone(name));
  return command.run(arguments);
}

absl::StatusOr<ExitCode> RunGroup(const CommandGroup& group,
                                  absl::Span<const std::string> arguments) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (const auto format = AsksForHelp(name); format.has_value()) {
    PrintHelp(group, *format, name);
    return ExitCode::kDone;
  }
  for (const Command& member : group.members) {
    if (member.name != name) continue;
    absl::StatusOr<ExitCode> code =
        RunCommand(member, absl::StrCat(group.name, " ", name), arguments.subspan(1));
    return IsUsageError(code.status()) ? InMember(name, code.status()) : code;
  }
  const std::string names = NamesOf(group.members, ", ");
  return UsageError(name.empty() ? absl::StrCat("needs ", group.which, ": one of ", names)
                                 : absl::StrCat(group.which, " is '", name, "'; allowed: ", names));
}

}  // namespace quadhop
