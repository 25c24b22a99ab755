"""Promotes the database at home: from then on the primary region's takes the writes, and follows no more (T22)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

PROMOTE = "rds:PromoteReadReplica"


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step."""
    source = home.writer(sight)
    if source is None:
        return
    name, region = home.own_name(sight), sight.env.regions.primary
    params: dict[str, object] = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": retention(sight)}
    like = home.model(sight)
    if like is not None and like.backup_window:
        params["PreferredBackupWindow"] = like.backup_window
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Promote {name} in {region} to the primary database; it reboots and follows {source.identifier} of "
        f"{sight.env.regions.dr} no more.",
        danger=Danger.IRREVERSIBLE,
        undo="None: a promoted replica can never follow its source again.",
        budget_s=1800,
        call=Call("rds", "PromoteReadReplica", region, params),
        before={"source": source.arn, "resource": source.resource_id},
        after={"source": ""},
    )


def retention(sight: Sight) -> int:
    """For how many days the new primary database keeps backups: as the old one did, and no less than required."""
    like = home.model(sight)
    return max(sight.env.thresholds.backup_retention_days, like.retention_days if like else 0)


def confirm(step: Step, sight: Sight) -> Confirmation:
    """Promotion is refused while the replica backs up; and not asked for while the DR region takes writes (T41)."""
    source = home.by_resource(sight, Side.DR, step.before["resource"])
    instance = home.named(sight, Side.PRIMARY, step.subject)
    if instance is None or not _the_copy(step, instance):
        message = "is gone" if instance is None else "is another than the copy that came home"
        return Confirmation(Standing.CHANGED, f"{step.subject} {message}.")
    facts = home.facts_of(instance)
    if DATABASE[instance.status].broken:
        return Confirmation(Standing.FAILED, f"{instance.identifier} is {instance.status}.", facts)
    if not instance.source:
        done = DATABASE[instance.status].changeable and instance.host
        message = f"is promoted and answers at {instance.host}" if done else f"is promoted and {instance.status}"
        return Confirmation(Standing.DONE if done else Standing.WAITING, f"{instance.identifier} {message}.", facts)
    if source is None or not home.frozen(sight, source):
        message = f"{step.before['source']} is gone" if source is None else f"{source.identifier} takes writes again"
        return Confirmation(
            Standing.CHANGED, f"{message}: {instance.identifier} cannot be promoted without loss.", facts
        )
    if not DATABASE[instance.status].promotable:
        return Confirmation(Standing.WAITING, f"{instance.identifier} is {instance.status}.")
    return Confirmation(Standing.READY, f"{instance.identifier} is a read replica and can be promoted.", facts)


def _the_copy(step: Step, instance: rds.Instance) -> bool:
    if instance.source:
        return bool(instance.source == step.before["source"])
    return bool(dict(instance.tags).get(home.COME_FROM) == step.before["resource"])


VERB = action(globals(), {PROMOTE}, (rds.instances, rds_groups.parameter_groups))
