# The two commands: `make run` and `make test`. Both do the set-up on a fresh machine (Python >= 3.11 and make).
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(abspath $(VENV))/bin
UV_VERSION := $(shell sed -n 's/.*"uv==\([0-9.]*\)".*/\1/p' pyproject.toml)

# A relative folder on the command line means relative to where make was called.
ifdef CREDIT_RAW_DIR
export CREDIT_RAW_DIR := $(abspath $(CREDIT_RAW_DIR))
endif
ifdef CREDIT_DUCKDB
export CREDIT_DUCKDB := $(abspath $(CREDIT_DUCKDB))
endif
ifdef CREDIT_PUBLISHED_DIR
export CREDIT_PUBLISHED_DIR := $(abspath $(CREDIT_PUBLISHED_DIR))
endif
# Empty (`make run QUICK=`): all families on all rows, thirty trials of tuning, four cross-validations.
QUICK ?= --quick
# Clients to generate when there are no raw files: `make run CLIENTS=2000`.
CLIENTS ?=
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help setup run serve docs test lint mutants lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create .venv from requirements.txt

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: expected Python >= 3.11; found $$($(PYTHON) --version); set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.txt
	@touch $@

run: setup ## raw files -> marts -> quality gate -> snapshot -> models -> scores, reasons, card -> drift report
	$(BIN)/python -m warehouse.prepare $(if $(CLIENTS),--clients $(CLIENTS))
	cd dbt_project && $(BIN)/dbt build
	$(BIN)/python -m warehouse.quality
	$(BIN)/python -m warehouse.publish
	$(BIN)/python -m ml.compare $(QUICK)
	$(if $(QUICK),,$(BIN)/python -m ml.tune)
	$(BIN)/python -m ml.train $(QUICK)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target after-drift after-explain after-scores after-fairness
	$(BIN)/python -m ml.model_card --version newest
	@$(BIN)/python -m ml.summary

# What does not wait for each other once there is a model. It is the model of this run that is explained: the champion may
# be one of other data, which these commands cannot judge.
.PHONY: after-drift after-scores after-explain after-fairness
after-drift:
	$(BIN)/python -m monitoring.report
after-scores:
	$(BIN)/python -m ml.predict --population scoring --reasons
after-explain:
	$(BIN)/python -m ml.explain --version newest
after-fairness:
	$(BIN)/python -m ml.fairness --version newest

docs: setup ## the catalogue of features and dbt's documentation as pages (needs a published snapshot)
	$(BIN)/python -m warehouse.catalogue
	cd dbt_project && $(BIN)/dbt --quiet docs generate --static
	@mkdir -p monitoring/reports/docs
	cp dbt_project/target/static_index.html monitoring/reports/docs/dbt.html
	@echo "wrote monitoring/reports/docs/dbt.html"

serve: setup ## the API around decisions on http://127.0.0.1:8000 (see README, Decide)
	$(BIN)/python -m ml.serve

# Two test processes use both cores: threads of their own would only wait for each other.
test: export OMP_NUM_THREADS := 1
test: export OPENBLAS_NUM_THREADS := 1
test: setup lint ## linters, then pytest on two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: setup ## ruff, import-linter, mypy and sqlfluff
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint-marts lint-python lint-sql

.PHONY: lint-marts lint-python lint-sql
lint-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

lint-marts: # the wide marts are half of the work
	$(BIN)/sqlfluff lint dbt_project/models/marts

lint-sql:
	$(BIN)/sqlfluff lint $(filter-out %/marts %.md,$(wildcard dbt_project/models/*)) dbt_project/tests

mutants: setup ## make the SQL wrong at 60 places (COUNT=, SEED=) and count what the tests of the features find
	$(BIN)/python -m tests.mutants $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

lock: setup ## compile the three locks again from the direct dependencies in pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group warehouse --group ml --group monitoring --group dev \
		--universal --python-version 3.11 --no-header --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group serving --constraint requirements.txt --python-platform linux \
		--python-version 3.11 --no-header --quiet --output-file ml/serving-requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group api --constraint requirements.txt --python-platform linux \
		--python-version 3.11 --no-header --quiet --output-file ml/serving/requirements.txt
