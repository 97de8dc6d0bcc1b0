#!/usr/bin/env bash
# Gathers the program, its libraries and Open MPI into a folder that runs on other machines: docs/cluster.md.
#
#   launch/bundle.sh OUT [BUILD_FOLDER]        OUT: a folder that is not there yet, or a file that ends in .tar.gz
#
# Taken from the machine: the C library (the build's version or a later one), the GPU's driver, the CUDA libraries and NCCL.
# Needs patchelf (apt-get install patchelf).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  sed -n '2,7s/^# \?//p' "$0" >&2
  exit 2
fi
out=$1 build=${2:-build/release}
fail() { echo "bundle.sh: $1" >&2; exit 1; }
command -v patchelf >/dev/null || fail "there is no patchelf: apt-get install patchelf"
[ -x "$build/quadhop" ] || fail "there is no $build/quadhop: build it first, or name the build folder"
[ ! -e "$out" ] || fail "$out is there already: name another, or remove it"

name=$(basename "${out%.tar.gz}")
work=$(mktemp -d "$(readlink -e "$(dirname "$out")")/.bundle.XXXXXX")  # ldd prints absolute paths
trap 'rm -rf "$work"' EXIT
root=$work/$name
mkdir -p "$root"/{bin,lib,libexec,share}

# The libraries that a file needs, one "name path" per line.
needs() { ldd "$1" | awk '$2 == "=>" {print $1, $3}'; }
of_the_machine='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|nsl|anl)\.so.*|lib(cuda|cudart|cublas|cublasLt|nccl|nvrtc|nvidia-.*)\.so.*)$'
add_libraries() {
  local library path
  while read -r library path; do
    [[ ! $library =~ $of_the_machine ]] || continue
    [ "$path" != not ] || fail "$1 needs $library, which is not found here"
    [ ! -e "$root/lib/$library" ] || continue
    install -m 644 "$path" "$root/lib/$library"
    patchelf --remove-rpath "$root/lib/$library"  # else the program's rpath would not hold for what this library needs
  done < <(needs "$1")
}
add_program() {
  install -m 755 "$(readlink -f "$1")" "$root/libexec/$2"
  add_libraries "$1"
  patchelf --force-rpath --set-rpath "\$ORIGIN/../lib:/usr/local/cuda/lib64" "$root/libexec/$2"
}

# The script for PATH, which sets where Open MPI's parts are.
add_starter() {
  cat >"$root/bin/$1" <<'STARTER'
#!/bin/sh
bundle=$(dirname "$(dirname "$(readlink -f "$0")")")
export OPAL_PREFIX="$bundle" OPAL_BINDIR="$bundle/bin" OPAL_LIBDIR="$bundle/lib" OPAL_PKGLIBDIR="$bundle/lib/openmpi" \
  OPAL_PKGDATADIR="$bundle/share/openmpi" OPAL_SYSCONFDIR="$bundle/share/openmpi-etc" PATH="$bundle/bin:$PATH"
export PMIX_MCA_pcompress_base_silence_warning=1  # PMIx's compression of large messages is left out
exec "$bundle/libexec/$(basename "$0")" "$@"
STARTER
  chmod +x "$root/bin/$1"
}

add_program "$build/quadhop" quadhop
add_starter quadhop
if ldd "$build/quadhop" | grep -q libmpi; then
  folder() { readlink -f "$(ompi_info --path "$1" --parsable | sed -n "s/^path:$1://p")"; }
  for program in mpirun orted; do
    add_program "$(command -v "$program")" "$program"
    add_starter "$program"
  done
  cp -rL "$(folder pkgdatadir)" "$root/share/openmpi"
  cp -rL "$(folder sysconfdir)" "$root/share/openmpi-etc"
  mkdir "$root/lib/openmpi"
  for plugin in "$(folder pkglibdir)"/*.so; do
    install -m 644 "$plugin" "$root/lib/openmpi"
    patchelf --remove-rpath "$root/lib/openmpi/$(basename "$plugin")"
    add_libraries "$plugin"
  done
fi

# Nothing may come from this machine's own folders, except what every machine has.
strays=$(for program in "$root"/libexec/*; do needs "$program"; done | while read -r library path; do
  [[ $library =~ $of_the_machine || $path == "$root"/* ]] || echo "$library"
done | sort -u)
[ -z "$strays" ] || fail "these libraries are not found inside the bundle: $strays"

if [[ $out == *.tar.gz ]]; then
  tar -C "$work" -czf "$work/bundle.tar.gz" "$name"
  mv "$work/bundle.tar.gz" "$out"
else
  mv "$root" "$out"
fi
echo "$out: $(du -sh "$out" | cut -f1), $("$build/quadhop" --version)"
