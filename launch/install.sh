#!/usr/bin/env bash
# Installs the distribution packages that quadhop needs and that are missing. This is the only list of them.
# Debian 12 and Ubuntu 24.04 have them all under these names. Run as root, or with sudo.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config  # the build
  libopenmpi-dev openmpi-bin libhwloc-dev  # ranks, and cores for them
  libmetis-dev libptscotch-dev             # partitions
  libprotobuf-dev protobuf-compiler        # configs, manifests
  libabsl-dev nlohmann-json3-dev
  libdnnl-dev libhwy-dev                   # CPU kernels
  libisal-dev libxxhash-dev                # gzip, checksums
  libzip-dev libmatio-dev                  # .npz and .mat files
  libgtest-dev libgmock-dev                # tests
  wordnet-base                             # the quickstart's graph
  dpkg-dev file                            # the Debian package
)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "All ${#packages[@]} packages are installed."
  exit 0
fi

echo "To install: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install.sh: needs root for: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update
"${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
