# Comptroller. `make` lists what there is.
# Needs git, make and Python 3.11 or newer with its venv module; everything else goes into $(VENV).
# Another Python: make run PYTHON=python3.12

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
ARGS ?=

# Paths are used relative, so that a checkout may lie in a folder with a space in its name.
BIN := $(VENV)/bin

# The product and its tests start many Pythons: each would compile every source anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run reset test prove soak check bench format install install-dev

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

install:
	@$(PYTHON) config/bootstrap.py "$(VENV)"

install-dev:
	@$(PYTHON) config/bootstrap.py --dev "$(VENV)"

run: install ## start the product on http://127.0.0.1:$(PORT)/, with its own servers; Ctrl-C ends it
	@PORT="$(PORT)" exec "$(BIN)/python" -m config.serve.launch

reset: install ## delete the data of `make run`, after asking; the next start begins anew
	@"$(BIN)/python" -m config.serve.reset $(ARGS)

test: install-dev ## all tests that take minutes, on servers of their own
	"$(BIN)/python" -m pytest -n 2 --maxschedchunk 4 $(ARGS)

prove: install-dev ## the long proofs, small: races by the dozen, kill -9, contracts broken on purpose
	"$(BIN)/python" -m pytest -n 2 --maxschedchunk 4 -m prove --timeout 1500 $(ARGS)

soak: install-dev ## the same proofs whole: races by the hundred, 100 kills, 10,000 replays, 2,000 examples a law
	SOAK=1 "$(BIN)/python" -m pytest -n 2 --maxschedchunk 4 -m prove --timeout 3600 $(ARGS)
	$(if $(ARGS),,SOAK=1 HYPOTHESIS_PROFILE=soak "$(BIN)/python" -m pytest -n 2 --maxschedchunk 4 --timeout 3600 tests/property tests/api/test_schema.py)

check: install-dev ## style, types, import contracts, missing migrations, production settings, templates
	"$(BIN)/python" -m config.checks

format: install-dev ## rewrite the sources in the project's style
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

bench: install-dev ## queries and milliseconds of the pages on 1,000 and 100,000 requests
	"$(BIN)/python" -m benchmarks.pages $(ARGS)
