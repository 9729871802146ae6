# Go, a JDK and Maven are all that is needed, for api-check Python 3.11 too. Binaries and tools lie in .build/ of this
# checkout, tools with their version in their path: a new version is a new file. The servers that tests and demo run are
# downloaded once a user (see BILLING_TEST_CACHE in shared/testkit/stack/doc.go), under a lock, so checkouts can work at
# the same time.

MODULES  := shared shared/testkit sql plugin/inside plugin consumer
PACKAGES := $(MODULES:%=./%/...)

BIN   := $(CURDIR)/.build/bin
TOOLS := $(CURDIR)/.build/tools

SQLC_VERSION := v1.31.1
LINT_VERSION := v2.12.0
SCHEMATHESIS_VERSION := 4.32.5
SQLC := $(TOOLS)/sqlc-$(SQLC_VERSION)/sqlc
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)/golangci-lint
SCHEMATHESIS := $(TOOLS)/schemathesis-$(SCHEMATHESIS_VERSION)/bin/schemathesis

# The race detector needs a C compiler. Without one the tests still run, and say so.
RACE     = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
NO_RACE  = $(if $(RACE),,echo "No C compiler was found: the tests run without the race detector." >&2)
STACK    = go run ./shared/testkit/cmd/stack
MYSQL    = env -u BILLING_TEST_MYSQL_DSN BILLING_TEST_DATABASE=mysql
FUZZTIME = 30s

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## Send 400 requests through the real parts and check every usage record.
	go run ./shared/testkit/cmd/demo

.PHONY: up
up: build ## Start everything, and keep it running to play with.
	go build -o $(BIN)/demo ./shared/testkit/cmd/demo
	$(STACK) up -- $(BIN)/demo -serve -runner $(BIN)/billing-runner -consumer $(BIN)/billing-consumer

.PHONY: down
down: ## Stop what make up started.
	$(STACK) down

# Traffic and faults, by a seed. SEED=0 takes a new one, which the run prints.
SEED     = 0
DURATION = 3m
DATABASE = mariadb
PROFILE  = default

.PHONY: chaos
chaos: build ## Hurt everything while requests flow, then check every record (SEED=, DURATION=, DATABASE=, PROFILE=).
	CGO_ENABLED=0 go build -tags chaos -o $(BIN)/chaos/billing-consumer ./consumer
	go run ./shared/testkit/cmd/chaos -seed $(SEED) -duration $(DURATION) -database $(DATABASE) -profile $(PROFILE)

RESTARTS = 50

.PHONY: chaos-runner
chaos-runner: build ## Hurt billing-runner at its socket, then account for every stamp (DURATION=, RESTARTS=).
	go run ./shared/testkit/cmd/chaosrunner -duration $(DURATION) -restarts $(RESTARTS)

# Benchmarks: N requests in a topic, BACKLOG messages for the memory, ROUNDS of each side, on DATABASE.
N       = 100000
BACKLOG = 500000
ROUNDS  = 3
BENCH   = go run ./shared/testkit/cmd/bench -database $(DATABASE) -n $(N) -backlog $(BACKLOG) -rounds $(ROUNDS)

.PHONY: bench
bench: build-bench ## Measure both binaries beside what bounds them (N=, BACKLOG=, ROUNDS=, DATABASE=).
	$(BENCH)

.PHONY: bench-page
bench-page: build-bench ## Measure, and write consumer/BENCHMARKS.md anew.
	$(BENCH) -page consumer/BENCHMARKS.md

.PHONY: build-bench
build-bench: build
	CGO_ENABLED=0 go build -o $(BIN)/noop-runner ./shared/testkit/cmd/nooprunner

.PHONY: build
build: ## Build billing-runner and billing-consumer into .build/bin.
	CGO_ENABLED=0 go build -o $(BIN)/billing-runner ./plugin
	CGO_ENABLED=0 go build -o $(BIN)/billing-consumer ./consumer

.PHONY: test
test: ## Run all tests, on a RocketMQ and a MariaDB of their own, and those of the ledger on a MySQL too.
	@$(NO_RACE)
	$(STACK) exec -- go test -timeout 20m $(RACE) $(PACKAGES)
	@$(MAKE) --no-print-directory test-mysql

# MySQL deadlocks where MariaDB does not, and refuses what MariaDB takes, so the code that writes is tried on both. It
# comes from Debian's archive: elsewhere this says so, and is no failure.
.PHONY: test-mysql
test-mysql:
	@go build -o $(BIN)/stack ./shared/testkit/cmd/stack
	@$(MYSQL) $(BIN)/stack prepare; case $$? in \
	0) echo "the ledger on MySQL:"; $(MYSQL) go test -timeout 20m ./consumer/internal/ledger/... ./consumer/internal/cli/ ;; \
	3) echo "NOT TESTED ON MYSQL: none can be had on this machine, see above" >&2 ;; \
	*) exit 1 ;; \
	esac

.PHONY: unit
unit: ## Run the tests that need no server.
	@$(NO_RACE)
	go test -short $(RACE) $(PACKAGES)

# The requests are drawn by SEED, 1 where none is given.
.PHONY: api-check
api-check: build $(SCHEMATHESIS) ## Hold the HTTP API against its document, on a ledger that requests have made (SEED=).
	@go run ./shared/testkit/cmd/demo -limit 10m -- shared/testkit/schemathesis/check $(SCHEMATHESIS) consumer/internal/api/openapi.yaml .build/api-check

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s).
	@set -e; for found in $$(grep -rEo '^func Fuzz[A-Za-z0-9_]+' --include '*_test.go' $(MODULES) | sed 's/:func /:/' | sort -u); do \
		echo "$$found"; \
		go test -run '^$$' -fuzz "^$${found##*:}\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$${found%%:*}")"; \
	done

# The cache is this checkout's: from another one's, findings come back with the other one's paths, which the exclusions
# of .golangci.yml do not know.
.PHONY: lint
lint: $(LINT) ## Check the style and who may import whom.
	@failed=; for module in $(MODULES); do \
		echo "golangci-lint $$module"; \
		(cd $$module && GOLANGCI_LINT_CACHE=$(CURDIR)/.build/lint-cache $(LINT) run --config $(CURDIR)/.golangci.yml --allow-parallel-runners ./...) || failed=yes; \
	done; [ -z "$$failed" ]

.PHONY: fmt
fmt: ## Format all Go code.
	gofmt -w $(MODULES)

.PHONY: tidy
tidy: ## Bring every go.mod and go.sum up to date.
	@set -e; for module in $(MODULES); do (cd $$module && GOWORK=off go mod tidy); done

.PHONY: generate
generate: $(SQLC) ## Generate the code of sql/billingdb from migrations and queries.
	cd sql && $(SQLC) generate

.PHONY: verify
verify: verify-generated verify-modules verify-format ## Check that nothing generated, tidied or formatted is out of date.

.PHONY: verify-generated
verify-generated: $(SQLC)
	@cd sql && $(SQLC) diff || { echo "sql/billingdb is out of date: run make generate" >&2; exit 1; }

# Each module is built outside the workspace too, as one that requires it would.
.PHONY: verify-modules
verify-modules:
	@failed=; for module in $(MODULES); do \
		(cd $$module && GOWORK=off go mod tidy -diff && GOWORK=off go vet ./...) \
			|| { echo "$$module is not tidy or does not build alone: see above, and make tidy" >&2; failed=yes; }; \
	done; [ -z "$$failed" ]

.PHONY: verify-format
verify-format:
	@files=$$(gofmt -l $(MODULES)); [ -z "$$files" ] || { echo "run make fmt, for:" >&2; echo "$$files" >&2; exit 1; }

.PHONY: clean
clean: ## Stop what `make up` started and remove everything in .build.
	if [ -e .build/stack ]; then $(STACK) down; fi
	rm -rf .build

# Both are built without cgo, so that no C compiler is needed for them.
$(SQLC):
	CGO_ENABLED=0 GOBIN=$(@D) go install github.com/sqlc-dev/sqlc/cmd/sqlc@$(SQLC_VERSION)

# This one is written in Python. Its requirements name all that it needs, with versions. Python itself is installed like the
# servers' tools: for root by apt-get, else by who reads the message.
PYTHON_SUITS = python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))'
$(SCHEMATHESIS): shared/testkit/schemathesis/requirements.txt
	@$(PYTHON_SUITS) 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install --yes -qq --no-install-recommends python3-venv; \
	} >/dev/null && $(PYTHON_SUITS) || { \
		echo "api-check needs Python 3.11 or later with venv: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv --clear $(patsubst %/bin/,%,$(dir $@))
	$(@D)/python -m pip install --quiet --disable-pip-version-check --no-input -r $<
	@touch $@

$(LINT):
	CGO_ENABLED=0 GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
