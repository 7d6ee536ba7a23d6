#!/bin/sh
# Speed of the engine core beside that of an older commit, in turns on this machine: core-against.sh COMMIT [TURNS]
# Prints `core ratio N (min MIN, max MAX)`, ours over the older one's.
set -eu
old=${1:?a commit to compare with}
turns=${2:-5}
here=$(pwd)
there=$(mktemp -d)
trap 'git worktree remove --force "$there" >/dev/null 2>&1 || true; rm -rf "$there"' EXIT INT TERM
git worktree add --quiet --force --detach "$there" "$old"
ln -s "$here/node_modules" "$there/node_modules"
median() {
  (cd "$1" && bin/redwick bench core --no-save --runs 3 --json 2>/dev/null) | sed 's/.*"median":\([0-9]*\).*/\1/'
}
turn=0
while [ "$turn" -lt "$turns" ]; do
  turn=$((turn + 1))
  first=$(median "$here")
  second=$(median "$there")
  third=$(median "$there")
  fourth=$(median "$here")
  echo "turn $turn: ours $first $fourth, theirs $second $third" >&2
  awk "BEGIN { print (1 / $second + 1 / $third) / (1 / $first + 1 / $fourth) }"
done | sort -n | awk '{ all[NR] = $1 } END { printf "core ratio %.3f (min %.3f, max %.3f)\n", all[int((NR + 1) / 2)], all[1], all[NR] }'
