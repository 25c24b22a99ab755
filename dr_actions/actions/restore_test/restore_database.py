"""Restores the newest copy of the database beside the estate, as a recovery would: the restored engine is evidence.

The instance has the trial's name and tags from the start. Nothing protects it and nothing backs it up, so that a
clean-up leaves nothing. The time of its latest write is tagged on it, because RDS does not report that for a restored
instance: with UseLatestRestorableTime it is at least what was restorable right before the call. Source: RDS API,
RestoreDBInstanceToPointInTime and RestoreDBInstanceFromDBSnapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from dr_actions.actions.common.drill_tags import drill_tags
from dr_actions.actions.database import restore_calls
from dr_actions.actions.restore_test import shared
from dr_actions.actions.restore_test.shared import RESTORED_TO
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.drill_names import TAG
from dr_estate.model.restored_names import RESTORED_FROM
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, kms_copy_keys, rds, vpc

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


@shared.trial_only
def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a copy is usable."""
    copy = shared.newest(context)
    if copy is None:
        return
    env, name = context.env, shared.database_name(context.env, context.incident)
    tags = drill_tags(env, context.incident, **{RESTORED_FROM: copy.name})
    yield context.step(
        __name__,
        name,
        label=env.named(env.names.database),
        side=Side.DR,
        says=f"Restore {copy.name} into the isolated database {name} in {env.regions.dr}, not public, and wait for it.",
        danger=Danger.COMPENSABLE,
        undo=f"The clean-up deletes {name}.",
        budget_s=7200,
        call=restore_calls.isolated_restore(context, copy, name, tags),
        before={"instance": "absent", "incident": context.incident},
        after={"instance": name, RESTORED_FROM: copy.name},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """How the isolated instance stands. Source: RDS User Guide, DB instance status."""
    instance = shared.database_of(context, step.subject)
    if instance is None:
        return _of_absent(step, context)
    tagged = dict(instance.tags)
    if tagged.get(TAG) != step.before["incident"] or tagged.get(RESTORED_FROM) != step.after[RESTORED_FROM]:
        message = f"{instance.identifier} is there, but this trial did not restore it"
        return StepStatus(StepState.DRIFTED, f"{message}: find out who did.", _evidence(step, context, instance))
    if DATABASE[instance.status].broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is restored, but {instance.status}.")
    if DATABASE[instance.status].changeable and instance.host:
        return StepStatus(
            StepState.DONE, f"{instance.identifier} answers at {instance.host}.", _evidence(step, context, instance)
        )
    message = f"{instance.identifier} is {instance.status or 'in an unknown state'}."
    works = DATABASE[instance.status].busy
    return StepStatus(StepState.IN_PROGRESS, message, progress=(instance.status,), works=works)


def _of_absent(step: Step, context: PlanContext) -> StepStatus:
    env, source = context.env, step.after[RESTORED_FROM]
    if not restore_calls.group_id(context):
        context.snapshot.get(vpc.security_groups, Side.DR)  # unseen is not absent
        group = env.named(env.names.db_security_group)
        message = f"the security group {group} is absent in {env.regions.dr}, and nothing would reach the database"
        return StepStatus(StepState.DRIFTED, f"{message}. Provision it, or correct names.db_security_group.")
    if _moment(context, source) is None:
        return StepStatus(StepState.DRIFTED, f"The copy {source} is gone, or can no longer be restored.")
    return StepStatus(StepState.READY, f"{step.subject} is absent and can be restored.")


def _moment(context: PlanContext, source: str) -> datetime | None:
    """Until when the copy of that ARN holds what was written, None where it is gone. Raises DataUnavailable."""
    windows = {
        automated_backup.arn: automated_backup.latest
        for automated_backup in context.snapshot.get(rds.automated_backups, Side.DR)
    }
    if source in windows:
        return windows[source]
    points = {point.arn: point.created_at for point in context.snapshot.get(backup.recovery_points, Side.DR)}
    return points.get(source)


def _evidence(step: Step, context: PlanContext, instance: rds.Instance) -> tuple[tuple[str, str], ...]:
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
    sent = context.sent_at.get(step.id)
    if sent is not None and RESTORED_TO in tagged:
        until = datetime.strptime(tagged[RESTORED_TO], _MOMENT).replace(tzinfo=sent.tzinfo)
        facts.append(("age of the data in s", str(max(0, round((sent - until).total_seconds())))))
    return tuple(facts)


def build_call(step: Step, context: PlanContext) -> Call:
    """The planned call with the security group, and with the moment of the data, as they are now.

    Raises ValueError where the group or the copy is absent.
    """
    try:
        moment = _moment(context, step.after[RESTORED_FROM])
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if moment is None:
        raise ValueError(f"the copy {step.after[RESTORED_FROM]} is gone")
    call = restore_calls.filled(step.planned_call, context)
    tags = [*call.params["Tags"], {"Key": RESTORED_TO, "Value": f"{moment:{_MOMENT}}"}]
    return replace(call, params={**call.params, "Tags": tags})


def notes(context: PlanContext) -> Iterator[str]:
    """Why nothing is tried, and what could not be seen."""
    copies, dark = shared.copies(context)
    if shared.newest(context) is not None:
        yield from (f"Not every copy of the database is seen: {unavailable.why}" for unavailable in dark)
        return
    flaws = [f"{copy.mechanism} {copy.name}: {copy.flaw or 'it is no RDS snapshot'}" for copy in copies]
    reason = (
        "; ".join([*flaws, *(unavailable.why for unavailable in dark)])
        or "there is none (to try a read replica uses it up)"
    )
    yield f"The database is not tried: no copy in {context.env.regions.dr} can be restored beside it: {reason}"


ACTION = action(
    globals(),
    {restore_calls.TO_POINT_IN_TIME, restore_calls.FROM_SNAPSHOT},
    (rds.instances, rds.automated_backups, backup.recovery_points, kms_copy_keys.keys, vpc.security_groups),
)
