"""The status on a terminal: a cause comes before its effects, and the last lines name what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Danger, Goal, Plan
from dr_actions.planning.write_pause import WritePause
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers.control_table import BEGUN, ControlState, Incident
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


def test_a_silent_region_is_one_line_and_what_has_another_cause_too_is_listed_by_itself() -> None:
    lines = _shown(_report(*LOST))
    cause = lines.index("af-south-1 is silent: 2 checks cannot be judged")
    assert lines[cause + 1] == "  1 of them is a blocker, a.one; --all lists them"
    assert cause < lines.index("Not seen")
    text = "\n".join(lines)
    assert ("  a.one (" in text, "  a.two (" in text) == (False, False)
    assert ("  a.mixed (blocker)" in text, "  a.vague (blocker)" in text) == (True, True)


def test_many_blockers_that_a_silent_region_hides_are_within_the_width() -> None:
    hidden = (_unknown(f"a-room-of-checks.a-check-with-a-long-name-{n}", DARK) for n in range(9))
    lines = _shown(_report(*hidden))
    assert "  9 of them are blockers, such as a-room-of-checks.a-check-with-a-long-name-0," in lines
    assert [] == [line for line in lines if len(line) > 100 and "`" not in line]


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
    assert f"af-south-1 {how}: 1 check cannot be judged" in lines
    assert f"  Gaps:     1 not judged (af-south-1 {how})" in lines


def test_while_the_dr_region_serves_a_remedy_is_not_given_without_saying_what_it_may_undo() -> None:
    report = _report(_failed("a.bad", Severity.BLOCKER), lags=(Lag("files", "f", None, Side.DR, 60.0, "copy"),))
    away = _shown(replace(report, posture=PostureName.ON_DR))
    assert away[away.index("Recommendations") + 1].startswith(f"  {SIT.regions.dr} serves: a remedy that restores")
    stale = ("  Loss:", "  recovery point: worst", "Lag by store")
    assert [] == [line for line in away if line.startswith(stale)], "the region's own data is no copy"
    assert [] == [line for line in _shown(report) if f"{SIT.regions.dr} serves" in line]


def test_in_the_middle_of_a_failover_no_remedy_is_given_without_saying_that_it_may_take_the_run_back() -> None:
    begun = Incident("INC-7", "failover", BEGUN, datetime(2026, 5, 1, tzinfo=UTC), None)
    report = replace(_report(_failed("a.bad", Severity.BLOCKER)), posture=PostureName.PRIMARY_LOST)
    between = _shown(replace(report, standing=ControlState(incident=begun)))
    assert between[between.index("Recommendations") + 1].startswith("  The failover of INC-7 has begun: what it made")
    closed = _shown(replace(report, standing=ControlState()))
    assert [] == [line for line in closed if "has begun" in line]


def test_while_nothing_was_failed_over_a_remedy_of_the_validation_is_not_given_without_a_warning() -> None:
    failed = replace(_failed("a.bad", Severity.BLOCKER), area=Area.VALIDATION)
    normal = _shown(replace(_report(failed), posture=PostureName.NORMAL))
    warned = f"  Nothing was failed over, and {SIT.regions.primary} serves: run now, these remedies would stop it"
    assert normal[normal.index("Recommendations") + 1].startswith(warned)
    assert [] == [line for line in normal if line.startswith("  recovery point")], "no copy was judged"
    lost = _shown(_report(failed))  # its posture is PRIMARY_LOST
    assert lost[lost.index("Recommendations") + 1].startswith("  1. ")


def test_what_does_not_apply_is_one_line_unless_all_is_asked_for() -> None:
    idle = tuple(CheckResult(name, Severity.MINOR, Area.DNS, Status.NOT_APPLICABLE, (), "no X") for name in "ab")
    assert "2 checks do not apply here; --all names them and why" in _shown(_report(*idle))
    assert "    a, b" in _shown(replace(_report(*idle), every_finding=True))


def test_a_region_that_throttles_and_is_not_reached_either_is_silent() -> None:
    mixed = (_unknown("a.one", DARK), _unknown("a.two", replace(DARK, kind=UnavailableKind.THROTTLED)))
    assert "af-south-1 is silent: 2 checks cannot be judged" in _shown(_report(*mixed))


def test_all_lists_each_check_that_a_silent_region_keeps_from_being_judged() -> None:
    text = "\n".join(_shown(replace(_report(*LOST), every_finding=True)))
    assert ("  a.one (blocker)" in text, "  a.two (minor)" in text) == (True, True)


def test_a_store_is_one_row_its_worst_subject_by_its_best_copy() -> None:
    lags = (
        Lag("objects", "one", None, Side.DR, 5.0, "replication"),
        Lag("objects", "two", None, Side.DR, 90.0, "replication"),
        Lag("objects", "two", None, Side.DR, 86400.0, "backup"),
        Lag("tables", "t", None, Side.DR, 1.0, "metric"),
        Lag("tables", "u", None, Side.DR, None, "no metric"),
    )
    lines = _shown(_report(*LOST, lags=lags))
    rows = [line.split("  ")[0] for line in lines if line.startswith(("objects", "tables"))]
    assert rows == ["objects", "tables"]
    text = "\n".join(lines)
    assert ("two (worst of 2)  1 min 30 s" in text, "u (worst of 2)    not measured" in text) == (True, True)


@pytest.mark.parametrize("every", [True, False])
def test_the_last_lines_name_posture_answer_loss_gaps_and_the_next_command(every: bool) -> None:
    failed = (_failed("a.bad", Severity.BLOCKER), _failed("a.small", Severity.MINOR))
    report = _report(*LOST, *failed, lags=(Lag("tables", "t", None, Side.DR, 60.0, "metric"),))
    last = _shown(replace(report, every_finding=every))[-6:]
    assert last == [
        "In short",
        "  Posture:  PRIMARY_LOST",
        "  Answer:   CANNOT_SAY, score 0 of 100, exit 3",
        "  Loss:     the worst copy is 1 min old (objective 1 h: met)",
        "  Gaps:     2 failed (a.bad and 1 more); 2 not judged (af-south-1 is silent); 2 others not judged",
        "  Next:     `python utils/aws_mgmt/dr_cli.py -e sit failover` weighs a failover.",
    ]


def test_where_nothing_is_wrong_the_last_lines_say_so() -> None:
    passed = CheckResult("a.good", Severity.MINOR, Area.DNS, Status.PASS, ())
    assert "  Gaps:     none" in _shown(_report(passed))[-6:]


def test_what_was_not_judged_or_measured_is_no_absence_of_gaps() -> None:
    unmeasured = _report(*LOST, lags=(Lag("tables", "t", None, Side.DR, None, "no metric"),))
    assert "  Loss:     how old the copies are was not seen (objective 1 h)" in _shown(unmeasured)[-6:]
    assert "  Gaps:     no check was run" in _shown(_report())[-6:]


def test_many_gaps_take_one_line_and_name_as_many_as_fit() -> None:
    failed = tuple(_failed(f"a-room-of-checks.a-check-with-a-long-name-{n}", Severity.BLOCKER) for n in range(9))
    last = _shown(_report(*failed))[-5:]
    assert last[0] == "In short"
    (gaps,) = [line for line in last if line.startswith("  Gaps:")]
    assert gaps == "  Gaps:     9 failed (a-room-of-checks.a-check-with-a-long-name-0 and 8 more)"


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
    last = _shown(replace(_report(), assessment=weighed))[-6:]
    assert last[:4] == [
        "In short",
        "  Posture:  PRIMARY_LOST",
        "  Answer:   WAIT, exit 3; gates not met: plan.backup",
        "  Plan:     3 steps: 1 irreversible, 1 by hand; write pause 6 min; about 1 h 40 min",
    ]
    gates = [replace(gate, id=f"check.a-room-of-checks.a-check-with-a-long-name-{n}") for n in range(3)]
    many = _shown(replace(_report(), assessment=replace(weighed, gates=(gate, *gates))))
    assert "  Answer:   WAIT, exit 3; gates not met: plan.backup and 3 more" in many, "what does not fit is counted"
