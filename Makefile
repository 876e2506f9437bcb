# Everything that can be done here. Bare `make` explains it.
# Knobs can be given to any target: make up STATE=/tmp/second CLOUD_PORT=14566 AIRFLOW_PORT=18080 AIRFLOW_LOG_PORT=18793

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

STATE ?= $(ROOT)/.state##   folder of everything that outlives a process
CLOUD_PORT ?= 4566##   port of the local cloud
AIRFLOW_PORT ?= 8080##   port of Airflow's pages
AIRFLOW_LOG_PORT ?= 8793##   port from which these pages read the logs of running tasks
SAMPLE_EVENTS ?= 206000##   visitors' events of the sample day
PYTHON ?= $(shell for python in python3.11 python3; do if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then break; fi; done; command -v $$python)##   Python 3.11
override STATE := $(abspath $(STATE))
export STATE CLOUD_PORT AIRFLOW_PORT AIRFLOW_LOG_PORT SAMPLE_EVENTS

# The commands' own arguments.
export SOURCE EVENTS AT FROM TO DATE WHAT HOUR OBJECT PART JSON CONTRACT DAYS SHOW

# The product sees only the ordinary AWS variables; here they name the local cloud, and nothing else that a shell
# or a home folder may hold can lead to real AWS.
export AWS_ENDPOINT_URL := http://127.0.0.1:$(CLOUD_PORT)
export AWS_ACCESS_KEY_ID := local
export AWS_SECRET_ACCESS_KEY := local
export AWS_DEFAULT_REGION := us-east-1
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
unexport AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_REGION
# A proxy is never right for this machine's own addresses.
comma := ,
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(comma),$(NO_PROXY))
export no_proxy := $(NO_PROXY)

AIRFLOW := $(ROOT)/.venv/airflow/bin
LOCAL := $(ROOT)/.venv/local/bin
COMMAND := cd $(ROOT) && $(AIRFLOW)/python -m commands

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help doctor up down clean logs send prove backfill status quality preview break restore check docs test test-full bench

##@ The stack
doctor: ## is this machine fit? all faults at once, before any download
	@$(PYTHON) $(ROOT)/commands/doctor.py
up: export STARTED := $(shell date +%s)
up: doctor environments ## install, start everything, send the sample day and prove it; again: go on
	@$(COMMAND).up
down: ## stop everything; nothing is lost
	@if [ -e "$(STATE)/run" ]; then $(COMMAND).down; fi
clean: down ## stop everything and remove STATE; the environments below .venv stay
	@if [ -e "$(STATE)" ] && [ ! -e "$(STATE)/.clickstream" ]; then \
	    echo "$(STATE) was not made by 'make up': not removed"; exit 1; fi
	rm -rf -- "$(STATE)"
	@echo "removed; the environments are kept (to remove them, too: rm -rf $(ROOT)/.venv)"
logs: installed ## [PART=cloud|scheduler|…]  the end of the parts' logs
	@$(COMMAND).logs

##@ The data
send: installed ## SOURCE= EVENTS=file.ndjson[.gz] [AT=2026-11-18T13:00:00Z]  a file through the producer
	@$(COMMAND).send
prove: installed ## SOURCE= DATE=2026-11-18  the daily proof of a day, by hand
	@$(COMMAND).prove
backfill: installed ## SOURCE= FROM=2026-11-18 TO=2026-11-18  run these days again and wait for their proof
	@$(COMMAND).backfill
status: installed ## [SOURCE=] [JSON=1]  what is proven, tier by tier
	@$(COMMAND).status
quality: installed ## [SOURCE=]  the pages of the last data quality results, into STATE/quality
	@$(COMMAND).quality
preview: installed ## SOURCE= CONTRACT=1.1.0 [DAYS=7] [SHOW=1] [JSON=1]  what a new contract would have done
	@$(COMMAND).preview
break: installed ## WHAT=lost-object|…  make one fault, to see it found and to repair it
	@$(COMMAND).break_
restore: installed ## OBJECT=key  bring an object back as the evidence knows it
	@$(COMMAND).restore

##@ The project
check: environments ## lint, format, types, generated files
	cd $(ROOT) && $(AIRFLOW)/ruff check
	cd $(ROOT) && $(AIRFLOW)/ruff format --check
	cd $(ROOT) && $(AIRFLOW)/mypy --python-executable $(AIRFLOW)/python plugins commands dags benchmarks
	cd $(ROOT) && $(AIRFLOW)/mypy --cache-dir .mypy_cache/local --python-executable $(LOCAL)/python local include/glue_scripts
	cd $(ROOT) && $(AIRFLOW)/python -m commands.dag_docs --check
	cd $(ROOT) && $(AIRFLOW)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml
	cd $(ROOT) && $(AIRFLOW)/hadolint Dockerfile
docs: environments ## docs/dags.md from the DAGs' docstrings
	$(COMMAND).dag_docs
test: MARKS := not full
test: pytest ## all tests but the long matrices
test-full: MARKS := full or not full
test-full: pytest ## all tests
bench: installed ## what parsing, repair, waiting, maintenance, the final check and the jobs cost, on a stack that `make up` has proven
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.dag_parsing
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.partition_repair
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.waiting
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.lake_maintenance
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.final_check
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.bronze_to_silver
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.silver_to_gold
	@cd $(ROOT) && $(AIRFLOW)/python -m benchmarks.lake_age

# Tests that need the local cloud's libraries run in its environment, all others in Airflow's; both at once, and both
# always to their end. What the first ones say comes last.
pytest: environments
	@cd $(ROOT) && said=$$(mktemp) && failed=0; \
	$(LOCAL)/python -m pytest -m "$(MARKS)" tests/integration/local tests/integration/spark > $$said 2>&1 & \
	$(AIRFLOW)/python -m pytest -m "$(MARKS)" tests/unit tests/dags tests/integration/stack tests/e2e || failed=1; \
	wait $$! || failed=1; \
	cat $$said; rm $$said; exit $$failed

# The services of docker-compose.yaml, with the settings above: `make run-scheduler`, `make healthy-scheduler`.
run-%: installed
	@cd $(ROOT) && exec $(AIRFLOW)/python -m commands.container run $*
healthy-%: installed
	@$(COMMAND).container healthy $*

.PHONY: pytest environments fit installed
environments: fit
	@$(PYTHON) $(ROOT)/commands/install.py
# The machine is looked at before anything is downloaded (`up` has done so).
fit:
	@[ -e $(ROOT)/.venv/local/complete ] || $(if $(filter up,$(MAKECMDGOALS)),true,$(PYTHON) $(ROOT)/commands/doctor.py install)
# These work on what runs: they never change an environment under it.
installed:
	@[ -e $(ROOT)/.venv/airflow/complete ] || { echo "nothing is installed yet: make up"; exit 1; }

help:
	@awk 'BEGIN { FS = ":.*## " } \
	    /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; echo "Knobs (NAME=value after the target, or in the environment)"
	@awk -F ' [?]= |##' '/^[A-Z_]+ [?]= .*##/ { printf "  %-16s %s\n", $$1, $$3 }' $(MAKEFILE_LIST)
