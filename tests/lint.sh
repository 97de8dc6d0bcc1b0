#!/usr/bin/env bash
# Format and clang-tidy, as far as they are installed, of the files given or of all. Needs build/release (tests/run.sh).
#
#   tests/lint.sh [FILE...]
#   tests/lint.sh --format [FILE...]    the format alone, which takes seconds
set -euo pipefail
cd "$(dirname "$0")/.."

only_format=no
if [ "${1:-}" = --format ]; then
  only_format=yes
  shift
fi
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files '*.h' '*.cc' '*.cu' '*.cuh')
failed=0
if command -v clang-format >/dev/null; then
  clang-format --dry-run -Werror "${files[@]}" || failed=1
else
  echo "lint.sh: clang-format is not installed: format not checked"
fi
if [ "$only_format" = yes ]; then
  exit "$failed"
elif command -v clang-tidy >/dev/null; then
  printf '%s\n' "${files[@]}" | grep '\.cc$' | xargs -r -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet || failed=1
else
  echo "lint.sh: clang-tidy is not installed: not run"
fi
exit "$failed"
