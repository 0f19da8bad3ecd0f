#!/usr/bin/env bash
# The test command: sets up what the tests use, runs the quality gates, then
# every test of every module of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

script/go-version.sh
script/setup.sh
script/assets.sh
script/lint.sh

echo "test: the product"
go test -timeout 40m ./...
for module in bench conformance; do
  [ -f "$module/go.mod" ] || continue
  echo "test: $module"
  (cd "$module" && go vet ./... && go test -timeout 20m ./...)
done
