# `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
# Of the suite: half the time of a test is waiting, so one more than the cores that it is made for.
PROCESSES ?= 3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The proxy's own environment, outside of this folder and of what we depend on.
LITELLM := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/switchyard/litellm
# As are those of the clients that are run.
CLIENTS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/switchyard/clients

# Some images set it: every process of the suite would then recompile every module.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up test test-failed test-wire test-browser test-faults test-litellm test-clients check lint types bench instructions dist clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/.installed ## Install what is needed, then run the whole gateway on this machine
	@$(BIN)/switchyard up

test: lint ## Run the checks and every test
	@nice $(BIN)/basedpyright >$(VENV)/types.log & \
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder \
		--ignore tests/wire --ignore tests/browser; tests=$$?; \
	wait $$!; types=$$?; cat $(VENV)/types.log; exit $$((tests | types))

test-failed: check ## Run what failed last once more, one test at a time
	@$(BIN)/python -m pytest --last-failed --last-failed-no-failures none -v

test-wire: $(VENV)/.installed-for-tests ## Test the wires at length: every recorded case in every shape
	@$(BIN)/python -m pytest tests/wire --numprocesses $(PROCESSES)

test-browser: $(VENV)/.installed-for-tests ## Test the console in a Chromium that is installed
	@if command -v chromium >/dev/null; then $(BIN)/python -m pytest tests/browser; \
	else echo "tests/browser is skipped: no chromium is installed (Debian: apt-get install chromium)"; fi

test-faults: $(VENV)/.installed-for-tests ## Run the fault tests, the long forms too (minutes)
	@$(BIN)/python -m pytest tests/faults -m ''

test-litellm: $(LITELLM)/.installed $(VENV)/.installed-for-tests ## Test against a real LiteLLM proxy
	@LITELLM=$(LITELLM)/bin/litellm $(BIN)/python -m pytest tests/litellm/real_proxy.py

test-clients: $(CLIENTS)/sdks/.installed $(CLIENTS)/node/.installed $(LITELLM)/.installed $(VENV)/.installed-for-tests ## Test real clients against the gateway
	@CLIENTS=$(CLIENTS) $(BIN)/python -m pytest tests/clients/real_clients.py

check: lint types ## Lint, format, import rules and types

lint: $(VENV)/.installed-for-tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.architecture.tail

types: $(VENV)/.installed-for-tests
	@$(BIN)/basedpyright

bench: $(VENV)/.installed-for-tests ## Run the benchmarks
	@$(BIN)/python -m tests.benchmarks.choice
	@$(BIN)/python -m tests.benchmarks.ledger
	@$(BIN)/python -m tests.benchmarks.run

instructions: $(VENV)/.installed-for-tests ## Count the instructions of a request
	@$(BIN)/python -m tests.benchmarks.instructions

dist: $(VENV)/.installed-for-tests ## Build wheel, sdist and SBOM, and try the wheel out
	@infra/dist/build.sh

clean: ## Remove the virtual environment and every cache; data stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find functions shared migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)." \
		"Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) lacks venv: install it (Debian: python3-venv)." >&2; exit 1; }

# Two steps: hashes cannot be required of a folder, and without build isolation the second step
# needs no index: setuptools is in the lock.
$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-for-tests: tests/requirements.txt | $(VENV)/.installed
	@echo "Installing the tools for tests into $(VENV)"
	@$(PIP) install --require-hashes -r tests/requirements.txt
	@touch $@

$(CLIENTS)/sdks/.installed: tests/clients/requirements.txt | $(BIN)/python
	@echo "Installing Python clients into $(CLIENTS)/sdks"
	@rm -rf $(CLIENTS)/sdks && mkdir -p $(CLIENTS)
	@$(PYTHON) -m venv $(CLIENTS)/sdks
	@$(CLIENTS)/sdks/bin/python -m pip --disable-pip-version-check --quiet install -r $<
	@touch $@

$(CLIENTS)/node/.installed: tests/clients/node/package-lock.json
	@echo "Installing Node.js clients into $(CLIENTS)/node"
	@rm -rf $(CLIENTS)/node && mkdir -p $(CLIENTS)/node
	@cp tests/clients/node/package.json tests/clients/node/package-lock.json $(CLIENTS)/node
	@npm ci --prefix $(CLIENTS)/node --no-audit --no-fund --silent
	@touch $@

$(LITELLM)/.installed: tests/litellm/requirements.txt | $(BIN)/python
	@echo "Installing a LiteLLM proxy into $(LITELLM)"
	@rm -rf $(LITELLM) && mkdir -p $(dir $(LITELLM))
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip --disable-pip-version-check --quiet install \
		--require-hashes -r tests/litellm/requirements.txt
	@touch $@
