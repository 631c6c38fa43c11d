# Each target makes the virtual environment when it is missing or out of date. It goes by a stamp and not by the folder:
# an engine may have made a venv without the packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROGRAM := $(VENV)/.program-stamp
LOCAL := $(VENV)/.local-stamp
TOOLS := $(VENV)/.tools-stamp
JUDGES := .venv-judges/.stamp
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
STACK ?=
PLATFORM ?=
LIVE ?=

.DEFAULT_GOAL := help
.PHONY: help up down plan manifests test test-cluster check format lint types plans aws aws-judges charts-check requirements mutants bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

up: $(LOCAL) ## the local stack live on this machine: make up, make up STACK=prod
	@$(BIN)/python -m workbench up --stack $(or $(STACK),local) $(if $(PLATFORM),--platform $(PLATFORM))

down: $(LOCAL) ## remove what make up made
	@$(BIN)/python -m workbench down

plan: $(PROGRAM) ## show and check what a stack would make: make plan STACK=dev
	@$(BIN)/python -m workbench plan $(STACK) $(if $(PLATFORM),--platform $(PLATFORM))

manifests: $(PROGRAM) ## write a stack's Kubernetes manifests: make manifests STACK=dev
	@$(BIN)/python -m workbench manifests $(STACK) $(if $(PLATFORM),--platform $(PLATFORM))

test: $(TOOLS) $(JUDGES) ## unit, property, contract and policy tests
	$(BIN)/python -m pytest -n auto --dist worksteal

test-cluster: $(TOOLS) ## live scenarios on a real control plane (FULL=1: undivided time; LIVE="-n 4 -k drain")
	$(BIN)/python -m pytest tests/live -m live --durations=0 --durations-min=5 $(LIVE)

check: lint types test plans aws requirements ## everything that must hold before a commit

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

aws: $(TOOLS) $(JUDGES) ## checkov, parliament and AWS's own models over every stack that makes its cluster
	$(BIN)/python -m tests.judges.aws

aws-judges: $(JUDGES) ## the outside judges that make aws asks

charts-check: $(TOOLS) ## every value of ours in the real charts: needs helm, and CHARTS=<folder of charts>
	$(BIN)/python -m tests.judges.charts

requirements: $(TOOLS) ## which items of docs/requirements.md are proven, decided otherwise, or open
	$(BIN)/python -m tests.requirements_report

mutants: $(TOOLS) ## break every leaf and key of the committed files in turn (about five minutes)
	$(BIN)/python -m tests.judges.mutants

bench: $(TOOLS) ## how long a plan and an up take, as ratios
	$(BIN)/python -m tests.benchmarks.plan
	$(BIN)/python -m tests.benchmarks.up

clean: ## remove everything that is made
	rm -rf $(VENV) .venv-judges out .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(PROGRAM): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}; say make PYTHON=...")'
	@echo "Making $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt
	@touch $@

$(LOCAL): $(PROGRAM) requirements-local.txt
	@$(PIP) -r requirements-local.txt
	@touch $@

$(TOOLS): $(LOCAL) requirements-dev.txt requirements-judges.txt
	@echo "Installing tools and judges (once)"
	@$(PIP) -r requirements-dev.txt -r requirements-judges.txt
	@touch $@

# Judges whose needs clash with Pulumi's, and with each other's.
$(JUDGES): requirements-checkov.txt requirements-aws-judges.txt
	@echo "Making .venv-judges (once, about a minute)"
	@$(PYTHON) -m venv .venv-judges/checkov
	@.venv-judges/checkov/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-checkov.txt
	@$(PYTHON) -m venv .venv-judges/aws
	@.venv-judges/aws/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-aws-judges.txt
	@touch $@
