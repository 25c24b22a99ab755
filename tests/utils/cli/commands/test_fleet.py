"""status of several environments, and report --merge: one page, the worst first, and nobody hides another."""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.utils.running import ROOT, Ran, dr_cli
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

GOLDEN = ROOT / "tests" / "golden"
JUDGED = ("prod", "sit")


def evidence(name: str) -> bytes:
    """The evidence of a recorded estate."""
    return lzma.decompress((GOLDEN / "evidence" / f"{name}.json.xz").read_bytes())


def report(name: str) -> str:
    """The report of a recorded status."""
    return json.dumps(json.loads(lzma.decompress((GOLDEN / "reports" / f"{name}.json.xz").read_bytes()))["status"])


@dataclass(frozen=True)
class SeenFleet:
    """Two environments of which there is evidence, and one whose file is broken, as `-e all` shows them."""

    home: Path
    ran: Ran

    def row(self, environment: str) -> dict[str, Any]:
        """The row of an environment."""
        (found,) = [row for row in self.ran.report["environments"] if row["environment"] == environment]
        return dict(found)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> SeenFleet:
    home = tmp_path_factory.mktemp("fleet")
    rules = home / "environments"
    rules.mkdir()
    for name, seen in zip(JUDGED, ("prod-primary-dark", "sit-healthy"), strict=True):
        (rules / f"{name}.toml").write_bytes((ROOT / "environments" / f"{name}.toml").read_bytes())
        (home / f"{name}.json").write_bytes(evidence(seen))
    (rules / "broken.toml").write_text("name = ")
    (rules / "exceptions.toml").write_text("")
    words = f"--config {rules} --format json -e all status --from-evidence {home}/{{env}}.json --check rpo.met"
    return SeenFleet(home, dr_cli(words, home))


def merge(capsys: pytest.CaptureFixture[str], home: Path, words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a merge, or of what is refused before anything is looked at."""
    code = run_command(parse(["--output", str(home / "out"), *words.split()]))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    """Runs of two environments, as recorded."""
    found = {}
    for name in ("prod-primary-dark", "sit-healthy"):
        environment = name.partition("-")[0]
        found[environment] = tmp_path / name
        found[environment].mkdir()
        (found[environment] / "report.json").write_text(report(name))
        (found[environment] / "report.html").write_text("<html>")
    return found


@pytest.mark.proof
def test_every_environment_file_is_a_row_and_a_broken_one_hides_no_other(fleet: SeenFleet) -> None:
    assert {"broken", *JUDGED} == {row["environment"] for row in fleet.ran.report["environments"]}, fleet.ran.err
    broken = fleet.row("broken")
    assert ("UNKNOWN", "UNKNOWN", None, 2) == tuple(broken[key] for key in ("posture", "answer", "score", "exit"))
    assert "broken.toml: not readable as TOML" in broken["reason"]
    for name in JUDGED:
        assert (name, "") == (Path(fleet.row(name)["results"]).name.partition("-")[0], fleet.row(name)["reason"])


@pytest.mark.proof
def test_the_worst_stands_first_and_gives_the_exit_code(fleet: SeenFleet) -> None:
    exits = [row["exit"] for row in fleet.ran.report["environments"]]
    assert exits == sorted(exits, reverse=True)
    assert exits[0] == fleet.ran.code == fleet.ran.report["exit"]
    assert "PRIMARY_LOST" == fleet.row("prod")["posture"]
    assert "-e prod" in fleet.row("prod")["next_step"], "the next command names its own environment"


@pytest.mark.proof
def test_the_page_asks_nobody_and_leads_to_each_run_s_own_page(fleet: SeenFleet) -> None:
    (page,) = (fleet.home / "out").glob("fleet-status-*/fleet.html")
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'<th scope="row"><a href="([^"]+)"', text)
    assert len(JUDGED) == len(links)
    assert [] == [link for link in links if not (page.parent / link).is_file()]
    assert [] == re.findall(r'(?:src|href)="(?:https?:|//)', text)
    assert {"fleet.html", "fleet.json", "fleet.md", "fleet.csv"} == {path.name for path in page.parent.iterdir()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-e all failover --execute --incident INC-1", "Only `status` looks at several environments"),
        ("-e dev,sit approve --rules", "Only `status` looks at several environments"),
        ("-e dev,sit sandbox up", "Only `status` looks at several environments"),
        ("-e dev,sit status --watch", "One environment is watched at a time"),
        ("-e dev,sit status --format github", "not written as github: use terminal"),
        ("-e dev,sit status --save-evidence seen.json", "--save-evidence of several environments needs {env}"),
        ("-e dev,sit status --baseline before.json", "--baseline of several environments needs {env}"),
        ("-e dev,,sit status", "names no environment file"),
        ("-e all --config {home} status", "-e all names no environment file"),
    ],
)
def test_what_cannot_be_done_with_several_is_one_sentence_and_exit_2(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = merge(capsys, tmp_path, words.replace("{home}", str(tmp_path)))
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert message in err


def test_kept_runs_of_an_earlier_version_are_merged_in_every_form(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"report --merge {runs['sit']} {runs['prod']} --format "
    forms = {form: merge(capsys, tmp_path, words + form)[1] for form in ("json", "markdown", "csv", "junit", "sarif")}
    rows = json.loads(forms["json"])["environments"]
    names = [row["environment"] for row in rows]
    assert set(JUDGED) == set(names)
    assert names == [row["environment"] for row in csv.DictReader(io.StringIO(forms["csv"]))]
    assert names == re.findall(r"^\| (\w+) \| [A-Z_]+ ", forms["markdown"], re.MULTILINE)
    suites = list(ET.fromstring(forms["junit"].encode()))  # noqa: S314 - what this tool wrote
    assert names == [suite.get("name") for suite in suites]
    assert all(len(suite.findall("testcase")) > 50 for suite in suites)
    sarif = json.loads(forms["sarif"])["runs"]
    assert [f"/{name}/" for name in names] == [
        run["automationDetails"]["id"].removeprefix("dr-status") for run in sarif
    ]
    assert all(run["results"] for run in sarif)


def test_an_environment_without_a_run_is_unknown_and_the_merge_not_green(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = merge(capsys, tmp_path, f"-e all report --merge {runs['sit']} {runs['prod']} --format junit")
    assert 3 == code
    (suite,) = [suite for suite in ET.fromstring(out.encode()) if suite.get("name") == "dev"]  # noqa: S314 - own
    (error,) = suite.iter("error")
    assert "No run of it is among those that were merged." in str(error.get("message"))


def test_a_folder_above_runs_is_merged_and_an_empty_one_is_no_run(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "fetched"
    below.mkdir()
    assert 2 == merge(capsys, tmp_path, f"report --merge {below}")[0]
    code, out, _ = merge(capsys, tmp_path, f"-e prod,sit report --merge {below} --format json")
    assert (3, {"UNKNOWN"}) == (code, {row["posture"] for row in json.loads(out)["environments"]})
    for name, run in runs.items():
        run.rename(below / name)
    _, out, _ = merge(capsys, tmp_path, f"report --merge {below} --format json")
    assert set(runs) == {row["environment"] for row in json.loads(out)["environments"]}


def test_other_versions_are_named_and_another_schema_is_refused_by_file(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = runs["sit"] / "report.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "rules": {"digest": "ab", "version": "9.9.9"}}))
    words = f"report --merge {runs['sit']} {runs['prod']}"
    assert "judged by differing versions of this tool" in merge(capsys, tmp_path, words)[1]
    file.write_text(json.dumps({**document, "schema": "aws-dr-manager/report/2"}))
    code, out, err = merge(capsys, tmp_path, words)
    assert (2, "") == (code, out)
    assert f"{file} is no report of this tool" in err


def test_a_run_of_another_day_is_named_beside_newer_ones(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who puts an old READY among today's runs is seen."""
    file, words = runs["sit"] / "report.json", f"report --merge {runs['sit']} {runs['prod']}"
    assert "before the newest run" not in merge(capsys, tmp_path, words)[1]
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "observed_at": "2025-01-07T10:00:00+00:00"}))
    assert "sit was seen 2025-01-07 10:00 UTC" in " ".join(merge(capsys, tmp_path, words)[1].split())
    assert "sit was seen" in json.loads(merge(capsys, tmp_path, f"{words} --format json")[1])["notes"][0]


def test_a_region_split_in_two_is_the_first_line_of_every_form_for_people(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = runs["sit"] / "report.json"
    split = {"posture": "SPLIT", "posture_severity": "blocker", "next_step": "Fence one."}
    file.write_text(json.dumps(json.loads(file.read_text()) | split))
    words, alarm = f"report --merge {runs['sit']} {runs['prod']}", "BLOCKER: sit: posture SPLIT. Fence one."
    assert merge(capsys, tmp_path, words)[1].startswith(f"{alarm}\n")
    assert merge(capsys, tmp_path, f"{words} --format markdown")[1].startswith(f"**{alarm}**\n")
    (page, *_) = (tmp_path / "out").glob("*/fleet.html")
    assert f'class="alarm" role="note"><div class="wide"><p>{alarm}</p>' in page.read_text(encoding="utf-8")


def test_two_runs_of_one_environment_or_without_merge_are_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = merge(capsys, tmp_path, f"report --merge {runs['sit']} {runs['sit']}")
    assert (2, True) == (code, "are both runs of sit" in err)
    code, _, err = merge(capsys, tmp_path, f"report {runs['sit']} {runs['prod']}")
    assert (2, True) == (code, "print several on one page with --merge" in err)


FORGED = {"recommendation": "READY", "exit": 0, "score": 100, "posture": "NORMAL"}


@pytest.mark.parametrize(
    ("status", "own", "code", "doubt"),
    [
        ("pass", 0, 0, ""),
        ("pass", 1, 1, ""),
        ("fail", 0, 1, "its report says READY, exit 0, and its results say NOT_READY, exit 1: exit 1 counts."),
        ("unknown", 1, 3, "its report says READY, exit 1, and its results say CANNOT_SAY, exit 3: exit 3 counts."),
        ("fail", 6, 6, "its report says READY, exit 6, and its results say NOT_READY, exit 1: exit 6 counts."),
    ],
)
def test_results_of_a_merged_report_decide_and_not_its_exit_code(
    status: str,
    own: int,
    code: int,
    doubt: str,
    runs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = runs["sit"] / "report.json"
    document = json.loads(file.read_text())
    results = [row | {"status": "pass"} for row in document["results"][:9]]
    results[3]["status"] = status
    file.write_text(json.dumps(document | FORGED | {"exit": own, "results": results}))
    ended, out, _ = merge(capsys, tmp_path, f"report --merge {runs['sit']} --format json")
    assert (code, code) == (ended, json.loads(out)["exit"])
    assert [f"sit: {doubt}"] * bool(doubt) == json.loads(out)["notes"]
    file.write_text(json.dumps(document | FORGED | {"results": results, "gate": {"passed": True}}))
    assert 0 == merge(capsys, tmp_path, f"report --merge {runs['sit']} --format json")[0], "its pipeline's own rules"


@pytest.mark.parametrize("command", ["failover", "failback"])
def test_a_merged_assessment_contradicts_nothing_and_keeps_the_unseen(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit code is its advice's, and that of its failed blockers; both could not say, by more than those."""
    reports = json.loads(lzma.decompress((GOLDEN / "reports" / "sit-healthy.json.xz").read_bytes()))
    (tmp_path / "report.json").write_text(json.dumps(reports[command]))
    ended, out, _ = merge(capsys, tmp_path, f"report --merge {tmp_path / 'report.json'} --format json")
    fleet = json.loads(out)
    assert (ended, fleet["environments"][0]["answer"], fleet["notes"]) == (1, "CANNOT_SAY", [])


def test_a_report_with_an_exit_code_that_is_none_is_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = runs["sit"] / "report.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"exit": 99}))
    code, _, err = merge(capsys, tmp_path, f"report --merge {runs['sit']}")
    assert (2, f"{runs['sit']} is no report of this tool: 99 is no exit code.\n") == (code, err)


def expected(home: Path, *names: str) -> Path:
    """A file that says which environments there should be, as the input of a state machine does."""
    file = home / "expected.json"
    rows = [{"environment": name, "profile": f"{name}-reader"} for name in names]
    file.write_text(json.dumps({"environments": rows}))
    return file


def test_expected_environments_without_a_run_are_unknown(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = expected(tmp_path, "sit", *(f"e{number:04}" for number in range(2_000)))
    code, out, _ = merge(capsys, tmp_path, f"report --merge {runs['sit']} --expected {file} --format json")
    rows = {row["environment"]: row for row in json.loads(out)["environments"]}
    assert (3, 2_001) == (code, len(rows))
    assert ("UNKNOWN", 3) == (rows["e1999"]["posture"], rows["e1999"]["exit"])
    assert "No run of it is among those that were merged." == rows["e1999"]["reason"]
    below = tmp_path / "fetched"
    below.mkdir()
    code, out, _ = merge(capsys, tmp_path, f"report --merge {below} --expected {file} --format json")
    assert (3, {"UNKNOWN"}) == (code, {row["posture"] for row in json.loads(out)["environments"]})


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("{", "--merge", "is no JSON"),
        ("[]", "--merge", "names no environment"),
        ('{"environments": []}', "--merge", "names no environment"),
        ('{"environments": ["sit"]}', "--merge", "names no environment"),
        ('{"environments": [{"environment": ""}]}', "--merge", "names no environment"),
        ('{"environments": [{"environment": "sit"}]}', "-e sit --merge", "by -e or by --expected"),
        ('{"environments": [{"environment": "sit"}]}', "", "--expected needs --merge"),
    ],
)
def test_a_file_that_expects_nothing_is_one_sentence_and_exit_2(
    text: str, words: str, message: str, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "expected.json"
    file.write_text(text)
    code, out, err = merge(capsys, tmp_path, f"report {words} {runs['sit']} --expected {file}")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert message in err


def test_a_file_of_what_is_expected_that_is_not_there_is_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = merge(capsys, tmp_path, f"report --merge {runs['sit']} --expected {tmp_path / 'none.json'}")
    assert (2, True) == (code, "none.json: cannot be read: No such file or directory." in err)
