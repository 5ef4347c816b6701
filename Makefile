# make demo   set up and run the whole workflow on a made cohort; ends by naming the report
# make test   set up and run the tests
# make docs   the documentation as a site, in site/
# make lint   what a reviewer's machine sees
# make clean  remove results and logs (the environment stays)

PYTHON ?= python3
CORES ?= all
# Half of the cores for each simulating job of the demo, 8 at most: it has two fits, and one job runs while another starts.
SIMULATING := fit evaluate profiles cross fold_fit held_out_people nulls
THREADS = $(shell c=$$(echo "$(CORES)" | sed "s/all/$$(nproc)/"); t=$$((c / 2)); echo $$((t < 1 ? 1 : t > 8 ? 8 : t)))
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test docs lint clean

demo: $(VENV)/workflow.stamp
	$(BIN)/snakemake --cores $(CORES) --set-threads $(SIMULATING:%=%=$(THREADS))
	@echo "The report of the demo: $(CURDIR)/results/report/index.html"

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

docs: $(VENV)/dev.stamp
	$(BIN)/python docs/site/build.py site

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
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/workflow.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
