# Every target installs what it needs; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
WORKERS ?= auto
BIN := .venv/bin
READY := .venv/.ready
NATIVE := .venv/.native
TOOLS := .tools/.contracts
SERVER = $(BIN)/lodeline-server

# Thresholds of branch coverage, in percent.
LEDGER_COVERAGE := 100
OTHER_COVERAGE := 90

.PHONY: help setup demo plausibility contracts mutate-contracts slither test check lint imports types openapi pages bench
.PHONY: profile serve lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(READY) $(NATIVE) ## create .venv with exactly what requirements.lock names (done once)

# The lock file names versions and digests and no host: whatever mirror pip and uv are set up with serves it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lodeline needs Python 3.11 or newer; name one with make PYTHON=...")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@mkdir -p build
	@awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock > build/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r build/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The batch check of signatures is optional: without a compiler they are checked one by one. CI insists on it.
$(NATIVE): $(READY) $(wildcard native/*.* native/lodeline_native/*.py)
	@$(BIN)/python native/build.py $(if $(filter true,$(CI)),--required)
	@touch $@

# Compiler, tester and node for the contracts, from contracts/package-lock.json; a ledger needs none of them.
$(TOOLS): $(READY) contracts/package.json contracts/package-lock.json
	@$(BIN)/python -m scripts.toolchain --quiet
	@touch $@

# Without Node or a registry of npm packages the demo anchors on a chain in Python, and says what that lacks.
demo: setup ## three supply chains from mine to refiner, real keys and real HTTP; EXIT=1 stops at the end, PORT=8010
	@test -e $(TOOLS) || $(MAKE) $(TOOLS) || true
	@$(BIN)/python -m demo $(if $(EXIT),--exit) $(if $(PORT),--port $(PORT))

test: check $(TOOLS) ## everything a submission must pass: checks, tests, coverage
	@mkdir -p build && rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report= | tee build/pytest.txt
	@$(BIN)/coverage report --include='ledger/*' --fail-under=$(LEDGER_COVERAGE)
	@$(BIN)/coverage report --include='service/*' --fail-under=$(OTHER_COVERAGE)
	@$(BIN)/coverage report --include='clients/*' --fail-under=$(OTHER_COVERAGE)
	@$(BIN)/coverage report --include='contracts/*' --fail-under=$(OTHER_COVERAGE)
	@tail -n 1 build/pytest.txt

check: lint types imports ## lint, types, import directions, and that generated files are up to date
	@$(BIN)/python -m scripts.lock --check
	@$(BIN)/python -m scripts.pages --check
	@$(BIN)/python -m service.api.openapi --check

lint: setup ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: setup ## mypy --strict
	@$(BIN)/mypy

imports: setup ## import-linter: the floors of docs/decisions/0008
	@$(BIN)/lint-imports --no-cache

contracts: setup $(TOOLS) ## compile contracts/src into contracts/artifacts, and make the example deployment anew
	@$(BIN)/python -m scripts.contracts
	@$(BIN)/python -m scripts.devchain

mutate-contracts: setup $(TOOLS) ## break the contracts in every small way; the tests have to notice each (about an hour; ONLY=word)
	@$(BIN)/python -m scripts.mutate $(if $(ONLY),--only $(ONLY))

slither: setup $(TOOLS) ## static analysis of the contracts, in an environment of its own; answers in contracts/SLITHER.md
	@$(BIN)/python -m scripts.slither

bench: setup $(TOOLS) ## every figure of docs/performance.md, as a table and in build/bench.json (ONLY="audit ingest"; WRITE=1)
	@$(BIN)/python -m benchmarks $(ONLY)
	@$(if $(WRITE),$(BIN)/python -m benchmarks --write)

profile: setup ## where the time of each hot path goes, by py-spy, with the stacks in build/profile (ONLY="audit verdict")
	@$(BIN)/python -m benchmarks.profile $(ONLY)

plausibility: setup ## train the anomaly model anew, and its precision and recall per fraud on worlds never seen
	@$(BIN)/python -m plausibility train
	@$(BIN)/python -m plausibility evaluate --write

serve: setup ## an empty ledger of your own on 127.0.0.1:8000, kept in .lodeline/
	@test -e .lodeline/registrar.json || { mkdir -p .lodeline && chmod 700 .lodeline; $(SERVER) keygen --out .lodeline/registrar.json; }
	@test -e .lodeline/lodeline.db || $(SERVER) init --origin localhost/log --name 'A log of my own' \
	  --registrar did:web:registrar.example --registrar-key .lodeline/registrar.json
	@$(SERVER) serve

openapi: setup ## write the OpenAPI file from the code
	@$(BIN)/python -m service.api.openapi

pages: setup ## write the pages of docs/formats that come from the code
	@$(BIN)/python -m scripts.pages

lock: setup ## resolve pyproject.toml anew into requirements.lock (UPGRADE=1: newest versions)
	@$(BIN)/python -m scripts.lock $(if $(UPGRADE),--upgrade)

clean: ## remove what the other targets made, except .venv and .lodeline
	@rm -rf build dist .demo .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
