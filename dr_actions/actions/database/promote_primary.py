"""Promotes the database of the primary region, which takes the writes from then on and no longer replicates (T22)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

PROMOTE = "rds:PromoteReadReplica"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    source = failback.writer(context)
    if source is None:
        return
    name, region = failback.own_name(context), context.env.regions.primary
    params = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": retention(context)}
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Promote {name} in {region} to the primary database; it reboots and follows {source.identifier} of "
        f"{context.env.regions.dr} no more.",
        danger=Danger.IRREVERSIBLE,
        undo="None: a promoted replica can never follow its source again.",
        budget_s=1800,
        call=Call("rds", "PromoteReadReplica", region, params),
        before={"source": source.arn, "resource": source.resource_id},
        after={"source": ""},
    )


def retention(context: PlanContext) -> int:
    """For how many days the new primary database keeps backups: as the old one did, and no less than required."""
    like = failback.model(context)
    return max(context.env.thresholds.backup_retention_days, like.retention_days if like else 0)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Promotion is refused while the replica backs up; and not asked for while the DR region takes writes (T41)."""
    source = failback.by_resource(context, Side.DR, step.before["resource"])
    instance = failback.named(context, Side.PRIMARY, step.subject)
    if instance is None or not _the_copy(step, instance):
        message = "is gone" if instance is None else "is another than the copy that came home"
        return StepStatus(StepState.DRIFTED, f"{step.subject} {message}.")
    facts, works = failback.evidence_of(instance), DATABASE[instance.status].busy
    if DATABASE[instance.status].broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is {instance.status}.", facts)
    if not instance.source:
        done = DATABASE[instance.status].changeable and instance.host
        message = f"is promoted and answers at {instance.host}" if done else f"is promoted and {instance.status}"
        state = StepState.DONE if done else StepState.IN_PROGRESS
        return StepStatus(state, f"{instance.identifier} {message}.", facts, works=works)
    if source is None or not failback.frozen(context, source):
        message = f"{step.before['source']} is gone" if source is None else f"{source.identifier} takes writes again"
        return StepStatus(
            StepState.DRIFTED, f"{message}: {instance.identifier} cannot be promoted without loss.", facts
        )
    if not DATABASE[instance.status].promotable:
        return StepStatus(StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}.", works=works)
    return StepStatus(StepState.READY, f"{instance.identifier} is a read replica and can be promoted.", facts)


def _the_copy(step: Step, instance: rds.Instance) -> bool:
    if instance.source:
        return bool(instance.source == step.before["source"])
    return bool(dict(instance.tags).get(failback.COME_FROM) == step.before["resource"])


ACTION = action(globals(), {PROMOTE}, (rds.instances, rds_groups.parameter_groups))
