# Every command of the project; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/.cluster/bin:$(PATH)

.PHONY: crds
crds: $(BIN)/scriptorium ## Render the CRDs from the models
	$(BIN)/python -m scriptorium_api crds helm/scriptorium/files/crds

$(BIN)/scriptorium: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
