#!/usr/bin/env bash
# Kills `quadhop prep` (kill -9) at ten random times, starting it again each time, and compares what it ends with to a
# run that was left alone: the checksums of every file are the same, and nothing else is left in the store.
#   kill_prep.sh QUADHOP [NODES] [SEED]
set -euo pipefail
quadhop=$1 nodes=${2:-40000} RANDOM=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$quadhop" synth --nodes "$nodes" --degree 16 --features 24 --classes 8 --out "$folder/raw" >"$folder/log"
prep=("$quadhop" prep --from "$folder/raw" --parts 4 --hops 2 --dim 16 --memory 512M)

begin=$(date +%s%N)
"${prep[@]}" --store "$folder/alone.qh" >>"$folder/log"
alone_ms=$((($(date +%s%N) - begin) / 1000000))

killed=0
for _ in $(seq 10); do
  "${prep[@]}" --store "$folder/killed.qh" >>"$folder/log" 2>&1 &
  pid=$!
  # Anywhere in the first two thirds of the time that is needed from the beginning.
  sleep "$(awk -v ms="$alone_ms" -v r="$RANDOM" 'BEGIN { print ms * r / 32768 * 0.67 / 1000 }')"
  if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
  wait "$pid" 2>/dev/null || true
done
"${prep[@]}" --store "$folder/killed.qh" >>"$folder/log"
"$quadhop" verify "$folder/killed.qh" >>"$folder/log"

checksums() { (cd "$1" && sha256sum -- *.npy *.xxh3); }
if ! diff <(checksums "$folder/alone.qh") <(checksums "$folder/killed.qh"); then
  echo "kill_prep.sh: the store differs after $killed kills" >&2
  exit 1
fi
if ! diff <(ls -A "$folder/alone.qh") <(ls -A "$folder/killed.qh"); then
  echo "kill_prep.sh: other files are left after $killed kills" >&2
  exit 1
fi
echo "prep was killed $killed of 10 times and ends with the same checksums"
