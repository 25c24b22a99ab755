"""Revisions of task definitions: the one a service uses or would move to, and a new one that names its own region only.

Registering is not idempotent: a second call makes a second revision. So the step is confirmed by content: a newest
revision that names nothing of the other region is DONE, regardless of who registered it. The service moves to it when
it is scaled (service_counts.py). Plain variables may hold passwords: the definition is read and rewritten only in the
mutating client, and plan and journal hold nothing of it but the replaced values and their replacements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from dr_actions.actions import shared
from dr_actions.actions.compute.region_references import (
    FILE_SYSTEM,
    OTHER,
    Pointer,
    counterparts,
    new_definition,
    pointers,
)
from dr_actions.model.action import Action, PlanContext, Sender, StepState, StepStatus, if_seen
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, available
from dr_estate.readers import ecs, efs, rds, restored_files
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

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
_DEFINITIONS: tuple[Reader[Any], ...] = (ecs.services, ecs.task_definitions, ecs.newest_definitions)


def revision_of(
    context: PlanContext, tenant_service: shared.TenantService, side: Side
) -> ecs.TaskDefinition | Unavailable:
    """The revision that the tenant's service on ``side`` uses. Raises DataUnavailable where none was read."""
    used = _revisions_by_arn(context.snapshot, side).get(tenant_service.service.task_definition)
    return used or _unavailable(context, ecs.task_definitions, side)


def newest_of(
    context: PlanContext, tenant_service: shared.TenantService, side: Side
) -> ecs.TaskDefinition | Unavailable:
    """The newest revision of the family; the one in use where that needs nothing of the other region."""
    found = _revisions_by_family(context.snapshot, side).get(family_of(tenant_service.service.task_definition))
    used = revision_of(context, tenant_service, side)
    if found is not None or isinstance(used, Unavailable):
        return found or used
    moves = replaceable(context, tenant_service, used, side)
    return _unavailable(context, ecs.newest_definitions, side) if moves else used


def tenant_service_of(step: Step, context: PlanContext) -> shared.TenantService:
    """The tenant and the service that the step is about. Raises DataUnavailable."""
    there = shared.tenant_services(context, step.side)
    found = next((row for row in there if row.service.name == step.subject), None)
    if found is None:
        raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"{step.subject} is not there any more."))
    return found


def newest_for(step: Step, context: PlanContext) -> ecs.TaskDefinition:
    """The newest revision for the service that the step is about. Raises DataUnavailable."""
    return available(newest_of(context, tenant_service_of(step, context), step.side))


def revision(context: PlanContext, arn: str, side: Side) -> ecs.TaskDefinition | None:
    """The revision ``arn``, None where it was not read. Raises DataUnavailable."""
    newest = _revisions_by_family(context.snapshot, side).get(family_of(arn))
    found = _revisions_by_arn(context.snapshot, side).get(arn)
    return found or (newest if newest is not None and newest.arn == arn else None)


def family_of(arn: str) -> str:
    """The family of a revision's ARN."""
    return arn.rpartition("/")[2].rpartition(":")[0]


@lru_cache(maxsize=4)
def _revisions_by_arn(snapshot: Snapshot, side: Side) -> dict[str, ecs.TaskDefinition]:
    read = snapshot.get(ecs.task_definitions, side)
    return {found.arn: found for found in read if isinstance(found, ecs.TaskDefinition)}


@lru_cache(maxsize=4)
def _revisions_by_family(snapshot: Snapshot, side: Side) -> dict[str, ecs.TaskDefinition]:
    read = snapshot.get(ecs.newest_definitions, side)
    return {found.family: found for found in read if isinstance(found, ecs.TaskDefinition)}


def _unavailable(
    context: PlanContext, reader: Reader[tuple[ecs.TaskDefinition | Unavailable, ...]], side: Side
) -> Unavailable:
    dark = (found for found in context.snapshot.get(reader, side) if isinstance(found, Unavailable))
    return next(dark, Unavailable(UnavailableKind.ERROR, f"Its revision was not among those read ({reader.name})."))


def is_repointed(context: PlanContext, tenant_service: shared.TenantService, side: Side = Side.DR) -> bool:
    """Whether the revision in use points into the other region where a counterpart is known: its service moves."""
    used = revision_of(context, tenant_service, side)
    return isinstance(used, ecs.TaskDefinition) and bool(replaceable(context, tenant_service, used, side))


def replaceable(
    context: PlanContext,
    tenant_service: shared.TenantService,
    definition: ecs.TaskDefinition,
    side: Side,
    their_files: frozenset[str] = frozenset(),
) -> tuple[Pointer, ...]:
    """What of the revision points into the other region, where a counterpart is known.

    ``their_files`` are file systems known to be the other region's, or left, besides those that are seen to be.
    """
    to = counterparts(context, tenant_service.tenant, side)
    known = replace(to, their_files=to.their_files | their_files)
    return tuple(pointer for pointer in pointers(definition, known) if pointer.new)


def repoint_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose newest DR revision points into the primary region, where a counterpart is known."""
    return _steps_of(context, Side.DR, REPOINT_DR.name)


def _steps_of(context: PlanContext, side: Side, action: str) -> Iterator[Step]:
    """A step for each tenant whose newest revision on ``side`` points into the other region. Raises DataUnavailable."""
    for tenant_service in shared.tenant_services(context, side):
        newest = newest_of(context, tenant_service, side)
        if isinstance(newest, ecs.TaskDefinition):
            replacing = replaceable(context, tenant_service, newest, side)
            if replacing:
                there = context.env.region(OTHER[side])
                places = shared.name_list(sorted({pointer.where for pointer in replacing}))
                yield context.step(
                    action,
                    tenant_service.service.name,
                    label=newest.family,
                    side=side,
                    says=f"A new revision of {newest.family} needs nothing of {there}: {places}.",
                    danger=Danger.COMPENSABLE,
                    undo="The revision stays registered, costs nothing, and is used by nobody once the service "
                    "is moved back.",
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


def repoint_call(step: Step, context: PlanContext) -> Call:
    """The call with what is known by now. Raises ValueError where a counterpart is still to come, DataUnavailable."""
    newest = _newest(step, context)
    replacing = _resolved_pointers(step, context, newest)
    if missing := [pointer.new for pointer in replacing if not pointer.is_known]:
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


def _resolved_pointers(step: Step, context: PlanContext, newest: ecs.TaskDefinition) -> tuple[Pointer, ...]:
    """Return the revision's pointers, the unresolved pointers with the new value that the plan had.

    A promoted replica no longer shows which database it was a copy of, and opened files no longer what they were
    replicated from.
    """
    rows = step.call.params[REPLACING] if step.call else []
    files = frozenset(row["old"] for row in rows if row["at"][-1] == FILE_SYSTEM)
    replacing = replaceable(context, tenant_service_of(step, context), newest, step.side, files)
    planned = {(tuple(row["at"]), row["old"]): row["new"] for row in rows}
    return tuple(p if p.is_known else replace(p, new=planned.get((p.at, p.old), p.new)) for p in replacing)


def send_repoint(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Read the whole revision, replace, register. Raises ValueError where it is not what it was."""
    # DescribeTaskDefinition answers no tags unless they are asked for (its API page).
    parameters = {"taskDefinition": call.params[CONTENT], "include": ["TAGS"]}
    answer = sender.send(Call("ecs", "DescribeTaskDefinition", call.region, parameters))
    replacing = [Pointer(tuple(entry["at"]), entry["old"], entry["new"]) for entry in call.params[REPLACING]]
    fresh = new_definition(answer["taskDefinition"], replacing)
    params = {key: fresh[key] for key in COPIED if fresh.get(key)}
    # AWS reserves the prefix aws: and refuses a call that sets such a tag (ECS API, Tag).
    if tags := [tag for tag in answer.get("tags", []) if not tag["key"].startswith("aws:")]:
        params["tags"] = tags
    return sender.send(Call("ecs", "RegisterTaskDefinition", call.region, params))


def repoint_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the family's newest revision points nowhere that has a counterpart."""
    newest = _newest(step, context)
    replacing = _resolved_pointers(step, context, newest)
    facts = (("task definition", newest.arn),)
    if not replacing:
        return StepStatus(StepState.DONE, f"{newest.arn} needs nothing of the other region.", facts)
    places = shared.name_list(sorted({p.where for p in replacing}))
    message = f"{newest.arn} points into the other region: {places}"
    # Somebody registered another revision meanwhile, which points there too: to replace it could undo their work.
    if newest.arn != step.before["taskDefinition"]:
        return StepStatus(StepState.DRIFTED, f"{message}; it is not the revision planned upon.", facts)
    if missing := [pointer.new for pointer in replacing if not pointer.is_known]:
        return StepStatus(StepState.FAILED, f"{message}; not there: {shared.name_list(missing)}.", facts)
    return StepStatus(StepState.READY, f"{message}.", facts)


def repoint_notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen, and what points into the primary region and has no counterpart."""
    stores = (readers_secretsmanager.secrets, efs.file_systems, efs.access_points, rds.instances)
    for reason in shared.unavailable_reasons(context, Side.DR, *_DEFINITIONS, *stores):
        yield f"Task definitions of the DR region were planned without this: {reason}"
    yield from without_counterpart(context, Side.DR)


def without_counterpart(context: PlanContext, side: Side) -> Iterator[str]:
    """What points into the other region and stays so; nothing where that cannot be seen."""
    return if_seen(lambda context: _without_counterpart(context, side))(context)


def _without_counterpart(context: PlanContext, side: Side) -> Iterator[str]:
    there, here = context.env.region(OTHER[side]), context.env.region(side)
    for tenant_service in shared.tenant_services(context, side):
        newest = newest_of(context, tenant_service, side)
        if isinstance(newest, Unavailable):
            yield f"Whether {tenant_service.service.name} in {here} needs {there} is not known: {newest.why}"
            continue
        lost = [p.where for p in pointers(newest, counterparts(context, tenant_service.tenant, side)) if not p.new]
        if lost:
            yield (
                f"{newest.family}: {shared.name_list(sorted(set(lost)))} names {there} and nothing of "
                f"{here} is known to stand for it: correct it in its aws_ecs_task_definition."
            )


def repoint_primary_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose newest primary revision points into the DR region, where a counterpart is known."""
    yield from _steps_of(context, Side.PRIMARY, REPOINT_PRIMARY.name)


def repoint_primary_notes(context: PlanContext) -> Iterator[str]:
    """Yield what could not be seen, and what points into the DR region without a counterpart in the primary region."""
    for reason in shared.unavailable_reasons(context, Side.PRIMARY, *_DEFINITIONS):
        yield f"Task definitions of the primary region were planned without this: {reason}"
    yield from without_counterpart(context, Side.PRIMARY)


REPOINT_DR = Action(
    "compute/repoint_dr_tasks",
    "Registers a new DR task definition where it names the primary region's database, registry, secrets, "
    "files or logs.",
    {WRITE, TAG},
    (
        *(*_DEFINITIONS, rds.instances, readers_secretsmanager.secrets),
        *(efs.file_systems, efs.access_points, efs.replications, restored_files.systems),
    ),
    repoint_steps,
    repoint_status,
    build_call=repoint_call,
    send=send_repoint,
    omissions=repoint_notes,
    reads={READ},
    essential=False,
)
REPOINT_PRIMARY = replace(
    REPOINT_DR,
    name="compute/repoint_primary_tasks",
    does="Registers a new primary task definition where it names the DR region: no task may write to the standby "
    "(T18).",
    steps=repoint_primary_steps,
    omissions=repoint_primary_notes,
    essential=True,
)
