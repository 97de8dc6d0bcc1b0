#!/usr/bin/env bash
# What is installed works from where it is, and so does what the Debian package holds: the program, its manual page, its
# completions, the paper's script.   tests/package/install.sh BUILD_FOLDER
set -euo pipefail

build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# check ROOT: the files of an installation under ROOT.
check() {
  local root=$1
  "$root/bin/quadhop" --version | grep -q '^quadhop [0-9]' || fail "$root: no version"
  zcat "$root/share/man/man1/quadhop.1.gz" | grep -q '^\.SS quadhop train' || fail "$root: the manual page lacks train"
  bash -c "source $root/share/bash-completion/completions/quadhop && complete -p quadhop" >/dev/null || fail "$root: no completion"
  [ -r "$root/share/quadhop/configs/ogbn-products.textproto" ] || fail "$root: no configs"
  [ -r "$root/share/doc/quadhop/docs/cluster.md" ] || fail "$root: no docs"
}

cmake --install "$build" --prefix "$work/usr" >"$work/log" || fail "cmake --install: $(cat "$work/log")"
check "$work/usr"

# The paper's script, on a graph of its layout and not of its size.
cd "$work"
export QUADHOP=$work/usr/bin/quadhop
"$QUADHOP" synth --nodes 2000 --degree 8 --features 8 --classes 5 --out products >/dev/null
small=(--set train.epochs=1 --set model.width=16 --set model.centroids=32 --set sampler.sampled_nodes=8)
"$work/usr/share/quadhop/paper.sh" ogbn-products products 2 "${small[@]}" >"$work/log" 2>&1 || fail "paper.sh: $(cat "$work/log")"
[ -s runs/ogbn-products/summary.json ] || fail "paper.sh left no summary"
"$work/usr/share/quadhop/paper.sh" ogbn-products products 0 | grep -q '^the store is ready' || fail "paper.sh with 0 ranks"

if ! command -v dpkg-shlibdeps >/dev/null || ! command -v file >/dev/null; then
  echo "SKIPPED: the Debian package; it needs the packages dpkg-dev and file"
  exit 77
fi
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/package" >"$work/log" 2>&1 || fail "cpack: $(cat "$work/log")"
package=$(ls "$work"/package/quadhop_*.deb)
depends=$(dpkg-deb -f "$package" Depends)
[[ $depends == *libopenmpi* && $depends == *libdnnl* && $depends == *openmpi-bin* ]] || fail "dependencies: $depends"
dpkg-deb -x "$package" "$work/root"
check "$work/root/usr"
echo "install: as it must be; $(basename "$package"), $(stat -c %s "$package") bytes, depends on $depends"
