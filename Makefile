# Every target but `help` and `clean` does all the set-up itself.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
SITE := build/docs
OWN_FORMAT := Snakefile rules
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder --numprocesses

.PHONY: study pictures help resume docs test test-long bench lint clean

study: $(READY)
	$(BIN)/snakemake --cores all

pictures: study
	$(BIN)/python docs/update_pictures.py results/digits

help:
	@echo "make study      the default study, to its report in results/digits/report.html"
	@echo "make pictures   the default study's pictures in the docs, from its results"
	@echo "make resume     go on with it after it was killed"
	@echo "make docs       the pages of docs/ as a site, in $(SITE)/index.html"
	@echo "make test       linters and tests; make test-long runs what it leaves out"
	@echo "make bench      training throughput; the other benchmarks are run as python benchmarks/NAME.py"
	@echo "make clean      delete the environment in $(VENV); results stay"
	@echo "Other studies: $(BIN)/snakemake --cores 8 --configfile config/studies/NAME.yaml"

resume: $(READY)
	$(BIN)/prunescape resume --cores all

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --conf-dir docs . $(SITE)
	@echo "open $(SITE)/index.html"

test: lint
	$(PYTEST) 2

# for two cores, too: one of the three mostly waits for Slurm
test-long: $(READY)
	$(PYTEST) 3 -m long

bench: $(READY)
	$(BIN)/python benchmarks/compare_throughput.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(OWN_FORMAT)
	$(BIN)/snakemake --lint

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint requirements.lock --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV)
