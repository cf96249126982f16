# make app | make test | make test-ray | make check | make docs | make models | make survey | make train NET=... DATA=...
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: app test test-ray check docs models survey train clean

app: .venv/app.stamp
	@echo "sevis is at http://localhost:$(PORT)"
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Ray is 240 MB and slow to start: its tests are apart
test-ray: .venv/test.stamp
	$(BIN)/python -m pip install --quiet "ray[data]"
	SEVIS_TEST_RAY=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_ray.py

check: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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

# a place of its own: docstrings are read, not run, so neither torch nor sevis is needed
.venv/docs.stamp: pyproject.toml | .venv/bin/python
	$(PYTHON) -m venv .venv/docs
	.venv/docs/bin/python -m pip install --quiet --upgrade pip
	.venv/docs/bin/python -m pip install --quiet --group docs
	@touch $@

clean:
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache
