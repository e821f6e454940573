# Gusty: everything that a developer or an operator types. `make help` lists it. Needs Go, make and git; all else is fetched through Go modules.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PORT    ?=
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"

GOFUMPT  := go tool -modfile=tools/go.mod gofumpt
GOLANGCI := go tool -modfile=tools/lint/go.mod golangci-lint

# go test, which names at its end each test that was skipped, with its reason.
GOTEST    ?= go -C tools run ./testsum -root .. --
WINETEST   = $(if $(CI),$(GOTEST),go test) -count=1 -p 1 -timeout 5m -exec "bash $(CURDIR)/.ci/wine"
FUZZTIME  ?= 10s
BENCHARGS ?=
LOADARGS  ?=
INSIST    ?=

.DEFAULT_GOAL := build
.PHONY: help run build check test test-opensearch test-systemd test-wine storms test-race lint fmt fmt-check bench load fuzz dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: build ## start an agent on 127.0.0.1 with its state in .gusty/ (PORT=20140 chooses the port)
	bin/gustyd $(PORT) --data-dir .gusty --listen 127.0.0.1

build: ## build bin/gustyd and bin/gustyctl
	$(BUILD) -o bin/ ./cmd/gustyd ./cmd/gustyctl

check: lint ## what to run before each commit: format, vet, lint and the short tests; needs no root, 90 seconds once caches are warm
	$(GOTEST) -short -timeout 5m $$(go list ./... | grep -v /test/)

test: ## run every test, about six minutes; storms and crashes in a short form, what needs root only as root, OpenSearch where Java and Maven are (INSIST=1: fail there)
	$(GOTEST) -timeout 5m $$(go list ./... | grep -v /test/)
	$(GOTEST) -timeout 5m -count=1 $$(go list ./test/... | grep -v -e /test/opensearch -e /test/systemd)
	@if test -n "$(INSIST)" || { command -v java && command -v mvn; } >/dev/null; then $(MAKE) test-opensearch; \
	else echo "NOT RUN: the tests against a real OpenSearch node need Java 17 and Maven, which are not here (make test-opensearch)"; fi

test-opensearch: ## the tests against a real OpenSearch node; needs Java 17 and Maven (fetches the node's jars once), nginx for one of them
	GUSTY_OPENSEARCH=insist $(GOTEST) -timeout 10m -count=1 -p 1 ./test/opensearch/...

test-systemd: ## each way in which the agent can die, under a real systemd; needs root, systemd-container and dbus
	GUSTY_SYSTEMD=insist $(GOTEST) -timeout 10m -count=1 ./test/systemd

storms: ## the long checks of runs, as root: process trees, 10,000 runs, fork bombs, crashes, a guest with its own clock
	GUSTY_FULL=1 $(GOTEST) -count=1 -p 1 -timeout 15m ./test/trees ./test/crash ./test/guest

test-wine: ## what is different on Windows, under Wine in a chroot that is made once; needs root
	bash .ci/wine --make
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && export GOOS=windows && \
	$(BUILD) -o "$$dir" ./cmd/gustyd ./cmd/gustyctl && \
	GUSTYD="$$dir/gustyd.exe" $(WINETEST) ./internal/private ./test/access && \
	$(WINETEST) -run KeyFile ./persistence

test-race: ## the tests of the packages themselves under the race detector (needs a C compiler)
	$(GOTEST) -race -timeout 10m $$(go list ./... | grep -v /test/)

lint: fmt-check ## go vet and golangci-lint (.golangci.yml)
	go vet ./...
	$(GOLANGCI) run ./...

fmt: ## format all Go files with gofumpt
	$(GOFUMPT) -w .

fmt-check:
	@files=$$($(GOFUMPT) -l .); test -z "$$files" || { echo "not formatted, run \`make fmt\`:"; echo "$$files"; exit 1; }

bench: build ## print the table of figures: memory, speed, start, size (BENCHARGS=-quick takes a few minutes)
	go run ./test/bench -gustyd bin/gustyd $(BENCHARGS)

load: build ## start an agent, run vegeta on deploy/vegeta/*.targets, print latencies and memory (LOADARGS=-quick)
	go run ./test/load -gustyd bin/gustyd $(LOADARGS)

fuzz: ## run every fuzz target for FUZZTIME
	bash .ci/fuzz $(FUZZTIME)

dist: ## archives of each platform with their SHA-256 sums in dist/
	rm -rf dist && mkdir -p dist
	for platform in linux/amd64 linux/arm64 windows/amd64; do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		$(BUILD) -o dist/build/$$GOOS-$$GOARCH/ ./cmd/gustyd ./cmd/gustyctl || exit 1; \
	done
	go -C tools run ./pack -root .. -version $(VERSION)
	rm -rf dist/build

clean: ## remove what the other targets made, but for the state in .gusty/
	rm -rf bin dist coverage.out
