#!/usr/bin/env bash
# Training nodes a second of 2 ranks, each held to one core, against 1 rank held to one core, on the quickstart graph. Needs
# build/release and stores/wordnet.qh (launch/quickstart.sh makes both), and two idle cores.
#
#   tests/bench/two_cores.sh [EPOCHS]              3 by default; the best epoch of each counts
set -euo pipefail
cd "$(dirname "$0")/../.."

epochs=${1:-3}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
[ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# train RANKS PLACEMENT: prints the best epoch's nodes a second, and the shares of it spent waiting for batches and for sums.
train() {
  local run=$runs/$1-$2
  # shellcheck disable=SC2016 # the rank's own variables
  mpirun -n "$1" --oversubscribe --bind-to none bash -c 'exec taskset -c "$OMPI_COMM_WORLD_LOCAL_RANK" "$@"' rank \
    build/release/quadhop train --store stores/wordnet.qh --config quickstart --run "$run" --threads 1 \
    --set train.epochs="$epochs" --set train.batch=1024 --set train.eval_every_epochs="$epochs" \
    --set sampler.feature_placement="$2" >"$run.log" 2>&1 || { cat "$run.log" >&2; exit 1; }
  sed -nE 's/.*"event":"epoch".*"seconds":([0-9.e+-]+),"train_nodes_per_second":([0-9.e+-]+),"exposed_wait_seconds":([0-9.e+-]+).*"exposed_sums_seconds":([0-9.e+-]+).*/\2 \3 \4 \1/p' \
    "$run/metrics.jsonl" | sort -rg | awk 'NR == 1 { printf "%.0f %.2f %.2f\n", $1, 100 * $2 / $4, 100 * $3 / $4 }'
}

read -r one _ < <(train 1 MAPPED)
printf '1 rank on one core: %s nodes/s\n' "$one"
for placement in MAPPED PARTITIONED; do
  read -r two waited sums < <(train 2 "$placement")
  awk -v one="$one" -v two="$two" -v waited="$waited" -v sums="$sums" -v how="$placement" 'BEGIN {
    printf "2 ranks on one core each, %s: %s nodes/s, %.2f times; waiting for batches %.2f %% of the epoch, for sums %.2f %%\n",
      how, two, two / one, waited, sums }'
done
