"""The status on a terminal: a cause comes before its effects, and the last lines name what to do next."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Danger, Goal, Plan
from dr_actions.planning.estimate import WritePause
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status, worst
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers.control_table import BEGUN, ControlState, Incident
from reports.terminal.status import MOST_ROWS, render_plain
from reports.values.report import Report
from tests.dr_actions.deciding import step
from tests.dr_checks.worlds import SIT
from tests.reports.terminal.screens import report as _report
from tests.reports.terminal.screens import shown as _shown

DARK = Unavailable(UnavailableKind.UNREACHABLE, "ecs in af-south-1 does not answer.", "af-south-1")
DENIED = Unavailable(UnavailableKind.DENIED, "ecs:ListServices is denied.", "eu-west-1")


def _unknown(check: str, *causes: Unavailable | None, severity: Severity = Severity.BLOCKER) -> CheckResult:
    findings = tuple(
        Finding(check, Side.PRIMARY, "it", None, Status.UNKNOWN, "not seen", "seen", "so", unseen=cause)
        for cause in causes
    )
    return CheckResult(check, severity, Area.DNS, Status.UNKNOWN, findings)


def _failed(check: str, severity: Severity) -> CheckResult:
    finding = Finding(check, Side.DR, "it", None, Status.FAIL, "old", "new", "so", "Renew it.")
    return CheckResult(check, severity, Area.DNS, Status.FAIL, (finding,))


LOST = (
    _unknown("a.one", DARK),
    _unknown("a.two", DARK, DARK, severity=Severity.MINOR),
    _unknown("a.mixed", DARK, DENIED),
    _unknown("a.vague", None),
)


def test_a_silent_region_is_one_line_and_what_has_another_cause_is_listed() -> None:
    lines = _shown(_report(*LOST))
    unseen = lines.index("Not seen")
    assert lines[unseen + 1] == "  af-south-1 is silent: 2 checks (1 blocker) cannot be judged"
    assert [line for line in lines if "a.one" in line or "a.two" in line] == []
    assert lines[unseen + 2] == "  so: a.mixed and 1 more"


def test_one_failing_service_is_no_silent_region() -> None:
    of_service = replace(DARK, service="rds", why="rds in af-south-1 does not answer.")
    dark = (_unknown("a.one", of_service), _unknown("a.two", of_service))
    lines = _shown(replace(_report(*dark), silent=frozenset()))
    assert "  rds in af-south-1 is silent: 2 checks (2 blockers) cannot be judged" in lines
    assert "  Gaps:     2 not judged (rds in af-south-1 is silent)" in lines
    assert [line for line in lines if "af-south-1 is silent" in line and "rds in" not in line] == []


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (UnavailableKind.UNREACHABLE, "is silent"),
        (UnavailableKind.THROTTLED, "throttles the calls"),
        (UnavailableKind.DEADLINE, "did not answer in time"),
        (UnavailableKind.NOT_REACHABLE, "lets no connection in from here"),
    ],
)
def test_a_region_that_gave_no_answer_is_called_what_it_is(kind: UnavailableKind, how: str) -> None:
    lines = _shown(_report(_unknown("a.one", replace(DARK, kind=kind))))
    assert f"  af-south-1 {how}: 1 check (1 blocker) cannot be judged" in lines
    assert f"  Gaps:     1 not judged (af-south-1 {how})" in lines


def test_a_service_that_answers_with_errors_is_not_called_silent() -> None:
    failing = replace(DARK, service="ecs", http_status=503)
    lines = _shown(replace(_report(_unknown("a.one", failing)), silent=frozenset()))
    assert "  ecs in af-south-1 answers with errors: 1 check (1 blocker) cannot be judged" in lines


def test_the_gaps_of_many_services_are_one_count() -> None:
    dark = [_unknown(f"a.{name}", replace(DARK, service=name)) for name in ("ecs", "rds", "efs", "s3")]
    lines = _shown(replace(_report(*dark, _unknown("a.vague", None)), silent=frozenset()))
    assert "  Gaps:     4 not judged (4 services in af-south-1 do not answer well); 1 other not judged" in lines


def test_a_region_that_throttles_and_is_not_reached_either_is_silent() -> None:
    mixed = (_unknown("a.one", DARK), _unknown("a.two", replace(DARK, kind=UnavailableKind.THROTTLED)))
    assert "  af-south-1 is silent: 2 checks (2 blockers) cannot be judged" in _shown(_report(*mixed))


def _below_causes(report: Report) -> str:
    lines = _shown(report)
    return lines[lines.index("Cause") + 1]


def test_while_the_dr_region_serves_a_remedy_says_what_it_may_undo() -> None:
    report = _report(_failed("a.bad", Severity.BLOCKER), lags=(Lag("files", "f", None, Side.DR, 60.0, "copy"),))
    away = replace(report, posture=PostureName.ON_DR)
    assert _below_causes(away).startswith(f"  {SIT.regions.dr} serves: a remedy that restores")
    assert [line for line in _shown(away) if line.startswith("  Loss:")] == [], "the region's own data is no copy"
    assert [line for line in _shown(report) if f"{SIT.regions.dr} serves" in line] == []


def test_during_a_failover_a_remedy_says_that_it_may_undo_the_run() -> None:
    begun = Incident("INC-7", "failover", BEGUN, datetime(2026, 5, 1, tzinfo=UTC), None)
    report = replace(_report(_failed("a.bad", Severity.BLOCKER)), posture=PostureName.PRIMARY_LOST)
    between = replace(report, standing=ControlState(incident=begun))
    assert _below_causes(between).startswith("  The failover of INC-7 has begun: what it made")
    closed = _shown(replace(report, standing=ControlState()))
    assert [line for line in closed if "has begun" in line] == []


def test_before_a_failover_a_remedy_of_the_validation_has_a_warning() -> None:
    failed = replace(_failed("a.bad", Severity.BLOCKER), area=Area.VALIDATION)
    warned = f"  Nothing was failed over, and {SIT.regions.primary} serves: run now, these remedies would stop it"
    assert _below_causes(replace(_report(failed), posture=PostureName.NORMAL)).startswith(warned)
    assert _below_causes(_report(failed)).startswith("  1. "), "its posture is PRIMARY_LOST"


@pytest.mark.parametrize("width", [100, 80])
def test_a_long_command_counts_by_the_rows_of_the_terminal_that_it_fills(width: int) -> None:
    command = f"aws kms put-key-policy --policy '{'x' * 700}'"
    failed = [_failed(f"a.bad{n}", Severity.BLOCKER) for n in range(9)]
    for number, result in enumerate(failed):
        (finding,) = result.findings
        own = replace(finding, remedy=f"Set policy {number}.", commands=(f"{command} --key-id {number}",))
        failed[number] = replace(result, findings=(own,))
    lines = render_plain(_report(*failed), width).splitlines()
    answer = next(number for number, line in enumerate(lines) if line.startswith("DR status of"))
    rows = sum(max(1, math.ceil(len(line) / width)) for line in lines[answer:])
    assert rows <= MOST_ROWS, lines
    assert [line for line in lines if command in line], "the first is shown whole"


def test_what_does_not_apply_and_what_is_not_judged_stand_behind_all() -> None:
    idle = tuple(CheckResult(name, Severity.MINOR, Area.DNS, Status.NOT_APPLICABLE, (), "no X") for name in "ab")
    assert [line for line in _shown(_report(*idle)) if "a, b" in line] == []
    text = "\n".join(_shown(replace(_report(*idle, *LOST), every_finding=True)))
    assert ("    a, b" in text, "  a.one (blocker)" in text, "  a.two (minor)" in text) == (True, True, True)


def test_a_store_is_one_row_a_subject_and_mechanism_behind_all() -> None:
    lags = (
        Lag("objects", "one", None, Side.DR, 5.0, "replication"),
        Lag("objects", "two", None, Side.DR, 90.0, "replication"),
        Lag("tables", "u", None, Side.DR, None, "no metric"),
    )
    lines = _shown(replace(_report(*LOST, lags=lags), every_finding=True))
    rows = [line.split("  ")[0] for line in lines if line.startswith(("objects", "tables"))]
    assert rows == ["objects", "objects", "tables"]


def _of(check: str, severity: Severity, *findings: tuple[Side, str | None, Status], **fields: Any) -> CheckResult:
    rows = tuple(
        replace(
            Finding(check, side, f"the {check}", tenant, status, "bad", "good", "so", f"Mend {check}.", **fields),
            commands=(f"aws {check.partition('.')[0]} mend",),
        )
        for side, tenant, status in findings
    )
    return CheckResult(check, severity, Area.INFRASTRUCTURE, worst([row.status for row in rows]), rows)


STOPPED_AT = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
STOPPED = (
    _of("rds.serves", Severity.CRITICAL, (Side.PRIMARY, None, Status.FAIL), since=STOPPED_AT),
    _of("sites.every-site-answers", Severity.BLOCKER, *((Side.PRIMARY, f"t{n}", Status.FAIL) for n in range(12))),
    _of("elbv2-routing.healthy-targets", Severity.CRITICAL, (Side.PRIMARY, "t1", Status.FAIL)),
    _of("answers.as-recorded", Severity.CRITICAL, (Side.GLOBAL, None, Status.FAIL)),
)


def test_a_stopped_database_stands_before_its_effects_with_one_remedy() -> None:
    report = replace(_report(*STOPPED), posture=PostureName.IMPAIRED, silent=frozenset())
    lines = _shown(report)
    assert "  Gaps:     4 failed by 1 cause (rds.serves)" in lines
    at = lines.index("Cause")
    assert lines[at + 1 : at + 5] == [
        "  1. rds.serves (critical) since 2026-03-02 09:40 UTC: the rds.serves: bad, wanted good",
        "     Mend rds.serves.",
        "     aws rds mend",
        "     explains 3: answers.as-recorded, elbv2-routing.healthy-targets, sites.every-site-answers",
    ]
    assert [line for line in lines if "Mend sites" in line] == []
    assert "  Posture:  IMPAIRED since 2026-03-02 09:40 UTC: it is lost." in lines


def test_a_gap_of_another_region_is_no_effect_of_the_primarys_database() -> None:
    apart = _of("sites.every-site-answers", Severity.BLOCKER, (Side.DR, "t1", Status.FAIL))
    causes = replace(_report(STOPPED[0], apart)).causes
    assert [cause.result.check for cause in causes] == ["rds.serves", "sites.every-site-answers"][::-1]


@pytest.mark.parametrize("width", [100, 80])
@pytest.mark.parametrize("every", [*PostureName])
def test_the_status_fits_40_lines_in_any_posture(every: PostureName, width: int) -> None:
    failed = tuple(_failed(f"a-room-of-checks.a-check-with-a-long-name-{n}", Severity.BLOCKER) for n in range(50))
    apart = tuple(_unknown(f"b.{n}", replace(DENIED, why=f"call {n} is denied.")) for n in range(30))
    report = replace(
        _report(*LOST, *failed, *STOPPED, *apart), posture=every, served=(12, 12), writers="one takes them."
    )
    lines = _shown(report, width)
    assert len(lines) <= 40, "\n".join(lines)
    assert [line for line in lines if line.startswith("  ... and 4") and line.endswith(" more: --all lists them")]


def test_status_fits_40_lines_of_80_columns_with_a_long_first_remedy() -> None:
    """The sentence stands whole beside Next: it is one line where that is not enough room, and in the closing lines."""
    remedy = f"{'Restore the newest recovery point to a new file system, then replicate it again. ' * 4}".strip()
    found = Finding("a.bad", Side.PRIMARY, "x", None, Status.FAIL, "1", "2", "why", remedy)
    cause = CheckResult("a.bad", Severity.BLOCKER, Area.DNS, Status.FAIL, (found,), "a scenario", "a feature")
    apart = tuple(_unknown(f"b.{n}", replace(DENIED, why=f"call {n} is denied.")) for n in range(5))
    step = f"{remedy} `dr explain` says"
    lines = _shown(replace(_report(cause, *apart), posture_says="it is so. " * 20, next_step=step), 80)
    assert len(lines) <= 40, "\n".join(lines)
    assert remedy in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("every", [True, False])
def test_the_answer_stands_first_and_the_next_command_is_a_line_of_its_own(every: bool) -> None:
    failed = (_failed("a.bad", Severity.BLOCKER), _failed("a.small", Severity.MINOR))
    report = _report(*LOST, *failed, lags=(Lag("tables", "t", None, Side.DR, 60.0, "metric"),))
    lines = _shown(replace(report, every_finding=every))
    first = lines.index("  Posture:  PRIMARY_LOST: it is lost.")
    assert lines[first + 1 : first + 5] == [
        "  Loss:     the worst copy is 1 min old (objective 1 h: met)",
        "  Gaps:     2 failed (a.bad and 1 more); 2 not judged (af-south-1 is silent); 2 others not judged",
        "  Next:     Weighs a failover.",
        "  python utils/aws_mgmt/dr_cli.py -e sit failover",
    ]
    assert lines[-4:] == [
        "In short",
        "  Answer:   NOT_READY, score 0 of 100, exit 3",
        "  Next:     Weighs a failover.",
        "  python utils/aws_mgmt/dr_cli.py -e sit failover",
    ]


def test_where_nothing_is_wrong_the_first_lines_say_so() -> None:
    passed = CheckResult("a.good", Severity.MINOR, Area.DNS, Status.PASS, ())
    assert "  Gaps:     none" in _shown(_report(passed))


def test_what_was_not_judged_or_measured_is_no_absence_of_gaps() -> None:
    unmeasured = _report(*LOST, lags=(Lag("tables", "t", None, Side.DR, None, "no metric"),))
    assert "  Loss:     how old the copies are was not seen (objective 1 h)" in _shown(unmeasured)
    assert "  Gaps:     no check was run" in _shown(_report())


def test_many_gaps_take_one_line_and_name_as_many_as_fit() -> None:
    failed = tuple(_failed(f"a-room-of-checks.a-check-with-a-long-name-{n}", Severity.BLOCKER) for n in range(9))
    (gaps,) = [line for line in _shown(_report(*failed)) if line.startswith("  Gaps:")]
    assert gaps == "  Gaps:     9 failed (a-room-of-checks.a-check-with-a-long-name-0 and 8 more)"


def test_at_80_columns_no_closing_line_is_cut() -> None:
    unseen = [
        Loss(store, "all", None, None, None, "not seen")
        for store in ("database", "images", "objects", "secrets", "tables")
    ]
    losses = (Loss("files", "f", None, 12_000.0, None, "metric"), *unseen)
    plan = Plan("sit", SIT.account, Goal.FAILBACK, "ON_DR", (step("a"),))
    weighed = Assessment(Advice.PROCEED, False, (), (), losses, plan, Posture(PostureName.ON_DR, "so."), 1, 1.0)
    lines = _shown(replace(_report(), assessment=weighed), 80)
    closing = " ".join(" ".join(lines[lines.index("In short") :]).split())
    assert (
        "Loss: at most 3 h 20 min of writes; not measured: database, images, objects, secrets, tables Gaps:" in closing
    )
    assert max(map(len, lines)) <= 80


def test_an_assessment_ends_with_its_plan_in_one_line() -> None:
    calm, final = step("a"), replace(step("b"), danger=Danger.IRREVERSIBLE)
    plan = Plan("sit", SIT.account, Goal.FAILBACK, "ON_DR", (calm, final, replace(step("c"), manual=True)))
    gate = Gate("plan.backup", met=False, says="there is none.", stops=True)
    weighed = Assessment(
        Advice.WAIT,
        False,
        (),
        (gate,),
        (),
        plan,
        Posture(PostureName.ON_DR, "so."),
        1,
        1.0,
        plan_estimate_s=6000,
        write_pause=WritePause(360, 600, 720, 900, 60, 90),
    )
    last = _shown(replace(_report(), assessment=weighed))[-7:]
    assert last[:4] == [
        "In short",
        "  Posture:  PRIMARY_LOST",
        "  Answer:   WAIT, exit 3; gates not met: plan.backup",
        "  Plan:     3 steps: 1 irreversible, 1 by hand; write pause 6 min; about 1 h 40 min",
    ]
    gates = [replace(gate, id=f"check.a-room-of-checks.a-check-with-a-long-name-{n}") for n in range(3)]
    many = _shown(replace(_report(), assessment=replace(weighed, gates=(gate, *gates))))
    assert "  Answer:   WAIT, exit 3; gates not met: plan.backup and 3 more" in many, "what does not fit is counted"


@pytest.mark.parametrize("every", [False, True])
def test_what_is_a_warning_alone_is_called_no_blocker(every: bool) -> None:
    doubt = _of("acl.rules", Severity.BLOCKER, (Side.DR, None, Status.WARN))
    screen = "\n".join(_shown(replace(_report(doubt), every_finding=every)))
    assert ("acl.rules (warning)" in screen, "(blocker)" in screen) == (True, False)
