# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What Qt needs of the system; Debian's names.
QT_PACKAGES := libegl1 libgl1 libfontconfig1 libdbus-1-3 libxkbcommon0 libglib2.0-0
# What a real window on a virtual screen needs besides; only a test asks for it.
XVFB_PACKAGES := xvfb xauth libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0 \
	libxcb-shape0
# One thread per numerical library: the suite parallelises over spectra itself.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test test-slow lint types bench view docs clean qt-libraries xvfb

# Only the viewer of `make view` needs a screen.
demo test test-slow bench docs: export QT_QPA_PLATFORM ?= offscreen

demo: $(STAMP)
	$(BIN)/ixs demo -o report

test: $(STAMP) lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(STAMP) xvfb
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

view: $(STAMP)
	$(BIN)/ixs view $(wildcard report/demo.h5)

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
	@$(call install_packages,$(QT_PACKAGES),The viewer needs)

# Without a virtual screen its test is skipped with a reason.
xvfb:
	@$(call install_packages,$(XVFB_PACKAGES),The test of a real window needs) || true

define install_packages
missing=""; for package in $(1); do \
	dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
if [ -z "$$missing" ] || ! command -v dpkg >/dev/null; then exit 0; fi; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get update -qq && apt-get install -y -qq $$missing >/dev/null; \
else echo "$(2): sudo apt-get install$$missing"; fi
endef
