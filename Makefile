# Everything a person or CI runs. Tools go into .tools/ and .venv/. In the home folder are caches only: of Go, of the programs
# built with it, of images, of a model.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
UV_VERSION := 0.13.9
UV := $(CURDIR)/.tools/bin/uv
export UV
RUN := $(UV) run --frozen
# Tests run side by side, each process in a network of its own. Only root may have that. Three processes keep two cores busy,
# four where tests mostly wait for other processes.
ROOT := $(shell [ "$$(id -u)" = 0 ] && echo yes)
# A file's tests stay together, and files are started in order: without the last flag those of few tests would be last.
SIDE_BY_SIDE = -n $(if $(ROOT),$(1),0) --dist loadfile --no-loadscope-reorder
COVERAGE ?= --cov --cov-report=term:skip-covered
# test-all makes test-smoke, too: its tests need not run again.
BESIDE_SMOKE = $$(sed 's/^/--deselect=/' tests/smoke.txt)
PACKAGES := services/api/inference_api services/common/medinfer_common operators/agent/replica_agent operators/rollout/rollout_operator operators/rollout/kubectl_modelrollout model_repository/modelctl ci

# tests/under-load.txt lists the integration tests that fail when the CPU is busy. Those of hostile clients load it themselves:
# no other of these runs beside them.
BESIDE_LOAD = $$(sed 's/^/--ignore=/' tests/under-load.txt)
HOSTILE := $(wildcard tests/integration/faults/test_hostile_*.py)
CHAOS := tests/integration/rollout/test_chaos.py
# Tests under load that run beside the whole cluster's tests. In one process: beside two, the whole cluster's tests failed for
# lack of CPU.
BESIDE_E2E := $(CHAOS) $(patsubst %,tests/integration/rollout/test_%.py,operator_dies scaling)
CHART_PROGRAMS := actionlint argodiff dashcheck helm helm3 kube-scheduler kube-score kubeconform promtool \
  certificates.yaml httproutes.yaml prometheusrules.yaml referencegrants.yaml scaledobjects.yaml servicemonitors.yaml
CLUSTER_PROGRAMS := coredns etcd helm kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet \
  metrics-server pause
GITOPS_PROGRAMS := helm kustomize-controller glua applications.yaml buckets.yaml externalartifacts.yaml \
  gitrepositories.yaml helmreleases.yaml kustomizations.yaml ocirepositories.yaml
CLIENT_PROGRAMS := upload
# What the demo serves.
MODEL ?= resnet50
# 1: the local cluster has a Prometheus and a Jaeger.
OBSERVE ?=
export OBSERVE
OBSERVER_PROGRAMS := jaeger prometheus
REGISTRY_PROGRAMS := registry
RELEASE_PROGRAMS := cosign helm $(REGISTRY_PROGRAMS)
CONTROLLER_PROGRAMS := helm helm3 kube-controller-manager
# Every process that a test starts would compile all that it imports again: that doubles the time it takes to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

.PHONY: demo
demo: setup ## Classify an image through the real API and Triton, and keep serving until Ctrl-C; MODEL=chest: findings
	$(RUN) python -m ci.demo --model $(MODEL)

.PHONY: demo-once
demo-once: setup ## The same, but end after the first prediction
	$(RUN) python -m ci.demo --model $(MODEL) --once

.PHONY: test
test: ## What every change has to pass: style, types, unit tests, and each part once for real
	@ci/parts setup lint test-unit control-plane test-smoke

.PHONY: test-all
test-all: ## Everything that this machine can test; as root on a whole Kubernetes, too
	@ci/parts setup control-plane test-smoke+go-programs+images+lint test-timing+test-calm

# These fail when other tests of equal priority take their CPU. test-hostile leaves more than half of it to test-calm.
.PHONY: test-timing
test-timing:
	@ci/parts test-hostile test-e2e+test-load-beside-e2e test-load

# These run beside test-timing, with the CPU that it leaves. Most is left at the start, so test-components, whose tests have
# time limits, is first. The unit tests run without coverage, which takes a third of their CPU: make test measures it.
.PHONY: test-calm
test-calm: export COVERAGE :=
test-calm:
	@ci/calmly ci/parts test-components test-chart test-unit

.PHONY: lint
lint: setup ## Style, types, rules for imports
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy $(PACKAGES) tests
	$(RUN) lint-imports

.PHONY: test-unit
test-unit: setup ## Unit tests, and how much of the code they run: less than pyproject.toml says is an error
	@ci/install-packages pictures
	$(RUN) pytest tests/unit $(call SIDE_BY_SIDE,3) $(COVERAGE)

.PHONY: test-smoke
test-smoke: setup control-plane ## Each part once for real: a prediction, the page, a release, a rollback, a killed replica
	@ci/install-packages page
	$(RUN) pytest @tests/smoke.txt $(call SIDE_BY_SIDE,3)

.PHONY: test-integration
test-integration: test-components test-hostile test-load-beside-e2e test-load ## Real Triton, agents, API, k6, browser and API server as processes; test-smoke has the others

.PHONY: test-components
test-components: setup packages control-plane pictures registry controllers gitops issuer clients observers ## The integration tests that are not under load: agent, API, clients, decoders, models, git
	$(RUN) pytest tests/integration $(BESIDE_SMOKE) $(BESIDE_LOAD) -m "not soak" $(call SIDE_BY_SIDE,4) \
	  --durations=20 --durations-min=5

.PHONY: test-hostile
test-hostile: setup packages ## The integration tests of hostile clients, one after the other
	$(RUN) pytest $(HOSTILE) -m "not soak" --durations=5 --durations-min=5

.PHONY: test-load-beside-e2e
test-load-beside-e2e: setup packages control-plane
	$(RUN) pytest $(BESIDE_E2E) $(BESIDE_SMOKE) -m "not soak" $(call SIDE_BY_SIDE,1) --durations=10 --durations-min=5

.PHONY: test-load
test-load: setup packages control-plane controllers gitops issuer observers ## The integration tests under load: releases, and faults of all parts
	$(RUN) pytest @tests/under-load.txt $(BESIDE_SMOKE) $(addprefix --ignore=,$(HOSTILE) $(BESIDE_E2E)) -m "not soak" $(call SIDE_BY_SIDE,4) \
	  --durations=40 --durations-min=5

# On this folder's own cluster, whatever KUBECONFIG says: a test never reaches a cluster that someone works with.
.PHONY: test-e2e
test-e2e: export KUBECONFIG :=
test-e2e: export CLUSTER :=
test-e2e: setup ## The chart on a whole Kubernetes, as root: install, releases, git, HPA; ends the cluster that it started
ifeq ($(ROOT),yes)
	[ -e .cluster/state ] || trap '$(RUN) python -m ci.cluster down' EXIT; \
	$(MAKE) e2e SELECTED='-m "not soak"'
else
	$(RUN) pytest tests/e2e
endif

.PHONY: test-chart
test-chart: control-plane ## The chart: helm, kubeconform, a scanner, the scheduler, and the API server's own validation; test-smoke has the others
	@ci/cluster/build $(CHART_PROGRAMS)
	$(RUN) pytest tests/chart $(BESIDE_SMOKE) $(call SIDE_BY_SIDE,3) --durations=10 --durations-min=5

.PHONY: chart-docs
chart-docs: setup ## Write what is generated: the chart's table of values, its schema, docs/modelrollout.md
	$(RUN) python -m ci.chart

.PHONY: boards
boards: setup ## Write Grafana's dashboards, charts/medinfer/dashboards, from ci/boards
	$(RUN) python -m ci.boards

.PHONY: image-docs
image-docs: setup ## Write docs/images.md: which images are read, and with which words the others are refused
	$(RUN) python -W ignore -m tests.harness.oracle.page

.PHONY: up
up: cluster ## A Kubernetes of this folder's own with medinfer on it; OBSERVE=1: and Prometheus and Jaeger; or on yours: KUBECONFIG=...
	$(RUN) python -m ci.cluster install

.PHONY: open
open: setup ## Bring the page, and with OBSERVE=1 Prometheus and Jaeger, to this machine's loopback until Ctrl-C
	@$(RUN) python -m ci.cluster open

.PHONY: down
down: setup ## End that Kubernetes; its images stay for the next one
	$(RUN) python -m ci.cluster down

.PHONY: e2e
e2e: cluster gitops release-programs images ## test-e2e and parts that die under load, on a cluster that stays or yours: KUBECONFIG=... or CLUSTER=current
	ci/cluster/enter $(RUN) pytest tests/e2e $(SELECTED) --durations=20 --durations-min=5

# What the whole cluster's tests install: images of this version, and of the one before it from its sources.
.PHONY: images
images: setup
ifeq ($(ROOT),yes)
	@ci/install-packages cluster
	$(RUN) python -m tests.harness.release.images
endif

.PHONY: soak
soak: setup packages control-plane ## The long ones: 10,000 hostile uploads, as many clients of every kind, fifty releases
	$(RUN) pytest tests/integration -m soak

SEEDS ?= 10
.PHONY: chaos
chaos: setup packages control-plane ## A release while parts die at random, some seven minutes for each seed: SEEDS=10 has 1 to 10
	CHAOS_SEEDS="$$(seq -s ' ' $(SEEDS))" $(RUN) pytest $(CHAOS) -rA $(call SIDE_BY_SIDE,1)

.PHONY: bench
bench: setup observers ## Measure; writes docs/benchmarks.md, fails when a ratio is below its threshold
	$(RUN) python -m ci.bench

.PHONY: bench-operator
bench-operator: setup control-plane ## Measure how the operator grows; writes its part of docs/benchmarks.md, fails at its limits
	$(RUN) python -m ci.bench.operator

BASE ?=
.PHONY: bench-gate
bench-gate: setup ## Compare this checkout's speed with BASE=..., by default where it left main, or HEAD's parent; SHORT=1: as CI does
	@ci/install-packages bench
	$(RUN) python -m ci.bench.gate $(if $(BASE),--base "$(BASE)") $(if $(SHORT),--short)

.PHONY: sbom
sbom: setup ## What is in each image, as CycloneDX JSON, into .sbom; as root on Debian, builds images that were never built
	@ci/install-packages cluster
	@$(RUN) python -m ci.images

# What a person names. RELEASED: the options that they become.
RELEASED = --registry "$(REGISTRY)" $(if $(KEY),--key "$(KEY)")

.PHONY: release
release: release-programs ## Publish images and chart, signed: REGISTRY=registry.example.org/medinfer KEY=cosign.key, or KEYLESS=1 in CI
	@ci/install-packages cluster
	@$(RUN) python -m ci.release publish $(RELEASED) $(if $(KEYLESS),--keyless) $(if $(DIRTY),--dirty)

.PHONY: verify-release
verify-release: release-programs ## Check the signatures, SBOMs and origins in a registry: REGISTRY=... KEY=cosign.pub, or IDENTITY=... of CI
	@$(RUN) python -m ci.release verify $(RELEASED) $(if $(IDENTITY),--identity "$(IDENTITY)")

.PHONY: gather
gather: release-programs ## A verified release in one archive, for an air gap: REGISTRY=... KEY=cosign.pub TO=... BUNDLES="..."
	@$(RUN) python -m ci.release gather $(RELEASED) --to "$(TO)" $(BUNDLES)

.PHONY: format
format: setup ## Format the code
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

.PHONY: setup
setup: .tools/ready ## Install uv, Triton, k6 and the Python packages into this folder; PYTHON=... says with which Python

.tools/ready: $(UV) uv.lock services/triton/uv.lock services/triton/install $(wildcard services/triton/backends/*/*) \
  $(if $(PYTHON),again)
	python=$$(ci/choose-python .) && $(UV) sync --frozen --python "$$python"
	python=$$(ci/choose-python services/triton) && UV_PYTHON=$$python services/triton/install
	@touch $@

# With PYTHON=... the environments are looked at again, since they may hold another one.
.PHONY: again

$(UV):
	python=$$(ci/choose-python uv) && "$$python" -m venv .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	mkdir -p .tools/bin
	ln -sfn ../uv/bin/uv $@

.PHONY: cluster
cluster: setup
	@ci/install-packages cluster
	@ci/cluster/build $(CLUSTER_PROGRAMS) $(if $(filter-out 0,$(OBSERVE)),$(OBSERVER_PROGRAMS))
	$(RUN) python -m ci.cluster start

.PHONY: packages
packages:
	@ci/install-packages

.PHONY: control-plane
control-plane: setup
	@ci/cluster/build kube-apiserver etcd helm kubectl

.PHONY: controllers
controllers: setup
	@ci/cluster/build $(CONTROLLER_PROGRAMS)

.PHONY: issuer
issuer:
	@ci/issuer/install

.PHONY: pictures
pictures:
	@ci/install-packages pictures
	@ci/pictures/install

.PHONY: gitops
gitops: setup
	@ci/cluster/build $(GITOPS_PROGRAMS)

.PHONY: clients
clients: setup
	@ci/cluster/build $(CLIENT_PROGRAMS)

.PHONY: observers
observers: setup
	@ci/cluster/build $(OBSERVER_PROGRAMS)

.PHONY: registry
registry: setup
	@ci/cluster/build $(REGISTRY_PROGRAMS)

.PHONY: release-programs
release-programs: setup
	@ci/cluster/build $(RELEASE_PROGRAMS)

.PHONY: go-programs
go-programs: setup
	@nice ci/cluster/build $(CLUSTER_PROGRAMS) $(CHART_PROGRAMS) $(GITOPS_PROGRAMS) $(CLIENT_PROGRAMS) $(OBSERVER_PROGRAMS) $(RELEASE_PROGRAMS)

.PHONY: clean
clean: ## Remove what the targets above made
	[ ! -e .cluster/state ] || $(MAKE) down
	rm -rf .tools .venv services/triton/.venv .demo .cache .bench .sbom .cluster
