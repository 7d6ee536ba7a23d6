#!/bin/sh
# .ci/run from a clean clone of what is committed, with the shared data where a checkout has it.
set -e
shared=$(cd "${SHARED_DIR:-../shared}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q . "$work/redwick"
ln -s "$shared" "$work/shared"
cd "$work/redwick"
bash .ci/run
