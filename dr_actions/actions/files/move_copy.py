"""Puts what was restored into its place by a task, and proves by its listing that no tenant's folder is empty.

The proof is a gate: access points, task definitions and traffic follow only a listing that shows every tenant's folder
with content; a tenant without one goes along where that was accepted by name. Renaming within a file system moves
nothing, so that this takes seconds whatever the size. To run it again changes nothing. Source: ECS API, RunTask.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dr_actions.actions.common.one_off_task import RUN, network_of, send
from dr_actions.actions.common.unavailable_handling import name_list, tenants_of
from dr_actions.actions.compute.task_revisions import used_by
from dr_actions.actions.file_copies import restored_copy
from dr_actions.actions.files.create_access_points import as_the_estate_has_it
from dr_actions.actions.files.register_mover import SCRIPT, container_name, lender, mover_definition
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.restored_names import mover_family
from dr_estate.model.unavailable import DataUnavailable, Unavailable, available
from dr_estate.readers import drill_resources, ecs, efs, restored_files

_FRESH, _NEVER = timedelta(minutes=2), datetime.min.replace(tzinfo=UTC)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where files are restored in the place of others."""
    restore, tenant_service = restored_copy.planned(context), lender(context)
    if restore is None or restore.replaces is None or tenant_service is None:
        return
    env, service, token = context.env, tenant_service.service, restore.token
    definition = available(used_by(context, tenant_service, Side.DR))
    command = {"name": container_name(context, definition), "command": ["php", "-r", _script()]}
    family = mover_family(env)
    params: dict[str, Json] = {
        "cluster": env.named(env.names.cluster),
        "taskDefinition": f"<the newest revision of {family}>",
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": token,
        "clientToken": "<derived from the task definition>",
        "networkConfiguration": network_of(service),
        "overrides": {"containerOverrides": [command]},
    }
    yield context.step(
        __name__,
        token,
        label=restored_copy.name_of(env),
        side=Side.DR,
        says=f"Run one task of {family} in {env.regions.dr}: every tenant's folder of {token} must be in its place and "
        "hold files, else the run ends here.",
        danger=Danger.COMPENSABLE,
        undo="The folders stay where they are, in a file system that nothing uses yet.",
        budget_s=900,
        call=Call("ecs", "RunTask", env.regions.dr, params),
        before={"files": token},
        after={"empty folders": 0},
    )


def _script() -> str:
    return re.sub(r"\n\s*", "\n", SCRIPT).strip()


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the mover's revision. Raises ValueError where none mounts the restored files."""
    system = restored_copy.system_of(context, step.subject)
    definition = mover_definition(context, system.id) if system else None
    if definition is None:
        raise ValueError(f"no task definition mounts {step.subject}")
    attempt = f"{definition.arn}:{len(_tasks(step, context))}"
    return step.call_with(
        {"taskDefinition": definition.arn, "clientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, attempt))}
    )


def _task(step: Step, context: PlanContext) -> drill_resources.Probe | None:
    """The mover's task for this file system: one at work, else that which ended last. Raises DataUnavailable."""
    ours = _tasks(step, context)
    at_work = [task for task in ours if task.stopped_at is None]
    return next(iter(at_work), None) or max(ours, key=lambda task: task.stopped_at or _NEVER, default=None)


def _tasks(step: Step, context: PlanContext) -> list[drill_resources.Probe]:
    found = context.snapshot.get(restored_files.tasks, Side.DR)
    return [task for task in found if task.incident == step.subject]


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE by a listing in which every folder holds something; FAILED where one does not, or the task did not end well.

    What failed some minutes ago may be tried once more.
    """
    system = present(restored_copy.system_of(context, step.subject), f"The file system {step.subject} is gone.")
    task = _task(step, context)
    if task is None:
        return StepStatus(StepState.READY, f"What was restored into {system.id} can be put into its place.")
    if task.status != drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"The task {task.arn} is {task.status}.", progress=(task.status,))
    status = _of_ended(context, task, system)
    ended_ago = context.snapshot.taken_at - (task.stopped_at or _NEVER)
    if status.state is StepState.FAILED and ended_ago > _FRESH:
        return StepStatus(StepState.READY, f"{status.message} Once more.")
    return status


def _of_ended(context: PlanContext, task: drill_resources.Probe, system: efs.FileSystem) -> StepStatus:
    if task.exit_code != 0:
        reason = task.reason or "ECS gives no reason"
        return StepStatus(StepState.FAILED, f"{task.arn} did not end well (code {task.exit_code}): {reason}.")
    seen = context.snapshot.get(restored_files.listings, Side.DR)
    listing = next((found for found in seen if getattr(found, "task", "") == task.arn), None)
    if not isinstance(listing, restored_files.FolderListing):
        raise DataUnavailable(next(found for found in seen if isinstance(found, Unavailable)))
    if not listing.folders:
        return StepStatus(StepState.UNAVAILABLE, f"What {task.arn} found is not in its log yet: {listing.message}")
    facts = (("task", task.arn), *((path, str(entries)) for path, entries in listing.folders))
    empty = [path for path, entries in listing.folders if not entries]
    gates = {as_the_estate_has_it(context, tenant)[0]: targets_gate(tenant.id) for tenant in tenants_of(context)}
    if waits := [path for path in empty if gates.get(path) not in context.accepted]:
        message = f"{name_list(waits)} of {system.id} is absent or empty: no visitor is led there"
        overrides = name_list([f"--override {gates[path]}" for path in waits if path in gates])
        to_go_on = f"; to go on without: {overrides}" if overrides else ""
        return StepStatus(StepState.FAILED, f"{message}. Restore or provision it{to_go_on}.", facts)
    full = len(listing.folders) - len(empty)
    without = f"; accepted by name without: {name_list(empty)}" if empty else ""
    return StepStatus(StepState.DONE, f"{full} folders of {system.id} hold the tenants' files{without}.", facts)


ACTION = action(
    globals(),
    {RUN},
    (
        *(restored_files.systems, restored_files.definitions, restored_files.tasks, restored_files.listings),
        *(ecs.services, ecs.task_definitions, efs.file_systems, efs.replications, efs.access_points),
    ),
    send=send,
)
