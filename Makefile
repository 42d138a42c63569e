# Needs git, make and Python 3.11 or newer. `make` alone lists the targets.
# Settings: PYTHON=python3.12 (which Python makes .venv), ONCE=1 DATA=DIR PORT=N (for run), ARGS='-k name' (for test).
# Tests run beside each other, those of one file in one process: many wait more than they work.

DATA ?= ./data
PORT ?= 3456
ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder
ENV := .venv
BIN := $(ENV)/bin
DESCRIPTION := setup.cfg pyproject.toml
INSTALL := sh .ci/install

.PHONY: help setup run test lint format check bench bench-peers clean
.DEFAULT_GOAL := help

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(ENV)/installed-server ## make .venv and install what `make run` needs
	@echo 'clawtrail: $(ENV) is ready'

run: $(ENV)/installed-server ## start server and worker and send a first task (ONCE=1: leave after it)
	@exec $(BIN)/clawtrail up --data '$(DATA)' --port $(PORT) $(if $(ONCE),--once)

test: $(ENV)/installed-test ## run the whole suite (ARGS='-k name' for a part)
	@exec $(BIN)/python -m pytest $(ARGS)

lint: $(ENV)/installed-lint ## look at style, format, types and import contracts
	@bad=0; \
	echo 'ruff: style';        $(BIN)/ruff check --quiet . || bad=1; \
	echo 'ruff: format';       $(BIN)/ruff format --check --quiet . || { echo 'repair it with: make format'; bad=1; }; \
	echo 'mypy: types';        $(BIN)/mypy || bad=1; \
	echo 'import contracts';   $(BIN)/lint-imports --no-logo 2>/dev/null >$(ENV)/contracts.log || { cat $(ENV)/contracts.log; bad=1; }; \
	exit $$bad

format: $(ENV)/installed-lint ## lay out the code and repair what ruff can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

check: lint test ## everything that has to hold before a commit: lint, then test

bench: $(ENV)/installed-test ## measure, with a table of ratios (some minutes)
	@exec $(BIN)/python -m benchmarks

bench-peers: $(ENV)/installed-test ## the same beside celery, huey and rq (installs them and redis-server)
	@PYTHON='$(BIN)/python' sh benchmarks/install_peers.sh
	@exec $(BIN)/python -m benchmarks --peers

clean: ## remove .venv and what tools keep; data folders stay
	@rm -rf $(ENV) .venv-bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp stands for one extra of setup.cfg and is renewed when the description of the package changes.
$(ENV)/installed-server: $(DESCRIPTION)
	@PYTHON='$(PYTHON)' $(INSTALL) $(ENV) server

$(ENV)/installed-test: $(DESCRIPTION)
	@PYTHON='$(PYTHON)' $(INSTALL) $(ENV) server test

$(ENV)/installed-lint: $(DESCRIPTION)
	@PYTHON='$(PYTHON)' $(INSTALL) $(ENV) server test lint
