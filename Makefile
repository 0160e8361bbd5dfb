# All that is needed beside this file: python3 (3.11 or newer) and the network, the first time.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Options of `sipfsm run` (make run) and of the benchmark (make bench), as in: make run ARGS="--t1 0.25"
ARGS   ?=
# What make verify explores, and for how long.
VERIFY_BOUNDS ?= --losses 7 --duplicates 4 --delay 2 --seconds 600
# How long `make fuzz` and `make fuzz-parser` run.
SECONDS ?= 60

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# A lock file names everything, so nothing is left to resolve. A resolver would ask for more than it needs: where a
# package wants another one with an extra, it looks at newer versions than the locked one, and stops at their hashes.
INSTALL := $(PIP) install --no-deps --require-hashes
# The packages of Node that read what is drawn; npm writes this file last.
NODE := tests/node/node_modules/.package-lock.json
# What the lock files are made with; it is no part of the project's environments.
LOCKER := .cache/locker
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(LOCKER)/bin/pip-compile --quiet --no-config --upgrade \
	--generate-hashes --allow-unsafe --strip-extras --build-deps-for=editable \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-messages torture conformance draw verify verify-mutants fuzz fuzz-parser lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.for-run ## make the environment, install and start the proxy (ARGS="--listen udp:127.0.0.1:5070")
	@exec $(BIN)/sipfsm run $(ARGS)

test: check ## install what the tests need, then run every check and every test
	@bash tests/debian-packages.sh
	@$(MAKE) --no-print-directory $(NODE)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing
	@# What strangers write is read here, so nothing of it is left untested; it has no exclusion of its own.
	$(BIN)/coverage report --include='sipfsm/message/*' --fail-under=100

check: $(VENV)/.for-test ## run the checks that need no running: style, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

verify-mutants: $(VENV)/.for-test ## have both engines judge every mutant of the models, and write the page on them
	@bash tests/debian-packages.sh
	$(BIN)/python -m tests.models.mutation

fuzz: $(VENV)/.for-test ## run generated sequences against ourselves (SECONDS=600, SEED=17)
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.for-test ## measure calls through the proxy beside a bare relay and Kamailio
	@bash tests/debian-packages.sh
	$(BIN)/python -m tests.bench --output docs/bench.md $(ARGS)

bench-messages: $(VENV)/.for-test ## measure the message layer beside sipmessage
	$(BIN)/python -m tests.bench.messages --output docs/bench-messages.md

fuzz-parser: $(VENV)/.for-test ## fuzz the parser, guided by coverage (SECONDS=60)
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS)

torture: $(VENV)/.for-test ## send the torture messages of RFC 4475 and 5118, and write the page of their outcomes
	$(BIN)/python -m tests.torture

conformance: $(VENV)/.for-run ## judge a SIP server by all cases (ARGS="sip:127.0.0.1:5060")
	@exec $(BIN)/sipfsm conformance $(ARGS)

draw: $(VENV)/.for-run ## draw the machines of models/ anew, in statecharts/
	$(BIN)/python -m sipfsm.cli.gallery statecharts

verify: $(VENV)/.for-run ## explore ten million states of INVITE; Ctrl-C says how far it came
	@# 4: nothing is broken, but there are more states than that
	$(BIN)/sipfsm verify --scenario invite $(VERIFY_BOUNDS) $(ARGS) || [ $$? -eq 4 ]

lock: $(LOCKER)/.ready ## choose versions anew, within the bounds of pyproject.toml
	$(COMPILE) --output-file=requirements.lock pyproject.toml
	$(COMPILE) --output-file=requirements-test.lock --extra=test --constraint=requirements.lock pyproject.toml

clean: ## remove everything that can be made again, the environment included
	rm -rf $(VENV) .cache build dist *.egg-info htmlcov .coverage .coverage.* .hypothesis .mypy_cache \
		.pytest_cache .ruff_cache .import_linter_cache tests/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- environments -------------------------------------------------------------------------------------------------
# The project is installed in place (-e), so only a new lock file or new metadata asks for another installation.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sipfsm needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; } >&2
	@# Debian keeps this part of Python in a package of its own.
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || bash tests/debian-packages.sh python3-venv -
	$(PYTHON) -m venv $(VENV)

$(VENV)/.for-run: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.for-test: requirements-test.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements-test.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.for-run

$(NODE): tests/node/package.json tests/node/package-lock.json
	cd tests/node && npm ci --loglevel=error
	@touch $@

$(LOCKER)/.ready:
	$(PYTHON) -m venv $(LOCKER)
	$(LOCKER)/bin/python -m pip --quiet --disable-pip-version-check install 'pip-tools>=7.5,<8'
	@touch $@
