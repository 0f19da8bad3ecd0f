#!/usr/bin/env bash
# Says in one line what is missing when Go is absent or older than go.mod asks.
set -euo pipefail
cd "$(dirname "$0")/.."
want=$(awk '$1 == "go" { print $2; exit }' go.mod)
if ! command -v "${GO:-go}" >/dev/null; then
  echo "Rampart needs Go $want or newer: install it from https://go.dev/dl/ and put its bin folder on PATH." >&2
  exit 2
fi
have=$("${GO:-go}" env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
if [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)" != "$want" ]; then
  echo "Rampart needs Go $want or newer and found $have: get it from https://go.dev/dl/." >&2
  exit 2
fi
