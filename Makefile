# Each target makes the virtual environment when it is missing or out of date. It goes by a stamp and not by the folder:
# an engine may have made a venv without the packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROGRAM := $(VENV)/.program-stamp
TOOLS := $(VENV)/.tools-stamp
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
STACK ?=
PLATFORM ?=

.DEFAULT_GOAL := help
.PHONY: help plan manifests test check format lint types plans requirements mutants bench clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

plan: $(PROGRAM) ## show and check what a stack would make: make plan STACK=dev
	@$(BIN)/python -m workbench plan $(STACK) $(if $(PLATFORM),--platform $(PLATFORM))

manifests: $(PROGRAM) ## write a stack's Kubernetes manifests: make manifests STACK=dev
	@$(BIN)/python -m workbench manifests $(STACK) $(if $(PLATFORM),--platform $(PLATFORM))

test: $(TOOLS) ## unit, property, contract and policy tests
	$(BIN)/python -m pytest -n auto --dist worksteal

check: lint types test plans requirements ## everything that must hold before a commit

format: $(TOOLS) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(TOOLS) ## format and lint, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TOOLS) ## mypy, strict
	$(BIN)/mypy

plans: $(TOOLS) ## plan every stack; every manifest against Kubernetes' schemas
	$(BIN)/python -m tests.judges.manifests

requirements: $(TOOLS) ## which items of docs/requirements.md are proven, decided otherwise, or open
	$(BIN)/python -m tests.requirements_report

mutants: $(TOOLS) ## break every leaf and key of the committed files in turn (about five minutes)
	$(BIN)/python -m tests.judges.mutants

bench: $(TOOLS) ## how long a plan takes, as a ratio
	$(BIN)/python -m tests.benchmarks.plan

clean: ## remove everything that is made
	rm -rf $(VENV) out .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(PROGRAM): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}; say make PYTHON=...")'
	@echo "Making $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt
	@touch $@

$(TOOLS): $(PROGRAM) requirements-dev.txt requirements-judges.txt
	@echo "Installing tools and judges (once)"
	@$(PIP) -r requirements-dev.txt -r requirements-judges.txt
	@touch $@
