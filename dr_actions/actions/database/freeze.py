"""Freezes a region's database: it still answers, and refuses writes, so that what it holds stands still.

A failback freezes the DR region's for its write pause, a fence that of the region to be fenced. A failover makes that
of the old primary refuse writes where its tasks were not seen to stop in time (T41): tasks that still run in an
impaired region, and clients that write outside ECS, are refused from then on instead of losing what they wrote. It is a
parameter, no network change. Where the tasks are gone nothing is sent.

The parameter (``dr_estate.model.engines``) is a dynamic one: it holds without a reboot, once the instance is "in-sync"
with its group. Of MySQL and MariaDB, who has CONNECTION_ADMIN writes on; tenants' users have not. PostgreSQL's is a
default of transactions: a session that asks for one that writes has it, and the plan names that. Source: RDS User
Guide, Parameters for MySQL DB instances.

A frozen group is restored, for otherwise a later copy or a later failover could not take writes. In a failback the
database that the group had frozen is renamed by then, and no visitor is routed to it. A group of the primary region
that a fence froze is restored before the copy of the DR region's database uses it. A release lets the fenced region's
database take writes again, an abort the DR region's: until the copy in the primary region is promoted, the DR region's
database holds every acknowledged write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from dr_actions.actions.database import failback
from dr_actions.actions.database.promotion import has_primary_copy
from dr_actions.actions.shared import unfenced_services
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits, if_seen, present
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.engines import engine_of, is_on
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import application_autoscaling, ecs, ecs_stopped_tasks, rds, rds_groups

MODIFY = "rds:ModifyDBParameterGroup"


def freeze_steps(context: PlanContext) -> Iterator[Step]:
    """The one step; a fence's by hand where the instance uses a group of AWS's own, which nobody can change."""
    instance = _writer(context)
    if instance is not None:
        part = context.fence_part if context.goal is Goal.FENCE else ""
        yield _freeze_step(context, instance, _side(context), action=FREEZE.name, part=part)


def _side(context: PlanContext) -> Side:
    return context.fence if context.goal is Goal.FENCE else Side.DR


def _writer(context: PlanContext) -> rds.Instance | None:
    """The database that takes the writes; of a fence the side's own, by the estate's name. Raises DataUnavailable."""
    return own_writer(context, context.fence) if context.goal is Goal.FENCE else failback.writer(context)


def own_writer(context: PlanContext, side: Side) -> rds.Instance | None:
    """The side's own database under the estate's name, where it takes writes. Raises DataUnavailable."""
    found = failback.instance_by_name(context, side, failback.own_name(context, side))
    return found if found is not None and not found.source and DATABASE[found.status].takes_writes else None


def _read_only_call(region: str, group: str, name: str, value: str) -> Call:
    """The call that sets the read-only parameter ``name`` of the group, at once."""
    # `immediate` is for dynamic parameters; a static one takes `pending-reboot` (API_ModifyDBParameterGroup).
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
    return Call("rds", "ModifyDBParameterGroup", region, {"DBParameterGroupName": group, "Parameters": [parameter]})


def _parameter_of(call: Call) -> str:
    """The read-only parameter that such a call sets."""
    return str(call.params["Parameters"][0]["ParameterName"])


def value_before(context: PlanContext, group: str, side: Side = Side.DR, family: str = "") -> str:
    """What the read-only parameter is to be again; a group found frozen is thawed: by it no failover could serve.

    ``family``: the engine, for a group that the plan makes.
    """
    value = failback.read_only(context, side, group)
    if value is None:
        return engine_of(family).writable
    # Frozen by a run that nobody took back: "as it was" would leave a group by which no database can serve.
    return failback.engine_of_group(context, side, group).writable if is_on(value) else value


def is_default(group: str) -> bool:
    """Whether AWS made the group: those cannot be changed (API_ModifyDBParameterGroup)."""
    return not group or group.startswith(rds_groups.AWS_OWN)


def _frozen_group(context: PlanContext, instance: rds.Instance) -> str:
    """The group whose parameter freezes the instance: before a failback does, database/own_group changes AWS's own."""
    return failback.group_to_freeze(instance) if context.goal is Goal.FAILBACK else failback.group_of(instance)


def _freeze_step(context: PlanContext, instance: rds.Instance, side: Side, *, action: str, part: str = "") -> Step:
    """The step by which the side's ``instance`` refuses writes."""
    group, region = _frozen_group(context, instance), context.env.region(side)
    by_hand, parameter = is_default(group), engine_of(instance.engine).read_only
    message = f"Let {instance.identifier} in {region} refuse writes ({parameter} in its parameter group {group}): pages"
    if by_hand:
        message = f"Give {instance.identifier} in {region} a parameter group of its own with {parameter}=1 and "
        message += f"reboot it, for {group or 'its group'} cannot be changed: pages"
    return context.step(
        action,
        instance.identifier,
        part=part,
        side=side,
        says=f"{message} are still served, and nothing that was acknowledged is lost.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {parameter} of {group} to what it was.",
        budget_s=600,
        call=None if by_hand else _read_only_call(region, group, parameter, failback.FROZEN),
        before={
            "group": group,
            "resource": instance.resource_id,
            failback.READ_ONLY: value_before(context, group, side, instance.engine),
        },
        after={failback.READ_ONLY: failback.FROZEN},
        manual=by_hand,
    )


def freeze_status(step: Step, context: PlanContext) -> StepStatus:
    """Return DONE once the group refuses writes and the instance is in sync with it.

    No freeze is requested where the copy in the primary region is lost.
    """
    instance = failback.instance_of_resource(context, step.side, step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from {context.env.region(step.side)}.")
    group = failback.group_of(instance)
    facts = (("group", group), *failback.evidence_of(instance))
    if failback.refuses_writes(context, instance, step.side):
        return StepStatus(StepState.DONE, f"{instance.identifier} refuses writes.", facts)
    # By hand the instance gets another group: which one it uses is then no drift.
    if step.manual:
        return StepStatus(StepState.READY, f"{instance.identifier} takes writes; its group is {group}.", facts)
    value = failback.read_only(context, step.side, group)
    if group != step.before["group"] or value is None:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} uses the parameter group {group or '(none)'} now.")
    if is_on(value):
        if any(status == "pending-reboot" for _, status in instance.parameter_groups):
            message = f"The group of {instance.identifier} is {_statuses(instance)}: reboot it by hand, then run again."
            return StepStatus(StepState.FAILED, message, facts)
        return StepStatus(StepState.IN_PROGRESS, f"The group of {instance.identifier} is {_statuses(instance)}.", facts)
    if value != step.before[failback.READ_ONLY]:
        parameter = engine_of(instance.engine).read_only
        return StepStatus(StepState.DRIFTED, f"{parameter} of {group} is {value} now.", facts)
    # While it applies an earlier change, its status would say nothing of this one.
    if not DATABASE[instance.status].serves or failback.is_applying(instance):
        message = f"{instance.identifier} is {instance.status}, its group {_statuses(instance)}."
        return StepStatus(StepState.IN_PROGRESS, message)
    # A pause in which no copy can be promoted would cost visitors their writes for nothing.
    if step.side is Side.DR and (lost := failback.lost_copy(context, instance)):
        return StepStatus(StepState.DRIFTED, f"{lost}. Nobody is kept from writing for that.", facts)
    return StepStatus(StepState.READY, f"{instance.identifier} takes writes.", facts)


def _statuses(instance: rds.Instance) -> str:
    return ", ".join(f"{name} {status}" for name, status in instance.parameter_groups)


def freeze_rollback(step: Step) -> Call | None:
    """What the parameter was; nothing where a person changed the group."""
    call = step.planned_call
    return _read_only_call(call.region, step.before["group"], _parameter_of(call), step.before[failback.READ_ONLY])


def freeze_notes(context: PlanContext) -> Iterator[str]:
    """Who else is frozen: a parameter group is shared."""
    instance, region = _writer(context), context.env.region(_side(context))
    if instance is None and context.goal is Goal.FENCE:
        yield f"{region} has no database of its own that takes writes: none is frozen there."
        return
    if instance is None:
        yield f"{context.env.regions.dr} has no database that took the writes: nothing is frozen and nothing synced."
        return
    group = _frozen_group(context, instance)
    others = sorted(
        other.identifier
        for other in context.snapshot.get(rds.instances, _side(context))
        if other.resource_id != instance.resource_id and failback.group_of(other) == group
    )
    if others:
        yield f"{', '.join(others)} in {region} use {group} too and refuse writes while it is frozen."
    engine = engine_of(instance.engine)
    if not engine.strict:
        yield (
            f"{engine.read_only} of {engine.title} is a default: a session that asks for a transaction that writes "
            f"(SET TRANSACTION READ WRITE), or is in one in which it wrote nothing yet, can write into "
            f"{instance.identifier} through the pause."
        )


def close_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the primary answers and its database takes writes; none that a person would have to take."""
    instance = own_writer(context, Side.PRIMARY) if context.primary_answers else None
    if instance is not None and not is_default(failback.group_of(instance)):
        step = _freeze_step(context, instance, Side.PRIMARY, action=CLOSE_PRIMARY.name)
        yield replace(step, says=f"Where a task of the old primary was not seen to stop: {step.says}")


def close_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the database refuses writes, or where nothing is left that could write."""
    try:
        writers = unfenced_services(context)
    except DataUnavailable:
        return freeze_status(step, context)
    if writers:
        return freeze_status(step, context)
    region = context.env.region(Side.PRIMARY)
    return StepStatus(StepState.DONE, f"not needed: no tenant's task runs in {region}, or can be started there.")


def close_notes(context: PlanContext) -> Iterator[str]:
    """Why the database could not be closed, should the tasks not stop."""
    instance = own_writer(context, Side.PRIMARY) if context.primary_answers else None
    if instance is not None and is_default(failback.group_of(instance)):
        yield (
            f"{instance.identifier} in {context.env.region(Side.PRIMARY)} uses a parameter group of AWS's own, which "
            "cannot be changed: where its tasks do not stop, nothing closes it to writes."
        )


def unfreeze_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each group that was frozen."""
    if context.goal is Goal.RELEASE:
        recorded = context.before_fence(FREEZE.name, failback.own_name(context, context.fence))
        if recorded and not is_default(recorded["group"]):
            yield _unfreeze_step(context, recorded["group"], context.fence, recorded[failback.READ_ONLY])
        return
    if context.goal is Goal.ABORT:
        yield from _abort_steps(context)
        return
    instance = failback.writer(context)
    if instance is not None and not is_default(group := failback.group_to_freeze(instance)):
        value = value_before(context, group, family=instance.engine)
        yield _unfreeze_step(context, group, Side.DR, value, instance)
    yield from _fenced_primary_steps(context)


def _abort_steps(context: PlanContext) -> Iterator[Step]:
    """The group that the failback froze, as it was recorded before."""
    source = failback.writer(context)
    recorded = context.before(FREEZE.name, source.identifier) if source is not None else {}
    if source is not None and recorded and not is_default(recorded["group"]):
        step = _unfreeze_step(context, recorded["group"], Side.DR, recorded[failback.READ_ONLY])
        # The source's resource id lets the abort see, right before the call, whether the copy was promoted meanwhile.
        yield replace(step, before={**step.before, "source": source.resource_id})


@if_seen
def _fenced_primary_steps(context: PlanContext) -> Iterator[Step]:
    """The group of the primary's old database, where a fence or a failover froze it."""
    old = failback.old_primary(context)
    if old is not None and is_on(failback.read_only(context, Side.PRIMARY, failback.group_of(old))):
        recorded = context.before(FREEZE.name, old.identifier) or context.before(CLOSE_PRIMARY.name, old.identifier)
        value = recorded.get(failback.READ_ONLY, engine_of(old.engine).writable)
        yield _unfreeze_step(context, failback.group_of(old), Side.PRIMARY, value, old, part="primary")


def _unfreeze_step(
    context: PlanContext, group: str, side: Side, value: str, frozen: rds.Instance | None = None, part: str = ""
) -> Step:
    """The step; ``frozen`` is the database that must have lost its name before its group is let go."""
    engine = engine_of(frozen.engine) if frozen else failback.engine_of_group(context, side, group)
    region, parameter = context.env.region(side), engine.read_only
    return context.step(
        UNFREEZE.name,
        group,
        part=part,
        side=side,
        says=f"Set {parameter} of the parameter group {group} in {region} to {value} again: a copy or a failover to "
        "come uses it.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {parameter} of {group} to {failback.FROZEN}.",
        budget_s=600,
        call=_read_only_call(region, group, parameter, value),
        before={
            failback.READ_ONLY: failback.FROZEN,
            "frozen": frozen.resource_id if frozen else "",
            "name": frozen.identifier if frozen else "",
        },
        after={failback.READ_ONLY: value},
    )


def unfreeze_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the group says what it did before, and its instances run with that.

    Not while the database that it froze still has its name: two regions would take writes.
    """
    found = failback.read_only(context, step.side, step.subject)
    value = present(found, f"The parameter group {step.subject} is gone.")
    facts = (("group", step.subject), (failback.READ_ONLY, value))
    if value == step.after[failback.READ_ONLY]:
        return _applied_status(step, context, facts)
    if _is_promoted(step, context):
        message = f"{failback.own_name(context)} of {context.env.regions.primary} was promoted: two would take writes."
        return StepStatus(StepState.DRIFTED, message, facts)
    if not is_on(value):
        parameter = _parameter_of(step.planned_call)
        return StepStatus(StepState.DRIFTED, f"{parameter} of {step.subject} is {value} now.", facts)
    instance = failback.instance_of_resource(context, step.side, step.before["frozen"])
    # The name decides who is reached: under its old name the database would take writes beside the new primary.
    if instance is not None and instance.identifier == step.before["name"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} still has its name: it would take writes.", facts)
    return StepStatus(StepState.READY, f"{step.subject} lets its instances refuse writes.", facts)


def _is_promoted(step: Step, context: PlanContext) -> bool:
    """Return whether an abort finds that the copy in the primary region was promoted.

    Where the primary region is not seen, the journal shows that it was not.
    """
    source = failback.instance_of_resource(context, Side.DR, step.before.get("source", ""))
    with suppress(DataUnavailable):
        return source is not None and has_primary_copy(context, source)
    return False


def _applied_status(step: Step, context: PlanContext, facts: tuple[tuple[str, str], ...]) -> StepStatus:
    used = [row for row in context.snapshot.get(rds.instances, step.side) if failback.group_of(row) == step.subject]
    # "pending-reboot" is not waited for: nobody reboots a database that is kept aside.
    late = [instance.identifier for instance in used if failback.is_applying(instance)]
    if late:
        return StepStatus(StepState.IN_PROGRESS, f"{', '.join(late)} is not in sync with {step.subject} yet.", facts)
    return StepStatus(StepState.DONE, f"{step.subject} is as it was.", facts)


def unfreeze_rollback(step: Step) -> Call | None:
    """Frozen again."""
    call = step.call
    return _read_only_call(call.region, step.subject, _parameter_of(call), failback.FROZEN) if call else None


FREEZE = Action(
    "database/freeze",
    "Freezes a region's database: it still answers, and refuses writes, so that what it holds stands still.",
    {MODIFY},
    (rds.instances, rds_groups.parameter_groups),
    freeze_steps,
    freeze_status,
    rollback=freeze_rollback,
    omissions=freeze_notes,
)
CLOSE_PRIMARY = replace(
    FREEZE,
    name="database/close_primary",
    does="Makes the old primary's database refuse writes in a failover, where its tasks were not seen to stop in time "
    "(T41).",
    parts=(*FREEZE.parts, ecs.services, ecs.tasks, ecs_stopped_tasks.tasks, application_autoscaling.targets),
    steps=close_steps,
    status=close_status,
    omissions=close_notes,
    waits=Waits(stands_in=True),
)
UNFREEZE = Action(
    "database/unfreeze",
    "Restores a frozen parameter group; otherwise a later copy or a later failover could not take writes.",
    {MODIFY},
    (rds.instances, rds_groups.parameter_groups),
    unfreeze_steps,
    unfreeze_status,
    rollback=unfreeze_rollback,
)
