#!/usr/bin/env bash
# Seconds and bytes read and written of `quadhop propagate` where neither memory holds all columns nor the page cache the
# files: 2 million nodes, 128 features in f16, 16 columns at a time. As root, for a control group (version 1 or 2) of 512
# MiB; drops the page cache of the machine. 4 GB of disk for WORK.
#   propagate_by_columns.sh WORK QUADHOP...    each program in turn, the first makes the store
set -euo pipefail
work=$1
shift
store=$work/columns.qh
mkdir -p "$work"
[ -e "$store" ] || "$1" synth --nodes 2000000 --degree 15 --features 128 --classes 8 --seed 1 --to-store --out "$store"

group=/sys/fs/cgroup/memory/quadhop-columns limit=memory.limit_in_bytes
[ -d /sys/fs/cgroup/memory ] || group=/sys/fs/cgroup/quadhop-columns limit=memory.max
mkdir -p "$group"
trap 'rmdir "$group"' EXIT
echo $((512 << 20)) >"$group/$limit"
for quadhop in "$@"; do
  sync
  echo 3 >/proc/sys/vm/drop_caches
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec /usr/bin/env time -f "%e s, %I blocks of 512 bytes read, %O written" \
      "$quadhop" propagate --store "$store" --dtype f16 --memory 350M --threads 2
  )
  sha256sum "$store/features.npy"
done
