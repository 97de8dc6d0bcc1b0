#!/usr/bin/env bash
# Seconds and peak memory of `quadhop prep` at size, from csv.gz to a store, within a budget. On a quiet machine with
# 40 GB of disk for WORK.
#   prep_at_size.sh QUADHOP WORK products    2.4 million nodes, 62 million edges, 100 features; --memory 6G
#   prep_at_size.sh QUADHOP WORK large       20 million nodes, 150 million edges, 64 features in f16; --memory 10G
#   prep_at_size.sh QUADHOP WORK billion     100 million nodes, a billion arcs, 4 features, 32 columns of encodings; 18G,
#                                            70 GB of disk; not from csv.gz, but of a store that synth makes
# Private memory is limited to the budget by the kernel (ulimit -d): what passes it fails. The largest resident size, which
# the script prints, counts mapped files of the store too, whose pages the kernel takes back at need.
set -euo pipefail
quadhop=$1 work=$2 what=$3
mkdir -p "$work"
case $what in
  products)
    graph=(--nodes 2400000 --degree 51.7 --features 100)
    limit_gib=6 settings=(--parts 8)
    ;;
  large)
    graph=(--nodes 20000000 --degree 15 --features 64)
    limit_gib=10 settings=(--parts 16 --dtype f16)
    ;;
  billion)
    graph=(--nodes 100000000 --degree 10 --features 4)
    limit_gib=18
    ;;
  *)
    echo "prep_at_size.sh: '$what' is not products, large or billion" >&2
    exit 2
    ;;
esac

run() {
  /usr/bin/env time -f "%e s, %U s of user, %S s of system, largest resident size %M KiB" "$quadhop" "$@"
}

if [ "$what" = billion ]; then
  ulimit -d $((limit_gib << 20))
  store=$work/billion.qh budget=(--memory "${limit_gib}G")
  run synth "${graph[@]}" --to-store --out "$store" "${budget[@]}"
  run partition --store "$store" --parts 16 "${budget[@]}"
  run encode --store "$store" --dim 32 "${budget[@]}"
  run propagate --store "$store" --dtype f16 "${budget[@]}"
else
  "$quadhop" synth "${graph[@]}" --out "$work/raw"
  ulimit -d $((limit_gib << 20))
  run prep --from "$work/raw" --store "$work/$what.qh" --memory "${limit_gib}G" "${settings[@]}"
fi
