# Every verb sets up what it needs in .venv/ by itself, with uv where there is one, else with pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
DAGSTER_HOME ?= $(CURDIR)/data/dagster
export DAGSTER_HOME

.DEFAULT_GOAL := help
.PHONY: help demo test lint lint-python lint-sql format dev bench bench-explain bench-load bench-marts bench-plan chaos-load chaos-writeback evaluate evaluate-coverage evaluate-mail evaluate-statuses walk-through clean clean-data

help: ## List the verbs.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Run the whole sync on the sample, against a local Salesforce org.
	@$(BIN)/touchline demo

# The tests of a file share what is slow to set up; slow files come early.
test: $(VENV)/.development ## Run the test suite.
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.development ## Check style, types and SQL.
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint-python lint-sql

lint-python:
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

lint-sql:
	@$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests

format: $(VENV)/.development ## Rewrite Python files in the house style.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

dev: $(VENV)/.runtime ## Serve the Dagster UI on http://127.0.0.1:3000.
	@$(BIN)/python -c 'from orchestration.settings import Settings; Settings.from_environment().export()'
	@$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port 3000

bench: $(VENV)/.runtime ## Measure the simulator.
	@$(BIN)/python -m tests.bench.simulate

bench-marts: $(VENV)/.runtime ## Measure the models of opens and clicks on 10 million events.
	@$(BIN)/python -m tests.bench.marts

bench-plan: $(VENV)/.runtime ## Measure planning 1 million records with 15 fields, and 200,000 mails.
	@$(BIN)/python -m tests.bench.plan

bench-explain: $(VENV)/.runtime ## Measure how long one person's story takes on 10 million events.
	@$(BIN)/python -m tests.bench.explain

bench-load: $(VENV)/.runtime ## Measure landing: 2 and 10 GB of events, and mail. Needs 15 GB of disk.
	@$(BIN)/python -m tests.bench.load

chaos-load: $(VENV)/.runtime ## Kill 200 loads with SIGKILL, and compare what they left with a quiet one.
	@$(BIN)/python -m tests.bench.chaos_load

chaos-writeback: $(VENV)/.runtime ## Kill 300 writes and undos with SIGKILL, go on in three ways, show every fault of the org: nothing lost, nothing twice. KILLS=6 FAULTS=6 for fewer.
	@$(BIN)/python -m tests.bench.chaos_writeback $(if $(KILLS),--kills $(KILLS)) $(if $(FAULTS),--faults $(FAULTS)) $(if $(WORKERS),--workers $(WORKERS))

evaluate-coverage: $(VENV)/.runtime ## Hold the intervals of tracking coverage against 200 teams' truth. WRITE=1 updates the docs.
	@$(BIN)/python -m tests.bench.coverage $(if $(WRITE),--write)

evaluate: $(VENV)/.runtime ## Measure how well people are told from machines, on teams that no rule was tuned on.
	@$(BIN)/python -m tests.bench.evaluate

evaluate-mail: $(VENV)/.runtime ## Hold mail that others wrote against what it is known to be. Needs SAMPLES=/path; WRITE=1 updates the docs.
	@$(BIN)/python -m tests.bench.real_mail $(if $(WRITE),--write) $(SAMPLES)

evaluate-statuses: $(VENV)/.runtime ## Hold every enrollment's status, now and in the past, against three teams' truth. WRITE=1 updates the docs.
	@$(BIN)/python -m tests.bench.statuses $(if $(WRITE),--write)

walk-through: $(VENV)/.runtime ## Run docs/first-write.md from top to bottom and compare. WRITE=1 updates it.
	@$(BIN)/python -m tests.bench.walk_through $(if $(WRITE),--write)

clean: ## Stop the local org; remove the environment and all caches. Data stays.
	@if [ -x $(BIN)/touchline ]; then $(BIN)/touchline org stop; fi
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs

clean-data: ## Forget the warehouse, the local org and their logs; landing files stay. Needs YES=1.
	@test "$(YES)" = 1 || { echo "This removes the warehouse and its ledger. Say: make clean-data YES=1"; exit 1; }
	@if [ -x $(BIN)/touchline ]; then $(BIN)/touchline org stop; fi
	@find data -mindepth 1 -maxdepth 1 ! -name sample ! -name landing -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Touchline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV) ..."
	@$(if $(UV),uv venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))
	@touch $@

$(VENV)/.runtime: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing Touchline (a few minutes on a cold package cache) ..."
	@$(if $(UV),VIRTUAL_ENV=$(VENV) uv pip install --quiet,$(BIN)/pip install --quiet --disable-pip-version-check) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime
	@echo "Installing the tools for tests and lint ..."
	@$(if $(UV),VIRTUAL_ENV=$(VENV) uv pip install --quiet,$(BIN)/pip install --quiet --disable-pip-version-check) --constraint constraints.txt --editable '.[dev,s3]'
	@touch $@
