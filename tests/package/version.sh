#!/usr/bin/env bash
# The program's version names the commit of its own checkout, and whether files were changed since.   tests/package/version.sh
set -euo pipefail

command -v git >/dev/null || { echo "SKIPPED: it needs git"; exit 77; }
script=$(cd "$(dirname "$0")/../../cmake" && pwd)/WriteVersion.cmake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

# expect VERSION: of a program that is built now in $work/checkout.
expect() {
  cmake -DVERSION=1.2.3 -DSOURCE="$work/checkout" -DOUT="$work/version.cc" -P "$script"
  grep -qF "\"$1\"" "$work/version.cc" || { echo "FAILED: $1 expected, not $(tail -n 1 "$work/version.cc")" >&2; exit 1; }
}

mkdir "$work/checkout"
git -C "$work" init -q
touch "$work/other"
git -C "$work" add other
git -C "$work" commit -qm "another project, which has a copy of this one"
expect "1.2.3"

git -C "$work/checkout" init -q
touch "$work/checkout/file"
git -C "$work/checkout" add file
git -C "$work/checkout" commit -qm "a commit"
git -C "$work/checkout" tag v1
commit=$(git -C "$work/checkout" rev-parse --short HEAD)
expect "1.2.3 ($commit)"
before=$(stat -c %y "$work/version.cc")
expect "1.2.3 ($commit)"
[ "$(stat -c %y "$work/version.cc")" = "$before" ] || { echo "FAILED: nothing has changed, but all would be linked again" >&2; exit 1; }
touch "$work/checkout/another file"
expect "1.2.3 ($commit)"
echo change >>"$work/checkout/file"
expect "1.2.3 ($commit, changed)"
echo "version: as it must be"
