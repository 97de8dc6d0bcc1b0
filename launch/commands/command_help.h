// What `quadhop --help` and its forms print of all commands.
#pragma once

#include <cstdio>

#include "launch/command_line/flags.h"

namespace quadhop {

// kText: the commands, a line each. kMan: quadhop.1, every flag of every command. kBash: a script
// that completes command lines, to be put where bash-completion looks. The last two go to stdout,
// and only there, for the commands print their parts.
void PrintHelp(HelpFormat format, std::FILE* file);

}  // namespace quadhop
