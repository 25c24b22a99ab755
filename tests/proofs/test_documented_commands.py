"""Each command block of the pages for people is pasted into a shell as it stands, by somebody new; the site builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.utils.running import ROOT
from tests.worlds import home_with_seeds

pytestmark = pytest.mark.proof

DOCS, MKDOCS = ROOT / "docs", ROOT / ".tools" / "docs" / "bin" / "mkdocs"
PATIENCE_S = 170
PASTED = {"get-started.md", "how-to.md", "real-account.md", "ci.md", "json.md", "drills.md"}
ELSEWHERE = {
    "runbook.md": "a run of PROD between two people: tests/utils/test_ceremony.py, tests/proofs/test_automation.py",
    "training.md": "each scenario is played with its commands: tests/proofs/test_training.py",
    "scale.md": "the runs that a matrix leaves are merged: tests/deploy",
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^(dr|dr_cli\.py|python|make|aws) ", re.MULTILINE)
_LEFT_OUT = (".git", ".venv", ".tools", "out", "__pycache__", "tests", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def _blocks(page: Path) -> list[str]:
    """The page's blocks that hold commands."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [block for language, block in found if language == "sh" or (not language and _TYPED.search(block))]


def _commands(page: str) -> Iterator[tuple[str, int]]:
    """Each command of the page's blocks, its lines as they are printed, and the exit code that the page says it has."""
    for block in _blocks(DOCS / page):
        for lines in re.findall(r"(?:.*\\\n)*.+\n", block):
            yield lines, int((re.findall(r"# exit (\d+)$", lines.rstrip()) or ["0"])[0])


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has just cloned the repository and ran `make setup`; nothing is installed for them beside it."""

    home: Path
    variables: Mapping[str, str]

    def faults(self, page: str) -> list[str]:
        """Paste the page's commands into one shell, and return those that ended otherwise than the page says."""
        commands = list(_commands(page))
        script = ["shopt -s expand_aliases"]
        for number, (lines, _) in enumerate(commands):
            script.append(f"{{\n{lines}}} >{self._file(number)} 2>&1; echo $? >{self._file(number)}.code")
        self.shell("\n".join(script))
        codes = [int(Path(f"{self._file(number)}.code").read_text()) for number in range(len(commands))]
        return [
            f"{lines.strip()}: exit {code}, not {wanted}: {self._file(number).read_text()[-600:]}"
            for number, ((lines, wanted), code) in enumerate(zip(commands, codes, strict=True))
            if code != wanted
        ]

    def shell(self, script: str) -> str:
        """Run a script in a shell of theirs, in the checkout; its output."""
        env = {"HOME": str(self.home), "PATH": os.defpath, "LANG": "C.UTF-8", **self.variables}
        shell = ["/bin/bash", "--norc", "--noprofile", "-c", script]
        ran = subprocess.run(
            shell,
            env=env,
            cwd=self.checkout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    @property
    def checkout(self) -> Path:
        """Their clone."""
        return self.home / "checkout"

    def _file(self, number: int) -> Path:
        return self.home / f"pasted-{number}"


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    home_with_seeds(tmp_path / "sandbox")
    person = Newcomer(tmp_path, {"DR_SANDBOX_HOME": str(tmp_path / "sandbox")})
    shutil.copytree(ROOT, person.checkout, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for installed in (".venv", ".tools"):
        (person.checkout / installed).symlink_to(ROOT / installed)
    return person


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
    assert {page.name for page in DOCS.glob("*.md") if _blocks(page)} == PASTED | ELSEWHERE.keys()
    assert sum(len(list(_commands(page))) for page in PASTED) > 40


@pytest.mark.parametrize("page", ["get-started.md", "how-to.md"])
def test_what_needs_no_account_works_as_it_is_printed(newcomer: Newcomer, page: str) -> None:
    assert [] == newcomer.faults(page)


@pytest.mark.parametrize(
    ("page", "environment", "keys"),
    [
        ("real-account.md", "sit", "operator"),
        ("drills.md", "sit", "driller"),
        ("ci.md", "prod", "operator"),
        ("json.md", "prod", "approver"),
    ],
)
def test_what_needs_an_account_works_there_as_it_is_printed(
    newcomer: Newcomer, page: str, environment: str, keys: str
) -> None:
    with account(newcomer, environment, keys) as signed_in:
        assert [] == signed_in.faults(page)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    assert MKDOCS.exists(), "run `make docs-site`"
    words = [str(MKDOCS), "build", "--strict", "--quiet", "--config-file", str(ROOT / "mkdocs.yml")]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ran = subprocess.run([*words, "--site-dir", str(tmp_path)], env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert [] == [name for name in sorted(pages) if not (tmp_path / name / "index.html").exists()]
    page = (tmp_path / "how-it-works" / "index.html").read_text(encoding="utf-8")
    assert '<pre class="mermaid">' in page
    assert '<script src="../mermaid.min.js">' in page, "the diagrams are drawn without asking another site"
    assert (tmp_path / "mermaid.min.js").exists()
