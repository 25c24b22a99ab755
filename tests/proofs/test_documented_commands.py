"""Every command block of the pages for people is run as it stands, in the order of its page; the site is built."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, command_of, signed_in
from tests.worlds import home_with_seeds

pytestmark = pytest.mark.proof

DOCS, MKDOCS = ROOT / "docs", ROOT / ".tools" / "docs" / "bin" / "mkdocs"
PATIENCE_S = 170


def _lines(page: str) -> Iterator[tuple[str, int]]:
    """Each command of the page's blocks, and the exit code that the page says it has."""
    for block in re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            command, _, note = line.partition("#")
            if not command.startswith("alias"):
                yield command.strip(), int(note.removeprefix(" exit ") or 0)


def _faults(page: str, home: Path, variables: Mapping[str, str]) -> list[str]:
    """The commands that ended otherwise than the page says."""
    (script, *options), env = command_of("", home, **variables)
    program = shlex.join([sys.executable, str(ROOT / script), *options])
    faults = []
    for command, code in _lines(page):
        ran = subprocess.run(
            ["/bin/bash", "-c", f'dr() {{ {program} "$@"; }}\n{command}'],
            env=env,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
        if ran.returncode != code:
            faults.append(f"{command}: exit {ran.returncode}, not {code}: {ran.stderr}{ran.stdout[-400:]}")
    return faults


def test_the_first_ten_minutes_end_as_the_page_says(tmp_path: Path) -> None:
    home_with_seeds(tmp_path / "sandbox")
    assert len(list(_lines("get-started.md"))) > 10
    assert [] == _faults("get-started.md", tmp_path, {})


def test_each_recipe_works_in_the_sandbox(tmp_path: Path) -> None:
    home_with_seeds(tmp_path / "sandbox")
    up, down = ("-e sit --tenants 3 sandbox up", "-e sit sandbox down")
    program = [sys.executable, *command_of(up, tmp_path)[0]]
    subprocess.run(program, env=command_of(up, tmp_path)[1], cwd=ROOT, check=True, capture_output=True)
    try:
        assert [] == _faults("how-to.md", tmp_path, {})
    finally:
        subprocess.run(
            [sys.executable, *command_of(down, tmp_path)[0]],
            env=command_of(down, tmp_path)[1],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )


def test_the_steps_on_a_real_account_go_as_the_page_says(sandbox_world: Endpoint, tmp_path: Path) -> None:
    assert [] == _faults("real-account.md", tmp_path, signed_in(sandbox_world, "operator"))


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
