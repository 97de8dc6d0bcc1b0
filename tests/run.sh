#!/usr/bin/env bash
# Installs what is missing, builds everything, runs every test; the last line sums up.
set -euo pipefail
cd "$(dirname "$0")/.."

start=$SECONDS
launch/install.sh
installed=$SECONDS
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build build/release
built=$SECONDS

report=build/release/ctest.log
failed=0
ctest --preset release --parallel "$(nproc)" --output-log "$report" || failed=$?
awk '/\*\*\*Skipped/' "$report"
count=$(sed -nE 's/.*, ([0-9]+) tests failed out of ([0-9]+).*/\1 of \2 tests failed/p' "$report")
printf '%s: %s; packages %d s, build %d s, tests %d s\n' \
  "$([ "$failed" -eq 0 ] && echo PASSED || echo FAILED)" "${count:-no tests were run}" \
  $((installed - start)) $((built - installed)) $((SECONDS - built))
exit "$failed"
