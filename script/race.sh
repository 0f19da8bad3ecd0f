#!/usr/bin/env bash
# Tests with the race detector: the packages that start goroutines or share memory
# between them, found by what they use. PACKAGES="./a ./b" narrows it.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=${PACKAGES:-$(grep -rlE --include='*.go' --exclude='*_test.go' '^\s+go (func|[a-z])|\.Go\(|"sync/atomic"|sync\.(RW)?Mutex' internal cmd | xargs -n1 dirname | sort -u | sed 's#^#./#')}
# shellcheck disable=SC2086 # a list of packages
CGO_ENABLED=1 go test -race -timeout 60m ${FLAGS:-} $packages
