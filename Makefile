# All commands for contributors and CI. They need git, make, and Python 3.11+ with venv and pip.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.PHONY: help setup demo test test-sdist test-all soak test-wine test-arm64 test-hosts prepare-platforms fuzz check format bench dist pyz platforms man docs clean
help: ## list these targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 19

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "provision needs Python 3.11 or newer; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

setup: $(STAMP) ## make .venv with everything in it

demo: $(STAMP) ## the whole job on this machine, without a network
	@$(BIN)/python examples/demo.py

test: $(STAMP) ## the quick tests, on the Python of .venv (five minutes on two cores)
	@$(BIN)/python tests/run.py

test-sdist: $(STAMP) ## the quick tests from the unpacked sdist, with the wheel that was built of it
	@$(BIN)/python tests/run.py --sdist

test-all: $(STAMP) ## the same, and on every other Python 3.11+ at hand; between the oldest and the newest, without whole commands
	@$(BIN)/python tests/run.py --sdist --all

soak: $(STAMP) ## the slow tests: kills, races, other people's tools (a quarter of an hour on two cores)
	@$(BIN)/python tests/run.py --soak

test-wine: $(STAMP) ## tests on python.org's Python for Windows, under wine (root on Debian; three minutes on two cores)
	@$(BIN)/python -m tools.platforms.wine

test-arm64: $(STAMP) ## the demo and tests on Debian's Python for arm64, by qemu (root on Debian; five minutes on one core)
	@$(BIN)/python -m tools.platforms.foreign arm64

test-hosts: $(STAMP) ## tests on the free-threaded and the debug interpreter that provision installs (four minutes on two cores)
	@$(BIN)/python -m tools.platforms.hosts

# Serially: both may have apt install something.
prepare-platforms: $(STAMP) ## what test-arm64 and test-wine need, from the network
	@$(BIN)/python -m tools.platforms.foreign arm64 --prepare
	@$(BIN)/python -m tools.platforms.wine --prepare

fuzz: $(STAMP) ## ten minutes of fuzzing; FUZZ_SECONDS=60 for less
	$(BIN)/python -m fuzz --seconds $${FUZZ_SECONDS:-600}

check: $(STAMP) ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## make the code look as `check` wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## measure against uv, in the same run; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

# The tools that build and check a release have a separate environment from that of the tests.
RELEASE := .venvs/release
$(RELEASE)/.ready: pyproject.toml
	$(PYTHON) -m venv --clear $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --upgrade pip
	$(RELEASE)/bin/python -m pip install --quiet --group release
	@touch $@

dist: $(RELEASE)/.ready ## sdist and wheel in dist/, checked as a package index would
	rm -rf dist
	$(RELEASE)/bin/python -m build --outdir dist
	$(RELEASE)/bin/twine check --strict dist/*
	$(RELEASE)/bin/check-wheel-contents dist/*.whl

# Because of compiled dependencies, the file is for the series of $(PYTHON) and this platform; its name contains both.
pyz: $(RELEASE)/.ready ## provision with all it needs in one file for this platform and Python, in dist/
	mkdir -p dist
	$(RELEASE)/bin/python -m tools.pyz dist

platforms: $(STAMP) ## ask the package index where the dependencies have wheels; writes docs/platforms.md
	$(BIN)/python -m tools.platforms installs

man: ## the manual page, build/provision.1
	@mkdir -p build && $(PYTHON) -m tools.manual > build/provision.1 && echo build/provision.1

$(VENV)/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

docs: $(VENV)/.docs ## the docs site, build/site: reference made, built strictly, every link checked
	@$(BIN)/python -m tools.site

clean: ## remove what these targets made
	rm -rf $(VENV) .venvs .platforms .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
