"""Each command block of pages for one person is pasted into a shell as it stands, by somebody new; the site builds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.proofs.pasting import Newcomer, blocks, newcomer_in, printed_on
from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.apart, pytest.mark.judge("awscli")]

DOCS, MKDOCS = ROOT / "docs", ROOT / ".tools" / "mkdocs" / "bin" / "mkdocs"
PASTED = {"get-started.md", "how-to.md", "real-account.md", "ci.md", "json.md", "drills.md", "scan.md"}
ELSEWHERE = {
    "runbook.md": "two people and a lost region: tests/proofs/test_pasted_recovery.py",
    "training.md": "each scenario in a shell: tests/proofs/test_pasted_training.py",
    "scale.md": "the runs that a matrix leaves are merged: tests/deploy",
}


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    with newcomer_in(tmp_path) as person:
        yield person


@contextmanager
def account(person: Newcomer, environment: str, keys: str) -> Iterator[Newcomer]:
    """The newcomer with an account: the usual variables lead to it, and hold the ``keys`` of somebody."""
    program = f".venv/bin/python utils/aws_mgmt/dr_cli.py -e {environment}"
    person.shell(f"{program} --tenants 2 sandbox up")
    shown = json.loads(person.shell(f"{program} sandbox show --format json"))
    names = {"AWS_ACCESS_KEY_ID": "access_key_id", "AWS_SECRET_ACCESS_KEY": "secret_access_key"}
    signed_in = {variable: shown["people"][keys][name] for variable, name in names.items()}
    try:
        yield Newcomer(person.home, {**person.variables, "AWS_ENDPOINT_URL": shown["url"], **signed_in})
    finally:
        person.shell(f"{program} sandbox down")


def test_each_page_with_commands_is_pasted_here_or_names_what_plays_them() -> None:
    assert {
        page.name for page in DOCS.glob("*.md") if blocks(page.read_text(encoding="utf-8"))
    } == PASTED | ELSEWHERE.keys()
    assert sum(len(list(printed_on(DOCS / page))) for page in PASTED) > 40


@pytest.mark.parametrize("page", ["get-started.md", "how-to.md"])
def test_what_needs_no_account_works_as_it_is_printed(newcomer: Newcomer, page: str) -> None:
    assert [] == newcomer.faults(list(printed_on(DOCS / page)))


@pytest.mark.parametrize(
    ("page", "environment", "keys"),
    [
        ("real-account.md", "sit", "operator"),
        ("drills.md", "sit", "driller"),
        ("ci.md", "prod", "operator"),
        ("scan.md", "sit", "admin"),
        ("json.md", "prod", "approver"),
    ],
)
def test_what_needs_an_account_works_there_as_it_is_printed(
    newcomer: Newcomer, page: str, environment: str, keys: str
) -> None:
    with account(newcomer, environment, keys) as signed_in:
        assert [] == signed_in.faults(list(printed_on(DOCS / page)))


@pytest.mark.judge("docs-site")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    assert MKDOCS.exists(), "run `make docs-site`"
    words = [str(MKDOCS), "build", "--strict", "--config-file", str(ROOT / "mkdocs.yml")]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ran = subprocess.run([*words, "--site-dir", str(tmp_path)], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert [] == [name for name in sorted(pages) if not (tmp_path / name / "index.html").exists()]
    page = (tmp_path / "how-it-works" / "index.html").read_text(encoding="utf-8")
    assert '<pre class="mermaid">' in page
    assert '<script src="../mermaid.min.js">' in page, "the diagrams are drawn without asking another site"
    assert (tmp_path / "mermaid.min.js").exists()
