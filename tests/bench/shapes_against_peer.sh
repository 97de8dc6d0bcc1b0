#!/usr/bin/env bash
# Training steps of quadhop beside those of the PyTorch peer (tests/peer), by shape and precision, in turn, on the same
# threads: nodes a second, peak memory, and their ratios. Random tokens without repeats; the median of STEPS steps.
#
#   tests/bench/shapes_against_peer.sh [ROUNDS] [STEPS]     1 round of 5 steps by default; some 6 minutes on 2 cores
#
# The peer runs with OpenBLAS's own choice of kernels and, where the processor has bf16 products, with its Cooperlake ones:
# the better counts. Needs python3 with torch (packages
# python3-torch python3-scipy libopenblas0-pthread); PYTHON names another interpreter. On a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${1:-1} steps=${2:-5}
quadhop=build/release/quadhop
threads=$(nproc)
. tests/bench/peer_python.sh

field() { sed -nE "s/.*\"$1\": ?([-+0-9.eE]+).*/\1/p"; }
# peer SHAPE PRECISION: nodes a second and peak MB, with its better kernels.
peer() {
  for kernels in "" ${avx512_bf16:+Cooperlake}; do
    env OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads" ${kernels:+OPENBLAS_CORETYPE=$kernels} \
      "$python" tests/peer/bench_peer.py "$1" --precision "$2" --steps "$steps" --threads "$threads" >"$work/peer" 2>/dev/null
    echo "$(field nodes_per_second <"$work/peer") $(field peak_rss_bytes <"$work/peer" | awk '{ printf "%.0f", $1 / 1e6 }')"
  done | sort -g | tail -1
}
# ours SHAPE: "F32 nodes a second, MB" and the same of BF16, a line each.
ours() {
  "$quadhop" bench model --shape "$1" --steps "$steps" --threads "$threads" |
    awk -v shape="$1" '$1 == shape && $2 ~ /^[0-9]+$/ { print $3, $5, $8 }'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
avx512_bf16=$(grep -om1 avx512_bf16 /proc/cpuinfo || true)
printf '%-11s %-5s %9s %9s %7s %9s %9s %7s\n' shape "" quadhop peer times "MB" "peer MB" share
for _ in $(seq "$rounds"); do
  for shape in products patents quickstart; do
    ours "$shape" >"$work/ours"
    while read -r precision rate megabytes; do
      read -r peer_rate peer_megabytes < <(peer "$shape" "${precision,,}")
      awk -v s="$shape" -v p="$precision" -v q="$rate" -v r="$peer_rate" -v m="$megabytes" -v n="$peer_megabytes" 'BEGIN {
        printf "%-11s %-5s %9.0f %9.1f %6.2fx %9.0f %9.0f %7.2f\n", s, p, q, r, q / r, m, n, m / n }'
    done <"$work/ours"
  done
done
