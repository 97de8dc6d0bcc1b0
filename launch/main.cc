#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "core/memory/address_space.h"
#include "core/threads/subnormals.h"
#include "launch/commands/commands.h"

int main(int argc, char** argv) {
  // A write beyond `ulimit -f` is an error like that of a full disk, not the death of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  quadhop::SpareAddressSpace();
  quadhop::FlushSubnormals();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const quadhop::ExitCode code = quadhop::RunCommandLine(arguments);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return static_cast<int>(code);
  std::fputs("quadhop: the output could not be written to stdout, or only part of it\n", stderr);
  return static_cast<int>(code == quadhop::ExitCode::kDone ? quadhop::ExitCode::kFailed : code);
}
