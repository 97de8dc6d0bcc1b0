#!/usr/bin/env bash
# Keeps what runs of tests/fuzz/run.sh have grown (build/fuzz/corpus) as tests/fuzz/grown.tar.xz, with which later runs begin: of
# inputs that reach the same code the smallest, and none beyond 1024 bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in build/fuzz/corpus/*/; do
  target=$(basename "$folder")
  mkdir -p "$work/grown/$target" "$work/tmp"
  TMPDIR=$work/tmp "build/fuzz/tests/fuzz/quadhop_fuzz_$target" -merge=1 -max_len=1024 -timeout=10 -rss_limit_mb=2048 \
    "$work/grown/$target" "$folder" 2>"$work/log"
  echo "$target: $(find "$work/grown/$target" -type f | wc -l) of $(find "$folder" -type f | wc -l) inputs"
done
tar -cJf tests/fuzz/grown.tar.xz --sort=name --mtime=@0 --owner=0 --group=0 -C "$work/grown" .
