#!/usr/bin/env bash
# quadhop beside the PyTorch peer (tests/peer), which works as the paper's code does: the same graph and settings, in turn,
# on all cores of this machine. Prints training nodes a second of both and their ratio.
#
#   tests/bench/against_peer.sh [GRAPH_DIR] [ROUNDS]
#
# GRAPH_DIR is in OGB's raw csv layout (default ../shared/data/wordnet), ROUNDS the epochs of each in turn (default 3). The
# peer gets the best of its settings, found first: threads, and BLAS kernels and threads. Needs python3 with torch, numpy and
# scipy (packages python3-torch python3-numpy python3-scipy libopenblas0-pthread); PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/../.."

graph=${1:-../shared/data/wordnet}
rounds=${2:-3}
quadhop=build/release/quadhop
sampled=20 width=64 heads=2 encoding=32 centroids=256 batch=512

[ -d "$graph/raw" ] || { echo "against_peer.sh: no folder $graph/raw; give a graph in OGB's raw csv layout" >&2; exit 2; }
. tests/bench/peer_python.sh
cmake --build build/release --target quadhop
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number() { sed -nE "s/.*\"$1\": ?([-+0-9.eE]+).*/\1/p" | tail -1; }

echo "== The peer's settings: nodes a second of 5 steps on random tokens"
best=0 best_env=() cores=$(nproc)
for threads in $(seq 1 "$cores"); do
  for kernels in "" Cooperlake SkylakeX Zen; do
    for blas_threads in 1 "$threads"; do
      settings=(OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$blas_threads")
      [ -z "$kernels" ] || settings+=(OPENBLAS_CORETYPE="$kernels")
      rate=$(env "${settings[@]}" "$python" tests/peer/bench_peer.py quickstart --threads "$threads" | number nodes_per_second)
      printf '   %8.0f  %s\n' "$rate" "${settings[*]}"
      if awk -v a="$rate" -v b="$best" 'BEGIN { exit !(a > b) }'; then best=$rate best_env=("${settings[@]}"); fi
      [ "$threads" -gt 1 ] || break
    done
  done
done
echo "   best: ${best_env[*]}"

"$quadhop" prep --from "$graph" --store "$work/graph.qh" --parts 4 --dim "$encoding" >"$work/prep.log"
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
run_peer() {
  env "${best_env[@]}" "$python" tests/peer/train_peer.py "$graph" --sampled $sampled --width $width --heads $heads \
    --pe_width $encoding --centroids $centroids --batch $batch --codebook_start data --epochs 1 | number train_nodes_per_second
}
run_quadhop() {
  mpirun -n 2 --oversubscribe --bind-to none "$quadhop" train --store "$work/graph.qh" --config quickstart \
    --run "$work/run" --overwrite --set train.epochs=1 --set sampler.sampled_nodes=$sampled --set model.width=$width \
    --set model.heads=$heads --set model.centroids=$centroids --set train.batch=$batch --set model.head_features=false >"$work/train.log" 2>&1
  number train_nodes_per_second <"$work/run/summary.json"
}

echo "== One epoch each, in turn: training nodes a second"
printf '   %10s %10s %8s\n' peer quadhop ratio
for _ in $(seq "$rounds"); do
  peer=$(run_peer) ours=$(run_quadhop)
  awk -v p="$peer" -v q="$ours" 'BEGIN { printf "   %10.0f %10.0f %8.2f\n", p, q, q / p }' | tee -a "$work/table"
done
sort -k3 -n "$work/table" | awk '{ r[NR] = $3 } END { printf "median ratio %.2f\n", r[int((NR + 1) / 2)] }'
