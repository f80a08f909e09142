# make                         sets up .venv, reproduces, prints what it found
# make test                    sets up .venv and runs every check and test
# make adopt DATA=~/photos     makes a folder of images the dataset
# make share REMOTE=s3://a/b   sets up the remote that a team shares
# make release VERSION=v1.0.0  tags the commit, if it is reproduced
# make setup                   sets up .venv
# make lock                    pins what the packages of pyproject.toml need
# make help                    prints these lines
#
# PYTHON=python3.12  sets up .venv with another Python than python3
# TORCH=cpu          sets up .venv with a torch for CPUs, 3 GB smaller; needs uv
# UV=                installs with pip, even if uv is there

PYTHON ?= python3
IN_VENV = . .venv/bin/activate &&
UV := $(if $(shell command -v uv 2>/dev/null),uv)
# TORCH=cpu, once chosen, holds for whatever .venv gets later.
TORCH ?= $(if $(wildcard .venv/torch-cpu),cpu)

# $(call install,EXTRA): the packages of pyproject.toml with that extra, at their pins.
install = $(if $(UV),$(with_uv),$(with_pip))
# The pins are constraints: all of them would include CUDA's packages, which TORCH=cpu needs not.
with_uv = $(UV) pip install --python .venv/bin/python -r pyproject.toml \
	-c requirements$(1:%=-%).txt $(1:%=--extra=%) $(TORCH:%=--torch-backend=%)
with_pip = $(if $(TORCH),$(error TORCH=$(TORCH) needs uv, which is not on the PATH)).venv/bin/python \
	-m pip install --disable-pip-version-check -r requirements$(1:%=-%).txt

# What users give reaches the commands through the environment. So neither make nor the shell
# interprets it, and no secret is printed with the command.
override DATA := $(value DATA)
override OPTIONS := $(value OPTIONS)
override REMOTE := $(value REMOTE)
override VERSION := $(value VERSION)
export DATA OPTIONS REMOTE VERSION

.PHONY: all setup test adopt share release lock help

all: setup
	$(IN_VENV) python -m stages.validate
	$(IN_VENV) dvc repro
	$(IN_VENV) python -m stages.overview

setup: .venv/installed plots/page.html

# The page that `dvc plots` fills in.
plots/page.html: plots/page.template.html plots/scripts.html
	@sed -e '/^%SCRIPTS%$$/r plots/scripts.html' -e '//d' plots/page.template.html > $@

.venv/installed: requirements.txt $(TORCH:%=.venv/torch-%)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; choose one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@[ "$(TORCH)" ] || [ "$$(uname)" != Linux ] || nvidia-smi >/dev/null 2>&1 || \
	echo "No NVIDIA GPU found. make TORCH=cpu, which needs uv, would take 3 GB less."
	$(call install)
	touch $@

.venv/torch-cpu:
	$(if $(wildcard .venv/installed),$(error TORCH=cpu: .venv has a torch with CUDA; remove .venv first))
	$(if $(UV),,$(error TORCH=cpu needs uv, which is not on the PATH))
	mkdir -p .venv
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
	$(call install,remotes)
	touch $@

.venv/installed-test: .venv/installed requirements-test.txt
	$(call install,test)
	touch $@

test: .venv/installed-test plots/page.html
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy
	# pytest runs two processes: torch's waiting threads in one must not slow the other.
	$(IN_VENV) OMP_WAIT_POLICY=PASSIVE tests/in_memory pytest

# In this order, so that all of them pin the same version of a package.
lock: compile = UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile pyproject.toml --quiet \
	--universal --python-version 3.10 --no-annotate
lock:
	$(compile) -o requirements.txt
	$(compile) --extra remotes -c requirements.txt -o requirements-remotes.txt
	$(compile) --extra ray -c requirements-remotes.txt -o requirements-ray.txt
	$(compile) --extra test -c requirements-ray.txt -o requirements-test.txt
	$(compile) --extra benchmarks -c requirements-test.txt -o requirements-benchmarks.txt

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile
