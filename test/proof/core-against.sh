#!/bin/sh
# Speed of the engine core beside that of an older commit, in turns on this machine: core-against.sh COMMIT
set -eu
exec bin/redwick bench core --check "${1:?a commit to compare with}" --turns 12 --runs 4
