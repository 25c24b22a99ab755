"""The marker of a planned move: who writes it, what is seen of it, and when something is lost. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.actions.database import markers as database_markers
from dr_actions.actions.database import promotion
from dr_actions.actions.markers import marker_task, scripts
from dr_actions.actions.shared import LONGEST_OVERRIDES
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.config.settings import NamesInDr
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, marker_tasks, rds, rds_groups
from dr_estate.readers.drill_resources import Probe
from dr_estate.readers.marker_tasks import MarkerReport
from tests.dr_actions.plain import SIT, recorded, sight, with_part, with_rows

BEGUN = datetime(2026, 1, 7, 10, 15, tzinfo=UTC)
MARKER, GTIDS = "INC-7/20260107T101500Z", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77"
TASK = "arn:aws:ecs:eu-west-1:815856636111:task/sit-cluster/0123"
FREEZE, WRITE = "database/verify_freeze:sit-mysql", "database/write_marker:sit-mysql"


def failback(**changes: Any) -> PlanContext:
    """The DR region serves and the primary is back: its services and databases as when it was healthy."""
    snapshot, healthy = recorded("on-dr"), recorded("healthy")
    for reader in (ecs.services, ecs.task_definitions, rds.instances, rds_groups.parameter_groups):
        snapshot = with_part(snapshot, reader, Side.PRIMARY, healthy.get(reader, Side.PRIMARY))
    return sight(snapshot, goal=Goal.FAILBACK, incident="INC-7", begun_at=BEGUN, **changes)


def step_of(action: Action, context: PlanContext) -> Step:
    return next(iter(action.plan_steps(context)))


def with_task(
    context: PlanContext, side: Side, kind: marker_task.MarkerTask, report: Any, **changed: Any
) -> PlanContext:
    """The context with a task of that kind, by this run, and what it printed."""
    family = "arn:aws:ecs:eu-west-1:815856636111:task-definition/sit-tenant-1:1"
    name = marker_task.start_reference(context)
    task = Probe(TASK, name, family, "STOPPED", "STOPPED", "wordpress", 0, "", BEGUN, BEGUN, kind.group)
    snapshot = with_part(context.snapshot, marker_tasks.tasks, side, (replace(task, **changed),))
    reports = (report,) if report else ()
    return replace(context, snapshot=with_part(snapshot, marker_tasks.reports, side, reports), tasks={FREEZE: TASK})


def report(**values: Any) -> MarkerReport:
    return MarkerReport(TASK, MARKER, **values)


def frozen(context: PlanContext) -> PlanContext:
    """The context in which the DR region's parameter group refuses writes, and is in force."""
    parameters = (("read_only", "1"),)
    snapshot = with_rows(context.snapshot, rds_groups.parameter_groups, Side.DR, parameters=parameters)
    return replace(context, snapshot=snapshot)


def environment(params: Mapping[str, Any]) -> dict[str, str]:
    (override,) = params["overrides"]["containerOverrides"]
    return {pair["name"]: pair["value"] for pair in override["environment"]}


def test_the_task_of_each_tenant_writes_its_marker_and_gets_no_secret() -> None:
    context = failback()
    call = database_markers.WRITE.build_call(step_of(database_markers.WRITE, context), context)
    assert (call.name, call.region) == ("ecs:RunTask", SIT.regions.dr)
    values = environment(call.params)
    assert set(values) == {"DR_DB_HOST", "DR_SCHEMA", "DR_SECONDS", "DR_UNTIL", "DR_MARKER"}
    assert (values["DR_UNTIL"], values["DR_MARKER"]) == ("refused", MARKER)
    assert call.params["taskDefinition"].rpartition("/")[2].startswith("sit-tenant-1:")


def test_a_switchover_s_is_written_once_in_the_primary_region() -> None:
    context = sight(goal=Goal.SWITCHOVER, incident="INC-7", begun_at=BEGUN)
    call = database_markers.WRITE.build_call(step_of(database_markers.WRITE, context), context)
    assert (call.region, environment(call.params)["DR_UNTIL"]) == (SIT.regions.primary, "once")


def of_postgres(**names: str) -> PlanContext:
    """A failback whose databases are PostgreSQL's, and where a task definition of that name has psql."""
    context = failback(env=SIT.model_copy(update={"names": SIT.names.model_copy(update=names)}))
    snapshot, family = context.snapshot, names.get("psql_task", "")
    container = ecs.Container("psql", "postgres:16", (), (), (), "/ecs/sit-psql", "eu-west-1")
    arn = f"arn:aws:ecs:eu-west-1:{SIT.account}:task-definition/{family}:4"
    definition = ecs.TaskDefinition(arn, family, 256, 512, "awsvpc", "", "", (container,), ())
    psql = (definition,) if family else ()
    for side in (Side.PRIMARY, Side.DR):
        snapshot = with_rows(snapshot, rds.instances, side, engine="postgres")
        snapshot = with_part(snapshot, ecs.psql_definitions, side, psql)
    return replace(context, snapshot=snapshot)


def test_postgresql_is_marked_by_the_psql_task_in_the_tenant_network() -> None:
    context = of_postgres(psql_task="sit-psql")
    own = database_markers.WRITE.build_call(step_of(database_markers.WRITE, failback()), failback())
    call = database_markers.WRITE.build_call(step_of(database_markers.WRITE, context), context)
    assert call.params["taskDefinition"].partition("/")[2].startswith("sit-psql:")
    assert call.params["networkConfiguration"] == own.params["networkConfiguration"]
    (override,) = call.params["overrides"]["containerOverrides"]
    assert (override["name"], override["command"][:2]) == ("psql", ["sh", "-c"])
    assert environment(call.params)["DR_DB_HOST"].endswith(":5432")
    (step,) = promotion.VERIFY_PRIMARY_IN_SYNC.plan_steps(context)
    assert step.before[promotion.COUNTED] is True


def test_its_task_of_the_dr_region_is_called_as_the_settings_call_it_there() -> None:
    context = of_postgres(psql_task="sit-psql")
    env = context.env.model_copy(update={"names_in_dr": NamesInDr(psql_task="psql-ireland")})
    (there,) = context.snapshot.get(ecs.psql_definitions, Side.DR)
    named = (replace(there, family="psql-ireland", arn=there.arn.replace("sit-psql", "psql-ireland")),)
    context = replace(context, env=env, snapshot=with_part(context.snapshot, ecs.psql_definitions, Side.DR, named))
    step = step_of(database_markers.WRITE, context)
    family = {Side.PRIMARY: "sit-psql", Side.DR: "psql-ireland"}[step.side]
    call = database_markers.WRITE.build_call(step, context)
    assert call.params["taskDefinition"].partition("/")[2].startswith(f"{family}:")
    gone = replace(context, snapshot=with_part(context.snapshot, ecs.psql_definitions, Side.DR, ()))
    (note,) = database_markers.WRITE.notes(gone)
    assert "eu-west-1: there is no active task definition psql-ireland" in note


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "set names.psql_task"),
        ({"psql_task": "sit-psql"}, "eu-west-1: there is no active task definition"),
    ],
)
def test_without_a_psql_task_no_marker_is_written_and_the_plan_says_why(changes: dict[str, str], reason: str) -> None:
    context = of_postgres(**changes)
    if changes:
        context = replace(context, snapshot=with_part(context.snapshot, ecs.psql_definitions, Side.DR, ()))
    assert list(database_markers.WRITE.plan_steps(context)) == []
    (note,) = database_markers.WRITE.notes(context)
    assert reason in note
    (step,) = promotion.VERIFY_PRIMARY_IN_SYNC.plan_steps(context)
    assert promotion.COUNTED not in step.before


def test_no_php_is_started_in_an_image_that_nobody_says_to_have_it() -> None:
    context = failback(env=SIT.model_copy(update={"profile": "http"}))
    assert list(database_markers.WRITE.plan_steps(context)) == []
    (note,) = database_markers.WRITE.notes(context)
    assert "nothing says that images of the profile http have PHP" in note
    (step,) = promotion.VERIFY_PRIMARY_IN_SYNC.plan_steps(context)
    assert promotion.COUNTED not in step.before


def test_all_that_a_task_is_given_fits_however_many_transactions_there_are() -> None:
    context = failback(confirmed_facts={FREEZE: {"written": "9", "gtids": "x" * scripts.LONGEST_GTIDS}})
    call = database_markers.VERIFY.build_call(step_of(database_markers.VERIFY, context), context)
    assert len(str(call.params["overrides"])) < LONGEST_OVERRIDES
    longer = report(number=9, gap_ms=20, gtids="x" * (scripts.LONGEST_GTIDS + 1))
    assert "gtids" not in dict(database_markers.evidence_of(longer))


@pytest.mark.parametrize(
    ("seen", "changed", "state"),
    [
        (report(begun=True, number=1), {"status": "RUNNING", "exit_code": None}, StepState.DONE),
        (None, {"status": "PENDING", "exit_code": None}, StepState.IN_PROGRESS),
        (report(refused=True), {}, StepState.DONE),
        (None, {}, StepState.UNAVAILABLE),
        (MarkerReport(TASK, "INC-7/another", begun=True), {}, StepState.UNAVAILABLE),
        (report(begun=True), {"incident": "dr-marker-another"}, StepState.READY),
    ],
)
def test_the_freeze_waits_for_the_first_marker(seen: Any, changed: dict[str, Any], state: StepState) -> None:
    context = failback()
    step = step_of(database_markers.WRITE, context)
    assert (
        database_markers.WRITE.observe(step, with_task(context, Side.DR, marker_task.WRITING, seen, **changed)).state
        is state
    )


@pytest.mark.parametrize(
    ("seen", "changed", "state"),
    [
        (report(number=7, refused=True, gap_ms=20), {}, StepState.DONE),
        (report(refused=True, gtids=GTIDS), {}, StepState.DONE),
        (report(number=7, refused=True), {}, StepState.FAILED),
        (report(number=7, refused=True, gap_ms=database_markers.MOST_GAP_MS + 1), {}, StepState.FAILED),
        (report(number=7, gap_ms=20), {}, StepState.FAILED),
        (report(begun=True), {"status": "RUNNING", "exit_code": None}, StepState.IN_PROGRESS),
        (report(number=7), {"exit_code": scripts.TIME_IS_OVER}, StepState.FAILED),
        (None, {"exit_code": None, "reason": "CannotPullContainerError"}, StepState.FAILED),
        (Unavailable(UnavailableKind.DENIED, "the log may not be read."), {}, StepState.UNAVAILABLE),
    ],
)
def test_a_pause_counts_from_a_write_that_was_refused(seen: Any, changed: dict[str, Any], state: StepState) -> None:
    context = frozen(failback())
    step = step_of(database_markers.VERIFY_FREEZE, context)
    status = database_markers.VERIFY_FREEZE.observe(
        step, with_task(context, Side.DR, marker_task.WRITING, seen, **changed)
    )
    assert status.state is state, status.message


def test_a_parameter_that_is_not_in_force_is_no_freeze() -> None:
    context = failback()
    refused = with_task(context, Side.DR, marker_task.WRITING, report(refused=True, gtids=GTIDS))
    assert (
        database_markers.VERIFY_FREEZE.observe(step_of(database_markers.VERIFY_FREEZE, context), refused).state
        is StepState.DRIFTED
    )


def test_an_earlier_attempt_s_failure_is_no_answer_to_the_next() -> None:
    context = frozen(failback())
    failed = with_task(context, Side.DR, marker_task.WRITING, None, exit_code=1)
    step = step_of(database_markers.VERIFY_FREEZE, context)
    assert database_markers.VERIFY_FREEZE.observe(step, failed).state is StepState.FAILED
    assert database_markers.VERIFY_FREEZE.observe(step, replace(failed, tasks={})).state is StepState.READY


@pytest.mark.parametrize(
    ("seen", "code", "state", "words"),
    [
        (report(found=True, number=7), 0, StepState.DONE, "holds marker 7"),
        (report(number=6, executed=True), 3, StepState.FAILED, "it lacks marker 7 of it. Nothing is promoted"),
        (report(number=7), 3, StepState.FAILED, "it lacks transactions that were executed before it"),
        (report(number=7), 0, StepState.FAILED, "lacks"),
        (replace(report(), marker="", message="Access denied"), 1, StepState.FAILED, "code 1: Access denied"),
    ],
)
def test_nothing_is_promoted_before_the_marker_and_all_before_it_arrived(
    seen: MarkerReport, code: int, state: StepState, words: str
) -> None:
    context = failback(confirmed_facts={FREEZE: {"written": "7", "gap ms": "20"}})
    step = step_of(database_markers.VERIFY, context)
    tasked = with_task(context, Side.PRIMARY, marker_task.FINDING, seen, exit_code=code)
    status = database_markers.VERIFY.observe(step, replace(tasked, tasks={step.id: TASK}))
    assert (status.state, words in status.message) == (state, True), status.message


def test_a_marker_on_the_server_that_wrote_it_proves_nothing() -> None:
    context = failback(confirmed_facts={FREEZE: {"written": "7", "server": "uuid-1"}})
    step = step_of(database_markers.VERIFY, context)
    for server, state in (("uuid-1", StepState.FAILED), ("uuid-2", StepState.DONE)):
        seen = report(found=True, number=7, server=server)
        tasked = with_task(context, Side.PRIMARY, marker_task.FINDING, seen, exit_code=0)
        status = database_markers.VERIFY.observe(step, replace(tasked, tasks={step.id: TASK}))
        assert status.state is state, status.message


@pytest.mark.parametrize(
    ("gap", "words"),
    [("20", "of the 20 ms until its refusal the lag alone shows"), ("-1", "what came after it the lag alone shows")],
)
def test_what_no_marker_shows_is_said_in_milliseconds_where_they_are_known(gap: str, words: str) -> None:
    context = failback(confirmed_facts={FREEZE: {"written": "7", "gap ms": gap}})
    step = step_of(database_markers.VERIFY, context)
    tasked = with_task(context, Side.PRIMARY, marker_task.FINDING, report(found=True, number=7), exit_code=0)
    status = database_markers.VERIFY.observe(step, replace(tasked, tasks={step.id: TASK}))
    assert (status.state, words in status.message) == (StepState.DONE, True), status.message


def test_the_recorded_number_and_transactions_are_what_is_searched() -> None:
    context = failback(confirmed_facts={FREEZE: {"written": "7", "gtids": GTIDS}})
    values = environment(database_markers.VERIFY.build_call(step_of(database_markers.VERIFY, context), context).params)
    assert (values["DR_NUMBER"], values["DR_GTIDS"], values["DR_MARKER"]) == ("7", GTIDS, MARKER)
    assert values["DR_DB_HOST"].startswith("sit-mysql.")
    with pytest.raises(ValueError, match="recorded no marker"):
        database_markers.VERIFY.build_call(step_of(database_markers.VERIFY, context), failback())


def test_where_markers_are_off_none_is_written_and_the_plan_says_so() -> None:
    execution = SIT.execution.model_copy(update={"markers": False})
    context = replace(failback(), env=SIT.model_copy(update={"execution": execution}))
    for action in (
        database_markers.WRITE,
        database_markers.VERIFY_FREEZE,
        database_markers.VERIFY,
        database_markers.REMOVE,
    ):
        assert list(action.plan_steps(context)) == []
    assert any("zero loss is read off a lag, and not proven" in note for note in database_markers.WRITE.notes(context))


@pytest.mark.parametrize(("gtids", "state"), [(GTIDS, StepState.DONE), ("", StepState.UNAVAILABLE)])
def test_no_lag_is_looked_at_where_the_source_s_transactions_are_known(gtids: str, state: StepState) -> None:
    context = frozen(failback(confirmed_facts={FREEZE: {"written": "7", "gtids": gtids}}))
    (source,) = context.snapshot.get(rds.instances, Side.DR)
    seen = with_rows(context.snapshot, rds.instances, Side.PRIMARY, source=source.arn, replication="replicating")
    replicates = replace(context, snapshot=seen)
    step = step_of(promotion.VERIFY_PRIMARY_IN_SYNC, context)
    assert promotion.VERIFY_PRIMARY_IN_SYNC.observe(step, replicates).state is state
    thawed = replace(failback(), confirmed_facts=context.confirmed_facts)
    assert promotion.VERIFY_PRIMARY_IN_SYNC.observe(step, thawed).state is StepState.DRIFTED
