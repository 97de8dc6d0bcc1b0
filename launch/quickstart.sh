#!/usr/bin/env bash
# From a fresh checkout to a trained model: installs the packages, builds, makes a store of WordNet, trains on two ranks, and
# compares with a model that does not see the graph. What is done already is skipped.
#
#   launch/quickstart.sh [--epochs N]
set -euo pipefail
cd "$(dirname "$0")/.."

epochs=()
suffix=""
if [ "${1:-}" = --epochs ] && [[ "${2:-}" =~ ^[0-9]+$ ]] && [ $# -eq 2 ]; then
  epochs=(--set "train.epochs=$2")
  suffix="-$2-epochs"
elif [ $# -ne 0 ]; then
  echo "usage: launch/quickstart.sh [--epochs N]" >&2
  exit 2
fi

quadhop=build/release/quadhop
store=stores/wordnet.qh
if [ "$(id -u)" -eq 0 ]; then  # Open MPI refuses root, as in a container, unless told twice
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# Ranks share the cores as threads, so they are not bound to one each; two ranks run on one core too.
mpirun=(mpirun -n 2 --oversubscribe --bind-to none)

# part TITLE COMMAND...: prints what is done, and how long it took.
part() {
  local title=$1 start=$EPOCHREALTIME
  shift
  printf '\n== %s\n   %s\n' "$title" "$*"
  "$@"
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "   took %.1f s\n", b - a }'
}

build() {
  [ -f build/release/build.ninja ] || cmake --preset release >/dev/null
  cmake --build build/release --target quadhop
}

# train RUN FLAGS...: does nothing if RUN is finished and newer than the program and the store.
train() {
  local run=$1 summary=$1/summary.json replace=()
  shift
  if [ "$summary" -nt "$quadhop" ] && [ "$summary" -nt "$store/store.textproto" ]; then
    echo "   $run is done"
    return
  fi
  [ ! -e "$run" ] || replace=(--overwrite)
  "${mpirun[@]}" "$quadhop" train --store "$store" --config quickstart --run "$run" "${epochs[@]}" "${replace[@]}" "$@"
}

# json_number FILE NAME: prints a number of a one-line JSON object.
json_number() { sed -nE "s/.*\"$2\":([-+0-9.eE]+).*/\1/p" "$1"; }

part "Packages" launch/install.sh
part "Build" build
part "Store" "$quadhop" prep --from /usr/share/wordnet --store "$store" --parts 4
part "Training, 2 ranks" train "runs/quickstart$suffix"
part "Training without the graph, 2 ranks" train "runs/quickstart-no-graph$suffix" --set model.conv=NONE --set model.head_features=false

inspected=$(mktemp)
trap 'rm -f "$inspected"' EXIT
"$quadhop" inspect "$store" --json >"$inspected"
printf '\n== Test accuracy on WordNet\n'
printf '   LargeGT                   %.4f\n' "$(json_number "runs/quickstart$suffix/summary.json" test_accuracy)"
printf '   the same, without graph   %.4f\n' "$(json_number "runs/quickstart-no-graph$suffix/summary.json" test_accuracy)"
printf '   most frequent class       %.4f\n' "$(json_number "$inspected" majority_class_test_accuracy)"
