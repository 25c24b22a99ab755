"""Freezes the DR region's database: it still answers, and refuses writes, so that all there is to sync stands still.

``read_only`` is a dynamic parameter of RDS for MySQL: it holds without a reboot, once the instance is "in-sync" with
its group. Who has CONNECTION_ADMIN writes on; tenants' users have not. Source: RDS User Guide, Parameters for MySQL.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

MODIFY = "rds:ModifyDBParameterGroup"


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step; by hand where the instance uses a group of AWS's own, which nobody can change."""
    instance = home.writer(sight)
    if instance is not None:
        yield _step(sight, instance)


def call_for(region: str, group: str, value: str) -> Call:
    """The call that sets ``read_only`` of the group, at once."""
    parameter = {"ParameterName": home.READ_ONLY, "ParameterValue": value, "ApplyMethod": "immediate"}
    return Call("rds", "ModifyDBParameterGroup", region, {"DBParameterGroupName": group, "Parameters": [parameter]})


def value_before(sight: Sight, group: str) -> str:
    """What ``read_only`` is to be again afterwards. A group found frozen is thawed: by it no failover could serve."""
    value = home.read_only(sight, Side.DR, group)
    return home.UNSET if value is None or home.is_on(value) else value


def is_default(group: str) -> bool:
    """Whether AWS made the group: those cannot be changed (API_ModifyDBParameterGroup)."""
    return not group or group.startswith("default.")


def _step(sight: Sight, instance: rds.Instance) -> Step:
    group, region = home.group_of(instance), sight.env.regions.dr
    by_hand = is_default(group)
    says = (
        f"Let {instance.identifier} in {region} refuse writes ({home.READ_ONLY} in its parameter group {group}): pages"
    )
    if by_hand:
        says = (
            f"Give {instance.identifier} in {region} a parameter group of its own with "
            f"{home.READ_ONLY}=1 and reboot it, "
        )
        says += f"for {group or 'its group'} cannot be changed: pages"
    return sight.step(
        __name__,
        instance.identifier,
        side=Side.DR,
        says=f"{says} are still served, and nothing that was acknowledged is lost.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {home.READ_ONLY} of {group} to what it was.",
        budget_s=600,
        call=None if by_hand else call_for(region, group, home.FROZEN),
        before={"group": group, "resource": instance.resource_id, home.READ_ONLY: value_before(sight, group)},
        after={home.READ_ONLY: home.FROZEN},
        manual=by_hand,
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once the group says so and the instance is in sync with it."""
    instance = home.by_resource(sight, Side.DR, step.before["resource"])
    if instance is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} is gone from the DR region.")
    group = home.group_of(instance)
    facts = (("group", group), *home.facts_of(instance))
    if home.frozen(sight, instance):
        return Confirmation(Standing.DONE, f"{instance.identifier} refuses writes.", facts)
    if step.manual:
        return Confirmation(Standing.READY, f"{instance.identifier} takes writes; its group is {group}.", facts)
    value = home.read_only(sight, Side.DR, group)
    if group != step.before["group"] or value is None:
        return Confirmation(
            Standing.CHANGED, f"{instance.identifier} uses the parameter group {group or '(none)'} now."
        )
    if home.is_on(value):
        return _not_in_sync(instance, facts)
    if value != step.before[home.READ_ONLY]:
        return Confirmation(Standing.CHANGED, f"{home.READ_ONLY} of {group} is {value} now.", facts)
    if not DATABASE[instance.status].serves or home.applying(instance):
        return Confirmation(
            Standing.WAITING, f"{instance.identifier} is {instance.status}, its group {_statuses(instance)}."
        )
    return Confirmation(Standing.READY, f"{instance.identifier} takes writes.", facts)


def _not_in_sync(instance: rds.Instance, facts: tuple[tuple[str, str], ...]) -> Confirmation:
    """A pending reboot says that the group holds more than is applied: whether writes are refused cannot be told."""
    if any(status == "pending-reboot" for _, status in instance.parameter_groups):
        message = f"The group of {instance.identifier} is {_statuses(instance)}: reboot it by hand, then run again."
        return Confirmation(Standing.FAILED, message, facts)
    return Confirmation(Standing.WAITING, f"The group of {instance.identifier} is {_statuses(instance)}.", facts)


def _statuses(instance: rds.Instance) -> str:
    return ", ".join(f"{name} {status}" for name, status in instance.parameter_groups)


def undo(step: Step) -> Call | None:
    """What the parameter was; nothing where a person changed the group."""
    return call_for(step.planned_call.region, step.before["group"], step.before[home.READ_ONLY])


def notes(sight: Sight) -> Iterator[str]:
    """Who else is frozen: a parameter group is shared."""
    instance = home.writer(sight)
    if instance is None:
        yield f"{sight.env.regions.dr} has no database that took the writes: nothing is frozen and nothing synced."
        return
    group = home.group_of(instance)
    others = sorted(
        other.identifier
        for other in sight.snapshot.get(rds.instances, Side.DR)
        if other.resource_id != instance.resource_id and home.group_of(other) == group
    )
    if others:
        yield f"{', '.join(others)} in {sight.env.regions.dr} use {group} too and refuse writes while it is frozen."


VERB = action(globals(), {MODIFY}, (rds.instances, rds_groups.parameter_groups))
