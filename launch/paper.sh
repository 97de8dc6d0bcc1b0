#!/usr/bin/env bash
# Trains on one of the paper's data sets with the paper's settings (launch/configs), from its downloaded folder to the accuracy
# of the best epoch. What is done already is skipped; training that was stopped is resumed.
#
#   paper.sh ogbn-products|snap-patents|ogbn-papers100M DATASET [RANKS [FLAGS OF train...]]
#
# DATASET is what `quadhop prep --from` takes: OGB's folder (products/, papers100M-bin/), or snap_patents.mat. On a cluster, run it
# with RANKS = 0 first, which stops before training, and then the command that it prints under `quadhop launch slurm`.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -nE 's/^#   (paper.sh .*)/usage: \1/p' "$0" >&2
  exit 2
fi
name=$1 dataset=$2 ranks=${3:-1}
shift $(($# < 3 ? $# : 3))
quadhop=${QUADHOP:-quadhop}
store=stores/$name.qh run=runs/$name

# How each graph is read. Partitions: at least as many as there will ever be ranks.
case $name in
  ogbn-products) prep=(--parts 32) ;;
  snap-patents) prep=(--parts 32 --directed) ;;
  ogbn-papers100M) prep=(--parts 256 --dim 128) ;;
  *)
    echo "paper.sh: there is no '$name'; allowed: ogbn-products, snap-patents, ogbn-papers100M" >&2
    exit 2
    ;;
esac

"$quadhop" prep --from "$dataset" --store "$store" "${prep[@]}"
train=(train --store "$store" --config "$name" --run "$run" --resume "$@")
if [ "$ranks" -eq 0 ]; then
  echo "the store is ready; train with: quadhop ${train[*]}"
  exit
fi
"$quadhop" launch local -n "$ranks" -- "${train[@]}"
"$quadhop" eval --run "$run"
