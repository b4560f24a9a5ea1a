# `make run` and `make test` set up everything they need in .venv.

PYTHON ?= python3
PORT ?= 8443
KUBERNETES ?= 1.37.2
INSTALL := yes
FUZZ_SECONDS ?= 3600
CHROMIUM ?= chromium
BIN := .venv/bin
LOCK := --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-postgres soak lint docs bench sandbox lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r verb does; do \
	  printf '  make %-13s  %s\n' "$$verb" "$$does"; done

run: .venv/run.stamp ## the webhook on this machine, with examples sent through it
	@$(BIN)/python -m examples.demo --port $(PORT)

test: .venv/dev.stamp ## every test, a real API server included (built once)
	@$(BIN)/python -m tests.cluster.build $(KUBERNETES) >/dev/null
	@$(BIN)/python -m tests.cluster.helm >/dev/null
	KUBERNETES="$(KUBERNETES)" $(BIN)/python -m pytest $(PYTEST)

test-browser: .venv/dev.stamp ## reports and pages in headless Chromium; screenshots in build/browser
	@command -v "$(CHROMIUM)" >/dev/null \
	  || { echo "no Chromium: install it (Debian: chromium), or make test-browser CHROMIUM=/path" >&2; exit 2; }
	CHROMIUM="$$(command -v "$(CHROMIUM)")" $(BIN)/python -m pytest -m browser tests/browser $(PYTEST)

test-postgres: .venv/dev.stamp ## the history in PostgreSQL (Debian: postgresql)
	$(BIN)/python -m pytest -m postgres tests/unit/history $(PYTEST)

soak: .venv/dev.stamp ## the long forms of fault, hostile and fuzz tests; about an hour and a half
	@$(BIN)/python -m tests.cluster.build $(KUBERNETES) >/dev/null
	KUBERNETES="$(KUBERNETES)" $(BIN)/python -m pytest -m soak $(PYTEST)
	HOSTILE_REQUESTS=2000 $(BIN)/python -m pytest tests/hostile/test_hostile.py
	@$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

lint: .venv/dev.stamp ## form, types, and which module may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/dev.stamp ## what is made from code: pages of policies, schemas; from the chart: deploy/
	@$(BIN)/python -m tests.docs
	@$(BIN)/python -m tests.schemas
	@$(BIN)/python -m tests.chart.generated

bench: .venv/dev.stamp ## how fast manifests and clusters are audited, reviews answered; about 7 minutes
	@$(BIN)/python -m tests.bench.audit
	@echo
	@$(BIN)/python -m tests.bench.live $(LIVE_PODS)
	@echo
	@$(BIN)/python -m tests.bench.observing
	@echo
	@$(BIN)/python -m tests.bench.server --json bench.json $(BENCH_SECONDS:%=--seconds %)

sandbox: .venv/dev.stamp ## a real API server with the webhook registered; INSTALL=no: with a node instead
	@$(BIN)/python -m tests.cluster.sandbox --kubernetes $(firstword $(KUBERNETES)) --install $(INSTALL)

lock: ## resolve the dependencies of pyproject.toml again
	$(BIN)/uv pip compile pyproject.toml -o requirements.txt $(LOCK)
	$(BIN)/uv pip compile --group build -c requirements.txt -o requirements-wheel.txt $(LOCK)
	$(BIN)/uv pip compile pyproject.toml --group build -c requirements.txt -o requirements-build.txt $(LOCK)
	$(BIN)/uv pip compile pyproject.toml --extra tracing -c requirements.txt -o requirements-tracing.txt $(LOCK)
	$(BIN)/uv pip compile pyproject.toml --extra postgresql -c requirements.txt -o requirements-postgresql.txt $(LOCK)
	$(BIN)/uv pip compile pyproject.toml --group build --group dev --extra tracing --extra postgresql -c requirements.txt -c requirements-tracing.txt -c requirements-postgresql.txt -o requirements-dev.txt $(LOCK)

clean: ## away with .venv
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "podworthy needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Setting up .venv" >&2
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/run.stamp: .venv/bin/python pyproject.toml requirements-build.txt
	@$(PIP) --require-hashes -r requirements-build.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q webhook policies
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	@echo "Installing the tools of the tests (with a Go toolchain, about 100 MB)" >&2
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
