#!/usr/bin/env bash
# Seconds and peak memory of `quadhop prep` at size, within a budget. On a quiet machine with room on the disk of WORK.
#   prep_at_size.sh QUADHOP WORK products    2.4 million nodes, 62 million edges, 100 features, from csv.gz; --memory 6G
#   prep_at_size.sh QUADHOP WORK large       20 million nodes, 300 million arcs, 64 features, f16; --memory 10G
# Private memory is limited to the budget by the kernel (ulimit -d): what passes it fails. The largest resident size, which
# the script prints, counts mapped files of the store too, whose pages the kernel takes back at need.
set -euo pipefail
quadhop=$1 work=$2 what=$3
mkdir -p "$work"
case $what in
  products)
    "$quadhop" synth --nodes 2400000 --degree 51.7 --features 100 --out "$work/raw"
    limit_kib=$((6 << 20))
    prep=(prep --from "$work/raw" --store "$work/products.qh" --parts 8 --memory 6G)
    ;;
  large)
    "$quadhop" synth --to-store --nodes 20000000 --degree 15 --features 64 --memory 10G --out "$work/large.qh"
    limit_kib=$((10 << 20))
    ;;
  *)
    echo "prep_at_size.sh: '$what' is not products or large" >&2
    exit 2
    ;;
esac

timed() {  # arguments of quadhop
  echo "== $1"
  (ulimit -d "$limit_kib" && exec /usr/bin/env time -f "%e s, %U s of user, %S s of system, largest resident size %M KiB" \
    "$quadhop" "$@")
}
if [ "$what" = products ]; then
  timed "${prep[@]}"
else
  timed partition --store "$work/large.qh" --parts 16 --memory 10G
  timed encode --store "$work/large.qh" --dim 32 --memory 10G
  timed propagate --store "$work/large.qh" --dtype f16 --memory 10G
fi
