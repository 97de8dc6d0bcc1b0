// What `quadhop --help` and its other forms print about all commands.
#pragma once

#include <cstdio>

#include "launch/command_line/flags.h"

namespace quadhop {

// kText: the commands, one line each. kMan: quadhop.1, every flag of every command. kBash: a script
// that completes command lines, to be put where bash-completion looks. The last two always go to
// stdout, because each command prints its own part there.
void PrintHelp(HelpFormat format, std::FILE* file);

}  // namespace quadhop
