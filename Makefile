# `make` sets everything up in .venv, reproduces the pipeline and prints what it found.
# `make test` sets everything up and runs every check and test.
# `make adopt DATA=~/photos` makes a folder of images the dataset.
# `make share REMOTE=s3://bucket/path` sets up the remote that a team shares.
# `make release VERSION=v1.0.0` tags what is committed, once it is found reproduced.

PYTHON ?= python3
IN_VENV = . .venv/bin/activate &&
PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check

# What users give reaches the commands by the environment, as it is: neither make nor the shell
# reads it as text of its own, and a secret is not printed with the command.
override DATA := $(value DATA)
override OPTIONS := $(value OPTIONS)
override REMOTE := $(value REMOTE)
override VERSION := $(value VERSION)
export DATA OPTIONS REMOTE VERSION

.PHONY: all setup test adopt share release

all: setup
	$(IN_VENV) python -m stages.validate
	$(IN_VENV) dvc repro
	$(IN_VENV) python -m stages.overview

setup: .venv/installed

.venv/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; choose one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) -r requirements.txt
	touch $@

adopt: .venv/installed
	$(if $(DATA),,$(error Say where: make adopt DATA=~/photos))
	$(IN_VENV) set -f && python -m stages.adopt $$OPTIONS -- "$$DATA"

share: .venv/installed-remotes
	$(if $(REMOTE),,$(error Say where: make share REMOTE=s3://bucket/path))
	$(IN_VENV) set -f && python -m team.share -- "$$REMOTE" $$OPTIONS

release: .venv/installed-remotes
	$(IN_VENV) python -m team.release -- "$$VERSION"

.venv/installed-remotes: .venv/installed requirements-remotes.txt
	$(PIP_INSTALL) -r requirements-remotes.txt
	touch $@

.venv/installed-test: .venv/installed-remotes requirements-test.txt
	$(PIP_INSTALL) -r requirements-test.txt
	touch $@

test: .venv/installed-test
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy
	# Two processes: the threads of torch in one would spin against those in the other.
	$(IN_VENV) OMP_WAIT_POLICY=PASSIVE pytest
