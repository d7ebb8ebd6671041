# Every target works alone on a fresh clone: it makes .venv first if there is none, and again when
# pyproject.toml has changed. Another Python: make PYTHON=/path/to/python3.12

# Being on PATH is not enough (a pyenv shim may answer "command not found"), so each candidate is run.
PROBE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.12 python3.11 python3; do \
	$$python -c '$(PROBE)' >/dev/null 2>&1 && { echo $$python; break; }; done)

INSTALLED := .venv/.installed
BENCH_INSTALLED := .venv-bench/.installed
RUN := .venv/bin/python
WORKERS ?= 2
TESTS ?=
SECONDS ?= 60
ROWS ?=
PEERS := pennylane pennylane-lightning qulacs tensorcircuit-ng jax piquasso torch==2.13.0

# Test workers and benchmarks are processes already; threads inside them would only compete.
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: help install demo test fuzz lint bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with hybridge, every SDK and the test tools
	@echo "hybridge is installed in .venv; try .venv/bin/hybridge devices"

demo: $(INSTALLED) ## run the quickstart, one model on three devices, and a hybrid qubit-photon model
	@echo "== quickstart: examples/quickstart.py"
	@$(RUN) examples/quickstart.py
	@echo "== one model on several devices: hybridge compare examples/quickstart.py:circuit"
	@$(RUN) -m hybridge compare examples/quickstart.py:circuit --devices default.qubit,qiskit.aer,forest.numpy
	@echo "== qubits and light in one model: examples/hybrid_qubit_cv.py"
	@$(RUN) examples/hybrid_qubit_cv.py

test: $(INSTALLED) ## run the tests (TESTS=tests/core for a part, WORKERS=4 for more processes)
	@$(RUN) -m pytest -n $(WORKERS) $(TESTS)

fuzz: $(INSTALLED) ## hold engines against one another, and readers against broken texts (SECONDS=600)
	@$(RUN) tests/plugins/fuzz_engine.py --seconds $(SECONDS)
	@$(RUN) tests/core/fuzz_texts.py --seconds $(SECONDS)
	@! $(RUN) -c 'import pyquil' 2>/dev/null || $(RUN) tests/plugins/fuzz_quil.py --seconds $(SECONDS)

lint: $(INSTALLED) ## check style (ruff) and types (mypy)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

bench: $(BENCH_INSTALLED) ## compare speed with peers, 20 minutes (ROWS='batch;QFT' for a part); build/bench.json
	@.venv-bench/bin/python tests/benchmarks/run.py --rows '$(ROWS)' --out build/bench.json

docs: $(INSTALLED) ## write docs/operations.md and docs/devices/README.md from the table and the devices
	@$(RUN) docs/generate_operations.py
	@$(RUN) docs/generate_devices.py

clean: ## remove the environments, build outputs and caches
	@rm -rf .venv .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find core plugins tests docs examples -name __pycache__ -type d -prune -exec rm -rf {} +

# FOLDER: the environment; NEEDS: what pip installs into it.
$(INSTALLED): FOLDER := .venv
$(INSTALLED): NEEDS := -e '.[all,test]'
$(BENCH_INSTALLED): FOLDER := .venv-bench
$(BENCH_INSTALLED): NEEDS := -e '.[all]' $(PEERS)

$(INSTALLED) $(BENCH_INSTALLED): pyproject.toml
	@$(or $(PYTHON),false) -c '$(PROBE)' 2>/dev/null || { \
		echo "no Python 3.11 or newer that runs and has venv; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(FOLDER)/bin/python -c '' 2>/dev/null || { \
		echo "making $(FOLDER) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(FOLDER); }
	@$(FOLDER)/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || \
		echo "without forest: its SDK has no release for this Python; 3.11 and 3.12 have it"
	@echo "installing $(NEEDS) (about a minute the first time)"
	@$(FOLDER)/bin/python -m pip install -qq --disable-pip-version-check $(NEEDS)
	@$(FOLDER)/bin/python -m compileall -q core plugins
	@touch $@
