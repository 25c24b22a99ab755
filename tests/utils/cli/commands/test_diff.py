"""diff RUN RUN says what got worse and what better, from the kept reports alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dr_checks.core.verdict import verdict_of
from reports.render import json_report
from tests.reports.test_reports import LAGS, REPORT, RESULTS
from tests.utils.running import Ran, dr_cli


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: in the later one a failed check passes, and a passed one was not seen."""
    folder = tmp_path_factory.mktemp("runs")
    well, bad, *others = RESULTS
    later = (replace(bad, check=well.check), replace(well, check=bad.check), *others)
    for name, results in (("before", RESULTS), ("after", later)):
        (folder / name).mkdir()
        report = replace(REPORT, verdict=verdict_of(results, LAGS, 3600.0))
        (folder / name / "report.json").write_text("".join(json_report.pieces(report)))
    return folder


def compared(runs: Path, words: str) -> Ran:
    return dr_cli(words.replace("BEFORE", str(runs / "before")).replace("AFTER", str(runs / "after")), runs)


def test_what_got_worse_is_exit_1_and_stands_first(runs: Path) -> None:
    ran = compared(runs, "diff BEFORE AFTER")
    assert (1, "") == (ran.code, ran.err)
    assert ran.out.startswith("SIT: 60 worse, 60 better\n")
    assert ran.out.index("\nWorse\n") < ran.out.index("a.pass (critical) =cmd0: new -> fail")
    assert ran.out.index("\nBetter\n") < ran.out.index("a.fail (critical) =cmd0: fail -> gone")
    assert 40 == ran.out.count(" -> "), "the worst of each list"
    assert 2 == ran.out.count("  ... and 40 more (--all lists them)\n")
    assert 120 == compared(runs, "diff BEFORE AFTER --all").out.count(" -> ")
    assert "=cmd0: new -> fail: =cmd0" not in ran.out, "the subject stands once"
    assert "\nIn short\n  Answer:   60 worse, 60 better, exit 1\n" in ran.out


def test_a_run_is_as_itself_by_folder_and_by_file(runs: Path) -> None:
    ran = compared(runs, "diff BEFORE BEFORE/report.json")
    assert (0, "SIT: 0 worse, 0 better") == (ran.code, ran.out.splitlines()[0])


def test_a_long_row_is_wrapped_at_the_width_of_the_screen(runs: Path, tmp_path: Path) -> None:
    later = json.loads((runs / "after" / "report.json").read_text())
    for result in later["results"]:
        for finding in result["findings"]:
            finding["because"] = "a shop would be closed. " * 9
    (tmp_path / "report.json").write_text(json.dumps(later))
    printed = compared(runs, f"diff BEFORE {tmp_path}").out
    assert [] == [line for line in printed.splitlines()[:-1] if len(line) > 100], "but for the next command"
    assert "\n    closed. a shop would be closed." in printed, "what is wrapped stands further to the right"


@pytest.mark.parametrize(("world", "options"), [("live 815856636111", ""), ("sandbox 7158f778739a", " --sandbox")])
def test_the_next_command_looks_at_the_world_of_the_runs(runs: Path, tmp_path: Path, world: str, options: str) -> None:
    later = json.loads((runs / "after" / "report.json").read_text()) | {"world": world}
    (tmp_path / "report.json").write_text(json.dumps(later))
    line = compared(runs, f"diff BEFORE {tmp_path}").out.splitlines()[-1]
    assert line.endswith(f"dr_cli.py -e sit{options} --output {runs / 'out'} status")


def test_json_and_markdown_have_the_same_changes(runs: Path) -> None:
    changes = json.loads(compared(runs, "diff BEFORE AFTER --format json").out)["changes"]
    lines = [line for line in compared(runs, "diff BEFORE AFTER --format markdown").out.splitlines() if " -> " in line]
    assert len(changes) == len(lines) == 120


def test_what_is_no_run_or_another_environments_is_exit_2(runs: Path, tmp_path: Path) -> None:
    nowhere = compared(runs, "diff BEFORE /nowhere")
    assert (2, "/nowhere: cannot be read: No such file or directory.\n") == (nowhere.code, nowhere.err)
    other = json.loads((runs / "before" / "report.json").read_text()) | {"environment": "prod"}
    (tmp_path / "report.json").write_text(json.dumps(other))
    ran = compared(runs, f"diff BEFORE {tmp_path}")
    assert 2 == ran.code
    assert "The runs are of sit (815856636111) and of prod (815856636111)" in ran.err
    assert 2 == compared(runs, "diff BEFORE AFTER --format csv").code
