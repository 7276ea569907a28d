# Every target sets up first what it needs; the recipes stand below their one-line help.
PYTHON = auto
ARGS =
VENV = .venv
PYTEST = -m pytest -m "not slow" -n 2 --dist loadscope --no-loadscope-reorder
READY = $(VENV)/.ready-$(subst /,_,$(PYTHON))

# TFX starts in half the time from bytecode; the first start leaves it in .venv, unless this variable forbids it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL = help
.PHONY: help run report test test-slow test-next coverage check docs bench wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  PYTHON=3.13 (or a path) picks another Python; ARGS="..." goes to the command that the target runs.'

run: $(READY) ## run the pipeline with the profile quick, from the images to a pushed model
	$(VENV)/bin/tokenlearner run --profile quick $(ARGS)

report: $(READY) ## open the page about the newest run of the profile quick
	$(VENV)/bin/tokenlearner report $(ARGS)

test: $(READY) ## run the tests, the end-to-end one included, in two processes
	$(VENV)/bin/python $(PYTEST) $(ARGS)

test-slow: $(READY) ## run the tests that take minutes each
	$(VENV)/bin/python -m pytest -m slow $(ARGS)

test-next: ## run the tests and the pipeline on TFX 1.21, Python 3.13 and Debian 13, in a tree in .next (as root, 6 GB)
	@tests/debian13.sh .next make --no-print-directory $(or $(ARGS),test run) PYTHON=3.13

coverage: $(READY) ## run the tests and print the coverage of lines, subprocesses included (takes twice as long)
	rm -f .coverage .coverage.*
	$(VENV)/bin/python -m coverage run $(PYTEST) $(ARGS)
	$(VENV)/bin/python -m coverage combine --quiet
	$(VENV)/bin/python -m coverage report --skip-covered

check: $(READY) ## lint, check the format and the types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

docs: $(READY) ## write the reference pages from the code, check all links, and build the site into site/
	PYTHONPATH=. $(VENV)/bin/python docs/reference/generate.py
	$(VENV)/bin/zensical build --strict

bench: $(READY) ## measure side by side and print tables, all in short form (ARGS="latency --full" for one in full)
	$(VENV)/bin/python -m benchmarks $(ARGS)

wheel: $(READY) ## build the package for Beam's workers into dist/ (offline)
	$(VENV)/bin/uv build --quiet --offline --no-build-isolation --python $(VENV)/bin/python --out-dir dist $(ARGS)

lock: | $(VENV)/bin/uv ## pin the packages of pyproject.toml anew (ARGS=--upgrade for newer ones)
	$(VENV)/bin/uv pip compile --quiet --universal --extra kubeflow --extra mlflow --group dev pyproject.toml --generate-hashes --no-header \
		--output-file requirements.lock $(ARGS)

clean: ## remove what set-up, tests and checks made; data and outputs of runs stay
	rm -rf $(VENV) .uv .next build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pyenv's python3 may fail in a folder whose .python-version it has not got; then the system's stands in.
$(READY): requirements.lock pyproject.toml bootstrap.py
	@for python in python3 /usr/bin/python3; do \
		if $$python -c '' 2>/dev/null; then exec $$python bootstrap.py $(PYTHON); fi; \
	done; echo 'python3 is missing: `apt install python3 python3-venv` (Debian, Ubuntu).' >&2; exit 1

$(VENV)/bin/uv:
	@$(MAKE) --no-print-directory $(READY)
