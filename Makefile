# Everything that is done with this project, one target each. `make help` lists them.
# It needs Python >= 3.12, make and git; the rest goes into .venv.

SHELL := bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
# Not loading nbval saves 2 s at every start.
PYTEST := $(PYTHON) -m pytest -q -p no:nbval
NBVAL  := $(PYTHON) -m pytest -q --nbval
SEEDS ?= 10000
# What also runs over a network in memory: all that opens connections.
OVER_MEMORY := tests/integration $(addprefix tests/ocpp_lab/test_,$(addsuffix .py,pipe chaos_proxy door faults charge_point \
    charge_point_dialling charge_point_ends charge_point_obeys metrics exposition))
# The longest of all tests in soak: it has a lane of its own there.
DRIVERS := tests/ocpp_lab/test_random_drivers.py
LAB_ARGS ?=
export JUPYTER_PLATFORM_DIRS := 1

.PHONY: help
help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 19

.PHONY: env
env: .venv/made  ## .venv with everything, at the pinned versions

.venv/made: pyproject.toml constraints.txt
	@set -e; if [ ! -x $(PYTHON) ]; then \
	    python=$$(tools/find_python.sh); \
	    echo "== environment: .venv with $$($$python --version) ($$python)"; \
	    $$python -m venv .venv; \
	fi
	@echo "== environment: packages at the versions of constraints.txt (a minute the first time)"
	@$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[lab,test,site,fast]'
	@touch $@

.PHONY: lab
lab: .venv/made  ## JupyterLab on START, the way into the course
	@$(PYTHON) tools/lab.py $(LAB_ARGS)

.PHONY: test
test: .venv/made  ## style, types, package tests and notebooks, in under 6 minutes
	@$(PYTHON) tools/parts.py \
	    style "$(PYTHON) -m ruff format --check . && $(PYTHON) -m ruff check ." \
	    stack "$(PYTEST) tests/ocpp_lab" \
	    "&types" "$(PYTHON) -m mypy" \
	    "&notebooks" "$(NBVAL) notebooks solutions exercises" \
	    "&course" "$(PYTEST) --ignore=tests/ocpp_lab --ignore=tests/ocpp_course/checks" \
	    "&answers" "$(PYTEST) tests/ocpp_course/checks"

.PHONY: soak
soak: .venv/made  ## the long versions: more seeds and mutations, notebooks three times, a real browser
	@OCPP_LAB_SOAK=1 $(PYTHON) tools/parts.py \
	    stack "$(PYTEST) -rs tests/ocpp_lab --ignore=$(DRIVERS)" \
	    "&drivers" "$(PYTEST) $(DRIVERS)" \
	    "&course" "$(PYTEST) -rs -m 'not browser' --ignore=tests/ocpp_lab --ignore=tests/ocpp_course/checks" \
	    "&answers" "$(PYTEST) tests/ocpp_course/checks" \
	    "&memory" "env -u OCPP_LAB_SOAK $(PYTEST) --memory-network $(OVER_MEMORY)" \
	    "&notebooks" "for round in 1 2 3; do $(NBVAL) notebooks solutions || exit; done" \
	    browser "tools/find_chromium.sh --install && tools/find_firefox.sh --install && $(PYTEST) -rs -m browser tests/browser"

.PHONY: style
style: .venv/made  ## format the code, then lint it
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check .

.PHONY: types
types: .venv/made  ## mypy --strict on the package
	$(PYTHON) -m mypy

.PHONY: notebooks
notebooks: .venv/made  ## execute notebooks/*.py into *.ipynb; one of them: make notebooks NB=01
	$(PYTHON) tools/notebooks.py $(NB)

.PHONY: exercises
exercises: .venv/made  ## make exercises/ and solutions/*.ipynb from solutions/*.py; one: make exercises NB=4
	$(PYTHON) tools/exercises.py $(NB)

.PHONY: start
start: .venv/made  ## START.ipynb, its pictures, and the heads and feet of notebooks, from ocpp_course/lab/night.py
	$(PYTHON) tools/start.py

.PHONY: pictures
pictures: .venv/made  ## docs/pictures/: the screenshots and the film of README and docs, from today's notebooks
	@tools/find_chromium.sh --install >/dev/null
	$(PYTHON) tools/pictures.py

.PHONY: map
map: .venv/made  ## docs/architecture.svg, and the tree of errors in docs/architecture.md, from the code
	$(PYTHON) tools/architecture.py

.PHONY: findings
findings: .venv/made  ## docs/explain.md: what `ocpp-lab explain` finds, an example of each, from the rules and their tests
	$(PYTHON) tools/explain_page.py

.PHONY: bench
bench: .venv/made  ## what crowds, durability and types cost, in ratios; writes docs/performance.md
	$(PYTHON) -m benchmarks

.PHONY: chaos
chaos: .venv/made  ## 10,000 seeds of everything that goes wrong, in simulation; fewer: make chaos SEEDS=500
	$(PYTHON) -m ocpp_lab.simulation --seeds $(SEEDS) --jobs $$(nproc 2>/dev/null || echo 2)

.PHONY: site
site: .venv/made  ## build/site: the workbook for a browser tab, for any static host (docs/web.md); needs npm
	@$(PYTHON) -m tools.site

.PHONY: site-check
site-check: .venv/made  ## all notebooks and solutions in the site, in real browsers; for a release, ten minutes
	@tools/find_chromium.sh --install >/dev/null && tools/find_firefox.sh --install >/dev/null
	OCPP_LAB_SOAK=1 OCPP_LAB_SITE_CHECK=1 $(PYTEST) -s -rs -m browser $(wildcard tests/browser/test_site*.py)

.PHONY: pins
pins:  ## constraints.txt anew: the newest versions that the bounds in pyproject.toml allow
	tools/pins.sh

.PHONY: clean
clean:  ## remove the environment and everything that is made
	rm -rf .venv build screenshots .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
