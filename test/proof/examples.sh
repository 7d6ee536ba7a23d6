#!/bin/sh
# Both examples run to their end in a fresh data directory, and their tables hold rows.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export DATA_DIR="$dir/data"
for example in sessions:session_activity spread:venue_spread; do
  name=${example%%:*}
  table=${example##*:}
  rows=$(npm run -s "example:$name" -- --limit 100000 --json | grep -c "\"table\":\"$table\"")
  echo "$rows rows of $table"
  test "$rows" -gt 100
done
