"""Freezes a region's database: it still answers, and refuses writes, so that what it holds stands still.

A failback freezes the DR region's for its write pause, a fence that of the region to be fenced, a failover that of an
old primary whose tasks do not stop (close_primary).

``read_only`` is a dynamic parameter of RDS for MySQL: it holds without a reboot, once the instance is "in-sync" with
its group. Who has CONNECTION_ADMIN writes on; tenants' users have not. Source: RDS User Guide, Parameters for MySQL.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

MODIFY = "rds:ModifyDBParameterGroup"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step; by hand where the instance uses a group of AWS's own, which nobody can change."""
    instance = _writer(context)
    if instance is not None:
        yield step_of(context, instance, _side(context), part=context.fence_part if context.goal is Goal.FENCE else "")


def _side(context: PlanContext) -> Side:
    return context.fence if context.goal is Goal.FENCE else Side.DR


def _writer(context: PlanContext) -> rds.Instance | None:
    """The database that takes the writes: of a fence the side's own, under the estate's name.

    Raises DataUnavailable.
    """
    return own_writer(context, context.fence) if context.goal is Goal.FENCE else failback.writer(context)


def own_writer(context: PlanContext, side: Side) -> rds.Instance | None:
    """The side's own database under the estate's name, where it takes writes. Raises DataUnavailable."""
    found = failback.named(context, side, failback.own_name(context))
    return found if found is not None and not found.source and DATABASE[found.status].takes_writes else None


def call_for(region: str, group: str, value: str) -> Call:
    """The call that sets ``read_only`` of the group, at once."""
    parameter = {"ParameterName": failback.READ_ONLY, "ParameterValue": value, "ApplyMethod": "immediate"}
    return Call("rds", "ModifyDBParameterGroup", region, {"DBParameterGroupName": group, "Parameters": [parameter]})


def value_before(context: PlanContext, group: str, side: Side = Side.DR) -> str:
    """What ``read_only`` is to be again afterwards. A group found frozen is thawed: by it no failover could serve."""
    value = failback.read_only(context, side, group)
    return failback.UNSET if value is None or failback.is_on(value) else value


def is_default(group: str) -> bool:
    """Whether AWS made the group: those cannot be changed (API_ModifyDBParameterGroup)."""
    return not group or group.startswith("default.")


def step_of(
    context: PlanContext, instance: rds.Instance, side: Side, *, action: str = __name__, part: str = ""
) -> Step:
    """The step by which the side's ``instance`` refuses writes."""
    group, region = failback.group_of(instance), context.env.region(side)
    by_hand = is_default(group)
    message = (
        f"Let {instance.identifier} in {region} refuse writes ({failback.READ_ONLY} in its parameter group "
        f"{group}): pages"
    )
    if by_hand:
        message = (
            f"Give {instance.identifier} in {region} a parameter group of its own with "
            f"{failback.READ_ONLY}=1 and reboot it, "
        )
        message += f"for {group or 'its group'} cannot be changed: pages"
    return context.step(
        action,
        instance.identifier,
        part=part,
        side=side,
        says=f"{message} are still served, and nothing that was acknowledged is lost.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {failback.READ_ONLY} of {group} to what it was.",
        budget_s=600,
        call=None if by_hand else call_for(region, group, failback.FROZEN),
        before={
            "group": group,
            "resource": instance.resource_id,
            failback.READ_ONLY: value_before(context, group, side),
        },
        after={failback.READ_ONLY: failback.FROZEN},
        manual=by_hand,
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Return DONE once the group refuses writes and the instance is in sync with it.

    No freeze is requested where the copy in the primary region is lost.
    """
    instance = failback.by_resource(context, step.side, step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from {context.env.region(step.side)}.")
    group = failback.group_of(instance)
    facts = (("group", group), *failback.evidence_of(instance))
    if failback.frozen(context, instance, step.side):
        return StepStatus(StepState.DONE, f"{instance.identifier} refuses writes.", facts)
    if step.manual:
        return StepStatus(StepState.READY, f"{instance.identifier} takes writes; its group is {group}.", facts)
    value = failback.read_only(context, step.side, group)
    if group != step.before["group"] or value is None:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} uses the parameter group {group or '(none)'} now.")
    if failback.is_on(value):
        return _not_in_sync(instance, facts)
    if value != step.before[failback.READ_ONLY]:
        return StepStatus(StepState.DRIFTED, f"{failback.READ_ONLY} of {group} is {value} now.", facts)
    if not DATABASE[instance.status].serves or failback.applying(instance):
        return StepStatus(
            StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}, its group {_statuses(instance)}."
        )
    if step.side is Side.DR and (lost := failback.lost_copy(context, instance)):
        return StepStatus(StepState.DRIFTED, f"{lost}. Nobody is kept from writing for that.", facts)
    return StepStatus(StepState.READY, f"{instance.identifier} takes writes.", facts)


def _not_in_sync(instance: rds.Instance, facts: tuple[tuple[str, str], ...]) -> StepStatus:
    """Return FAILED where a reboot is pending, else IN_PROGRESS.

    A pending reboot means that the group holds more than is applied: whether writes are refused is unknown.
    """
    if any(status == "pending-reboot" for _, status in instance.parameter_groups):
        message = f"The group of {instance.identifier} is {_statuses(instance)}: reboot it by hand, then run again."
        return StepStatus(StepState.FAILED, message, facts)
    return StepStatus(StepState.IN_PROGRESS, f"The group of {instance.identifier} is {_statuses(instance)}.", facts)


def _statuses(instance: rds.Instance) -> str:
    return ", ".join(f"{name} {status}" for name, status in instance.parameter_groups)


def rollback_call(step: Step) -> Call | None:
    """What the parameter was; nothing where a person changed the group."""
    return call_for(step.planned_call.region, step.before["group"], step.before[failback.READ_ONLY])


def notes(context: PlanContext) -> Iterator[str]:
    """Who else is frozen: a parameter group is shared."""
    instance, region = _writer(context), context.env.region(_side(context))
    if instance is None and context.goal is Goal.FENCE:
        yield f"{region} has no database of its own that takes writes: none is frozen there."
        return
    if instance is None:
        yield f"{context.env.regions.dr} has no database that took the writes: nothing is frozen and nothing synced."
        return
    group = failback.group_of(instance)
    others = sorted(
        other.identifier
        for other in context.snapshot.get(rds.instances, _side(context))
        if other.resource_id != instance.resource_id and failback.group_of(other) == group
    )
    if others:
        yield f"{', '.join(others)} in {region} use {group} too and refuse writes while it is frozen."


ACTION = action(globals(), {MODIFY}, (rds.instances, rds_groups.parameter_groups))
