#include <cstdio>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "launch/commands/commands.h"
#include "launch/ranks/runtime.h"

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return static_cast<int>(quadhop::RunCommandLine(arguments));
  } catch (const std::bad_alloc&) {
    std::fputs("quadhop: out of memory\n", stderr);
    return static_cast<int>(quadhop::ExitCode::kFailed);
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "quadhop: %s\n", quadhop::RefusedBySystem(error).c_str());
    return static_cast<int>(quadhop::ExitCode::kFailed);
  }
}
