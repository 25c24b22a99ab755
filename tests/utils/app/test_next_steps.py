"""The command that comes next is built from the operator's own options, and means the same world."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dr_actions.actions.notifications import run_failure_message
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.gates import Gate, Override
from dr_actions.model.plan import Goal, Plan
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.core.readiness_gate import StatusChange, SubjectKey
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import FENCE, FENCED, TABLE, Posture, PostureName, PostureRule
from dr_checks.posture.visitor_access import Access, VisitorAccess
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.config.recovery_settings import AutomationSettings
from dr_estate.model.invocation import Invocation, Program
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers.control_table import (
    ABORTING,
    BEGUN,
    FAILING_BACK,
    ON_DR,
    ControlState,
    Incident,
    LockHolder,
    Pause,
)
from reports.values.drill_summary import DrillSummary
from reports.values.report import Report, next_line
from tests.dr_checks.worlds import NOW
from tests.house.commands import commands_of, fault_of
from tests.reports.values.test_drill_summary import CLEANED, DRILL, KEPT, LEFT, STEPPED_BACK, WHOLE
from tests.utils.parsed import parsed
from tests.utils.running import ROOT
from utils.aws_mgmt.app.after_look import after_assessment, after_execution, after_look, after_watch, with_next_step
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import (
    READINESS,
    after_difference,
    after_drills,
    after_interrupt,
    after_log,
    after_run,
    after_verification,
    after_watched_run,
    approval,
    execution,
    invocation_of,
    same_run,
)
from utils.aws_mgmt.app.options import (
    ApproveOptions,
    FailbackOptions,
    FenceOptions,
    Options,
    PlanOptions,
    RecoveryOptions,
    StatusOptions,
)

ENV, PROD = (load_environment(ROOT / "environments", name) for name in ("sit", "prod"))
ENVIRONMENTS = {"sit": ENV, "prod": PROD, "direct": PROD.model_copy(update={"automation": AutomationSettings()})}


def typed_as(words: str) -> str:
    return f"-e sit --sandbox --config 'my rules' --output out {words}"


@pytest.mark.parametrize(
    ("typed", "next_one"),
    [
        ("approve --incident INC-1 --failback --staged", "failback --staged --execute --incident INC-1"),
        ("approve --incident INC-1 --planned", "failover --planned --execute --incident INC-1"),
        ("approve --incident INC-1 --tenant tenant2", "failover --execute --incident INC-1 --tenant tenant2"),
    ],
)
def test_an_approval_names_the_run_that_it_is_good_for(typed: str, next_one: str) -> None:
    assert str(execution(parsed(ApproveOptions, typed_as(typed)), "INC-1")) == f"`dr_cli.py {next_one}`"


@pytest.mark.parametrize(
    ("typed", "next_one"),
    [
        ("failback --staged --execute", "approve --failback --staged --incident INC-1"),
        ("failover --execute", "approve --incident INC-1"),
        ("failover --planned --execute --tenant tenant2", "approve --planned --incident INC-1 --tenant tenant2"),
    ],
)
def test_a_refused_run_names_the_approval_of_its_own_plan(typed: str, next_one: str) -> None:
    assert str(approval(parsed(RecoveryOptions, typed_as(typed)), "INC-1")) == f"`dr_cli.py {next_one}`"


def test_a_stopped_run_resumes_by_its_command_and_a_drill_by_its_clean_up() -> None:
    typed = parsed(FailbackOptions, typed_as("failback --staged --execute --replan --confirm a.b"))
    assert str(after_run(typed, "INC-1")) == (
        "`dr_cli.py failback --staged --execute --incident INC-1 --confirm a.b` goes on from here."
    )
    assert str(same_run(typed, "INC-1", "--replan")).startswith("`dr_cli.py failback --staged --execute --replan ")
    assert str(after_run(typed, "DRILL-20260107-101500")) == "`dr_cli.py drill clean` brings the drill to its end."


def test_the_same_run_again_has_the_overrides_that_it_was_given() -> None:
    words = "failover --execute --override check.a.b jane 2026-01-07T20:00+02:00 'by hand' --override c me 2026-01-08 x"
    typed = parsed(RecoveryOptions, typed_as(words))
    (again,) = commands_of(str(same_run(typed, "INC-1")))
    assert typed.overrides == parsed(RecoveryOptions, typed_as(again)).overrides
    assert 2 == len(typed.overrides)


def test_approval_and_run_name_the_same_overrides_to_each_other() -> None:
    words = "failover --execute --override check.a.b jane 2026-01-07T20:00+02:00 'by hand' --override c me 2026-01-08 x"
    typed = parsed(RecoveryOptions, typed_as(words))
    (agreement,) = commands_of(str(approval(typed, "INC-1")))
    approved = parsed(ApproveOptions, typed_as(agreement))
    assert typed.overrides == approved.overrides
    (run,) = commands_of(str(execution(approved, "INC-1")))
    assert typed.overrides == parsed(RecoveryOptions, typed_as(run)).overrides


@pytest.mark.parametrize("goal", [Goal.FAILBACK, Goal.SWITCHOVER])
def test_the_alarm_of_a_failed_run_names_its_goal_and_its_own_command(goal: Goal) -> None:
    typed = parsed(FailbackOptions, typed_as("failback --staged --execute"))
    needed = invocation_of(typed).complete(str(after_run(typed, "INC-1")))
    message = run_failure_message(ENV, "INC-1", goal, "a.b", "no capacity", needed)
    assert message.happened == f"{goal} stopped at a.b: no capacity"
    assert [] == [c for c in commands_of(message.needed) if "failback --staged --execute --incident INC-1" not in c]
    assert commands_of(message.needed)


def test_a_command_carries_the_world_of_the_options_and_is_completed_once() -> None:
    invocation = invocation_of(parsed(StatusOptions, typed_as("status")))
    bare = "Run `dr_cli.py drill clean`, or `dr_cli.py log`."
    whole = invocation.complete(bare)
    options = f"-e sit --config 'my rules' --sandbox --output {Path('out').resolve()}"
    program = f"python utils/aws_mgmt/dr_cli.py {options}"
    assert whole == f"Run `{program} drill clean`, or `{program} log`."
    assert invocation.complete(whole) == whole
    assert Invocation().complete(bare) == bare


@pytest.mark.parametrize("program", Program)
def test_a_printed_command_begins_as_this_process_was_called(program: Program) -> None:
    invocation = invocation_of(parsed(StatusOptions, "-e sit status", program))
    assert invocation.complete("Run `dr_cli.py drill clean`.") == f"Run `{program} -e sit drill clean`."


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("status", "Nothing was changed: this command only looks."),
        ("failover", "Nothing was changed: this command only looks."),
        ("failover --execute --incident INC-1", "`dr_cli.py log --incident INC-1`"),
        ("failback --staged --execute", "`dr_cli.py log`"),
        ("test --full-drill", "`dr_cli.py drill show`"),
        ("test --infra --restore", "`dr_cli.py drill show`"),
        ("drill clean", "`dr_cli.py drill show`"),
        ("drill show", "Nothing was changed: this command only looks."),
        ("approve --incident INC-1", "may have been recorded"),
        ("sandbox up", "`dr_cli.py sandbox show`"),
    ],
)
def test_an_interrupted_command_says_that_it_only_looked_only_where_it_did(typed: str, message: str) -> None:
    text = after_interrupt(parsed(Options, typed_as(typed)))
    assert message in text
    assert [] == [fault for command in commands_of(text) if (fault := fault_of(command))]


def _looked(posture: PostureName, *results: CheckResult, posture_next: str = "", environment: str = "sit") -> Report:
    return Report(
        command="status",
        environment=ENVIRONMENTS[environment],
        world="sandbox",
        observed_at=NOW,
        posture=posture,
        posture_says="so.",
        tenants=(),
        verdict=verdict_of(results, (), 3600.0),
        unseen=(),
        exceptions=(),
        api_calls=1,
        exit=0,
        posture_next=posture_next,
    )


@pytest.mark.parametrize(
    ("posture", "begins"),
    [(PostureName.ON_DR, "`dr_cli.py failback` "), (PostureName.NORMAL, "`dr_cli.py log --review ")],
)
def test_after_a_fence_comes_the_failback_while_dr_serves_or_the_review(posture: PostureName, begins: str) -> None:
    fenced = replace(STEPPED_BACK, incident="INC-1", outcome="done", exit=0, goal="fence")
    report = replace(_looked(posture), ran=fenced)
    assert after_execution(parsed(FenceOptions, typed_as("fence --execute --incident INC-1")), report).startswith(
        begins
    )


def test_a_run_with_an_unconfirmed_step_goes_on_with_its_confirmation() -> None:
    typed = parsed(FailbackOptions, typed_as("failback --staged --execute --confirm a.b"))
    stopped = replace(STEPPED_BACK, incident="INC-1", outcome="failed", exit=5, to_confirm=("c.d", "e.f"))
    assert after_execution(typed, replace(_looked(PostureName.ON_DR), ran=stopped)) == (
        "`dr_cli.py failback --staged --execute --incident INC-1 --confirm a.b --confirm c.d --confirm e.f` "
        "goes on from here."
    )


def test_after_the_log_of_a_run_that_is_not_over_comes_the_run_itself() -> None:
    log = Options()
    assert after_log(log, "INC-1", broken=False, unfinished=Goal.SWITCHOVER).startswith(
        "`dr_cli.py failover --planned --execute --incident INC-1` goes on with it"
    )
    assert after_log(log, "INC-1", broken=True, unfinished=Goal.FAILOVER).startswith("`dr_cli.py log ")
    for done in (Goal.CLEAN_UP, None):
        assert after_log(log, "INC-1", broken=False, unfinished=done).startswith("`dr_cli.py evidence ")


FAILED = CheckResult(
    "a.b",
    Severity.BLOCKER,
    Area.DNS,
    Status.FAIL,
    (Finding("a.b", Side.DR, "it", None, Status.FAIL, "old", "new", "so", "Renew it."),),
)


SERVES_NOT = replace(FAILED, area=Area.VALIDATION)


@pytest.mark.parametrize(
    ("report", "next_one"),
    [
        (_looked(PostureName.PRIMARY_LOST, FAILED), "`dr_cli.py failover` weighs a failover; it changes nothing."),
        (_looked(PostureName.ON_DR), "`dr_cli.py failback` weighs the return; it changes nothing."),
        (_looked(PostureName.BLIND), "`dr_cli.py doctor` shows what cannot be read, and why."),
        (_looked(PostureName.SPLIT, posture_next="`dr_cli.py fence` is first aid."), "`dr_cli.py fence` is first aid."),
        (_looked(PostureName.NORMAL, FAILED), "Renew it. `dr_cli.py explain check a.b` explains it."),
        (_looked(PostureName.NORMAL), "`dr_cli.py schedule` shows which DR test is due."),
        (_looked(PostureName.NORMAL, SERVES_NOT), "`dr_cli.py status` shows whether the DR region could take over."),
    ],
    ids=["lost", "away", "blind", "split", "a gap", "well", "nothing to validate"],
)
def test_findings_lead_to_what_the_posture_needs_then_the_worst_remedy(report: Report, next_one: str) -> None:
    assert after_look(report) == next_one


FAILED_RUN = LockHolder("run-1", "anna", "arn", "INC-7", 3, NOW, NOW, NOW, NOW, "failed")
GOES_ON = "--execute --incident INC-7` goes on with it, where no run is at work."
CLEANS = "`dr_cli.py drill clean` brings the drill to its end, where no run is at work."


@pytest.mark.parametrize(
    ("posture", "incident", "goal", "phase", "run", "next_one"),
    [
        ("PRIMARY_LOST", "INC-7", "failover", BEGUN, FAILED_RUN, f"`dr_cli.py failover {GOES_ON}"),
        ("NORMAL", "INC-7", "switchover", BEGUN, FAILED_RUN, f"`dr_cli.py failover --planned {GOES_ON}"),
        ("RETURNING", "INC-7", "failover", FAILING_BACK, FAILED_RUN, f"`dr_cli.py failback --staged {GOES_ON}"),
        ("RETURNING", "INC-7", "failover", ABORTING, None, f"`dr_cli.py failback --abort {GOES_ON}"),
        ("BLIND", "INC-7", "failover", BEGUN, FAILED_RUN, "`dr_cli.py doctor` shows what cannot be read, and why."),
        ("ON_DR", "INC-7", "failover", ON_DR, replace(FAILED_RUN, outcome="done"), "`dr_cli.py failback` weighs the"),
        ("PRIMARY_LOST", "INC-7", "fence", "fenced", FAILED_RUN, "`dr_cli.py log --incident INC-7` shows how far"),
        ("ON_DR", "DRILL-20260101-000000", "switchover", ON_DR, None, CLEANS),
        ("PRIMARY_LOST", "DRILL-20260101-000000", "switchover", BEGUN, None, "`dr_cli.py failover` weighs a failover"),
        ("PRIMARY_LOST", "INC-7", "switchover", BEGUN, FAILED_RUN, "`dr_cli.py failover` weighs a failover"),
        ("NORMAL", "INC-7", "failover", BEGUN, FAILED_RUN, "`dr_cli.py log --incident INC-7` shows how far"),
    ],
)
def test_an_open_incident_leads_to_the_command_that_goes_on_with_it(
    posture: str, incident: str, goal: str, phase: str, run: LockHolder | None, next_one: str
) -> None:
    """Where its plan may make a change in that posture: a run of another is refused (posture.expected)."""
    standing = ControlState(incident=Incident(incident, goal, phase, NOW, None), run=run)
    report = replace(_looked(PostureName(posture)), standing=standing)
    assert after_look(report).startswith(next_one)
    assert after_watch(Posture(PostureName(posture), "so."), standing, ENV, NOW).startswith(next_one)


@pytest.mark.parametrize("posture", PostureName)
@pytest.mark.parametrize("env", [ENV, PROD], ids=["sit", "prod"])
def test_a_run_at_work_is_the_next_command_in_every_posture(posture: PostureName, env: Environment) -> None:
    at_work = replace(FAILED_RUN, ended_at=None, outcome="", lease_until=NOW + timedelta(minutes=1))
    standing = ControlState(incident=Incident("INC-7", "failover", BEGUN, NOW, None), run=at_work)
    report = replace(_looked(posture, FAILED, posture_next="`dr_cli.py failover` weighs it."), standing=standing)
    shows = f"`dr_cli.py {'attach' if env is PROD else 'log'} --incident INC-7` shows the run at work"
    assert after_look(replace(report, environment=env)).startswith(shows)
    assert after_watch(Posture(posture, "so.", next_step="`dr_cli.py failover`."), standing, env, NOW).startswith(shows)
    over = replace(standing, run=replace(at_work, lease_until=NOW))
    assert "shows the run at work" not in after_look(replace(report, standing=over))


def test_a_run_that_waits_for_an_approver_is_approved_first() -> None:
    waiting = (WaitingStart("e-1", "failback", "INC-7", 64 * "a", ("--staged", "--replan"), "arn:user/anna", NOW),)
    report = replace(_looked(PostureName.ON_DR, FAILED), waiting=waiting)
    approves = f"`dr_cli.py approve --failback --staged --incident INC-7 --digest {12 * 'a'}` approves the run"
    assert after_look(report).startswith(approves)
    assert after_watch(Posture(PostureName.ON_DR, "so."), None, PROD, NOW, waiting=waiting).startswith(approves)
    assert report.in_force == [
        f"REQUESTED: failback for INC-7, plan {12 * 'a'}, by anna at {NOW:%Y-%m-%d %H:%M} UTC: it waits for an"
        " approver. `dr_cli.py approve --withdraw --incident INC-7` ends it"
    ]


def test_an_approved_run_without_a_lock_is_watched_and_no_other_begins() -> None:
    start = WaitingStart("e-1", "failover", "INC-7", 64 * "a", (), "arn:user/anna", NOW, approved=True)
    report = replace(_looked(PostureName.PRIMARY_LOST, FAILED, posture_next="`dr_cli.py failover`."), waiting=(start,))
    watches = "`dr_cli.py attach --incident INC-7` watches the run that was approved"
    assert after_look(report).startswith(watches)
    assert after_watch(Posture(PostureName.PRIMARY_LOST, "so."), None, PROD, NOW, waiting=(start,)).startswith(watches)
    assert report.in_force[0].startswith(f"APPROVED: failover for INC-7, plan {12 * 'a'}, by anna at ")


@pytest.mark.parametrize("waits", [True, False])
def test_while_all_runs_are_stopped_next_is_unpause(waits: bool) -> None:
    begun = Incident("INC-7", "failover", BEGUN, NOW, None)
    standing = ControlState(incident=begun, pause=Pause("anna", "storm", NOW))
    waiting = (WaitingStart("e-1", "failover", "INC-7", 64 * "a", (), "arn:user/anna", NOW),) if waits else ()
    report = replace(_looked(PostureName.PRIMARY_LOST, FAILED), standing=standing, waiting=waiting)
    assert after_look(report).startswith("`dr_cli.py unpause` lets runs go on")
    watched = after_watch(Posture(PostureName.PRIMARY_LOST, "so."), standing, PROD, NOW, waiting=waiting)
    assert watched == after_look(report)
    assert after_watched_run("failover", "INC-7", Exit.ACTION_FAILED, (), paused=True) == watched


def test_a_failback_that_began_in_one_stage_goes_on_in_one() -> None:
    at_once = Incident("INC-7", "failover", FAILING_BACK, NOW, None, staged=False)
    report = replace(_looked(PostureName.RETURNING), standing=ControlState(incident=at_once, run=FAILED_RUN))
    assert after_look(report).startswith(f"`dr_cli.py failback {GOES_ON}")
    goes_on = after_log(Options(), "INC-7", broken=False, unfinished=Goal.FAILBACK, staged=False)
    assert goes_on.startswith(f"`dr_cli.py failback {GOES_ON}")


PLAN = Plan("prod", "0", Goal.FAILOVER, "PRIMARY_LOST", ())
DIGEST = PLAN.digest[:12]


@pytest.mark.parametrize(
    ("environment", "advice", "posture", "blind", "next_one"),
    [
        ("prod", Advice.PROCEED, PostureName.PRIMARY_LOST, False, "failover --execute --incident INC-1"),
        ("direct", Advice.PROCEED, PostureName.PRIMARY_LOST, False, f"approve --incident INC-1 --digest {DIGEST}"),
        ("sit", Advice.RISKY, PostureName.PRIMARY_LOST, False, "failover --execute --incident INC-1"),
        ("sit", Advice.DO_NOT_FAILOVER, PostureName.NORMAL, False, "failover --planned"),
        ("sit", Advice.DO_NOT_FAILOVER, PostureName.DEGRADED, False, "status"),
        ("sit", Advice.DO_NOT_FAILOVER, PostureName.ON_DR, False, "failback"),
        ("sit", Advice.DO_NOT_FAILOVER, PostureName.BLIND, True, "doctor"),
    ],
)
def test_an_assessment_leads_to_its_approval_its_run_or_its_obstacle(
    environment: str, advice: Advice, posture: PostureName, blind: bool, next_one: str
) -> None:
    options = parsed(RecoveryOptions, f"-e {ENVIRONMENTS[environment].name} failover --incident INC-1")
    report = _looked(posture, environment=environment)
    weighed = Assessment(advice, blind, (), (), (), PLAN, Posture(posture, "so."), 1, 1.0)
    assert after_assessment(options, report, weighed).startswith(f"`dr_cli.py {next_one}` ")


def test_where_stages_are_demanded_the_failback_runs_in_stages() -> None:
    weighed = Assessment(Advice.PROCEED, False, (), (), (), PLAN, Posture(PostureName.ON_DR, "so."), 1, 1.0)
    options = parsed(RecoveryOptions, "-e prod failback --incident INC-1")
    step = after_assessment(options, _looked(PostureName.ON_DR, environment="prod"), weighed)
    assert next_line(step)[1] == "dr_cli.py failback --staged --execute --incident INC-1"


@pytest.mark.parametrize(
    ("environment", "next_one"),
    [
        ("sit", "failover --execute --incident INC-1"),
        ("prod", "failover --execute --incident INC-1"),
        ("direct", f"approve --incident INC-1 --digest {DIGEST}"),
    ],
)
def test_a_risky_answer_leads_to_a_command_that_names_each_gate_in_its_way(environment: str, next_one: str) -> None:
    options = parsed(RecoveryOptions, f"-e {ENVIRONMENTS[environment].name} failover --incident INC-1")
    gates = (
        Gate("check.a.b", met=False, says="."),
        Gate("c.d", met=True, says="."),
        Gate("e.f", False, ".", False, True),
    )
    report = replace(_looked(PostureName.PRIMARY_LOST, environment=environment), observed_at=NOW)
    weighed = Assessment(Advice.RISKY, False, (), gates, (), PLAN, Posture(PostureName.PRIMARY_LOST, "so."), 1, 1.0)
    until = f"{NOW + timedelta(hours=4):%Y-%m-%dT%H:%MZ}"
    wanted = f"{next_one} --override check.a.b jane {until} REASON"
    step = after_assessment(options, replace(report, caller="jane"), weighed)
    assert step.startswith(f"`dr_cli.py {wanted}` ")
    assert step.endswith("; write why in the place of REASON.")
    assert " WHO " in after_assessment(options, report, weighed), "who looks is not known"
    given = replace(options, overrides=(Override("check.a.b", "me", "x", NOW),))
    assert "REASON" not in after_assessment(given, report, weighed), "it is overridden already"
    many = replace(weighed, gates=tuple(Gate(f"check.a.{n}", met=False, says=".") for n in range(3)))
    assert "once each of the 3 gates above is met, or overridden by name: " in after_assessment(options, report, many)


TRIED = replace(WHOLE, incident="TRIAL-20260107-030000")
FAILED_TRIAL = replace(TRIED, parts=(replace(STEPPED_BACK, outcome="failed"), CLEANED))
DEGRADED = replace(WHOLE, parts=(replace(STEPPED_BACK, outcome="degraded"), CLEANED))


ACCEPTS = "drill clean --reason 'looked at, and left as it is'"


@pytest.mark.parametrize(
    ("drill", "open_incident", "commands"),
    [
        (replace(WHOLE, parts=(STEPPED_BACK,), residue=None), DRILL, ["drill clean"]),
        (replace(TRIED, parts=(STEPPED_BACK,), residue=None), "", ["drill clean"]),
        (WHOLE, DRILL, ["drill clean"]),
        (replace(WHOLE, residue=(KEPT, LEFT)), DRILL, [ACCEPTS, "drill clean"]),
        (replace(WHOLE, residue=None), DRILL, [ACCEPTS, "drill clean"]),
        (replace(WHOLE, residue=(LEFT,)), "", [f"log --incident {DRILL}"]),
        (replace(TRIED, residue=(LEFT,)), "", [f"log --incident {TRIED.incident}"]),
        (FAILED_TRIAL, "", [f"log --incident {TRIED.incident}"]),
        (DEGRADED, "", [f"log --incident {DRILL}"]),
    ],
    ids=[
        "not over",
        "trial not over",
        "not closed",
        "left over",
        "not compared",
        "accepted",
        "left by a trial",
        "failed and cleaned up",
        "degraded and home",
    ],
)
def test_a_drill_leads_to_what_is_still_to_do_of_it(
    drill: DrillSummary, open_incident: str, commands: list[str]
) -> None:
    before = replace(WHOLE, incident="DRILL-20260106-030000")
    assert commands == commands_of(after_drills((before, drill), open_incident=open_incident))


def test_a_finished_drill_leaves_next_to_the_verdict_beside_it() -> None:
    assert "`dr_cli.py schedule`" in after_drills((WHOLE,))
    assert after_drills((TRIED,), "Renew it.") == "Renew it."


def _change(check: str) -> StatusChange:
    return StatusChange(SubjectKey(check, Side.DR, "sit-efs"), Severity.BLOCKER, Status.PASS, Status.FAIL, "late")


def test_a_difference_leads_to_the_first_check_that_got_worse_and_remains() -> None:
    next_one = after_difference((_change("a.former"), _change("efs.last-replicated"), _change("kms.key-usable")))
    assert next_one == "`dr_cli.py status --check efs.last-replicated` judges the first that got worse again."
    assert after_difference((_change("a.former"),)) == after_difference(()) == READINESS


@pytest.mark.parametrize(
    ("incident", "faults", "next_one"),
    [
        ("INC-1", 0, "log --incident INC-1 --verify"),
        ("", 0, "status"),
        ("INC-1", 2, "evidence --incident INC-1"),
        ("", 1, "log"),
    ],
)
def test_a_checked_pack_leads_to_the_live_record_or_to_a_new_pack(incident: str, faults: int, next_one: str) -> None:
    assert [next_one] == commands_of(after_verification(incident, faults))


def test_a_failback_to_a_silent_region_leads_to_the_watch() -> None:
    silent = Unavailable(UnavailableKind.UNREACHABLE, "it does not answer.", ENV.regions.primary)
    unseen = replace(FAILED.findings[0], status=Status.UNKNOWN, unseen=silent)
    report = _looked(PostureName.ON_DR, replace(FAILED, status=Status.UNKNOWN, findings=(unseen,)))
    report = replace(report, silent=frozenset({ENV.regions.primary}))
    weighed = Assessment(Advice.WAIT, False, (), (), (), PLAN, Posture(PostureName.ON_DR, "so."), 1, 1.0)
    options = parsed(FailbackOptions, "-e sit failback")
    assert after_assessment(options, report, weighed).startswith("`dr_cli.py status --watch` shows when ")
    assert after_assessment(options, _looked(PostureName.ON_DR), weighed).startswith("`dr_cli.py status` ")


DARK = frozenset({ENV.regions.primary})


@pytest.mark.parametrize(
    ("silent", "command"), [(DARK, "dr_cli.py status --watch"), (frozenset[str](), "dr_cli.py failback")]
)
def test_a_finished_failover_leads_to_what_status_leads_to(silent: frozenset[str], command: str) -> None:
    moved = replace(STEPPED_BACK, incident="INC-1", outcome="done", exit=0, goal="failover")
    report = replace(_looked(PostureName.ON_DR), ran=moved, silent=silent)
    ended = after_execution(parsed(RecoveryOptions, typed_as("failover --execute --incident INC-1")), report)
    assert ended == after_look(report)
    assert next_line(ended)[1] == command


WAITING = Gate(
    "primary.primary_stable",
    False,
    "af-south-1 has been stable for 1 of 30 minutes, for all of them at 10:29 UTC.",
    True,
)


@pytest.mark.parametrize("name", [PostureName.ON_DR, PostureName.RETURNING])
def test_a_waiting_failback_says_what_for_how_long_and_what_watches_it(name: PostureName) -> None:
    """`status` says `failback` here: another `status` would be a circle of two commands."""
    weighed = Assessment(Advice.WAIT, False, (), (WAITING,), (), PLAN, Posture(name, "so."), 1, 1.0)
    step = after_assessment(parsed(FailbackOptions, "-e sit failback"), _looked(name), weighed)
    assert next_line(step) == (
        f"{WAITING.says} Meanwhile the command below shows both regions.",
        "dr_cli.py status --watch",
    )
    failed = _looked(name, replace(FAILED, area=Area.VALIDATION))
    broken = replace(weighed, gates=(WAITING, Gate("check.a.b", met=False, says="old.")))
    step = after_assessment(parsed(FailbackOptions, "-e sit failback"), failed, broken)
    assert next_line(step)[1] == "dr_cli.py explain check a.b", "what is broken comes before what takes time"


def test_weights_left_behind_lead_to_their_records_and_to_no_failback() -> None:
    """RETURNING without a failback: the primary region alone takes writes, and there is nothing to bring back."""
    left = replace(_looked(PostureName.RETURNING, FAILED), writer=Side.PRIMARY)
    assert next_line(after_look(left))[1] == "dr_cli.py explain check a.b"
    weighed = Assessment(Advice.WAIT, False, (), (WAITING,), (), PLAN, Posture(PostureName.RETURNING, "so."), 1, 1.0)
    step = after_assessment(parsed(FailbackOptions, "-e sit failback"), left, weighed)
    assert next_line(step) == (
        "af-south-1 alone takes writes: nothing is to be failed back. The command below names what divides the "
        "visitors between the regions.",
        "dr_cli.py status",
    )
    watched = after_watch(left.whole_posture, None, ENV, NOW, writer=Side.PRIMARY)
    assert next_line(watched)[1] == "dr_cli.py status"


@pytest.mark.parametrize("goal", ["failover", "failback"])
def test_what_was_weighed_beside_a_run_at_work_leads_to_that_run(goal: str) -> None:
    at_work = replace(FAILED_RUN, ended_at=None, outcome="", lease_until=NOW + timedelta(minutes=1))
    standing = ControlState(incident=Incident("INC-7", "failover", FAILING_BACK, NOW, None), run=at_work)
    report = replace(_looked(PostureName.RETURNING), standing=standing)
    weighed = Assessment(Advice.PROCEED, False, (), (), (), PLAN, Posture(PostureName.RETURNING, "so."), 1, 1.0)
    step = after_assessment(parsed(PlanOptions, f"-e sit {goal}"), report, weighed)
    assert next_line(step)[1] == "dr_cli.py log --incident INC-7"
    over = replace(report, standing=replace(standing, run=FAILED_RUN))
    step = after_assessment(parsed(PlanOptions, f"-e sit {goal}"), over, replace(weighed, advice=Advice.WAIT))
    assert next_line(step)[1] == "dr_cli.py failback --staged --execute --incident INC-7"


def _from_table(rule: PostureRule, *results: CheckResult, silent: frozenset[str] = frozenset()) -> Report:
    """What was looked at in the posture of a row of the table."""
    posture = rule.posture
    if posture.name in FENCED:
        posture = replace(posture, next_step=FENCE[posture.to_fence or Side.PRIMARY])
    looked = _looked(posture.name, *results, posture_next=posture.next_step)
    return replace(looked, posture_severity=posture.severity, silent=silent, invocation=Invocation(("-e", "sit")))


@pytest.mark.parametrize("silent", [frozenset(), frozenset({ENV.regions.primary})])
@pytest.mark.parametrize("rule", TABLE, ids=[f"{n}-{rule.posture.name}" for n, rule in enumerate(TABLE, 1)])
def test_next_is_one_line_that_runs_in_each_posture(rule: PostureRule, silent: frozenset[str]) -> None:
    report = _from_table(rule, FAILED, silent=silent)
    explanation, command = next_line(report.invocation.complete(after_look(report)))
    (words,) = commands_of(command)
    assert (fault_of(words), "`" in command, "\n" in command, bool(explanation)) == ("", False, False, True), command
    if silent and rule.posture.name in (PostureName.ON_DR, PostureName.RETURNING):
        assert words.endswith("status --watch"), "no failback begins while the primary region is dark"


@pytest.mark.parametrize("rule", TABLE, ids=[f"{n}-{rule.posture.name}" for n, rule in enumerate(TABLE, 1)])
def test_failover_never_says_failover(rule: PostureRule) -> None:
    weighed = Assessment(Advice.DO_NOT_FAILOVER, False, (), (), (), PLAN, rule.posture, 1, 1.0)
    step = after_assessment(parsed(PlanOptions, "-e sit failover"), _from_table(rule, FAILED), weighed)
    command = next_line(step)[1]
    assert command.split()[:2] != ["dr_cli.py", "failover"] or "--planned" in command, step


@pytest.mark.parametrize(
    ("advice", "ends_it"),
    [
        (Advice.PROCEED, "dr_cli.py failover --execute"),
        (Advice.RISKY, "dr_cli.py failover --execute"),
        (Advice.WAIT, ""),
        (Advice.DO_NOT_FAILOVER, ""),
    ],
)
def test_in_an_outage_failover_names_the_run_first_and_never_itself(advice: Advice, ends_it: str) -> None:
    outage = VisitorAccess(Access.NONE, Access.NONE, NOW, ("af-south-1",), command="dr_cli.py failover")
    report = replace(_looked(PostureName.PRIMARY_LOST, FAILED), visitors=outage)
    weighed = Assessment(advice, False, (), (), (), PLAN, Posture(PostureName.PRIMARY_LOST, "so."), 1, 1.0)
    led = with_next_step(parsed(PlanOptions, "-e sit failover"), report, weighed)
    assert led.visitors is not None
    assert led.visitors.command == ends_it
    assert next_line(led.next_step)[1] == (ends_it or "dr_cli.py status")


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ("sit", "failover --execute"),
        ("prod", "failover --execute"),
        ("direct", f"approve --digest {DIGEST}"),
    ],
)
def test_a_run_without_a_ticket_has_no_placeholder_and_asks_for_it(environment: str, command: str) -> None:
    weighed = Assessment(Advice.PROCEED, False, (), (), (), PLAN, Posture(PostureName.PRIMARY_LOST, "so."), 1, 1.0)
    options = parsed(PlanOptions, f"-e {ENVIRONMENTS[environment].name} failover")
    step = after_assessment(options, _looked(PostureName.PRIMARY_LOST, environment=environment), weighed)
    assert next_line(step)[1] == f"dr_cli.py {command}"


def test_a_watch_of_a_dark_primary_region_leads_to_no_failback() -> None:
    away = Posture(PostureName.ON_DR, "so.")
    assert after_watch(away, None, ENV, NOW, "af-south-1").startswith(
        "`dr_cli.py failover --validate` judges what the DR region serves"
    )
    assert after_watch(away, None, ENV, NOW).startswith("`dr_cli.py failback` ")


START = "aws rds start-db-instance --region af-south-1 --db-instance-identifier sit-mysql"


def test_the_remedy_of_a_stopped_database_precedes_a_failover_with_a_time() -> None:
    row = Finding(
        "rds.serves", Side.PRIMARY, "sit-mysql", None, Status.FAIL, "stopped", "takes writes", "so", "Start it."
    )
    stopped = replace(row, commands=(START,), since=NOW - timedelta(minutes=10))
    sites = replace(row, check="sites.every-site-answers", remedy="Look at it.")
    results = (
        CheckResult("rds.serves", Severity.CRITICAL, Area.INFRASTRUCTURE, Status.FAIL, (stopped,)),
        CheckResult("sites.every-site-answers", Severity.BLOCKER, Area.TENANTS, Status.FAIL, (sites,)),
    )
    weighs = "`dr_cli.py failover` weighs a failover."
    report = _looked(PostureName.IMPAIRED, *results, posture_next=weighs)
    assert next_line(after_look(report)) == ("Start it.", START)
    early, late = (replace(report, decide_by=NOW + timedelta(minutes=minutes)) for minutes in (90, -1))
    assert "keeps the objective of 4 h where it is decided by 11:30 UTC. Until then: Start it." in after_look(early)
    assert next_line(after_look(late))[0].startswith("Decide on a failover now (`failover`)")
    assert (report.since, report.causes[0].effects[0].check) == (stopped.since, "sites.every-site-answers")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("`dr_cli.py status` shows it.", ("Shows it.", "dr_cli.py status")),
        (
            "Grant it, then `dr_cli.py doctor` shows why.",
            ("Grant it, then the command below shows why.", "dr_cli.py doctor"),
        ),
        (f"Start it. `{START}`", ("Start it.", START)),
        ("See `rds.serves`: it names the cause.", ("See `rds.serves`: it names the cause.", "")),
    ],
)
def test_an_explanation_and_its_command_are_two_lines(text: str, line: tuple[str, str]) -> None:
    assert next_line(text) == line


@pytest.mark.parametrize(
    ("goal", "words", "command"),
    [
        ("fence", ("--side", "primary"), "dr_cli.py status"),
        ("failback", ("--abort",), "dr_cli.py status"),
        ("fence", ("--release",), "dr_cli.py log --review --incident INC-1"),
        ("failback", ("--staged",), "dr_cli.py log --review --incident INC-1"),
    ],
)
def test_a_run_that_leaves_its_incident_open_leads_to_no_review(
    goal: str, words: tuple[str, ...], command: str
) -> None:
    assert next_line(after_watched_run(goal, "INC-1", Exit.READY, words))[1] == command


def test_a_run_that_was_refused_is_ordered_again_and_never_goes_on() -> None:
    for code, words in ((Exit.REFUSED, "asks for it again, once the reason above is gone"), (5, "goes on from here")):
        assert words in after_watched_run("failover", "INC-1", code, ())
