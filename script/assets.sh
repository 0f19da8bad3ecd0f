#!/usr/bin/env bash
# Bundles the pages' live script from npm packages into the web package, where
# the build embeds it. Nothing is installed on the machine; without npm or its
# registry the pages are built without live script.
set -euo pipefail
cd "$(dirname "$0")/.."
out=internal/web/assets/vendor
[ -f "$out/htmx.min.js" ] && [ "$out/htmx.min.js" -nt internal/web/assets/package-lock.json ] && exit 0
if ! command -v npm >/dev/null; then
  echo "assets: npm not found: pages are built without live script" >&2
  exit 0
fi
if ! (cd internal/web/assets && npm ci --silent --no-audit --no-fund --ignore-scripts >/dev/null 2>&1); then
  echo "assets: npm packages can't be had: pages are built without live script" >&2
  exit 0
fi
mkdir -p "$out"
cp internal/web/assets/node_modules/htmx.org/dist/htmx.min.js "$out/"
cp internal/web/assets/node_modules/htmx-ext-sse/sse.js "$out/htmx-sse.js"
touch "$out/htmx.min.js"
