# make demo   set up and run the whole workflow on a synthetic cohort; ends by naming the report
# make test   set up and run all tests, on all cores
# make check  what every commit has to pass: lint, imports, the tests that are fast (a minute)
# make docs   the documentation as a site, in site/
# make reproduce   published figures and ours on one page (needs the data that benchmarks/README.md names)
# make lint   what a reviewer's machine sees
# make clean  remove results and logs (the environment stays)

PYTHON ?= python3
CORES ?= all
WORKERS ?= logical
# Half of the cores for each long job of the demo, 8 at most: it has two fits, and one job runs while another starts.
LONG_JOBS := fit evaluate profiles cross fold_fit held_out_people nulls expected_landscapes statistics
THREADS = $(shell c=$$(echo "$(CORES)" | sed "s/all/$$(nproc)/"); t=$$((c / 2)); echo $$((t < 1 ? 1 : t > 8 ? 8 : t)))
VENV := .venv
BIN := $(VENV)/bin
# Workers of pytest take what tests/conftest.py lets begin first, a file at a time.
PARALLEL := --numprocesses $(WORKERS) --maxprocesses 16 --dist loadfile --no-loadscope-reorder

.PHONY: demo test check docs reproduce lint clean

demo: $(VENV)/workflow.stamp
	$(BIN)/snakemake --cores $(CORES) --set-threads $(LONG_JOBS:%=%=$(THREADS))
	@echo "The report of the demo: $(CURDIR)/results/report/index.html"

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PARALLEL)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

docs: $(VENV)/dev.stamp
	$(BIN)/python docs/site/build.py site

reproduce: $(VENV)/workflow.stamp
	$(BIN)/python benchmarks/reproduce.py

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

clean:
	rm -rf results logs .snakemake

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/workflow.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[workflow]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/workflow.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
