# make demo: the workflow on a simulated tissue.  make test: the tests.  make test-fast: those of the
# library alone, in three minutes.  make test-data: those that need the real slices.
# make test-roundtrips: other programs, which it fetches, go over what is exported.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= 2
BIN := .venv/bin
# processes of one thread each; a file stays in one of them, the slow ones start first
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -c tests/pytest.ini --rootdir . \
	--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder tests

.PHONY: demo test test-fast test-data test-roundtrips lint docs clean

demo: .venv/run.done
	$(BIN)/snakemake --cores $(CORES)
	$(BIN)/snakemake --report results/report.html
	@echo
	@echo "Report:   results/report.html"
	@echo "Scores:   results/summary/metrics_mean.tsv, figures beside"
	@echo "Cells:    results/demo/cells_annotated.csv, a row each with all runs"
	@echo "Clusters: results/demo/**/export/clustered.h5ad, by method"
	@echo "Figures:  results/demo/**/figures"

test: .venv/test.done lint
	$(PYTEST)

test-fast: .venv/test.done lint
	$(PYTEST) -m "not slow"

test-data: .venv/test.done
	$(PYTEST) -m data

test-roundtrips: .venv/test.done
	$(PYTEST) -m roundtrip

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

docs: .venv/run.done
	cd workflow_scripts && ../$(BIN)/python -m spclust.plan.documentation

clean:
	rm -rf .venv

.venv/run.done: envs/requirements.txt envs/requirements-spagcn.txt envs/lock.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; set PYTHON=python3.11"'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt -c envs/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements-spagcn.txt -c envs/lock.txt
	touch $@

.venv/test.done: .venv/run.done envs/requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements-test.txt -c envs/lock.txt
	touch $@
