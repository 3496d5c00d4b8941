# Everything needs Python 3.11 or 3.12 and make; the rest is fetched, locked by checksum, into .venv and ~/.cache.
# Each set-up step leaves a stamp and runs again only when what it was made from has changed.

VENV := .venv
WAREHOUSE := .venv-warehouse
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
JAVA_INPUTS := compose/stack/java/artifacts.lock $(shell find pipeline/flink_java -type f 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-long controls test-browser lint audit format drills chaos random gates gates-long compare bench peers up down lock clean
.PHONY: docker-env docker-image docker-up docker-down docker-smoke docker-test soak dead-letters release benchmarks benchmarks-page artifacts warehouse test-warehouse

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## the whole thing once: stack, load, live table, verdict [SECONDS=…, else until Ctrl-C] [RATE=5000]
	$(BIN)/adctr demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE))

test: setup ## unit and integration tests
	$(BIN)/pytest -n logical --maxprocesses 4

test-unit: setup ## tests without network and services
	$(BIN)/pytest -n logical tests/unit

test-long: setup ## the tests that take minutes each
	$(BIN)/pytest -m long

controls: setup ## each invariant's test with what keeps the invariant removed: it has to fail
	$(BIN)/pytest -m long tests/controls

test-browser: setup ## the dashboard in a real browser; needs chromium
	$(BIN)/pytest tests/browser -m browser

lint: $(VENV)/packages.stamp ## style, types, import rules, plain English
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy .ci/audit.py
	$(BIN)/mypy .ci/prose.py
	$(BIN)/mypy .ci/artifacts.py
	$(BIN)/lint-imports
	$(BIN)/python .ci/prose.py

audit: $(VENV)/packages.stamp ## known vulnerabilities in the locked packages
	$(BIN)/python .ci/audit.py

format: $(VENV)/packages.stamp ## fixes what ruff can fix, puts each sentence of Markdown on its line
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python .ci/prose.py --fix

drills: setup ## sabotage with a known right answer, on a stack of its own [DRILLS="event_lost …"] [RETRIES=0]
	$(BIN)/adctr slo drill $(or $(DRILLS),--all) $(if $(RETRIES),--retries $(RETRIES))

chaos: setup ## every fault under load, on stacks of its own [FAULTS="redis_killed …"] [REPEAT=1] [RETRIES=0]
	$(BIN)/adctr chaos run $(or $(FAULTS),--all) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(RETRIES),--retries $(RETRIES))

random: setup ## schedules of overlapping faults; goes on where it ended [SEED=1] [SCHEDULES=15] [FOR=5m] [RETRIES=0]
	$(BIN)/adctr chaos random --seed $(or $(SEED),1) --schedules $(or $(SCHEDULES),15) --for $(or $(FOR),5m) \
		$(if $(RETRIES),--retries $(RETRIES))

soak: setup ## half an hour of load, and everything that may not grow
	$(BIN)/adctr bench soak --minutes 30

GATES := .artifacts/gates
GATES_REPORT = --benchmark-json=$(GATES)/$@.json --junit-xml=$(GATES)/$@.xml --history $(GATES)/history.jsonl
gates: setup ## benchmarks under pytest, held against objectives that 5 minutes can show: what each commit has to keep
	@mkdir -p $(GATES)
	$(BIN)/pytest tests/bench $(GATES_REPORT)

gates-long: setup ## the same with the whole objectives; takes 40 minutes
	@mkdir -p $(GATES)
	$(BIN)/pytest tests/bench -m long $(GATES_REPORT)

compare: setup ## this tree against an earlier revision, interleaved [BASE=main~1]; 40 minutes at most, goes on where it was
	$(BIN)/adctr bench compare --base $(or $(BASE),main~1)

bench: setup ## the pipeline against a hand-written loop
	$(BIN)/adctr bench drain

up down: setup ## start, stop the stack in ./data
	$(BIN)/adctr $@

benchmarks-page: setup ## docs/benchmarks.md from the figures in docs/benchmarks
	$(BIN)/adctr bench report docs/benchmarks/*.json > docs/benchmarks.md

warehouse: setup $(WAREHOUSE)/dbt.stamp ## the marts of the stack in ./data, by dbt [DBT="build --select +hours"]
	$(BIN)/adctr warehouse $(or $(DBT),build)

test-warehouse: setup $(WAREHOUSE)/dbt.stamp ## dbt against a PostgreSQL of the tests' own
	ADCTR_REQUIRE_WAREHOUSE=1 $(BIN)/pytest tests/warehouse

DOCKER_TEST := ADCTR_REQUIRE_DOCKER=1 TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/pytest -v
COMPOSE := docker compose -f compose/docker/compose.yaml
docker-env: setup ## compose/docker/.env with random passwords, once
	$(BIN)/python -m compose.docker.env_file

docker-image: setup ## the project's image
	$(BIN)/python -m compose.docker.image

docker-up: docker-env docker-image ## the stack in containers, healthy; COMPOSE_PROFILES=core,ops with Prometheus and Grafana
	$(COMPOSE) up --detach --wait

docker-down: docker-env ## stops the containers; volumes stay
	$(COMPOSE) --profile '*' down

docker-smoke: setup ## Compose alone: up, load, kill, down; needs a Docker engine
	$(DOCKER_TEST) tests/docker/test_compose.py

docker-test: setup ## Compose and the integration tests against containers; needs a Docker engine
	$(DOCKER_TEST) tests/docker

artifacts: setup ## wheel, sdist and image in .artifacts/dist, smoke-tested from a clean directory [IMAGE=0: without the image]
	$(BIN)/python .ci/artifacts.py $(if $(filter 0,$(IMAGE)),--no-image)

dead-letters: setup ## what bad records cost
	$(BIN)/adctr bench dead-letters

benchmarks: setup peers ## every benchmark on a stack of its own; takes hours
	$(foreach each,generator raw-copy drain cache-reads probes cost capacity peers,$(BIN)/adctr bench $(each) &&) true

release: setup ## everything, for a version: all that CI has, each fault three times, gates, benchmarks, soak; takes hours
	ADCTR_CI_ALL=1 RETRIES=2 REPEAT=3 .ci/run
	$(MAKE) random gates-long dead-letters soak benchmarks

setup: $(VENV)/java.stamp ## fetches and compiles what is missing

$(VENV)/python.stamp: compose/find-python.sh requirements-build.lock
	@python=$$(./compose/find-python.sh) && "$$python" -m compose.stack.platform_check && \
	    { $(BIN)/python -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null || \
	      { echo "making $(VENV) with $$python"; "$$python" -m venv --clear $(VENV); }; }
	$(PIP) install --require-hashes --no-deps -r requirements-build.lock
	@touch $@

peers: $(VENV)/peers.stamp ## what `adctr bench peers` measures the pipeline against

# Their constraint is requirements.lock, so nothing that the pipeline uses changes.
$(VENV)/peers.stamp: requirements-peers.lock $(VENV)/packages.stamp
	$(PIP) install --require-hashes --no-deps -r requirements-peers.lock
	@touch $@

# An environment of its own: what dbt asks for and what the pipeline asks for need not agree.
$(WAREHOUSE)/dbt.stamp: requirements-warehouse.lock requirements-build.lock $(VENV)/python.stamp
	$(BIN)/python -m venv --clear $(WAREHOUSE)
	$(WAREHOUSE)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r requirements-build.lock
	$(WAREHOUSE)/bin/python -m pip --disable-pip-version-check install --require-hashes --no-deps --no-build-isolation \
	    --use-pep517 -r requirements-warehouse.lock
	@touch $@

# Build isolation would fetch build tools past the lock file; the few source packages need setuptools only.
$(VENV)/requirements.stamp: requirements.lock $(VENV)/python.stamp
	$(PIP) install --require-hashes --no-deps --no-build-isolation --use-pep517 -r requirements.lock
	@touch $@

$(VENV)/packages.stamp: pyproject.toml $(VENV)/requirements.stamp
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/java.stamp: $(JAVA_INPUTS) $(VENV)/packages.stamp
	$(BIN)/python -m compose.stack.java.setup
	@touch $@

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links
lock: ## for maintainers, needs uv: locks the newest fitting packages and Java artifacts
	echo setuptools | $(COMPILE) - -o requirements-build.lock
	$(COMPILE) pyproject.toml --group dev -o requirements.lock $(if $(UPGRADE),--upgrade)
	$(COMPILE) --group pyproject.toml:peers --constraint requirements.lock -o requirements-peers.lock $(if $(UPGRADE),--upgrade)
	$(COMPILE) --group pyproject.toml:warehouse -o requirements-warehouse.lock $(if $(UPGRADE),--upgrade)
	$(BIN)/python -m compose.stack.java.lock_artifacts

clean: ## removes what set-up made here; data and caches stay
	rm -rf $(VENV) $(WAREHOUSE) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
