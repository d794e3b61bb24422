# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
ALONE := tests/faults/test_suite.py

# Tests start `lgsp` some hundred times: where Python may not keep what it compiled, each compiles the house again.
test faults: export PYTHONDONTWRITEBYTECODE :=

.PHONY: bench check clean demo faults test

demo: $(VENV)/run ## Watch real messages travel through a model province (ONCE=1: run the flows and leave; PORT=8081)
	$(BIN)/lgsp demo --data var/demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

test: $(VENV)/dev ## Run the whole test suite, in several processes (WORKERS=2)
	$(BIN)/pytest $(ALONE)
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(ALONE))

check: $(VENV)/dev ## Formatting, lint, types, the direction of imports, unused dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/deptry .

bench: $(VENV)/dev ## Measure, each figure beside the raw limit of the same run (ONLY=production; QUICK=1: a tenth)
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

faults: $(VENV)/dev ## Harm everything there is while messages flow, and count what became of each (FAULTS="--quick")
	$(BIN)/python -m tests.faults $(FAULTS)

clean: ## Remove the virtual environment and what runs left behind
	rm -rf $(VENV) var

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lgsp needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: constraints/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev: constraints/dev.txt $(VENV)/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints/dev.txt
	touch $@
