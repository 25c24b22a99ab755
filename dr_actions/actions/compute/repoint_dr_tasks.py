"""Registers a new DR task definition where it names the primary region's database, registry, secrets, files or logs.

Registering is not idempotent: a second call makes a second revision. So the step is confirmed by content: a newest
revision that names nothing of the primary region is DONE, regardless of who registered it. The service moves to it with
``scale_dr_services``. Plain variables may hold passwords: the definition is read and rewritten only in the mutating
client, and plan and journal hold nothing of it but the replaced values and their replacements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute.region_references import FILE_SYSTEM, OTHER, Pointer, counterparts, pointers, rewritten
from dr_actions.actions.compute.task_revisions import newest_for, newest_of, replaceable, tenant_service_of
from dr_actions.model.action import PlanContext, Sender, StepState, StepStatus, action, if_seen
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, ecs_newest_definitions, efs, rds, restored_files
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.reading.reader import Reader

READ, WRITE, TAG = "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:TagResource"
CONTENT, REPLACING = "<content>", "<replacing>"
# What RegisterTaskDefinition takes of what DescribeTaskDefinition answers.
COPIED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
    "trustedExecutionConfiguration",
)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose newest DR revision points into the primary region, where a counterpart is known."""
    return steps(context, Side.DR)


def steps(context: PlanContext, side: Side, action: str = __name__) -> Iterator[Step]:
    """A step for each tenant whose newest revision on ``side`` points into the other region. Raises DataUnavailable."""
    for tenant_service in unavailable_handling.tenant_services(context, side):
        newest = newest_of(context, tenant_service, side)
        if isinstance(newest, ecs.TaskDefinition):
            replacing = replaceable(context, tenant_service, newest, side)
            if replacing:
                yield _step(context, tenant_service, newest, replacing, side, action)


def _step(
    context: PlanContext,
    tenant_service: unavailable_handling.TenantService,
    newest: ecs.TaskDefinition,
    replacing: tuple[Pointer, ...],
    side: Side,
    action: str,
) -> Step:
    there = context.env.region(OTHER[side])
    places = unavailable_handling.name_list(sorted({pointer.where for pointer in replacing}))
    return context.step(
        action,
        tenant_service.service.name,
        label=newest.family,
        side=side,
        says=f"A new revision of {newest.family} needs nothing of {there}: {places}.",
        danger=Danger.COMPENSABLE,
        undo="The revision stays registered, costs nothing, and is used by nobody once the service is moved back.",
        budget_s=60,
        call=_call(context, newest, replacing, side),
        tenant=tenant_service.tenant.id,
        before={"taskDefinition": newest.arn},
        after={"taskDefinition": f"<a revision of {newest.family} without {there}>"},
    )


def _call(context: PlanContext, newest: ecs.TaskDefinition, replacing: tuple[Pointer, ...], side: Side) -> Call:
    replacements = [{"at": list(pointer.at), "old": pointer.old, "new": pointer.new} for pointer in replacing]
    params = {"family": newest.family, CONTENT: newest.arn, REPLACING: replacements}
    return Call("ecs", "RegisterTaskDefinition", context.env.region(side), params)


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with what is known by now. Raises ValueError where a counterpart is still to come, DataUnavailable."""
    newest = _newest(step, context)
    replacing = _by_now(step, context, newest)
    if missing := [pointer.new for pointer in replacing if not pointer.resolved]:
        raise ValueError(f"{step.id}: not known yet: {', '.join(missing)}")
    return _call(context, newest, replacing, step.side)


def _newest(step: Step, context: PlanContext) -> ecs.TaskDefinition:
    """The newest revision, once all is seen that could stand here for what it names of the other region.

    What is not seen has no counterpart to offer: the revision would keep the other region's, and count as done.
    Raises DataUnavailable.
    """
    newest = newest_for(step, context)
    for reader in _standing_in(newest, context.env.region(OTHER[step.side]), step.side):
        context.snapshot.get(reader, step.side)
    return newest


def _standing_in(definition: ecs.TaskDefinition, there: str, side: Side) -> Iterator[Reader[Any]]:
    """What is read of the stores that may stand for those that ``definition`` names of ``there``."""
    named = [value for c in definition.containers for _, value in (*c.environment, *c.secrets, *c.fetched)]
    if any(there in value for value in named):
        yield from (rds.instances, readers_secretsmanager.secrets)
    if definition.volumes:
        yield from (efs.file_systems, efs.access_points, efs.replications)
        yield from (restored_files.systems,) if side is Side.DR else ()


def _by_now(step: Step, context: PlanContext, newest: ecs.TaskDefinition) -> tuple[Pointer, ...]:
    """Return the revision's pointers, the unresolved pointers with the new value that the plan had.

    A promoted replica no longer shows which database it was a copy of, and opened files no longer what they were
    replicated from.
    """
    rows = step.call.params[REPLACING] if step.call else []
    files = frozenset(row["old"] for row in rows if row["at"][-1] == FILE_SYSTEM)
    replacing = replaceable(context, tenant_service_of(step, context), newest, step.side, files)
    planned = {(tuple(row["at"]), row["old"]): row["new"] for row in rows}
    return tuple(p if p.resolved else replace(p, new=planned.get((p.at, p.old), p.new)) for p in replacing)


def send(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Read the whole revision, replace, register. Raises ValueError where it is not what it was."""
    parameters = {"taskDefinition": call.params[CONTENT], "include": ["TAGS"]}
    answer = sender.send(Call("ecs", "DescribeTaskDefinition", call.region, parameters))
    replacing = [Pointer(tuple(entry["at"]), entry["old"], entry["new"]) for entry in call.params[REPLACING]]
    fresh = rewritten(answer["taskDefinition"], replacing)
    params = {key: fresh[key] for key in COPIED if fresh.get(key)}
    if tags := [tag for tag in answer.get("tags", []) if not tag["key"].startswith("aws:")]:
        params["tags"] = tags
    return sender.send(Call("ecs", "RegisterTaskDefinition", call.region, params))


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the family's newest revision points nowhere that has a counterpart."""
    newest = _newest(step, context)
    replacing = _by_now(step, context, newest)
    facts = (("task definition", newest.arn),)
    if not replacing:
        return StepStatus(StepState.DONE, f"{newest.arn} needs nothing of the other region.", facts)
    places = unavailable_handling.name_list(sorted({p.where for p in replacing}))
    message = f"{newest.arn} points into the other region: {places}"
    if newest.arn != step.before["taskDefinition"]:
        return StepStatus(StepState.DRIFTED, f"{message}; it is not the revision planned upon.", facts)
    if missing := [pointer.new for pointer in replacing if not pointer.resolved]:
        return StepStatus(StepState.FAILED, f"{message}; not there: {unavailable_handling.name_list(missing)}.", facts)
    return StepStatus(StepState.READY, f"{message}.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen, and what points into the primary region and has no counterpart."""
    seen = (
        ecs.services,
        ecs.task_definitions,
        ecs_newest_definitions.newest,
        readers_secretsmanager.secrets,
        efs.file_systems,
    )
    for reason in unavailable_handling.unavailable_reasons(context, Side.DR, *seen, efs.access_points, rds.instances):
        yield f"Task definitions of the DR region were planned without this: {reason}"
    yield from without_counterpart(context, Side.DR)


def without_counterpart(context: PlanContext, side: Side) -> Iterator[str]:
    """What points into the other region and stays so; nothing where that cannot be seen."""
    return if_seen(lambda context: _without_counterpart(context, side))(context)


def _without_counterpart(context: PlanContext, side: Side) -> Iterator[str]:
    there, here = context.env.region(OTHER[side]), context.env.region(side)
    for tenant_service in unavailable_handling.tenant_services(context, side):
        newest = newest_of(context, tenant_service, side)
        if isinstance(newest, Unavailable):
            yield f"Whether {tenant_service.service.name} in {here} needs {there} is not known: {newest.why}"
            continue
        lost = [p.where for p in pointers(newest, counterparts(context, tenant_service.tenant, side)) if not p.new]
        if lost:
            yield (
                f"{newest.family}: {unavailable_handling.name_list(sorted(set(lost)))} names {there} and nothing of "
                f"{here} is known to stand for it: correct it in its aws_ecs_task_definition."
            )


ACTION = action(
    globals(),
    {WRITE, TAG},
    (
        ecs.services,
        ecs.task_definitions,
        ecs_newest_definitions.newest,
        rds.instances,
        efs.file_systems,
        efs.access_points,
        efs.replications,
        restored_files.systems,
        readers_secretsmanager.secrets,
    ),
    reads={READ},
    essential=False,
)
