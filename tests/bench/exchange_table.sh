#!/usr/bin/env bash
# What 4 ranks would exchange on real graphs, cut by METIS and by hash, for each way to choose a hot set of 10 % of the rows.
# Needs build/release. The graphs are folders in OGB's raw csv layout.
#
#   tests/bench/exchange_table.sh [GRAPH_DIR]...    by default amazon_cs, tolokers and debian of ../shared/data
set -euo pipefail
cd "$(dirname "$0")/../.."

graphs=("$@")
[ $# -gt 0 ] || graphs=(../shared/data/amazon_cs ../shared/data/tolokers ../shared/data/debian)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for graph in "${graphs[@]}"; do
  for method in metis hash; do
    store=$work/$(basename "$graph")-$method.qh
    build/release/quadhop prep --from "$graph" --store "$store" --parts 8 --partition-method "$method" >"$work/log" 2>&1 ||
      { cat "$work/log" >&2; exit 1; }
    printf '\n== %s, %s\n' "$(basename "$graph")" "$method"
    build/release/tests/sampler/quadhop_exchange_bench "$store" 4 20 1024 20
    rm -rf "$store"
  done
done
