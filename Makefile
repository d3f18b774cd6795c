# What to type. Each target does its own set-up; nothing needs root or a compiler.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 4
export PYTHON

.PHONY: help install docs demo test check unit integration test-system chaos bench bench-controller bench-line requirements clean
.DEFAULT_GOAL := help

help:  ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed  ## set up .venv with the reconciler (.venv/bin/reconciler)

.venv/installed: requirements/dev.txt pyproject.toml
	scripts/uv venv --quiet --allow-existing --python $(PYTHON) .venv
	scripts/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	scripts/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: install  ## the main job, on a real OpenStack of your own, in a few minutes
	@$(BIN)/python scripts/demo.py

test: check unit integration  ## every check there is

check: install  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: install  ## unit tests and laws, without a cloud
	$(BIN)/pytest -q -m "not devcloud and not system" -n $(WORKERS)

integration: install  ## tests against the embedded cloud
	$(BIN)/pytest -q -m "devcloud and not alone" -n $(WORKERS)
	$(BIN)/pytest -q -m "devcloud and alone"

test-system: install  ## tests with Prometheus, Alertmanager and systemd, unpacked where missing
	scripts/system-programs
	PATH="$(CURDIR)/.tools/debian/bin:$$PATH" $(BIN)/pytest -q -m system

chaos: install  ## every fault and every crash point on a real OpenStack of your own; takes long
	$(BIN)/python scripts/chaos.py $(CHAOS)

bench: install  ## what each command costs, beside the least that it takes, on a real OpenStack
	$(BIN)/python -m bench $(BENCH)

bench-line: install  ## what the line itself costs for up to 100 000 objects, without a cloud
	$(BIN)/python -m bench.line

bench-controller: install  ## how quick and how small the controller is, on a real OpenStack; takes long
	$(BIN)/python bench/controller.py $(BENCH)

docs: install  ## write the generated pages and schemas anew
	$(BIN)/python scripts/docs.py
	$(BIN)/reconciler schema --write schemas
	$(BIN)/python scripts/chart.py

requirements:  ## pin the requirements anew, with hashes
	for name in uv build runtime dev; do \
	    scripts/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	        --generate-hashes --no-emit-index-url --custom-compile-command "make requirements" \
	        requirements/$$name.in -o requirements/$$name.txt; \
	done
	scripts/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --custom-compile-command "make requirements" \
	    reconciler/devcloud/requirements.in -o reconciler/devcloud/requirements.txt

clean:  ## remove what the targets above have made here
	rm -rf .venv .tools .demo .chaos .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
