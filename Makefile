# make app | make test | make test-ray | make test-slow | make test-floors | make check | make test-attack | make audit | make bench | make bench-growth | make load | make lock | make docs | make models | make survey | make train NET=... DATA=...
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: app test test-ray test-slow test-floors test-attack check audit lock bench bench-growth load docs models survey train clean

app: .venv/app.stamp
	@echo "sevis is at http://localhost:$(PORT)"
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Ray is 240 MB and slow to start: its tests are apart
test-ray: .venv/test.stamp
	$(BIN)/python -m pip install --quiet "ray[data]"
	SEVIS_TEST_RAY=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_ray.py

# the suite, and in full what it proves on a part: more threads and maps, every figure in both themes, a network of 115 million weights
test-slow: .venv/test.stamp
	SEVIS_TEST_SLOW=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# the suite with the lowest versions that requirements.txt allows, 6 GB of them; old ones warn of what newer ones mended
test-floors: .venv/test.stamp
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/floors
	$(BIN)/uv pip install --quiet --python .venv/floors/bin/python --resolution lowest-direct --requirement requirements.txt
	$(BIN)/uv pip freeze --quiet --python .venv/floors/bin/python > .venv/floors.txt
	$(BIN)/uv pip install --quiet --python .venv/floors/bin/python --constraint .venv/floors.txt --group test
	OMP_NUM_THREADS=1 .venv/floors/bin/python -m pytest -W ignore --numprocesses 2 --dist loadfile --no-loadscope-reorder

# all that tests/attack knows, minutes
test-attack: .venv/test.stamp
	SEVIS_TEST_ATTACK=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/attack

check: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# red where an advisory has a fix that requirements.txt allows; told and green without a network
audit: .venv/test.stamp
	-$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python -m tests.attack.audit

# the tested versions of requirements.txt and of all that it needs
lock: .venv/test.stamp
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m pip freeze --exclude-editable > .venv/frozen.txt
	echo "# The versions that sevis was tested with, of requirements.txt and all that it needs; made by make lock." > requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --constraint .venv/frozen.txt requirements.txt >> requirements.lock

# visitors by the dozen; long, and alone on the machine; ARGS="storm --sessions 10" for a part
load: .venv/test.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.load $(ARGS)

# ratios against the best, into benchmarks/results and docs/performance.md; on a machine that does nothing else
bench: .venv/bench.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks $(ARGS)

bench-growth: .venv/bench.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.growth

# into site/; no network is asked once its tools are there, and none by its pages
docs: .venv/docs.stamp
	NO_MKDOCS_2_WARNING=1 .venv/docs/bin/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

# NET: of sevis/nets/recipes.py; DATA: a folder or .tar of train/CLASS/*.jpg and val/CLASS/*.jpg; ARGS: see python -m sevis train --help
train: .venv/app.stamp
	$(BIN)/python -m sevis train $(NET) $(DATA) $(ARGS)

models: .venv/app.stamp
	$(BIN)/python -m sevis models $(ARGS)

# resumable; an hour on two processors
survey: .venv/test.stamp
	$(BIN)/python -m docs.survey

.venv/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'sevis needs Python 3.11 or newer; name one with make PYTHON=...')"
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/app.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/test.stamp: pyproject.toml .venv/app.stamp
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

.venv/bench.stamp: pyproject.toml .venv/test.stamp
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

# a place of its own: docstrings are read, not run, so neither torch nor sevis is needed
.venv/docs.stamp: pyproject.toml | .venv/bin/python
	$(PYTHON) -m venv .venv/docs
	.venv/docs/bin/python -m pip install --quiet --upgrade pip
	.venv/docs/bin/python -m pip install --quiet --group docs
	@touch $@

clean:
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache
