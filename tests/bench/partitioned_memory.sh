#!/usr/bin/env bash
# Peak memory of the largest of 4 ranks that hold a graph by parts, against one rank; and what the ranks exchange, by
# hot set and by partitioner. Needs build/release, 12 GB of memory and 8 GB of disk; some 20 minutes on 2 cores.
#
#   tests/bench/partitioned_memory.sh [NODES]      2000000 by default: the table of docs/performance.md
set -euo pipefail
cd "$(dirname "$0")/../.."

nodes=${1:-2000000}
quadhop=build/release/quadhop
exchange=build/release/tests/sampler/quadhop_exchange_bench
folder=stores/partitioned-memory
[ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
settings=(--config quickstart --set train.epochs=1 --set train.batch=1024 --set sampler.sampled_nodes=20 --overwrite)

# store METHOD: synth, mean degree 20, 128 features in f16, 8 partitions.
store() {
  local store=$folder/$nodes-$1.qh
  if [ ! -e "$store/features.npy" ]; then
    rm -rf "$store"
    "$quadhop" synth --nodes "$nodes" --degree 20 --features 128 --classes 47 --to-store --out "$store" >&2
    "$quadhop" partition --store "$store" --parts 8 --method "$1" >&2
    "$quadhop" encode --store "$store" --dim 64 >&2
    "$quadhop" propagate --store "$store" --dtype f16 >&2
  fi
  echo "$store"
}

number() { sed -nE "s/.*\"$2\":([-+0-9.eE]+).*/\1/p" "$1"; }
peak() { number "$1/summary.json" peak_rss_bytes; }

mkdir -p "$folder"
metis=$(store metis)
hash=$(store hash)

printf '\n== Peak resident memory\n'
"$quadhop" train --store "$metis" --run "$folder/run-1" "${settings[@]}" >"$folder/run-1.log" 2>&1
mpirun -n 4 --oversubscribe --bind-to none "$quadhop" train --store "$metis" --run "$folder/run-4" "${settings[@]}" \
  --set sampler.feature_placement=PARTITIONED >"$folder/run-4.log" 2>&1
grep -hE '^(features|topology|kept)' "$folder/run-4.log"
awk -v one="$(peak "$folder/run-1")" -v four="$(peak "$folder/run-4")" 'BEGIN {
  printf "one rank %.0f MB; the largest of 4 ranks %.0f MB: %.3f of it\n", one / 1e6, four / 1e6, four / one }'
for ranks in 1 4; do
  printf 'quadhop plan, %s rank(s), bytes of a rank and of the host:\n' "$ranks"
  "$quadhop" plan --store "$metis" --ranks "$ranks" --ranks-per-host "$ranks" --config quickstart \
    --set train.batch=1024 | grep -E ' (MAPPED|PARTITIONED) +[0-9]'
done
for run in 1 4; do printf '%s rank(s): losses %s\n' "$run" "$(grep -o '"loss":[^,}]*' "$folder/run-$run/metrics.jsonl" | md5sum)"; done

printf '\n== Rows exchanged, METIS\n'
"$exchange" "$metis" 4 20 1024 20
printf '\n== Rows exchanged, hash\n'
"$exchange" "$hash" 4 20 1024 3
