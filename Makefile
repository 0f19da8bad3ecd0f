# make run     build and start: the dashboard at http://127.0.0.1:8080 shows this machine
# make test    everything that must be true, set-up included (README)
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

.PHONY: run build assets test race lint bench generate dist clean
.DEFAULT_GOAL := build

run: go-version assets
	@$(BUILD) -o bin/ ./cmd/...
	@./bin/rampart up

build: go-version assets
	$(BUILD) -o bin/ ./cmd/...

# One line tells how to get the right Go; nothing is installed.
go-version:
	@script/go-version.sh

# Live script for the pages. Without npm the pages work without it.
assets:
	@script/assets.sh

test:
	script/test.sh

# The packages that start goroutines, with the race detector (needs a C compiler).
race:
	script/race.sh

lint: 
	script/lint.sh

bench:
	script/bench.sh

generate:
	$(GO) generate ./...

dist: assets
	script/dist.sh '$(VERSION)'

clean:
	rm -rf bin dist .cache
