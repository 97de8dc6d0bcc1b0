#include "launch/bench/bench_machine.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<BenchMachine>> MakeGpuMachine() {
  return absl::UnavailableError(
      "this quadhop is built without CUDA: configure it with cmake --preset cuda, or measure with "
      "--backend cpu");
}

}  // namespace quadhop
