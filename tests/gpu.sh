#!/usr/bin/env bash
# All that needs a GPU: builds with CUDA, runs the tests of the CUDA backend and NCCL, and the small ones again under
# compute-sanitizer.   tests/gpu.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/cuda}
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
cmake --preset cuda -B "$build"
cmake --build "$build" --target quadhop quadhop_cuda_test quadhop_golden_cuda
cmake --build "$build" --target quadhop_nccl_test || echo "no NCCL: its tests are left out"

"$build/tests/cuda/quadhop_cuda_test"
"$build/tests/cuda/quadhop_golden_cuda" ../shared/golden/*.safetensors
[ ! -x "$build/tests/cuda/quadhop_nccl_test" ] || "$build/tests/cuda/quadhop_nccl_test"

small='Adam.*:*FullBatchNorm2Heads:LargeGT.TakesATokenOfMultiplicityMForMEqualTokens'
for tool in memcheck racecheck; do
  echo "== compute-sanitizer $tool"
  compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/cuda/quadhop_cuda_test" --gtest_filter="$small"
done
