"""What comes from AWS, people and journals stands in every format as it is: nothing hidden, nothing live."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.assessment.tabletop import TabletopStop
from dr_actions.drills.inventory import Residue, ResidueState
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal, read
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Call, Danger, Goal, Plan, Step, to_json
from dr_actions.planning.estimate import PlanStage
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.model.visible import escape_surrogates, visible, without_credentials
from dr_estate.readers.control_table import ControlState, Pause, RecordedOverride
from dr_estate.snapshot.snapshot import SnapshotPart
from reports.allure.results import finish_results
from reports.incident.log import incident_log, render
from reports.incident.review import review
from reports.publish import print_report
from reports.render import tabletop
from reports.terminal import console
from reports.terminal.manual_step import ManualStepWriter
from reports.terminal.run_progress import RunProgress
from reports.values.drill_summary import DrillSummary
from reports.values.report import Report
from reports.values.run_summary import JournaledRun, RecordedLoss, RunSummary
from reports.values.run_view import RunFollower
from tests.dr_actions.control_tables import WORLD
from tests.dr_checks.worlds import NOW, SIT

EVIL = (
    "sit\x1b[2J\x1b]0;title\x07\x9b31m\u202efdp.\u2066\u200b\u2028\U000e0041\ud800-\udcff"
    "<script>alert(1)</script><img src=x>`x`|[bold][/red](javascript:1) :boom: \\"
)
FORMATS = ("terminal", "markdown", "csv", "json", "github", "junit", "sarif")


def hidden(text: str) -> list[str]:
    """The characters of ``text`` that nobody sees, or that move something."""
    return [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def live(text: str) -> list[str]:
    """The kinds of HTML and links that a renderer of Markdown makes of ``text``."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [child for token in tokens for child in (token, *(token.children or ()))]
    return [token.type for token in inner if token.type in ("html_block", "html_inline", "link_open", "image")]


def _ran() -> RunSummary:
    return RunSummary(
        incident=EVIL,
        run=EVIL,
        outcome="failed",
        says=EVIL,
        digest="d" * 64,
        operator=EVIL,
        approver=EVIL,
        degraded=(EVIL,),
        undone=(EVIL,),
        overrides=(EVIL,),
        mutations=1,
        journal=Path(EVIL),
        exit=5,
        goal="failover",
        record=JournaledRun(_plan(), (Gate("a.b", False, EVIL),), (RecordedLoss(EVIL, EVIL, None, EVIL),), EVIL, None),
    )


def _plan() -> Plan:
    return Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (_step(),), (EVIL,))


def _drilled() -> DrillSummary:
    left, residue = (Residue(EVIL, EVIL, fate, EVIL, EVIL) for fate in (ResidueState.LEFT, ResidueState.KEPT))
    return DrillSummary(
        kind="canary",
        incident=EVIL,
        parts=(_ran(),),
        phases=(),
        rto_s=None,
        rto_target_s=60,
        rpo_s=None,
        residue=(left, residue),
        took_s=1.0,
        cost=1.0,
        currency="USD",
        journal=None,
        exit=1,
        notes=(EVIL,),
    )


def _step() -> Step:
    call = Call("s", "O", "r", {"n": EVIL})
    return Step("a.b", 7, 50, "a", EVIL, EVIL, Side.DR, EVIL, Danger.REVERSIBLE, EVIL, 60, call)


def _report() -> Report:
    finding = Finding("a.b", Side.DR, EVIL, EVIL, Status.FAIL, EVIL, EVIL, EVIL, EVIL)
    rows = (
        CheckResult("a.fail", Severity.CRITICAL, Area.DNS, Status.FAIL, (finding,), "a scenario", "a feature", EVIL),
        CheckResult("a.lost", Severity.CRITICAL, Area.DNS, Status.UNKNOWN, (), "", "", EVIL),
        CheckResult("a.skip", Severity.CRITICAL, Area.DNS, Status.NOT_APPLICABLE, (), "a", "b", EVIL),
    )
    return Report(
        command="failover",
        environment=SIT,
        world=EVIL,
        observed_at=NOW,
        posture=PostureName.NORMAL,
        posture_says=EVIL,
        tenants=(EVIL,),
        verdict=verdict_of(rows, (Lag(EVIL, EVIL, None, Side.DR, None, EVIL),), 3600.0),
        unseen=(SnapshotPart("ecs.services", Side.DR, "eu-west-1", NOW, Unavailable(UnavailableKind.ERROR, EVIL)),),
        exceptions=(),
        api_calls=12,
        exit=3,
        files={"Results": Path(EVIL)},
        notes=(EVIL,),
        assessment=Assessment(
            advice=Advice.RISKY,
            blind=False,
            reasons=(EVIL,),
            gates=(Gate("a.b", False, EVIL),),
            losses=(Loss(EVIL, EVIL, None, None, None, EVIL),),
            plan=_plan(),
            posture=Posture(PostureName.NORMAL, EVIL),
            rto_estimate_s=1,
            hourly_cost=1.0,
            stages=(PlanStage(EVIL, 1, (replace(_step(), manual=True),), 1.0),),
        ),
        ran=_ran(),
        standing=ControlState(
            pause=Pause(EVIL, EVIL, NOW), overrides=(RecordedOverride(EVIL, EVIL, EVIL, NOW, EVIL, EVIL),)
        ),
        drills=(_drilled(),),
    )


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_shows_what_is_hidden_in_a_name(form: str) -> None:
    out = io.StringIO()
    print_report(_report(), form, out)
    assert hidden(out.getvalue()) == []
    assert "\\u202efdp" in out.getvalue()


def test_a_terminal_gets_escape_sequences_of_rich_alone() -> None:
    out = Screen()
    print_report(_report(), "terminal", out)
    styled = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert styled != out.getvalue(), "it is coloured"
    assert hidden(styled) == []
    assert "[bold][/red]" in styled, "a name is no markup"
    assert ":boom:" in styled, "and no emoji"


def test_markdown_has_no_live_html_link_or_image() -> None:
    out = io.StringIO()
    print_report(_report(), "markdown", out)
    assert live("<script>x</script> [y](z)") == ["html_block"]
    assert live(out.getvalue()) == []


COMMAND = "aws rds modify-db-instance --region eu-west-1 --db-instance-identifier a-long-name --deletion-protection" * 2


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_no_command_is_broken_into_lines_on_a_terminal_or_in_a_pipe(stream: type[io.StringIO]) -> None:
    finding = Finding("a.b", Side.DR, "x", None, Status.FAIL, "1", "2", "why", f"Protect it: {COMMAND}")
    row = CheckResult("a.fail", Severity.CRITICAL, Area.DNS, Status.FAIL, (finding,), "a scenario", "a feature")
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (replace(_step(), says=f"Plan: {COMMAND}"),))
    report = _report()
    assert report.assessment is not None
    left = Residue("a", "b", ResidueState.LEFT, "c", COMMAND)
    summary = replace(_ran(), says=f"Failed: {COMMAND}")
    for shown, commands in (
        (
            replace(report, assessment=None, ran=summary, verdict=verdict_of((row,), (), 3600.0)),
            ("Protect it", "Failed"),
        ),
        (replace(report, assessment=replace(report.assessment, plan=plan), every_finding=True), ("Plan",)),
        (replace(report, drills=(replace(_drilled(), residue=(left,)),)), ("b by hand",)),
    ):
        out = stream()
        print_report(shown, "terminal", out)
        for what in commands:
            assert f"{what}: {COMMAND}\n" in out.getvalue()


def test_json_is_the_same_data_all_the_same() -> None:
    out = io.StringIO()
    print_report(_report(), "json", out)
    document = json.loads(out.getvalue())
    shown = escape_surrogates(EVIL)
    assert shown == EVIL.replace("\ud800", "\\ud800").replace("\udcff", "\\udcff"), "no JSON holds half a character"
    assert (document["world"], document["results"][0]["findings"][0]["subject"]) == (shown, shown)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_no_cell_of_csv_is_a_formula_not_even_the_name_of_the_world(start: str) -> None:
    out = io.StringIO()
    print_report(replace(_report(), world=f"{start}cmd"), "csv", out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert {row["world"] for row in rows} == {f"'{start}cmd"}


def test_the_files_of_a_run_and_allures_hide_nothing(tmp_path: Path) -> None:
    finish_results(_report(), tmp_path, html=False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert {path.name: hidden(path.read_text()) for path in files} == {path.name: [] for path in files}


def test_a_run_that_is_shown_live_hides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (_step(),))
    writer, follower = ManualStepWriter(tmp_path, Credentials()), RunFollower(SIT, "INC-1")
    with Journal.open(tmp_path, "sit", "INC-1", "run-1", lambda: NOW, world=WORLD) as journal:
        progress = RunProgress(follower, lambda: journal.entries, lambda: NOW, tty=False, by_hand=writer)
        journal.append(EntryKind.BEGIN, plan=to_json(plan))
        progress.begins([_step()])
        journal.append(EntryKind.CONFIRMED, "a.b", says=EVIL)
        progress.done(_step(), EVIL)
    progress.degraded(EVIL, EVIL)
    progress.note(f"{EVIL}\nFORGED: all is well")
    progress.close()
    console.complain(EVIL)
    console.result(EVIL)
    output = capsys.readouterr()
    assert hidden(output.err + output.out) == []
    assert output.err.count("\\u001b[2J") == 6
    assert "\nFORGED" not in output.err, "a value makes no line of its own"


def test_a_forged_journal_is_shown_as_it_is(tmp_path: Path) -> None:
    with Journal.open(tmp_path, "sit", "INC-1", "run-1", lambda: datetime.now(UTC), world=WORLD) as journal:
        journal.append(EntryKind.DECIDED, says=EVIL)
        journal.append(EntryKind.FAILED, EVIL, says=f"{EVIL}\n- **forged**")
        journal.append(EntryKind.OVERRIDE, gate=EVIL, by=EVIL, until=EVIL, why=EVIL)
    log = incident_log(read(journal.path, "sit", "INC-1"), "sit", "INC-1", EVIL, 60)
    for document in (render(log, "markdown"), review(log)):
        assert (hidden(document), live(document)) == ([], [])
        assert "\n- **forged**" not in document
    assert hidden(render(log, "terminal")) == []


def test_the_record_of_a_tabletop_exercise_is_as_safe() -> None:
    stop = TabletopStop("failover", 1, EVIL, EVIL, EVIL, (EVIL,), 1, (EVIL,), (), (EVIL,))
    decision = tabletop.TabletopDecision("failover", 1, EVIL, EVIL)
    document = tabletop.markdown(tabletop.Exercise("sit", EVIL, NOW, (stop,), (decision,)))
    assert (hidden(document), live(document)) == ([], [])


@given(st.text())
def test_no_text_hides_anything_and_json_stays_the_same(text: str) -> None:
    shown = visible(text)
    ignorable = [char for char in hidden(shown) if unicodedata.category(char) != "Cf"]
    assert ignorable == []
    assert shown.encode().decode() == shown
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("endpoint http://jane:s3cret@host:1/x", "endpoint http://host:1/x"),
        ("http://token@host and https://a:b@c", "http://host and https://c"),
        ("http://a:p@ss@host", "http://host"),
        ("mail jane@example.com, arn:aws:iam::1:user/jane", "mail jane@example.com, arn:aws:iam::1:user/jane"),
        ("https://host/path@version", "https://host/path@version"),
    ],
)
def test_user_and_password_are_cut_out_of_every_url(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
