#!/usr/bin/env bash
# Bundles the pages' live script from npm packages into the web package, where
# the build embeds it. Nothing is installed on the machine; without npm or its
# registry the pages are built without live script.
set -euo pipefail
cd "$(dirname "$0")/../internal/face/web/npm"
stamp=../assets/vendor/.lock
[ -f "$stamp" ] && cmp -s package-lock.json "$stamp" && exit 0
if ! command -v npm >/dev/null; then
  echo "assets: npm not found: pages are built without live script" >&2
  exit 0
fi
if ! npm ci --silent --no-audit --no-fund --ignore-scripts >/dev/null 2>&1; then
  echo "assets: npm packages can't be had: pages are built without live script" >&2
  exit 0
fi
mkdir -p ../assets/vendor
npm run --silent bundle
cp package-lock.json "$stamp"
