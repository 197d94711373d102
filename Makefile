# `make study`, `make test` and `make bench` do all the set-up themselves; `make clean` undoes that; results stay.
# `make resume` goes on with a study that was killed; `make test-long` runs what `make test` leaves out.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
STUDY := digits
OWN_FORMAT := Snakefile rules
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: study resume test test-long bench lint clean

study: $(READY)
	$(BIN)/snakemake --cores all --quiet rules
	@echo "The report is $(CURDIR)/results/$(STUDY)/report.html"

resume: $(READY)
	$(BIN)/prunescape resume --cores all --quiet rules

test: lint
	$(PYTEST)

test-long: $(READY)
	$(PYTEST) -m long

bench: $(READY)
	$(BIN)/python benchmarks/compare_throughput.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(OWN_FORMAT)
	$(BIN)/snakemake --lint

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV)
