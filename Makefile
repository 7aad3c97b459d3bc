# What people type. Everything real is in totara_infra/; `make` finds a Python and starts it.
# Works with GNU make 3.81 (macOS) and newer, and any POSIX shell.

ENV ?= local
STATE = $(if $(TOTARA_STATE_DIRECTORY),$(TOTARA_STATE_DIRECTORY),.totara)

.DEFAULT_GOAL := help
.PHONY: help up down preview test test-fast bench lint docs setup tools policies upgrade-check plan-summary plan-comment release-approvals

help:
	@echo 'make up                  bring all modules up on this machine: the engine, an AWS emulator, the stack local'
	@echo 'make down                stop what `make up` started and remove its state'
	@echo 'make preview ENV=local   show what an update of local, dev, uat or prod would do'
	@echo 'make test                run every test'
	@echo 'make test-fast           run the tests that need nothing but Python, in about a minute'
	@echo 'make bench               measure, and print the table of figures'
	@echo 'make docs                build the documentation site into build/site'
	@echo 'make lint                check style, types and the dependencies between packages'
	@echo 'make policies            hold the program of every stack to the conventions, without credentials'
	@echo 'make upgrade-check       try other versions of the engine, the SDKs and the emulator in a copy'
	@echo 'make setup               only make .venv'
	@echo
	@echo 'Variables: TOTARA_PORT=4567 (port of the emulator), PYTHON=python3.12 (the Python for .venv),'
	@echo 'TOTARA_AWS_PLUGIN=official (Pulumi'"'"'s own AWS plugin for the stack local).'

up: setup
	@.venv/bin/totara up local

# Needs .venv only where there is something to stop.
down:
	@if [ -x .venv/bin/totara ] && [ -f .venv/.totara-stamp ]; then \
		.venv/bin/totara down local; \
	elif ls '$(STATE)'/emulators/*.json '$(STATE)'/state/.pulumi/stacks/*/* >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory setup && .venv/bin/totara down local; \
	else \
		echo 'Stack local was down already: nothing was ever started here.'; \
	fi

preview: setup
	@.venv/bin/totara preview $(ENV)

test: tools
	@.venv/bin/python -m pytest -n logical --maxprocesses 4

# Neither engine nor emulator, database or browser; for work in between.
test-fast: setup
	@.venv/bin/python -m pytest -n logical --maxprocesses 4 -m 'not engine and not services'

bench: tools
	@.venv/bin/python -m benchmarks

lint: setup
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/zizmor --offline --quiet .github/workflows
	@.venv/bin/python -m totara_infra.local.workflow_lint .github/workflows/*.yaml

policies: setup
	@for file in Pulumi.*.yaml; do \
		name="$${file#Pulumi.}"; name="$${name%.yaml}"; \
		case "$$name" in local | *-rehearsal) continue ;; esac; \
		.venv/bin/totara preview "$$name" --offline || exit; \
	done

# Such as VERSIONS="pulumi=3.273.0 pulumi-aws=7.52.0 ministack=1.5.34 engine=3.275.0".
upgrade-check: setup
	@.venv/bin/python -m totara_infra.local.upgrade $(VERSIONS)

docs: setup
	@.venv/bin/totara docs build --strict

# For pipelines: what a change does to each environment, and who has approved a run.
plan-summary: setup
	@mkdir -p build && rm -f build/plan.md
	@.venv/bin/totara fleet plan --since "$${SINCE:?}" --summary build/plan.md >/dev/null
	@for environment in dev uat prod; do \
		.venv/bin/totara plan "$$environment" --since "$${SINCE:?}" --summary build/plan.md >/dev/null || exit; \
	done

plan-comment:
	@gh pr comment "$${PULL_REQUEST:?}" --body-file build/plan.md --edit-last --create-if-none

release-approvals:
	@mkdir -p build
	@gh api "repos/$${GITHUB_REPOSITORY:?}/actions/runs/$${RUN_ID:?}/approvals" >build/approvals.json

tools: setup
	@.venv/bin/python -m totara_infra.local.setup

# The package can't be imported before its dependencies are there, so its subpackage `local` is,
# by itself. Its folder comes last on the path: a module of the package must not hide Python's own.
setup:
	@for python in $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$python" -I -c 'import sys; sys.path.append("totara_infra"); from local.virtual_environment import main; sys.exit(main())'; \
		fi; \
	done; \
	echo 'Python 3.11 or newer is needed, and $(if $(PYTHON),$(PYTHON) is not,none is on PATH); install it, or name it: make up PYTHON=/path/to/python3.12' >&2; \
	exit 1
