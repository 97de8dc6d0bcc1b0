#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "launch/commands/commands.h"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return static_cast<int>(quadhop::RunCommandLine(arguments));
  } catch (const std::bad_alloc&) {
    std::fputs("quadhop: out of memory\n", stderr);
    return static_cast<int>(quadhop::ExitCode::kFailed);
  }
}
