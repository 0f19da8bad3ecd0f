#!/usr/bin/env bash
# Every number of docs/benchmarks.md: our benchmarks, then the peers' beside
# ours. PATTERN=Name narrows it; TIME=5s lengthens each.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern=${PATTERN:-.} time=${TIME:-1s}
go test -run '^$' -bench "$pattern" -benchtime "$time" -benchmem -timeout 60m ./internal/...
(cd bench && go test -run '^$' -bench "$pattern" -benchtime "$time" -benchmem -timeout 60m ./...)
