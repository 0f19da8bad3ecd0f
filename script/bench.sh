#!/usr/bin/env bash
# Every number of docs/benchmarks.md: our benchmarks, then the peers' beside
# ours. PATTERN=Name narrows it; TIME=5s lengthens each. Images for the scanners
# are those of RAMPART_IMAGES; without it they are built once, which needs root,
# debootstrap and some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern=${PATTERN:-.} time=${TIME:-1s}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rampart-bench
export PATH="$PATH:$cache/bin"
if [[ ImageScan =~ $pattern ]]; then
  command -v osv-scanner >/dev/null || GOBIN="$cache/bin" go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.1
  maker=$(pwd)/../shared/tools/mkimages.sh
  if [ -z "${RAMPART_IMAGES:-}" ] && [ "$(id -u)" = 0 ] && [ -f "$maker" ] && command -v debootstrap >/dev/null; then
    export RAMPART_IMAGES=$cache/images
    command -v crane >/dev/null || GOBIN="$cache/bin" go install github.com/google/go-containerregistry/cmd/crane@v0.22.1
    compgen -G "$RAMPART_IMAGES/*.tar" >/dev/null || (mkdir -p "$RAMPART_IMAGES" && OUT="$RAMPART_IMAGES" bash "$maker")
  fi
fi
go test -run '^$' -bench "$pattern" -benchtime "$time" -benchmem -timeout 60m ./internal/...
(cd bench && go test -run '^$' -bench "$pattern" -benchtime "$time" -benchmem -timeout 60m ./...)
