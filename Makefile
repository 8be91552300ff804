# Every target sets itself up on a fresh clone: Python 3.11 or later and make are all it needs.
PYTHON ?= python3
# Where MLX runs on Linux: `cpu` here; NVIDIA machines install the `cuda13` extra (README).
BIN := .venv/bin
UV_VERSION := 0.13.9

.PHONY: help demo test verify bench lint format lock setup clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    install, bring the default model, train on the sample, compare, serve (minutes)"
	@echo "make test    lint, types and tests"
	@echo "make verify  the long proofs"
	@echo "make bench   the benchmarks"

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Afina needs Python 3.11 or later; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Installing into .venv (a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(BIN)/afina demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not verify" -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

verify: setup
	$(BIN)/python -m pytest -m verify

bench: setup
	$(BIN)/python -m tests.benchmarks

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra cpu --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache dist build
