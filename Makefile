# make run: Leadgen on this machine. make test: everything CI runs. `make` alone lists the rest.

PORT ?= 8000
PYTHON = .venv/bin/python
# Some machines forbid compiled files; each start would then compile Django again.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check format bench clean

help:
	@echo "make run     install what is missing, then start Leadgen with its demo (PORT=$(PORT))"
	@echo "make test    install what tests need, check, and run all tests"
	@echo "make setup   install only"
	@echo "make check   format, lint, types, import contracts, migrations, system checks"
	@echo "make format  format and fix what can be fixed"
	@echo "make bench   the benchmark table"
	@echo "make clean   remove everything made here: data, environment, builds"

setup:
	@python=$$(sh scripts/find_python.sh) && "$$python" scripts/setup.py

setup-dev:
	@python=$$(sh scripts/find_python.sh) && "$$python" scripts/setup.py --dev

run: setup
	@LEADGEN_TETHERED=1 exec $(PYTHON) manage.py up --port $(PORT)

test: check
	@exec $(PYTHON) -m pytest

check: setup-dev
	@sh scripts/check.sh

format: setup-dev
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

bench: setup
	@exec $(PYTHON) manage.py bench

clean:
	@if [ -x $(PYTHON) ]; then $(PYTHON) manage.py services destroy --yes; fi
	rm -rf .venv .data node_modules static/build staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
