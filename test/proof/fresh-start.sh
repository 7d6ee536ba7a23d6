#!/bin/sh
# A fresh clone of what is committed, the README's commands, and a browser that must see a candle move within 10 s.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q . "$work/redwick"
cd "$work/redwick"
npm ci >/dev/null 2>&1
FRESH_START_MS_MAX=10000 REQUIRE_SERVICES=1 npm test -- test/e2e/fresh-start
