"""Makes replicas of the primary's secrets again of those that the failover made secrets of their own (T18).

Secrets Manager replaces the DR region's secret by the replica, its former versions with it: so only where the primary's
says all that it says. Source: API_ReplicateSecretToRegions, ForceOverwriteReplicaSecret.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.secrets import comparison as secrets_comparison
from dr_actions.actions.secrets.comparison import SecretPair
from dr_actions.actions.secrets.promote_replicas import LISTED_S
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager

REPLICATE = "secretsmanager:ReplicateSecretToRegions"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each secret that was a replica before the failover, as that recorded."""
    for pair in secrets_comparison.pairs(context):
        if (
            pair.here
            and pair.there
            and not pair.there.replica_of
            and secrets_comparison.was_replica(context, pair.name)
        ):
            yield _step(context, pair, pair.there.key)


def _step(context: PlanContext, pair: SecretPair, key: str) -> Step:
    primary, dr = context.env.regions.primary, context.env.regions.dr
    return context.step(
        __name__,
        pair.name,
        side=Side.DR,
        says=f"Replicate the secret {pair.name} from {primary} to {dr} again: its replica there takes the place of the "
        "secret that the failover made of it.",
        danger=Danger.COMPENSABLE,
        undo=f"Make it a secret of its own: `aws secretsmanager stop-replication-to-replica --region {dr} "
        f"--secret-id {pair.name}`.",
        budget_s=LISTED_S + 300,
        call=Call(
            "secretsmanager",
            "ReplicateSecretToRegions",
            primary,
            {
                "SecretId": pair.name,
                "AddReplicaRegions": [{"Region": dr, **({"KmsKeyId": key} if key else {})}],
                "ForceOverwriteReplicaSecret": True,
            },
        ),
        tenant=pair.tenant,
        before={"replica of": "", "renamed": secrets_comparison.renamed(context)},
        after={"replica of": primary},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once it is a replica of the primary's current version; never READY while the primary's says less."""
    pair = secrets_comparison.pair(context, step.subject)
    if pair.here is None or pair.here.replica_of:
        return StepStatus(StepState.DRIFTED, f"The primary region has no secret {step.subject} of its own.")
    if pair.there is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    facts = (("secret", pair.there.arn), ("version", pair.there.current_version))
    if pair.there.replica_of == step.after["replica of"]:
        same = pair.there.current_version == pair.here.current_version
        message = "a replica again" if same else "a replica again, and not in sync yet"
        return StepStatus(StepState.DONE if same else StepState.IN_PROGRESS, f"{step.subject} is {message}.", facts)
    if pair.there.replica_of:
        message = f"{step.subject} is a replica of {pair.there.replica_of}'s now."
        return StepStatus(StepState.DRIFTED, message, facts)
    differing = secrets_comparison.differing_fields(pair, step.before["renamed"])
    if differing or not secrets_comparison.comparable(pair):
        message = f"by {', '.join(differing)}" if differing else "in what could not be read"
        return StepStatus(StepState.DRIFTED, f"{step.subject} differs {message}: it would be lost.", facts)
    return StepStatus(StepState.READY, f"{step.subject} is a secret of its own in the DR region.", facts)


def notes(context: PlanContext) -> Iterator[str]:
    """Secrets of the DR region's own that no failover recorded: whether they were replicas is not known."""
    primary, dr = context.env.regions.primary, context.env.regions.dr
    for pair in secrets_comparison.pairs(context):
        alone = pair.here and pair.there and not pair.there.replica_of and context.env.replicates
        if alone and not secrets_comparison.was_replica(context, pair.name):
            yield (
                f"{pair.name} in {dr} is no replica, and no failover recorded that it was one. If it is to be: aws "
                f"secretsmanager replicate-secret-to-regions --region {primary} --secret-id {pair.name} "
                f"--add-replica-regions Region={dr} --force-overwrite-replica-secret."
            )


ACTION = action(
    globals(),
    {REPLICATE},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    essential=False,
)
