"""status and test as a pipeline uses them: formats, the gate's exit codes, and what a GitHub job shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli
from tests.worlds import borrowed

KNOWN, NEW = "alb-keep-alive-default", "alb-rule-deleted"


@dataclass(frozen=True)
class Estates:
    """An estate as it was (``known``), and with one gap more (``new``): each is looked at when it is needed."""

    home: Path
    world: Endpoint

    @property
    def before(self) -> Path:
        """The report of the estate as it was."""
        return self.report("known")

    def report(self, which: str) -> Path:
        """The report of the look at one of the two."""
        return self._evidence(which).with_name(f"{which}-report.json")

    def judge(self, which: str, words: str, **variables: str) -> Ran:
        """Judge one of the two again."""
        evidence = f"--from-evidence {self._evidence(which)}"
        return dr_cli(f"-e sit status --infrastructure {evidence} {words}", self.home, **variables)

    def _evidence(self, which: str) -> Path:
        path = self.home / f"{which}.json"
        if not path.exists():
            gaps = {"known": [KNOWN], "new": [KNOWN, NEW]}[which]
            for gap in gaps:
                self.world.inject(gap)
            words = f"-e sit status --infrastructure --format json --save-evidence {path}"
            path.with_name(f"{which}-report.json").write_text(at_endpoint(self.world, self.home, words).out)
            for gap in reversed(gaps):
                self.world.repair(gap)
        return path


@pytest.fixture(scope="module")
def estates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estates]:
    home = tmp_path_factory.mktemp("estates")
    with borrowed(load_environment(ROOT / "environments", "sit"), 1) as world:
        yield Estates(home, world)


@pytest.fixture(scope="module")
def judged(estates: Estates) -> Ran:
    """The estate with the new gap, judged upon the baseline of the other."""
    return estates.judge("new", f"--format json --baseline {estates.before}")


@pytest.mark.parametrize("which", ["new", pytest.param("known", marks=pytest.mark.proof)])
def test_a_gate_without_more_is_the_verdict(estates: Estates, which: str) -> None:
    assert 1 == estates.judge(which, "").code == estates.judge(which, "--gate").code


@pytest.mark.proof
def test_known_gaps_pass_and_a_new_one_stops_with_the_change_shown_first(estates: Estates) -> None:
    known = estates.judge("known", f"--baseline {estates.before}")
    assert 0 == known.code, known.out
    assert "1 known from" in known.out
    new = estates.judge("new", f"--baseline {estates.before}")
    assert 1 == new.code
    changed, causes = new.out.index("Changed since"), new.out.index("\nCauses\n")
    assert changed < new.out.index("elbv2-routing.host-rules (blocker)") < causes, "what changed stands first"
    assert "Gate:     STOPPED: " in new.out


@pytest.mark.proof
def test_the_json_report_has_the_gate_and_serves_as_a_baseline_itself(estates: Estates, judged: Ran) -> None:
    ran = judged
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    assert [] == list(Draft202012Validator(schema).iter_errors(ran.report))
    gate = ran.report["gate"]
    assert (gate["passed"], gate["causes"], ran.report["exit"]) == (False, ["gap"], 1)
    assert {"elbv2-routing.host-rules"} <= {row["check"] for row in gate["stopping"]}
    again = estates.judge("new", f"--format json --baseline {ran.report['files']['Results']}")
    assert (again.code, again.report["gate"]["changes"]) == (0, [])


@pytest.mark.proof
def test_a_score_below_the_least_is_exit_1(estates: Estates) -> None:
    assert 1 == estates.judge("known", f"--min-score 100 --baseline {estates.before}").code
    assert 0 == estates.judge("known", f"--min-score 50 --baseline {estates.before}").code


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("{}", "is no report of this tool"),
        ('{"schema": "aws-dr-manager/report/1", "results": 5, "recommendation": ""}', "is no whole report"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_baseline_that_is_none_is_one_sentence_and_exit_2(
    estates: Estates, tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    ran = estates.judge("new", f"--baseline {file}")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert message in ran.err
    assert "Correct --baseline." in ran.err


def test_the_baseline_of_another_environment_is_refused(estates: Estates, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(json.loads(estates.report("new").read_text()) | {"environment": "prod"}))
    ran = estates.judge("new", f"--baseline {other}")
    assert 2 == ran.code
    assert "is a report of prod" in ran.err


@pytest.mark.proof
def test_each_format_of_ci_is_written_from_the_same_results(estates: Estates, judged: Ran) -> None:
    cases = ET.fromstring(estates.judge("new", "--format junit").out.encode())  # noqa: S314 - what this tool wrote
    failed = {case.get("name") for case in cases.iter("testcase") if case.find("failure") is not None}
    results = judged.report["results"]
    assert {result["scenario"] for result in results if result["status"] == "fail"} == failed
    sarif = json.loads(estates.judge("new", "--format sarif").out)
    found = {row["ruleId"] for row in sarif["runs"][0]["results"] if row["level"] == "error"}
    assert {result["check"] for result in results if result["status"] == "fail"} == found
    assert "::error file=features/" in estates.judge("new", "--format github").out


@pytest.mark.proof
def test_a_github_job_gets_summary_and_annotations_and_stdout_stays_json(estates: Estates, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    ran = estates.judge("new", "--format json", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert "elbv2-routing.host-rules" in {result["check"] for result in ran.report["results"]}
    assert "::error file=features/" in ran.err
    assert " checks alone of SIT: NOT_READY" in summary.read_text()


@pytest.mark.proof
def test_metrics_go_beside_the_report_and_a_missing_folder_is_exit_3(estates: Estates, tmp_path: Path) -> None:
    file = tmp_path / "dr.prom"
    ran = estates.judge("new", f"--format json --metrics {file}")
    score = ran.report["score"]
    assert f'dr_readiness_score{{environment="sit",rehearsal="false"}} {score}.0' in file.read_text()
    lost = estates.judge("new", f"--metrics {tmp_path / 'nowhere' / 'dr.prom'}")
    assert 3 == lost.code, "a result that cannot be written is never green"
    assert "nowhere" in lost.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("log --format junit", "Only what `status`, `test` and `failover --validate` judge is written as junit."),
        ("failover --format sarif", "is written as sarif"),
        ("test --tabletop --format junit", "is written as junit"),
        ("test --tabletop --gate", "A trial or tabletop gives no readiness result: omit --gate"),
        ("test --full-drill --metrics dr.prom", "omit --gate, its rules and --metrics"),
    ],
)
def test_what_is_no_judgement_has_neither_a_ci_format_nor_a_gate(tmp_path: Path, words: str, message: str) -> None:
    ran = dr_cli(f"-e sit {words}", tmp_path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert message in ran.err
