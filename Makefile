# Everything a fresh machine needs: Python 3.11 to 3.13, a C compiler and the Python headers.
#   make demo   set up, then assess a shipped case
#   make test   set up, then every check
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
CASE   ?= cases/demo.yaml
# durable-rules ignores CFLAGS, and needs the second word on Python 3.13 (a function that was renamed).
export CPPFLAGS := -O2 -DPyEval_CallObject=PyObject_CallObject

.PHONY: demo test check setup schemas docs rulebook campaign bench clean

demo: setup
	@$(BIN)/imgrules assess $(CASE)

test: setup check
	$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/imgrules rules check

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.done

$(VENV)/.done: pyproject.toml scripts/preflight.py
	@$(PYTHON) scripts/preflight.py
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

# The files that are made from others; tests fail when they are out of date.
schemas: setup
	for what in case rules assessment; do $(BIN)/imgrules schema $$what > schemas/$$what.schema.json; done

docs: setup
	$(BIN)/python -m scripts.commands

rulebook: setup
	$(BIN)/imgrules rules rulebook

# A longer search for a difference between the engines than the tests make: make campaign COMPARISONS=200000
COMPARISONS ?= 200000
campaign: setup
	$(BIN)/python -m tests.campaign --comparisons $(COMPARISONS)

bench: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) dist build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
