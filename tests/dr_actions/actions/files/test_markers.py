"""The marker file of each tenant's folder: who writes it, what is seen of it, and when the move stops. Plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.actions.files import markers as files_markers
from dr_actions.actions.files.failback import policy_with_freeze
from dr_actions.actions.markers import marker_task
from dr_actions.actions.markers.marker_task import MarkerTask
from dr_actions.actions.shared import LONGEST_OVERRIDES
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs, marker_tasks
from dr_estate.readers.drill_resources import Probe
from dr_estate.readers.marker_tasks import MarkerReport
from tests.dr_actions.actions.database import test_markers as of_database
from tests.dr_actions.actions.database.test_markers import BEGUN, MARKER, environment
from tests.dr_actions.plain import SIT, recorded, with_part, with_rows

TASK, SECOND = "tenant-1", "tenant2"
ARN = "arn:aws:ecs:eu-west-1:815856636111:task/sit-cluster/0123"
FOLDER = "/var/www/html/wp-content"
NOW = datetime(2026, 1, 7, 10, 20, tzinfo=UTC)


def failback(**changes: Any) -> PlanContext:
    """As for the database's marker, with both regions' files, and where the recorded containers mount them."""
    context = of_database.failback(**changes)
    systems = recorded("healthy").get(efs.file_systems, Side.PRIMARY)
    snapshot = with_part(context.snapshot, efs.file_systems, Side.PRIMARY, systems)
    for side in (Side.PRIMARY, Side.DR):
        seen = snapshot.get(ecs.task_definitions, side)
        definitions = tuple(mounting(row) for row in seen if isinstance(row, ecs.TaskDefinition))
        snapshot = with_part(snapshot, ecs.task_definitions, side, definitions)
    return replace(context, snapshot=snapshot)


def mounting(definition: ecs.TaskDefinition) -> ecs.TaskDefinition:
    mounts = (ecs.Mount("content", FOLDER, read_only=False),)
    return replace(definition, containers=tuple(replace(row, mounts=mounts) for row in definition.containers))


def step_of(action: Any, context: PlanContext, tenant: str = TASK) -> Step:
    steps: dict[str, Step] = {step.subject: step for step in action.plan_steps(context)}
    return steps[tenant]


def with_task(context: PlanContext, side: Side, kind: MarkerTask, seen: Any, **changed: Any) -> PlanContext:
    """The context with the first tenant's task of that kind, and what it printed."""
    family = "arn:aws:ecs:eu-west-1:815856636111:task-definition/sit-tenant-1:1"
    task = Probe(
        ARN,
        marker_task.start_reference(context),
        family,
        "STOPPED",
        "STOPPED",
        "wordpress",
        0,
        "",
        BEGUN,
        BEGUN,
        kind.group,
    )
    snapshot = with_part(context.snapshot, marker_tasks.tasks, side, (replace(task, **changed),))
    return replace(context, snapshot=with_part(snapshot, marker_tasks.reports, side, (seen,) if seen else ()))


def frozen(context: PlanContext) -> PlanContext:
    text = policy_with_freeze("", "arn:aws:elasticfilesystem:eu-west-1:815856636111:file-system/fs-1", NOW)
    return replace(context, snapshot=with_rows(context.snapshot, efs.policies, Side.DR, text=text))


def report(**values: Any) -> MarkerReport:
    return MarkerReport(ARN, MARKER, **values)


def test_each_tenant_s_own_task_writes_into_the_folder_that_it_mounts() -> None:
    context = failback()
    steps = {step.subject: step for step in files_markers.WRITE.plan_steps(context)}
    assert set(steps) == {TASK, SECOND}
    calls = {tenant: files_markers.WRITE.build_call(step, context) for tenant, step in steps.items()}
    assert {call.region for call in calls.values()} == {SIT.regions.dr}
    values = environment(calls[TASK].params)
    assert (values["DR_FOLDER"], values["DR_MARKER"]) == (FOLDER, MARKER)
    assert "DR_DB_HOST" not in values
    assert len({call.params["clientToken"] for call in calls.values()}) == 2
    assert all(len(str(call.params["overrides"])) < LONGEST_OVERRIDES for call in calls.values())


def test_another_tenant_s_task_proves_nothing_for_this_one() -> None:
    context = with_task(failback(), Side.DR, files_markers.WRITING, report(begun=True, number=1))
    states = {
        tenant: files_markers.WRITE.observe(step_of(files_markers.WRITE, context, tenant), context).state
        for tenant in (TASK, SECOND)
    }
    assert states == {TASK: StepState.DONE, SECOND: StepState.READY}


@pytest.mark.parametrize(
    ("seen", "changed", "state"),
    [
        (report(number=7, refused=True, holds=MARKER), {}, StepState.DONE),
        (report(number=7, refused=True, holds="INC-7/earlier"), {}, StepState.DONE),
        (report(refused=True), {}, StepState.FAILED),
        (report(number=7, holds=MARKER), {}, StepState.FAILED),
        (report(number=7, holds=MARKER), {"exit_code": 3}, StepState.READY),
        (report(begun=True), {"status": "RUNNING", "exit_code": None}, StepState.IN_PROGRESS),
        (None, {}, StepState.UNAVAILABLE),
    ],
)
def test_a_folder_is_frozen_once_a_write_was_refused_and_a_marker_is_in_it(
    seen: Any, changed: dict[str, Any], state: StepState
) -> None:
    context = with_task(frozen(failback()), Side.DR, files_markers.WRITING, seen, **changed)
    status = files_markers.VERIFY_FREEZE.observe(step_of(files_markers.VERIFY_FREEZE, context), context)
    assert status.state is state, status.message


def test_a_policy_that_freezes_nothing_is_no_freeze_whatever_was_refused() -> None:
    seen = report(number=7, refused=True, holds=MARKER)
    context = with_task(failback(), Side.DR, files_markers.WRITING, seen)
    assert (
        files_markers.VERIFY_FREEZE.observe(step_of(files_markers.VERIFY_FREEZE, context), context).state
        is StepState.DRIFTED
    )


@pytest.mark.parametrize(
    ("seen", "code", "state", "words"),
    [
        (report(found=True, number=7), 0, StepState.DONE, "holds marker 7"),
        (report(number=6), 3, StepState.FAILED, "is not marker 7. Its files are not made writable"),
        (report(number=6), 0, StepState.FAILED, "did not find"),
        (MarkerReport(ARN, message="No such file"), 1, StepState.FAILED, "code 1: No such file"),
    ],
)
def test_no_files_become_writable_before_the_marker_arrived_at_home(
    seen: MarkerReport, code: int, state: StepState, words: str
) -> None:
    context = failback(confirmed_facts={"files/verify_freeze:tenant-1": {"written": "7", "holds": MARKER}})
    step = step_of(files_markers.VERIFY, context)
    tasked = with_task(context, Side.PRIMARY, files_markers.FINDING, seen, exit_code=code)
    status = files_markers.VERIFY.observe(step, replace(tasked, tasks={step.id: ARN}))
    assert (status.state, words in status.message) == (state, True), status.message


def test_what_the_frozen_folder_holds_is_what_is_looked_for() -> None:
    context = failback(confirmed_facts={"files/verify_freeze:tenant-1": {"written": "7", "holds": "INC-7/earlier"}})
    call = files_markers.VERIFY.build_call(step_of(files_markers.VERIFY, context), context)
    values = environment(call.params)
    assert (call.region, values["DR_NUMBER"], values["DR_HOLDS"]) == (SIT.regions.primary, "7", "INC-7/earlier")
    with pytest.raises(ValueError, match="recorded no marker"):
        files_markers.VERIFY.build_call(step_of(files_markers.VERIFY, context), failback())


def test_an_abort_removes_only_what_the_failback_wrote_in_the_dr_region() -> None:
    before = step_of(files_markers.WRITE, failback()).before
    recorded = {"files/write_marker:tenant-1": before}
    steps = list(files_markers.REMOVE.plan_steps(failback(recorded=recorded)))
    assert steps
    aborted = replace(failback(recorded=recorded), goal=Goal.ABORT)
    (step,) = files_markers.REMOVE.plan_steps(aborted)
    assert (step.subject, step.side) == (TASK, Side.DR)
    assert step.before["variables"]["DR_FOLDER"] == FOLDER
    assert list(files_markers.REMOVE.plan_steps(replace(failback(), goal=Goal.ABORT))) == []


def test_a_tenant_that_mounts_nothing_is_named_and_marked_by_nobody() -> None:
    context = failback()
    snapshot = with_rows(
        context.snapshot, ecs.task_definitions, Side.DR, lambda row: row.family == "sit-tenant-1", volumes=()
    )
    context = replace(context, snapshot=snapshot)
    assert [step.subject for step in files_markers.WRITE.plan_steps(context)] == [SECOND]
    (note,) = files_markers.WRITE.notes(context)
    assert "No marker file is written for tenant-1" in note


def test_no_php_is_started_in_an_image_that_nobody_says_to_have_it() -> None:
    context = replace(failback(), env=SIT.model_copy(update={"profile": "http"}))
    assert list(files_markers.WRITE.plan_steps(context)) == []
    (note,) = files_markers.WRITE.notes(context)
    assert f"for {TASK}, {SECOND}: nothing says that images of the profile http have PHP" in note


def test_where_markers_are_off_no_file_is_written() -> None:
    execution = SIT.execution.model_copy(update={"markers": False})
    context = replace(failback(), env=SIT.model_copy(update={"execution": execution}))
    for action in (files_markers.WRITE, files_markers.VERIFY_FREEZE, files_markers.VERIFY, files_markers.REMOVE):
        assert list(action.plan_steps(context)) == []
