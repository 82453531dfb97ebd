# Everything a contributor types. Needs make and Python 3.11 to 3.13; the rest goes into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help env demo demo-ontology test fuzz test-all test-newest test-lowest test-jax test-torch test-smoke package lint \
	format lock docs notebooks docs-pages bench bench-docs clean

# The first of these that runs and is a version TensorFlow has wheels for; `make PYTHON=...` names another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
# Two workers, whole files each: TensorFlow takes seconds and several hundred MB to import, once per worker.
PYTEST_ARGS ?= -n 2 --dist loadfile --timeout 300
DEMO_ARGS ?=
# What the benchmarks compare with needs PyTorch, and so an environment of its own.
RIVALS := .venv-rivals
RIVAL_PACKAGES := torch==2.13.0 kpnn2==0.3.0 numpy scipy
BENCH_ARGS ?=
FUZZ_ARGS ?=
# Prints the cheat sheet; any browser of that family does.
CHROMIUM ?= chromium
# Other backends stand on .venv, and add what it lacks.
JAX_PACKAGES := jax==0.10.2
TORCH_PACKAGES := torch==2.13.0
# More for the pip that brings the newest releases: --pre for those that are not out yet.
NEWEST_ARGS ?=
# Whatever uses Keras; readers, wiring and the rest never see a backend.
BACKEND_TESTS ?= $(addprefix tests/,layers models training inspection estimators evaluation tuning)

export TF_CPP_MIN_LOG_LEVEL ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(VENV)/.ready ## create or refresh .venv (any other target does so when needed)

demo: $(VENV)/.ready ## run the main job on the bundled data, about a minute, results in demo-results/
	$(BIN)/vnn demo --output demo-results --force $(DEMO_ARGS)
	@echo "Results: $(CURDIR)/demo-results"

demo-ontology: $(VENV)/.ready ## the same wired by the Gene Ontology, results in demo-results-ontology/
	$(BIN)/vnn demo --style ontology --output demo-results-ontology --force $(DEMO_ARGS)
	@echo "Results: $(CURDIR)/demo-results-ontology"

test: $(VENV)/.ready ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

fuzz: $(VENV)/.ready ## 20,000 broken and hostile files against everything that reads one
	$(BIN)/python tools/fuzz.py --cases 20000 --jobs 2 $(FUZZ_ARGS)

test-all: $(VENV)/.ready ## run all tests, properties on four times as many examples
	EXAMPLES=100 $(BIN)/python -m pytest $(PYTEST_ARGS)

test-newest: .venv-newest/.ready ## run the tests with what pip installs today, not what is locked
	.venv-newest/bin/python -m pytest -m "not slow" $(PYTEST_ARGS)

# Releases of years ago stand beside today's click and pyparsing, and call what those have deprecated since.
test-lowest: .venv-lowest/.ready ## run the tests with the oldest releases that pyproject.toml allows; wants Python 3.11
	.venv-lowest/bin/python -m pytest -m "not slow" -W ignore::DeprecationWarning $(PYTEST_ARGS)

test-jax: .venv-jax/.ready ## run the tests of all that uses Keras, with Keras on JAX
	KERAS_BACKEND=jax JAX_ENABLE_X64=1 .venv-jax/bin/python -m pytest -m "not slow" $(PYTEST_ARGS) $(BACKEND_TESTS)

# A C++ compiler makes the loops of models that PyTorch compiles: minutes for one, on a busy machine.
test-torch: .venv-torch/.ready ## the same with Keras on PyTorch
	KERAS_BACKEND=torch .venv-torch/bin/python -m pytest -m "not slow" $(PYTEST_ARGS) --timeout 1200 $(BACKEND_TESTS)

test-smoke: ## run the main job where only JAX, and where only PyTorch is installed
	$(PYTHON) tools/smoke.py .venv-only-jax jax $(JAX_PACKAGES)
	$(PYTHON) tools/smoke.py .venv-only-torch torch $(TORCH_PACKAGES)

lint: $(VENV)/.ready ## check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready ## put the code into format, mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(VENV)/.ready ## write requirements.lock anew from pyproject.toml, newest versions
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--extra dev --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		pyproject.toml --output-file requirements.lock.new
	@{ echo "# What pip installs on Python 3.11 to 3.13, on any system; .venv holds it. Written by: make lock"; \
		cat requirements.lock.new; } > requirements.lock
	@rm requirements.lock.new

docs: $(VENV)/.ready ## build the documentation, without a network; start at docs/_build/html/index.html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Documentation: $(CURDIR)/docs/_build/html/index.html"

notebooks: $(VENV)/.ready ## run the tutorials and keep their outputs, docs/tutorials/*.ipynb (some minutes)
	$(BIN)/python tools/notebooks.py

docs-pages: docs ## write pictures, the page of recipes and the PDF of the cheat sheet anew (some minutes)
	$(BIN)/python tools/concept_figures.py docs/images
	$(BIN)/python tools/doc_figures.py docs/images
	$(BIN)/python tools/recipes_page.py docs/recipes.md
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --no-pdf-header-footer \
		--print-to-pdf=docs/_static/cheatsheet.pdf "file://$(CURDIR)/docs/_build/html/cheatsheet.html"

.venv-newest/.ready: pyproject.toml Makefile
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet $(NEWEST_ARGS) --editable '.[dev]'
	@touch $@

.venv-lowest/.ready: pyproject.toml Makefile
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet uv
	@$(@D)/bin/uv pip install --quiet --no-config --python $(@D) --resolution lowest-direct --editable '.[dev]'
	@touch $@

.venv-jax/.ready: PACKAGES := $(JAX_PACKAGES)
# Models move between the two: one environment has both. Exports to ONNX need onnxscript.
.venv-torch/.ready: PACKAGES := $(TORCH_PACKAGES) $(JAX_PACKAGES) onnxscript==0.7.2
.venv-jax/.ready .venv-torch/.ready: $(VENV)/.ready Makefile
	@$(BIN)/python -m venv --clear $(@D)
	@$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
		> "$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/keras-vnn-base.pth"
	@$(@D)/bin/python -m pip install --quiet $(PACKAGES)
	@touch $@

# From another folder, so that it is the wheel that runs, with the data it carries.
package: ## build wheel and sdist in dist/, check them, install the wheel by itself and run it
	@rm -rf dist
	@$(PYTHON) -m venv --clear .venv-package
	@.venv-package/bin/python -m pip install --quiet build twine
	.venv-package/bin/python -m build --outdir dist .
	.venv-package/bin/twine check --strict dist/*
	@$(PYTHON) -m venv --clear .venv-package
	.venv-package/bin/python -m pip install --quiet dist/*.whl
	cd dist && ../.venv-package/bin/vnn demo --output demo --force $(DEMO_ARGS)

bench: $(VENV)/.ready $(RIVALS)/.ready ## run the benchmarks, results in benchmarks/results/
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-docs: $(VENV)/.ready ## put the numbers of the last run into docs/performance.md
	$(BIN)/python -m benchmarks --write-docs benchmarks/results/results.json

clean: ## remove .venv, caches and results
	rm -rf $(VENV) $(RIVALS) .venv-jax .venv-torch .venv-only-jax .venv-only-torch .venv-newest .venv-lowest .venv-package \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis build dist demo-results demo-results-ontology \
		docs/_build docs/api
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A changed lock file gives a new environment; a changed pyproject.toml only installs the package anew.
$(VENV)/.locked: requirements.lock
	@test -n "$(PYTHON)" || { \
		echo "No Python 3.11, 3.12 or 3.13 found (tried python3, python3.13, python3.12, python3.11)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 env" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version); the first download takes a few minutes."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

# Without a network the benchmarks run all the same, and say who is absent.
$(RIVALS)/.ready:
	@mkdir -p $(RIVALS)
	@$(PYTHON) -m venv --clear $(RIVALS) && $(RIVALS)/bin/python -m pip install --quiet $(RIVAL_PACKAGES) && touch $@ \
		|| echo "PyTorch and kpnn2 could not be installed into $(RIVALS); they do not take part." >&2
