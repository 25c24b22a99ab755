"""Brings the database up in the DR region: promotes the replica, or restores the newest copy, whichever is supported.

One mechanism, chosen by ``mechanisms.choose``. Nothing that stands in the DR region is deleted or renamed, ever. An
instance that already has the name is ours where it was absent when the plan was made and bears the tag of what it was
restored from; where it was there already it is done only if it holds the newest data (see ``mechanisms.newest_data``),
else it is left over from a drill and the run stops.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import copy_selection, restore_calls
from dr_actions.actions.database.copy_selection import RESTORED_FROM, Choice
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Params, Step
from dr_checks.derived.database_copies import AUTOMATED, REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import backup, kms_copy_keys, rds, rds_replicas, vpc

_PROMOTION_S, _RESTORE_S = 900, 2700
ABSENT = "absent"


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step; before a promotion another that waits until the replica can be promoted (T22)."""
    choice = copy_selection.choose(sight)
    if choice is None:
        return
    if choice.copy.mechanism == REPLICA:
        replica = copy_selection.instance(sight, choice.identifier)
        if replica is not None:
            yield _promotable(sight, choice, replica)
            yield _promotion(sight, choice, replica)
    else:
        yield _restore(sight, choice)


def _promotable(sight: Sight, choice: Choice, replica: rds.Instance) -> Step:
    return sight.step(
        __name__,
        choice.identifier,
        part="promotable",
        side=Side.DR,
        says=f"Wait until the read replica {choice.identifier} is available: promotion is refused while it backs up.",
        budget_s=_PROMOTION_S,
        before=_replica(replica),
        after={"status": "available"},
    )


def _promotion(sight: Sight, choice: Choice, replica: rds.Instance) -> Step:
    name, region = choice.identifier, sight.env.regions.dr
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Promote the read replica {name} in {region} to the primary database; it reboots and follows no more.",
        danger=Danger.IRREVERSIBLE,
        undo="None: a promoted replica can never follow its source again; failback makes a new one.",
        budget_s=_PROMOTION_S,
        call=restore_calls.call_for(sight, choice),
        before=_replica(replica),
        after={"resource": replica.resource_id, "source": ""},
    )


def _replica(replica: rds.Instance) -> Params:
    return {"resource": replica.resource_id, "source": replica.source}


def _restore(sight: Sight, choice: Choice) -> Step:
    name, region = choice.identifier, sight.env.regions.dr
    there = copy_selection.instance(sight, name)
    what = "the latest restorable time" if choice.copy.mechanism == AUTOMATED else "the newest complete recovery point"
    before: dict[str, object] = {"instance": there.resource_id if there else ABSENT}
    if there is not None:
        newest = not there.source and copy_selection.newest_data(sight, there)
        before["holds"] = "the newest data" if newest else "older data"
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Restore the database {name} in {region} to {what} of {choice.copy.name}.",
        danger=Danger.COMPENSABLE,
        undo=f"The new instance {name} is left where it is: this tool deletes no database. Delete it by hand.",
        budget_s=_RESTORE_S,
        call=restore_calls.call_for(sight, choice),
        before=before,
        after={"instance": name, RESTORED_FROM: choice.copy.name},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """How the replica, or the instance to be restored, stands. Source: RDS User Guide, DB instance status."""
    instance = copy_selection.instance(sight, step.subject)
    if "resource" in step.before:
        return _of_promotion(step, instance)
    if instance is None:
        return _of_absent(step, sight)
    if instance.source:
        message = (
            f"{instance.identifier} is a read replica of {instance.source}, which cannot be relied on, and has the name"
        )
        return Confirmation(Standing.CHANGED, f"{message}. {_rename(instance)}", _facts(instance))
    if step.before["instance"] == instance.resource_id:
        return _of_leftover(step, instance)
    made_from = dict(instance.tags).get(RESTORED_FROM)
    if made_from != step.after[RESTORED_FROM]:
        message = (
            f"{instance.identifier} appeared meanwhile and was restored from {made_from or 'nothing this tool knows'}"
        )
        return Confirmation(Standing.CHANGED, f"{message}: find out who made it, then assess again.")
    return _settled(instance, "restored")


def _of_promotion(step: Step, instance: rds.Instance | None) -> Confirmation:
    if instance is None or instance.resource_id != step.before["resource"]:
        return Confirmation(Standing.CHANGED, f"The replica {step.subject} that was planned upon is gone.")
    if not instance.source:
        return _settled(instance, "promoted")
    if instance.source != step.before["source"]:
        return Confirmation(Standing.CHANGED, f"{instance.identifier} replicates from {instance.source} now.")
    if step.call is None and DATABASE[instance.status].promotable:
        return Confirmation(Standing.DONE, f"{instance.identifier} is available and can be promoted.")
    if DATABASE[instance.status].promotable:
        return Confirmation(
            Standing.READY, f"{instance.identifier} is a read replica and can be promoted.", _facts(instance)
        )
    if DATABASE[instance.status].broken:
        return Confirmation(Standing.FAILED, f"{instance.identifier} is {instance.status}.", _facts(instance))
    return Confirmation(Standing.WAITING, f"{instance.identifier} is {instance.status}.")


def _of_absent(step: Step, sight: Sight) -> Confirmation:
    """Absent is as the plan wants it, also where a leftover was taken away by hand, if what it needs is there."""
    env = sight.env
    if not restore_calls.group_id(sight):
        sight.snapshot.get(vpc.security_groups, Side.DR)  # unseen is not absent
        group = env.named(env.names.db_security_group)
        message = f"the security group {group} is absent in {env.regions.dr}: RDS would put the database out of reach"
        return Confirmation(Standing.CHANGED, f"{message}. Provision it, or correct names.db_security_group.")
    source = step.after[RESTORED_FROM]
    known = {copy.arn: copy.latest for copy in sight.snapshot.get(rds.automated_backups, Side.DR)}
    points = {point.arn: point.created_at for point in sight.snapshot.get(backup.recovery_points, Side.DR)}
    moment = known.get(source) or points.get(source)
    if moment is None:
        return Confirmation(Standing.CHANGED, f"The copy {source} is gone, or can no longer be restored.")
    facts = (("restorable to", f"{moment:%Y-%m-%dT%H:%M:%SZ}"), ("source", str(source)))
    return Confirmation(Standing.READY, f"{step.subject} is absent and can be restored.", facts)


def _of_leftover(step: Step, instance: rds.Instance) -> Confirmation:
    if step.before["holds"] == "the newest data":
        return _settled(instance, "restored already")
    return Confirmation(
        Standing.CHANGED,
        f"{instance.identifier} was there before this plan and holds older data than the copies do. If an interrupted "
        f"recovery made it, resume that incident. Is it left over from a drill? {_rename(instance)}",
        _facts(instance),
    )


def _rename(instance: rds.Instance) -> str:
    command = (
        f"aws rds modify-db-instance --region {instance.arn.split(':')[3]} "
        f"--db-instance-identifier {instance.identifier}"
    )
    options = f"--new-db-instance-identifier {instance.identifier}-old --apply-immediately"
    return f"Rename or delete it by hand ({command} {options}), then run again."


def _settled(instance: rds.Instance, how: str) -> Confirmation:
    if DATABASE[instance.status].broken:
        return Confirmation(
            Standing.FAILED, f"{instance.identifier} is {how}, but {instance.status}.", _facts(instance)
        )
    if DATABASE[instance.status].changeable and instance.host:
        return Confirmation(
            Standing.DONE, f"{instance.identifier} is {how} and answers at {instance.host}.", _facts(instance)
        )
    return Confirmation(
        Standing.WAITING, f"{instance.identifier} is {how} and {instance.status or 'in an unknown state'}."
    )


def _facts(instance: rds.Instance) -> tuple[tuple[str, str], ...]:
    return (
        ("host", instance.host),
        ("arn", instance.arn),
        ("resource", instance.resource_id),
        ("status", instance.status),
    )


def fill(step: Step, sight: Sight) -> Call:
    """The planned call, its security group as it is now. Raises ValueError where there is none."""
    return restore_calls.filled(step.planned_call, sight)


def notes(sight: Sight) -> Iterator[str]:
    """Why this mechanism, and what stands in the way."""
    yield from copy_selection.notes(sight)


VERB = action(
    globals(),
    restore_calls.WRITES,
    (
        rds.instances,
        rds.automated_backups,
        rds_replicas.lags,
        backup.recovery_points,
        kms_copy_keys.keys,
        vpc.security_groups,
    ),
)
