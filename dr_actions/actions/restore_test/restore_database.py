"""Restores the newest copy of the database beside the estate, as a recovery would: the restored engine is evidence.

The instance bears the trial's name and tags from its first moment on. Nothing protects it and nothing backs it up, so
that a clean-up leaves nothing. What was written at the latest is tagged on it, for RDS tells it of no restored
instance: with UseLatestRestorableTime at least what was restorable right before the call. Source: RDS API,
RestoreDBInstanceToPointInTime and RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from dr_actions.actions.database import restore_calls
from dr_actions.actions.database.copy_selection import RESTORED_FROM
from dr_actions.actions.restore_test import shared
from dr_actions.actions.restore_test.shared import RESTORED_TO
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.drill_names import TAG
from dr_estate.model.states import DATABASE
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import backup, kms_copy_keys, rds, vpc

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@shared.tried
def foresee(sight: Sight) -> Iterator[Step]:
    """The one step, where a copy is usable."""
    copy = shared.newest(sight)
    if copy is None:
        return
    env, name = sight.env, shared.database_name(sight.env, sight.incident)
    tags = shared.tags(env, sight.incident, **{RESTORED_FROM: copy.name})
    yield sight.step(
        __name__,
        name,
        label=env.named(env.names.database),
        side=Side.DR,
        says=f"Restore {copy.name} into the isolated database {name} in {env.regions.dr}, not public, and wait for it.",
        danger=Danger.COMPENSABLE,
        undo=f"The clean-up deletes {name}.",
        budget_s=7200,
        call=restore_calls.beside(sight, copy, name, tags),
        before={"instance": "absent", "incident": sight.incident},
        after={"instance": name, RESTORED_FROM: copy.name},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """How the isolated instance stands. Source: RDS User Guide, DB instance status."""
    instance = shared.database_of(sight, step.subject)
    if instance is None:
        return _of_absent(step, sight)
    tagged = dict(instance.tags)
    if tagged.get(TAG) != step.before["incident"] or tagged.get(RESTORED_FROM) != step.after[RESTORED_FROM]:
        message = f"{instance.identifier} is there, but this trial did not restore it"
        return Confirmation(Standing.CHANGED, f"{message}: find out who did.", _facts(step, sight, instance))
    if DATABASE[instance.status].broken:
        return Confirmation(Standing.FAILED, f"{instance.identifier} is restored, but {instance.status}.")
    if DATABASE[instance.status].changeable and instance.host:
        return Confirmation(
            Standing.DONE, f"{instance.identifier} answers at {instance.host}.", _facts(step, sight, instance)
        )
    return Confirmation(Standing.WAITING, f"{instance.identifier} is {instance.status or 'in an unknown state'}.")


def _of_absent(step: Step, sight: Sight) -> Confirmation:
    env, source = sight.env, step.after[RESTORED_FROM]
    if not restore_calls.group_id(sight):
        sight.snapshot.get(vpc.security_groups, Side.DR)  # unseen is not absent
        group = env.named(env.names.db_security_group)
        message = f"the security group {group} is absent in {env.regions.dr}, and nothing would reach the database"
        return Confirmation(Standing.CHANGED, f"{message}. Provision it, or correct names.db_security_group.")
    if _moment(sight, source) is None:
        return Confirmation(Standing.CHANGED, f"The copy {source} is gone, or can no longer be restored.")
    return Confirmation(Standing.READY, f"{step.subject} is absent and can be restored.")


def _moment(sight: Sight, source: str) -> datetime | None:
    """Until when the copy of that ARN holds what was written, None where it is gone. Raises CannotSee."""
    windows = {
        automated_backup.arn: automated_backup.latest
        for automated_backup in sight.snapshot.get(rds.automated_backups, Side.DR)
    }
    if source in windows:
        return windows[source]
    points = {point.arn: point.created_at for point in sight.snapshot.get(backup.recovery_points, Side.DR)}
    return points.get(source)


def _facts(step: Step, sight: Sight, instance: rds.Instance) -> tuple[tuple[str, str], ...]:
    """What is kept in the journal: with the moment, and how old it was when the call left, as evidence of the RPO."""
    tagged = dict(instance.tags)
    facts = [
        ("host", instance.host),
        ("resource", instance.resource_id),
        ("arn", instance.arn),
        ("status", instance.status),
    ]
    words = {"source": RESTORED_FROM, "restored to": RESTORED_TO}
    facts += [(word, tagged[key]) for word, key in words.items() if key in tagged]
    sent = sight.sent_at.get(step.id)
    if sent is not None and RESTORED_TO in tagged:
        until = datetime.strptime(tagged[RESTORED_TO], _MOMENT).replace(tzinfo=sent.tzinfo)
        facts.append(("age of the data in s", str(max(0, round((sent - until).total_seconds())))))
    return tuple(facts)


def fill(step: Step, sight: Sight) -> Call:
    """The planned call with the security group, and with the moment of the data, as they are now.

    Raises ValueError where the group or the copy is absent.
    """
    try:
        moment = _moment(sight, step.after[RESTORED_FROM])
    except CannotSee as dark:
        raise ValueError(dark.unseen.why) from dark
    if moment is None:
        raise ValueError(f"the copy {step.after[RESTORED_FROM]} is gone")
    call = restore_calls.filled(step.planned_call, sight)
    tags = [*call.params["Tags"], {"Key": RESTORED_TO, "Value": f"{moment:{_MOMENT}}"}]
    return replace(call, params={**call.params, "Tags": tags})


def notes(sight: Sight) -> Iterator[str]:
    """Why nothing is tried, and what could not be seen."""
    copies, dark = shared.copies(sight)
    if shared.newest(sight) is not None:
        yield from (f"Not every copy of the database is seen: {unseen.why}" for unseen in dark)
        return
    flaws = [f"{copy.mechanism} {copy.name}: {copy.flaw or 'it is no RDS snapshot'}" for copy in copies]
    why = "; ".join([*flaws, *(unseen.why for unseen in dark)]) or "there is none (to try a read replica uses it up)"
    yield f"The database is not tried: no copy in {sight.env.regions.dr} can be restored beside it: {why}"


VERB = action(
    globals(),
    {restore_calls.TO_POINT_IN_TIME, restore_calls.FROM_SNAPSHOT},
    (rds.instances, rds.automated_backups, backup.recovery_points, kms_copy_keys.keys, vpc.security_groups),
)
