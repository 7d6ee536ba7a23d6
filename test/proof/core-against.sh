#!/bin/sh
# Speed of the engine core beside that of an older commit, in turns on this machine: core-against.sh COMMIT [TURNS]
# Prints `core ratio N (min MIN, max MAX of T turns; best runs B)`: the median of the turns' ratios, and our best run over
# theirs. It exits 1 when N is below 0.95. A shared machine has faster spells: the best run says most of all who met one.
set -eu
old=${1:?a commit to compare with}
turns=${2:-12}
here=$(pwd)
work=$(mktemp -d)
there=$work/there
trap 'git worktree remove --force "$there" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT INT TERM
git worktree add --quiet --force --detach "$there" "$old"
# Its own copy: each keeps its files without types there, and would else strip the other's at each start, which slows it.
cp -al "$here/node_modules" "$there/node_modules"
rm -rf "$there/node_modules/.cache"
for tree in "$here" "$there"; do "$tree/node_modules/.bin/node" "$tree/bin/strip-types.mjs" 2>/dev/null; done
measure() { # measure TREE: median and best of a few runs in ticks a second
  (cd "$1" && bin/redwick bench core --no-save --runs 4 --json 2>/dev/null) |
    sed 's/.*"ticksPerSecond":{[^}]*"median":\([0-9]*\),"max":\([0-9]*\)}.*/\1 \2/'
}
turn=0
while [ "$turn" -lt "$turns" ]; do
  turn=$((turn + 1))
  line="$(measure "$here") $(measure "$there") $(measure "$there") $(measure "$here")"
  echo "turn $turn: median and best of ours, theirs, theirs, ours: $line" >&2
  echo "$line"
done | awk '
  function larger(a, b) { return a > b ? a : b }
  {
    ours = larger(ours, larger($2, $8))
    theirs = larger(theirs, larger($4, $6))
    all[NR] = (1 / $3 + 1 / $5) / (1 / $1 + 1 / $7)
  }
  END {
    if (NR == 0 || theirs == 0) { print "core ratio 0: nothing was measured"; exit 1 }
    for (i = 2; i <= NR; i++)
      for (j = i; j > 1 && all[j - 1] > all[j]; j--) { x = all[j]; all[j] = all[j - 1]; all[j - 1] = x }
    median = (all[int((NR + 1) / 2)] + all[int(NR / 2) + 1]) / 2
    printf "core ratio %.3f (min %.3f, max %.3f of %d turns; best runs %.3f)\n", median, all[1], all[NR], NR, ours / theirs
    exit median < 0.95
  }'
