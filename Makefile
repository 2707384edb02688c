# Needs GNU make and Python 3.11 or newer. Everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Options for one run, as in `make demo ARGS="--port 9000"` or `make test PYTEST_ARGS="-x -k tally"`.
ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?= $(ARGS)
# pytest processes; 0 runs everything in one.
WORKERS ?= 2

PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SERVER := $(VENV)/.installed-server
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test check lint sql types test-deep bench bench-compare format wheel venv clean
.SUFFIXES:

help:
	@echo 'make demo       start a server with example data (Ctrl-C stops it)'
	@echo 'make test       the tests'
	@echo 'make check      lint Python and SQL, check types and layers'
	@echo 'make test-deep  the long tests'
	@echo 'make bench      the benchmarks'
	@echo 'make bench-compare  the last results beside those committed'
	@echo 'make format     format Python and SQL'
	@echo 'make wheel      build dist/*.whl'
	@echo 'make clean      remove .venv and everything built'

# Ctrl-C reaches make, this shell and the demo alike. The shell only waits for the demo to stop; 130 is how a
# program says that it was interrupted.
demo: $(SERVER)
	@trap : INT; $(BIN)/trigger-core demo $(ARGS) || test $$? -eq 130

# One check after the other, cheapest first, also under make -j.
check: $(DEV)
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory sql

test: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(DEV)
	$(BIN)/mypy

sql: $(DEV)
	PYTHONWARNINGS=ignore:resource_tracker $(BIN)/sqlfluff lint --processes 2 sql/trigger_sql/duckdb
ifneq ($(wildcard sql/trigger_sql/postgres),)
	PYTHONWARNINGS=ignore:resource_tracker $(BIN)/sqlfluff lint --processes 2 --dialect postgres sql/trigger_sql/postgres
endif

test-deep: $(DEV)
	$(BIN)/python -m pytest -m deep -n $(WORKERS) $(PYTEST_ARGS)

# make bench BENCH_ARGS="--only direct" takes one.
bench: $(DEV)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# What is kept beside what was committed last, or two files: make bench-compare BENCH_ARGS="a.jsonl b.jsonl".
bench-compare: $(DEV)
	@$(BIN)/python -m benchmarks compare $(BENCH_ARGS)

format: $(DEV)
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix sql/trigger_sql/duckdb

wheel: $(DEV)
	rm -f dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation .

venv: $(DEV)

# The demo needs less than the tests do, and starts sooner without it.
$(SERVER): pyproject.toml | $(BIN)/python
	@$(call make-venv)
	@echo 'Installing trigger-core into $(VENV) ...'
	@$(PIP) install --editable '.[send,server]'
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@$(call make-venv)
	@echo 'Installing trigger-core and its development tools into $(VENV) ...'
	@$(PIP) install --editable '.[all]' --group dev
	@touch $(SERVER) $@

$(BIN)/python:
	@$(call make-venv)

# Keeps a virtual environment that works; makes a missing or half-made one anew.
define make-venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo 'trigger-core needs Python 3.11 or newer; "$(PYTHON)" is missing or older.' >&2; \
	echo 'Name another with: make PYTHON=python3.12 ...' >&2; exit 1; }; \
$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
|| $(PYTHON) -m venv --clear $(VENV) >/dev/null && $(BIN)/python -c 'import pip' 2>/dev/null || { \
	echo '"$(PYTHON) -m venv" gave no working pip. On Debian and Ubuntu: apt install python3-venv' >&2; \
	rm -rf $(VENV); exit 1; }; \
$(BIN)/python -m pip install --help 2>/dev/null | grep -q -e --group || $(PIP) install --upgrade pip
endef

clean:
	rm -rf $(VENV) build dist tests/typescript/node_modules .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
