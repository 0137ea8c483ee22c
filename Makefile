# What a developer calls; CI calls the same (`make check`).
# Needs make and Python 3.11, 3.12 or 3.13, and nothing installed before.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
CHECKERS := $(VENV)/.checkers
JS := tests/js/node_modules/.bin

# The first interpreter that fits; `make setup PYTHON=/path/to/python3.12` chooses another.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '$(FITS)' 2>/dev/null && echo "$$p" && break; done)

PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet --quiet
LOCK := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(LOCKARGS)

.PHONY: help setup run test check format-check lint types spelling format lock smoke screenshots faults mutants audit bench clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## Make the virtual environment in .venv (nothing to do: at once)
	@:

# The hashes hold for everything that comes from outside; only this project itself has none. The
# lock is complete, and --no-deps keeps it that way: left to resolve, pip 23 looks past a pin for
# what an extra asks for (coverage[toml]) and then finds a newer version than the hashes know.
$(INSTALLED): pyproject.toml requirements/development.txt
	@test -n '$(PYTHON)' && '$(PYTHON)' -c '$(FITS)' 2>/dev/null || { \
		echo "QuickPoll needs Python 3.11, 3.12 or 3.13; found: $$($(or $(PYTHON),python3) --version 2>&1 | head -1)." \
			"Name one: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$('$(PYTHON)' --version) (a minute or so) ..."
	@$(PIP) --version >/dev/null 2>&1 && $(PY) -c '$(FITS)' || '$(PYTHON)' -m venv --clear $(VENV)
	@$(PIP) install --no-deps --require-hashes --requirement requirements/development.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Linters and schemas for what operators use; 200 MB that only a check needs.
$(CHECKERS): $(INSTALLED) requirements/operations.txt
	@$(PIP) install --no-deps --require-hashes --requirement requirements/operations.txt
	@touch $@

run: $(INSTALLED) ## Run the service with embedded stores on http://127.0.0.1:8001 (PORT=...; HOST=0.0.0.0 for phones)
	@exec $(PY) -m quickpoll --with-parent $(if $(PORT),--port $(PORT)) $(if $(HOST),--host $(HOST))

# MONGODB=mongodb://… and REDIS=redis://… are servers of yours: each test has a database and a
# prefix of its own there, and takes them away. Tests that kill their stores bring their own.
test: $(INSTALLED) ## Run the tests (ARGS='-k name' for some; MONGODB=… REDIS=… on servers of yours)
	@TEST_MONGODB='$(MONGODB)' TEST_REDIS='$(REDIS)' $(PY) -m pytest $(COVERAGE) $(ARGS)

check: $(CHECKERS) format-check lint types spelling ## Run everything that CI runs
	@$(PY) -m tests.mutants --sample 6
	@$(MAKE) --no-print-directory test COVERAGE='--cov --cov-report=term'

spelling: $(CHECKERS)
	@$(VENV)/bin/codespell

format-check: $(INSTALLED)
	@$(PY) -m ruff format --check --quiet . || { echo "Run: make format" >&2; exit 1; }

# The pages' scripts are checked where Node.js and its packages are (npm ci --prefix tests/js).
lint: $(INSTALLED)
	@$(PY) -m ruff check --quiet .
	@if [ -x $(JS)/eslint ]; then \
		$(JS)/eslint --config tests/js/eslint.config.mjs quickpoll/web/static/js 'tests/js/*.mjs' && $(JS)/tsc -p tests/js; \
	elif [ "$$CI" = true ]; then echo "CI has to check JavaScript: npm ci --prefix tests/js" >&2; exit 1; \
	else echo "JavaScript was not checked (npm ci --prefix tests/js)" >&2; fi

types: $(INSTALLED)
	@$(PY) -m mypy

format: $(INSTALLED) ## Format the code, mend what a rule can mend
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

# LOCKARGS=--upgrade takes the newest versions that pyproject.toml allows.
lock: ## Pin every dependency anew in requirements/ (LOCKARGS=--upgrade)
	@'$(PYTHON)' -m venv build/lock
	@build/lock/bin/python -m pip install --disable-pip-version-check --quiet 'uv>=0.13,<0.14'
	@build/lock/bin/uv pip compile $(LOCK) pyproject.toml --extra dev --extra embedded --extra otel \
		--output-file requirements/development.txt
	@build/lock/bin/uv pip compile $(LOCK) pyproject.toml \
		--constraint requirements/development.txt --output-file requirements/production.txt
	@build/lock/bin/uv pip compile $(LOCK) requirements/build.in \
		--constraint requirements/development.txt --output-file requirements/build.txt
	@build/lock/bin/uv pip compile $(LOCK) requirements/operations.in \
		--constraint requirements/development.txt --output-file requirements/operations.txt

screenshots: $(INSTALLED) ## Take the README's pictures anew (needs Chromium)
	@SCREENSHOTS=docs/images $(PY) -m pytest --quiet tests/browser/test_screenshots.py

smoke: ## Start the containers and prove them: a poll, a vote, the count on both instances
	docker compose up --build --detach --wait
	docker compose exec -T quickpoll-1 python - < config/smoke.py

faults: $(INSTALLED) ## Kill, stop and flush things under load for minutes (ARGS='--minutes 10')
	@$(PY) -m tests.faults $(ARGS)

mutants: $(INSTALLED) ## Break the code line by line; a test must notice each (ARGS='--sample 8')
	@$(PY) -m tests.mutants $(ARGS)

audit: ## Look the pinned packages up in the advisory database (says so where it cannot)
	@.ci/audit '$(PYTHON)'

bench: $(INSTALLED) ## Measure it beside its peers (ARGS=--short)
	@$(PY) -m bench $(ARGS)

clean: ## Remove what was made, the data of `make run` excepted
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .schemathesis
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +
