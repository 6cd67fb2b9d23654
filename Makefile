# Two commands matter: `make book` and `make test`. `make help` lists the others.
# Needs: Python 3.11, 3.12 or 3.13, GNU make (3.81 or newer) and the Python package index.

# The interpreter that made .venv, else the first supported one found. Choose another one with
# `make book PYTHON=/path/to/python`: the environment is then made anew.
ifeq ($(strip $(PYTHON)),)
PYTHON := $(shell for candidate in .venv/bin/python python3 python3.13 python3.12 python3.11 python; do \
	if $$candidate tools/check_python.py --quiet >/dev/null 2>&1; then echo $$candidate; exit; fi; \
	done; \
	for candidate in python3 python; do \
	if $$candidate -c 1 >/dev/null 2>&1; then echo $$candidate; exit; fi; done; echo none)
endif

RUN := .venv/bin/python
PORT ?= 8000
NOTEBOOK ?=
PACKAGE ?=
NAME ?=
CLASS ?= _class
ARGS ?=
WORKLOADS ?=
UV_VERSION := 0.13.8

# One thread a process: faster for arrays of this size, and the same digits on every machine.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1
export VECLIB_MAXIMUM_THREADS := 1
# Nothing from outside .venv may stand in for what the book pins.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH
unexport PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help book read test coverage mutants bench lab outputs lint format lock clean distclean exercises public release grade feedback \
	marks assignment check-assignment need-name python env-build env-grading env-test env-rulers

help: ## list what make can do
	@echo "Downhill: gradient-based learning from cost functions to curvature"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile \
		| while IFS='|' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done
	@echo
	@echo "Supported Pythons: 3.11, 3.12, 3.13; choose one with PYTHON=/path/to/python"

book: env-build ## build the book to _build/html
	@"$(RUN)" tools/build.py

read: ## serve the built book on this computer only (PORT=8000)
	@test -f _build/html/index.html || { echo "There is no book yet: run 'make book' first."; exit 1; }
	@echo "The book is at http://127.0.0.1:$(PORT)/ (stop with Ctrl+C)"
	@"$(RUN)" -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

test: env-rulers ## check everything: style, library, notebooks, built pages
	@"$(RUN)" tools/build.py
	@"$(RUN)" tools/test.py

bench: env-rulers ## measure speed and memory beside peers (WORKLOADS="tape pca")
	@"$(RUN)" -m benchmarks $(WORKLOADS)

lab: env-build ## open the notebooks in JupyterLab
	@"$(RUN)" -m jupyterlab book

exercises: env-build ## write the pages of assignments from their masters
	@"$(RUN)" tools/exercises.py

public: env-grading ## write the public tree, without solutions, to _build/public
	@"$(RUN)" tools/public_tree.py

outputs: env-build ## run notebooks and store their outputs (NOTEBOOK=book/part1/….ipynb)
	@"$(RUN)" tools/store_outputs.py $(if $(NOTEBOOK),"$(NOTEBOOK)")

coverage: env-test ## the share of course_lib's lines and branches that the tests reach
	@"$(RUN)" -m pytest --quiet tests/lib tests/grading --cov --cov-report=term

mutants: env-test ## change the library in small ways and count what no test notices (PACKAGE=costs)
	@"$(RUN)" -m pip install --quiet --disable-pip-version-check \
		-r requirements-mutants.txt -c constraints.txt
	@"$(RUN)" tools/mutants.py $(PACKAGE)

lint: env-test ## report what the style rules object to
	@"$(RUN)" -m ruff check .
	@"$(RUN)" -m ruff format --check .

format: env-test ## apply the style rules
	@"$(RUN)" -m ruff check --fix .
	@"$(RUN)" -m ruff format .

lock: env-test ## resolve constraints.txt anew from the requirements files
	@"$(RUN)" -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@"$(RUN)" tools/lock.py

release: need-name env-grading ## make the notebook of an assignment for a class (NAME=cost-functions)
	@"$(RUN)" -m course_lib.grading release "$(NAME)" --class "$(CLASS)" $(ARGS)

grade: need-name env-grading ## judge what students handed in, in a sandbox (NAME=…, CLASS=_class)
	@"$(RUN)" -m course_lib.grading grade "$(NAME)" --class "$(CLASS)" $(ARGS)

feedback: need-name env-grading ## write a page for each student (NAME=…)
	@"$(RUN)" -m course_lib.grading feedback "$(NAME)" --class "$(CLASS)" $(ARGS)

marks: env-grading ## write marks as CSV for Canvas, Moodle and a spreadsheet
	@"$(RUN)" -m course_lib.grading marks --class "$(CLASS)" $(ARGS)

assignment: need-name env-grading ## begin an assignment from a template (NAME=step-size)
	@"$(RUN)" -m course_lib.grading new "$(NAME)" $(ARGS)

check-assignment: env-grading ## try an assignment's solution, mistakes and release (NAME=…, or all)
	@"$(RUN)" -m course_lib.grading check $(if $(NAME),"$(NAME)",--all) $(ARGS)

clean: ## remove what builds and tests made, keep .venv
	rm -rf _build .pytest_cache .hypothesis .ruff_cache .coverage htmlcov
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## remove .venv as well
	rm -rf .venv

need-name:
	@test -n "$(NAME)" || { echo "Name an assignment, for example NAME=cost-functions. Its other \
	options: $(RUN) -m course_lib.grading --help" >&2; exit 2; }

python:
	@test "$(PYTHON)" != none || { echo "No Python found. Install Python 3.11, 3.12 or 3.13, or name \
	one: make book PYTHON=/path/to/python" >&2; exit 1; }
	@command -v "$(PYTHON)" >/dev/null || { echo "PYTHON=$(PYTHON) is not a program. Name Python 3.11, \
	3.12 or 3.13, for example: make book PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" tools/check_python.py

env-build: python
	@"$(PYTHON)" tools/environment.py build

env-grading: python
	@"$(PYTHON)" tools/environment.py grading

env-test: python
	@"$(PYTHON)" tools/environment.py test

env-rulers: python
	@"$(PYTHON)" tools/environment.py rulers
