#!/usr/bin/env bash
# Builds the fuzz targets (build/fuzz) and runs each for a while, on seeds, on what was found before (tests/fuzz/corpus), and
# on what earlier runs have grown, here (build/fuzz/corpus) or elsewhere (grown.tar.xz; see keep_corpus.sh). A finding is a
# crash, a sanitizer's report, an error that says nothing, 10 s for one input, or memory that is out of all proportion to it.
# The last line sums up.
#
#   tests/fuzz/run.sh                       all targets, 5 minutes each, as many at once as there are cores
#   tests/fuzz/run.sh --seconds 10 npy mat  two of them, 10 s each
#   tests/fuzz/run.sh --jobs 1              one at a time
#
# Logs are build/fuzz/log/TARGET.log; inputs that were found build/fuzz/found/TARGET-...: mend, and keep them, small, in
# tests/fuzz/corpus/TARGET, which the tests read too.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=300 jobs=$(nproc)
while [[ ${1:-} == --* ]]; do
  case $1 in
    --seconds) seconds=$2 ;;
    --jobs) jobs=$2 ;;
    *) echo "no such flag: $1" && exit 2 ;;
  esac
  shift 2
done
if ! command -v clang++ >/dev/null; then
  echo "clang++ is not installed (Debian: clang): the fuzz targets need its libFuzzer"
  exit 77
fi
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
cmake --build build/fuzz --target fuzz

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find build/fuzz/tests/fuzz -name 'quadhop_fuzz_*' -type f -executable -printf '%f\n' |
  sed 's/^quadhop_fuzz_//' | grep -v '^test$' | sort)
mkdir -p build/fuzz/{log,found,corpus,grown}
build/fuzz/tests/fuzz/quadhop_write_seeds build/fuzz/seeds
tar -xJf tests/fuzz/grown.tar.xz -C build/fuzz/grown
work=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)/quadhop_fuzz.XXXXXX")  # small files, many of them
trap 'rm -rf "$work"' EXIT

fuzz() {
  local target=$1 folder folders=()
  mkdir -p "build/fuzz/corpus/$target" "$work/$target"
  folders=("build/fuzz/corpus/$target" "build/fuzz/seeds/$target")
  for folder in "tests/fuzz/corpus/$target" "build/fuzz/grown/$target"; do
    [ ! -d "$folder" ] || folders+=("$folder")
  done
  local TIMEFORMAT='%U %S' said=nothing
  { time TMPDIR=$work/$target "build/fuzz/tests/fuzz/quadhop_fuzz_$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target-" \
    "${folders[@]}" >"build/fuzz/log/$target.log" 2>&1; } 2>"$work/$target.cpu" || said=FOUND
  printf '%-14s %-8s %9s inputs in %s s of a core, %s\n' "$target" "$said" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/log/$target.log")" \
    "$(awk '{ print int($1 + $2) }' "$work/$target.cpu")" \
    "$(grep -o 'cov: [0-9]* ft: [0-9]*' "build/fuzz/log/$target.log" | tail -1)"
}
export -f fuzz
export seconds work
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}' | tee build/fuzz/log/summary
found=$(grep -c FOUND build/fuzz/log/summary || true)
echo "${#targets[@]} targets, $seconds s each: $found with findings, $(awk '{ n += $3 } END { print n + 0 }' build/fuzz/log/summary) inputs"
[ "$found" -eq 0 ]
