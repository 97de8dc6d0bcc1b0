#!/usr/bin/env bash
# Does the bundle of launch/bundle.sh run where there is nothing but a shell and the C library? Makes such a root and trains
# there on two ranks.   tests/package/bundle.sh [BUILD_FOLDER]        Exit code 77: not root, or no patchelf.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${1:-build/release}
[ "$(id -u)" -eq 0 ] || { echo "only root can change its root"; exit 77; }
command -v patchelf >/dev/null || { echo "no patchelf"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,etc,proc,dev,sys,tmp}
ln -s bin "$root/sbin"

# A shell, what the bundle's starters call, and the C library.
for tool in sh readlink dirname basename env uname; do
  path=$(readlink -f "$(command -v "$tool")")
  cp "$path" "$root/bin/$tool"
  ldd "$path" | grep -o '/[^ ]*'
done | sort -u >"$work/libraries"
for library in libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libresolv.so.2 libutil.so.1 libnss_files.so.2; do
  ldconfig -p | awk -v name="$library" '$1 == name && !found++ {print $NF}'
done >>"$work/libraries"
while read -r library; do
  install -D "$library" "$root$library"
done <"$work/libraries"
echo "root:x:0:0:root:/tmp:/bin/sh" >"$root/etc/passwd"
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"

launch/bundle.sh "$(realpath --relative-to=. "$work")/quadhop.tar.gz" "$build"  # relative, for once
tar -C "$root" -xzf "$work/quadhop.tar.gz"
cat >"$root/run" <<'EOF2'
set -e
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
/quadhop/bin/quadhop synth --nodes 2000 --degree 8 --features 8 --classes 4 --out /tmp/raw
/quadhop/bin/quadhop prep --from /tmp/raw --store /tmp/small.qh --parts 2
/quadhop/bin/quadhop launch local -n 2 -- train --store /tmp/small.qh --config quickstart --set train.epochs=1 --run /tmp/run
EOF2
unshare --mount --pid --fork --kill-child sh -c '
  mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && cd / && exec env -i PATH=/bin HOME=/tmp "$(command -v chroot)" "$1" /bin/sh /run' - "$root"
[ -s "$root/tmp/run/summary.json" ]
echo "PASSED: prepared and trained with $(basename "$work/quadhop.tar.gz") and nothing else"
