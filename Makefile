# Everything a developer does here has a target; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

$(VENV)/.ready: pyproject.toml requirements-uv.txt requirements-dev.txt
	@echo "setting up $(VENV) (python packages, pinned and hashed)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@$(BIN)/uv pip sync --quiet --require-hashes requirements-uv.txt requirements-dev.txt --python $(BIN)/python
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . --python $(BIN)/python
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready ## the environment in .venv

IMAGE := gen/descriptors/nationalsite.binpb

.PHONY: gen
gen: setup ## everything under gen/, from protos/
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python tools/generate.py

.PHONY: lint-protos
lint-protos: setup
	$(BIN)/buf format --diff --exit-code protos
	$(BIN)/buf lint $(IMAGE) --config protos/buf.yaml
	$(BIN)/buf breaking $(IMAGE) --against protos/baseline.binpb --config protos/buf.yaml
