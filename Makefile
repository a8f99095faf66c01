# `make` sets everything up in .venv, once; the verbs do the rest. Only Python 3.11 or 3.12, make and the package registry are needed.
# Which Python: the first of python3.12, python3.11, python3 that runs; another one by `make PYTHON=/path/to/python3.12`.

.DEFAULT_GOAL := setup
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
RUN := $(VENV)/bin/python
WORKERS ?= 2
ARGS ?=
NAME ?= *
N ?= 10000
SEED ?= 1
K ?= 1

# Stamps. An environment depends on where it stands and which Python was asked for; an installation on what is asked
# of it, too; compiled kernels on their sources, too.
HERE := $(shell (pwd -P; echo "$(PYTHON)") | cksum | tr -d ' ')
KEY := $(shell (pwd -P; echo "$(PYTHON)"; cat pyproject.toml constraints.txt) | cksum | tr -d ' ')
MADE := $(VENV)/.titan-made-$(HERE)
CORE := $(VENV)/.titan-core-$(KEY)
DEV := $(VENV)/.titan-dev-$(KEY)
PEERS := $(VENV)/.titan-bench-$(KEY)
SOURCES := $(shell find schemas operators flows/connectors/recorded -name '*.py' | LC_ALL=C sort | xargs cat | cksum | tr -d ' ')
KERNELS := $(VENV)/.titan-kernels-$(KEY)-$(SOURCES)

.PHONY: setup demo test lint bench chaos docs format clean help

setup: $(KERNELS)
	@echo "Titan is ready: $(VENV)/bin/titan --help"
	@$(MAKE) --no-print-directory help

help:
	@echo "  make demo    real market data through the whole system, live, in under a minute"
	@echo "  make test    lint, types, and every test        make lint    only the first two"
	@echo "  make bench   measure it (NAME=log: one part)    make docs    check the documentation"
	@echo "  make chaos   kill, refuse and delay everything, N=10000 times from SEED=1 on (K=1: real processes)"
	@echo "  make format  put the code into its form         make clean   remove .venv and caches"

demo: $(KERNELS)
	@$(VENV)/bin/titan demo --fresh $(ARGS)

test: lint $(KERNELS)
	@echo "pytest: all tests, $(WORKERS) processes"
	@$(RUN) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(DEV)
	@echo "ruff, mypy"
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet || { echo "not in its form: run 'make format'"; $(RUN) -m ruff format --diff --quiet; exit 1; }
	@$(RUN) -m mypy

format: $(DEV)
	@$(RUN) -m ruff check --fix --quiet
	@$(RUN) -m ruff format

bench: $(PEERS) $(KERNELS)
	@for file in tests/benchmarks/bench_$(NAME).py; do \
	    echo "== $$(basename $$file .py)"; $(RUN) -m tests.benchmarks.$$(basename $$file .py) $(ARGS) || exit 1; done

chaos: $(DEV) $(KERNELS)
	@$(RUN) -m tests.chaos --trials $(N) --seed $(SEED) --workers $(WORKERS) --rounds $(K) $(ARGS)

docs: $(DEV)
	@$(RUN) -m pytest tests/docs $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@PYTHON="$(PYTHON)" sh infra/make_venv.sh $(VENV)
	@rm -f $(VENV)/.titan-*
	@touch $@

$(CORE): $(MADE)
	@rm -f $(VENV)/.titan-core-* $(VENV)/.titan-dev-* $(VENV)/.titan-bench-*
	@echo "installing Titan and what it needs into $(VENV) (about a minute)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(KERNELS): $(CORE)
	@rm -f $(VENV)/.titan-kernels-*
	@echo "compiling the kernels (about a minute, once)"
	@$(RUN) -W ignore::RuntimeWarning -m flows.kernel_cache
	@touch $@

$(DEV): $(CORE)
	@echo "installing the tools of development"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(PEERS): $(DEV)
	@echo "installing the peers that benchmarks run beside Titan"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@
