#!/usr/bin/env bash
# All that needs a GPU, in one command: builds with CUDA, runs the tests of what a GPU does, and prints what it reaches beside what the
# GPU could: time, TFLOP/s, GB/s, memory, exposed wait; beside the PyTorch peer, where python3 (PYTHON names another) has torch with
# CUDA. Last, what takes longest: recordings again and again, and the small tests under compute-sanitizer, where that is installed.
# Whatever fails does not keep the rest from running; what failed is said at the end, and by the exit status. What building needs:
# launch/install.sh. BUILD=no runs what BUILD_FOLDER holds, on a machine that cannot build.
#
#   [BUILD=no] tests/gpu.sh [BUILD_FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/cuda}
python=${PYTHON:-python3}
failures=()
check() { "$@" || failures+=("$*"); }
work=$(mktemp -d)
finish() {
  status=$?
  rm -rf "$work"
  for failure in "${failures[@]}"; do echo "FAILED: $failure"; done
  [ ${#failures[@]} -eq 0 ] || exit 1
  exit "$status"
}
trap finish EXIT

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
if [ "${BUILD:-yes}" = no ]; then
  echo "runs what $build holds"
else
  cmake --preset cuda -B "$build"
  targets=(quadhop quadhop_cuda_test quadhop_cuda_batches_test quadhop_staged_test quadhop_golden_cuda)
  if cmake --build "$build" --target help | grep quadhop_nccl_test >/dev/null; then
    targets+=(quadhop_nccl_test)
  else
    echo "no NCCL: its tests are left out"
  fi
  cmake --build "$build" --target "${targets[@]}"
fi

echo "== tests"
# A process for each suite: after an access to a wrong address, a GPU does nothing more for the process that made it.
for suite in $("$build/tests/cuda/quadhop_cuda_test" --gtest_list_tests | sed -n 's/^\([^ ]*\.\).*/\1/p'); do
  check "$build/tests/cuda/quadhop_cuda_test" --gtest_brief=1 --gtest_filter="$suite*"
done
check "$build/tests/cuda/quadhop_cuda_batches_test"
check "$build/tests/cuda/quadhop_staged_test"
golden=(../shared/golden/*.safetensors)
if [ -e "${golden[0]}" ]; then
  check "$build/tests/cuda/quadhop_golden_cuda" "${golden[@]}"
else
  echo "no golden cases in ../shared/golden: left out (tests/peer/make_golden.py makes some)"
fi
[ ! -x "$build/tests/cuda/quadhop_nccl_test" ] || check "$build/tests/cuda/quadhop_nccl_test"

echo "== training steps"
bench() { check "$build/quadhop" bench "$@" --backend cuda; }
bench model
bench model --shape products --batch 1024
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  for settings in "" "--precision bf16 --sdpa"; do
    echo "the peer, products, B 1024 $settings:"
    # shellcheck disable=SC2086  # words
    check "$python" tests/peer/bench_peer.py products --batch 1024 --device cuda $settings
  done
else
  echo "$python has no torch with CUDA: the peer is left out"
fi

echo "repeated from recordings:"
bench model --steps 20 --cuda-graphs
bench model --steps 20 --cuda-graphs --shape products --batch 1024

echo "== sampling"
bench sampler

echo "== an epoch on the GPU, samples drawn by the host and by the GPU"
# 80 steps an epoch: its first batch, which nothing hides, would be a large part of fewer.
epochs() {
  "$build/quadhop" synth --nodes 1000000 --degree 50 --features 100 --classes 47 --to-store --out "$work/graph.qh" >/dev/null || return
  for step in "partition --parts 4" encode propagate; do
    # shellcheck disable=SC2086  # words
    "$build/quadhop" $step --store "$work/graph.qh" >/dev/null || return
  done
  for sampler in CPU CUDA; do
    "$build/quadhop" train --store "$work/graph.qh" --config ogbn-products --run "$work/$sampler" --set train.epochs=2 \
      --set train.eval_every_epochs=2 --set model.backend=CUDA --set model.precision=BF16 --set sampler.resample=EVERY_EPOCH \
      --set sampler.backend="$sampler" || return
    last() { sed -nE "s/.*\"event\":\"epoch\".*\"$1\":([-+0-9.eE]+).*/\1/p" "$work/$sampler/metrics.jsonl" | tail -1; }
    awk -v sampler="$sampler" -v seconds="$(last seconds)" -v wait="$(last exposed_wait_seconds)" \
      'BEGIN { printf "sampler %s: epoch %.3f s, waits for batches %.3f s (%.1f %%)\n", sampler, seconds, wait, 100 * wait / seconds }'
  done
}
check epochs

echo "== recordings"
# Whether they differ, if they do, depends on how threads and streams meet.
check "$build/tests/cuda/quadhop_cuda_test" --gtest_filter='RecordedSteps.*' --gtest_repeat=50 --gtest_brief=1

if command -v compute-sanitizer >/dev/null; then
  sanitize() {
    check compute-sanitizer --error-exitcode 1 --tool "$@" "$build/tests/cuda/quadhop_cuda_test" \
      --gtest_filter='Adam.*:*FullBatchNorm2Heads:LargeGT.TakesATokenOfMultiplicityMForMEqualTokens:LargeGT.*SeveralWarps:*AttentionTest*Width*'
    check compute-sanitizer --error-exitcode 1 --tool "$@" "$build/tests/cuda/quadhop_cuda_batches_test" \
      --gtest_filter='-*DrawsWhatTheHostDraws*'
  }
  echo "== compute-sanitizer"
  # Calls of CUDA that fail are read where they are made: memory that is registered already, for one, is no fault.
  sanitize memcheck --report-api-errors no
  sanitize racecheck
else
  echo "no compute-sanitizer: left out"
fi
