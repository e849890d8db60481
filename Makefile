# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What Qt needs of the system; Debian's names.
QT_PACKAGES := libegl1 libgl1 libfontconfig1 libdbus-1-3 libxkbcommon0 libglib2.0-0
export QT_QPA_PLATFORM ?= offscreen
# One thread per numerical library: the suite parallelises over spectra itself.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test test-slow lint types bench view docs clean qt-libraries

demo: $(STAMP)
	$(BIN)/ixs demo -o report

test: $(STAMP) lint types
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

view: $(STAMP)
	@echo "The viewer is not built yet; 'make demo' writes report/index.html."

docs: $(STAMP)
	$(BIN)/python -m docs.build

clean:
	rm -rf $(VENV) report build *.egg-info

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[gui,transport,md,cluster,demo,dev]"
	@$(MAKE) --no-print-directory qt-libraries
	touch $@

# Install what Qt needs where that can be done, else say how.
qt-libraries:
	@missing=""; for package in $(QT_PACKAGES); do \
		dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ] || ! command -v dpkg >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq $$missing >/dev/null; \
	else echo "The viewer needs: sudo apt-get install$$missing"; fi
