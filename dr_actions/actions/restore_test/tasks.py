"""Starts a task of each tenant's own definition of the DR region: a pilot light is proven by lighting it.

ECS starts a container only after it has pulled the image, read the secrets and mounted the files, and that is what
fails in a region where nothing runs (T21, T73). A restore test does it beside its database, a start test alone. The
container runs ``true`` in place of WordPress: it ends at once, needs no database, and runs no cron job. Definitions are
started in batches, each after the one before has ended, for Fargate launches some 100 at once (T35).
Source: ECS API, RunTask (startedBy, clientToken, group) and StopTask; ECS developer guide, Amazon ECS task lifecycle.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from dr_actions.actions.markers.marker_task import definition_of
from dr_actions.actions.restore_test import shared
from dr_actions.actions.shared import (
    RUN,
    TenantService,
    container_of,
    name_list,
    network_of,
    send,
    tenant_services,
    tenants_without_service,
    unavailable_reasons,
)
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, if_seen
from dr_actions.model.plan import Call, Danger, Goal, Json, Step
from dr_actions.model.sequence import START_BATCHES
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import TAG
from dr_estate.readers import drill_resources, ecs, rds

_AT_ONCE = 20
STOP = "ecs:StopTask"


def call_of(context: PlanContext, tenant_service: TenantService, overrides: Json, group: str = "") -> Call:
    """RunTask of one task in the service's subnets and security groups; the same token gives the same task."""
    env, service = context.env, tenant_service.service
    what = ":".join([env.name, context.incident, tenant_service.tenant.id, *([group] if group else ())])
    params: dict[str, Json] = {
        "cluster": env.on(Side.DR).ecs_names(service.name)["cluster"],
        "taskDefinition": service.task_definition,
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": context.incident,
        "clientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, what)),
        "networkConfiguration": network_of(service),
        "overrides": overrides,
        "tags": [{"key": TAG, "value": context.incident}],
        **({"group": group} if group else {}),
    }
    return Call("ecs", "RunTask", env.regions.dr, params)


def site_container(context: PlanContext, service: ecs.Service) -> str:
    """The name of the container that the tenant's site runs in. Raises DataUnavailable."""
    return container_of(context.env, definition_of(context, Side.DR, service))


@shared.trial_only
def start_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service of the DR region, in batches of the same size.

    In a restore test only where a database is tried: its tasks are looked for while that stands.
    """
    if context.goal is Goal.RESTORE_TEST and shared.newest(context) is None:
        return
    services = tenant_services(context, Side.DR)
    # Rounded up: the table has START_BATCHES stages, into which the last tenants must fit too.
    size = max(_AT_ONCE, -(-len(services) // START_BATCHES))
    for number, tenant_service in enumerate(services):
        definition, tenant = tenant_service.service.task_definition, tenant_service.tenant
        name = definition.rpartition("/")[2]
        override = {"name": site_container(context, tenant_service.service), "command": ["true"]}
        yield context.step(
            START.name,
            name,
            label=tenant.id,
            nth=number // size,
            side=Side.DR,
            says=f"Start one task of {name} in {context.env.regions.dr}: it pulls its image, reads its secrets, mounts "
            "its files, and ends.",
            danger=Danger.COMPENSABLE,
            undo="The task ends by itself; the clean-up stops one that does not.",
            budget_s=600,
            call=call_of(context, tenant_service, {"containerOverrides": [override]}, drill_resources.STARTING),
            tenant=tenant.id,
            before={"definition": definition, "incident": context.incident},
            after={"exit code": 0},
        )


def start_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the container ran; FAILED with ECS's reason where it never did, or did not end well."""
    # The task that this trial started of the definition; the newest, where there should be several. One definition
    # may be two tenants': then either's task shows that it starts
    ours = [
        task
        for task in context.snapshot.get(drill_resources.tasks, Side.DR)
        if (task.incident, task.task_definition, task.group)
        == (step.before["incident"], step.before["definition"], drill_resources.STARTING)
    ]
    task = ours[-1] if ours else None
    if task is None:
        return StepStatus(StepState.READY, f"{step.subject} can be started.")
    facts = (("task", task.arn), ("status", task.status))
    # RUNNING is enough: image, secrets and files come before it (ECS developer guide, task lifecycle).
    if task.status == "RUNNING" or (task.status == drill_resources.STOPPED and task.exit_code == 0):
        return StepStatus(StepState.DONE, f"{step.subject} starts: image, secrets and files are there.", facts)
    if task.status != drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"The task of {step.subject} is {task.status}.")
    reason = task.reason or "ECS gives no reason"
    if task.exit_code is None:
        return StepStatus(StepState.FAILED, f"{step.subject} does not start: {reason}", facts)
    return StepStatus(StepState.FAILED, f"{step.subject} starts and ends with code {task.exit_code}: {reason}", facts)


@shared.trial_only
def start_notes(context: PlanContext) -> Iterator[str]:
    """Whose task is not started, and what could not be seen."""
    for reason in unavailable_reasons(context, Side.DR, ecs.services, ecs.task_definitions):
        yield f"That the tenants' tasks start is not proved: {reason}"
    yield from _absent_services(context)


@if_seen
def _absent_services(context: PlanContext) -> Iterator[str]:
    if names := name_list([tenant.id for tenant in tenants_without_service(context, Side.DR)]):
        yield f"{names}: without a service in {context.env.regions.dr} no task of it is started."


def stop_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each of a drill's tasks that runs, or will."""
    for task in context.snapshot.get(drill_resources.tasks, Side.DR):
        if task.status != drill_resources.STOPPED:
            env, name = context.env, task.arn.rpartition("/")[2]
            params = {
                # An ARN of the old form names no cluster.
                "cluster": task.arn.partition(":task/")[2].rpartition("/")[0] or env.on(Side.DR).clusters[0],
                "task": task.arn,
                "reason": f"clean-up of {task.incident}",
            }
            yield context.step(
                STOP_TASKS.name,
                name,
                side=Side.DR,
                says=f"Stop the task {name} of {task.incident} in {env.regions.dr}.",
                danger=Danger.COMPENSABLE,
                undo="None is needed: the task asks a question and keeps nothing.",
                budget_s=300,
                call=Call("ecs", "StopTask", env.regions.dr, params),
                before={"task": task.arn},
                after={"status": drill_resources.STOPPED},
            )


def stop_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the task has ended; ECS forgets one after an hour."""
    probe = context.snapshot.find(drill_resources.tasks, Side.DR, arn=step.before["task"])
    if probe is None or probe.status == drill_resources.STOPPED:
        return StepStatus(StepState.DONE, f"{step.subject} has ended.")
    if probe.wanted == drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {probe.status}.")
    return StepStatus(StepState.READY, f"{step.subject} is {probe.status} and can be stopped.")


START = Action(
    "restore_test/start_tasks",
    "Starts one task of each tenant's own definition of the DR region: a pilot light is proven by lighting it.",
    {RUN},
    (rds.instances, drill_resources.tasks),
    start_steps,
    start_status,
    omissions=start_notes,
    send=send,
    essential=False,
)
STOP_TASKS = Action(
    "restore_test/stop_tasks",
    "Stops a drill's task that has not ended by itself. Source: ECS API, StopTask.",
    {STOP},
    (rds.instances, drill_resources.tasks),
    stop_steps,
    stop_status,
    omissions=lambda context: unavailable_reasons(context, Side.DR, drill_resources.tasks),
    essential=False,
)
