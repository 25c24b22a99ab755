"""Replicas of secrets: made secrets of their own where their value must change, and replicas again afterwards (T18).

A replica is read-only, so it is promoted, but only where its value leads to the primary region by a name that can be
moved; all others stay replicas. To make it one again Secrets Manager replaces the DR region's secret by the replica,
its former versions with it: so only where the primary's says all that it says. Source:
API_ReplicateSecretToRegions, ForceOverwriteReplicaSecret.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_actions.actions.secrets import comparison as secrets_comparison
from dr_actions.actions.secrets import primary_references
from dr_actions.actions.secrets.comparison import SecretPair
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager

STOP = "secretsmanager:StopReplicationToReplica"
# ListSecrets, by which this is seen, "might not reflect changes from the last five minutes" (T64).
LISTED_S = 300
REPLICATE = "secretsmanager:ReplicateSecretToRegions"


def promote_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each replica to be rewritten."""
    if primary_references.database(context):
        for reference in primary_references.movable_secrets(context):
            if reference.secret.replica_of:
                name, region = reference.secret.name, context.env.regions.dr
                home = reference.secret.replica_of
                yield context.step(
                    PROMOTE_REPLICAS.name,
                    name,
                    side=Side.DR,
                    says=f"Make the replica {name} in {region} a secret of its own: its "
                    f"{', '.join(reference.fields)} must change.",
                    danger=Danger.COMPENSABLE,
                    undo=f"Replicate it again from {home}, which overwrites it: aws secretsmanager "
                    "replicate-secret-to-regions "
                    f"--region {home} --secret-id {name} --add-replica-regions Region={region} "
                    "--force-overwrite-replica-secret.",
                    budget_s=LISTED_S + 120,
                    call=Call("secretsmanager", "StopReplicationToReplica", region, {"SecretId": name}),
                    tenant=reference.tenant,
                    before={"replica of": home},
                    after={"replica of": ""},
                )


def promote_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no region is named that it is copied from; for as long as that lags, what was sent is IN_PROGRESS.

    AWS refuses it of a secret that is no replica any more: a run that goes on does not send it a second time.
    """
    secret, _ = primary_references.dr_secret(step.subject, context)
    if secret is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    facts = (("secret", secret.arn), ("version", secret.current_version))
    # First: regardless of who promoted it, it is a secret of its own, and AWS refuses a second call.
    if not secret.replica_of:
        return StepStatus(StepState.DONE, f"{secret.name} is a secret of its own.", facts)
    sent, seen_at = context.sent_at.get(step.id), context.snapshot.taken_at
    if sent is not None and secret.replica_of and seen_at - sent < timedelta(seconds=LISTED_S):
        message = f"{secret.name} was made a secret of its own at {sent:%H:%M} UTC; ListSecrets does not show it yet."
        return StepStatus(StepState.IN_PROGRESS, message, facts)
    if secret.replica_of == step.before["replica of"]:
        return StepStatus(StepState.READY, f"{secret.name} is a replica of {secret.replica_of}'s.", facts)
    return StepStatus(StepState.DRIFTED, f"{secret.name} is a replica of {secret.replica_of}'s now.", facts)


def replicate_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each secret that was a replica before the failover, as that recorded."""
    for pair in secrets_comparison.pairs(context):
        if (
            pair.here
            and pair.there
            and not pair.there.replica_of
            and secrets_comparison.was_replica(context, pair.name)
        ):
            yield _replicate_step(context, pair, pair.there.key)


def _replicate_step(context: PlanContext, pair: SecretPair, key: str) -> Step:
    primary, dr = context.env.regions.primary, context.env.regions.dr
    return context.step(
        REPLICATE_TO_DR.name,
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
                # With the key that it had: else it is aws/secretsmanager (Secrets Manager API, ReplicaRegionType).
                "AddReplicaRegions": [{"Region": dr, **({"KmsKeyId": key} if key else {})}],
                # Without it Secrets Manager refuses: a secret of that name is there. So the values are compared before.
                "ForceOverwriteReplicaSecret": True,
            },
        ),
        tenant=pair.tenant,
        before={"replica of": "", "renamed": secrets_comparison.is_renamed(context)},
        after={"replica of": primary},
    )


def replicate_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once it is a replica of the primary's current version; never READY while the primary's says less."""
    pair = secrets_comparison.pair(context, step.subject)
    if pair.here is None or pair.here.replica_of:
        return StepStatus(StepState.DRIFTED, f"The primary region has no secret {step.subject} of its own.")
    if pair.there is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    facts = (("secret", pair.there.arn), ("version", pair.there.current_version))
    if pair.there.replica_of == step.after["replica of"]:
        # Compared by the version's id: no value is read for it.
        same = pair.there.current_version == pair.here.current_version
        message = "a replica again" if same else "a replica again, and not in sync yet"
        return StepStatus(StepState.DONE if same else StepState.IN_PROGRESS, f"{step.subject} is {message}.", facts)
    if pair.there.replica_of:
        message = f"{step.subject} is a replica of {pair.there.replica_of}'s now."
        return StepStatus(StepState.DRIFTED, message, facts)
    differing = secrets_comparison.differing_fields(pair, step.before["renamed"])
    # What could not be read may differ, and would be overwritten by the replica for good.
    if differing or not secrets_comparison.comparable(pair):
        message = f"by {', '.join(differing)}" if differing else "in what could not be read"
        return StepStatus(StepState.DRIFTED, f"{step.subject} differs {message}: it would be lost.", facts)
    return StepStatus(StepState.READY, f"{step.subject} is a secret of its own in the DR region.", facts)


def replicate_notes(context: PlanContext) -> Iterator[str]:
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


PROMOTE_REPLICAS = Action(
    "secrets/promote_replicas",
    "Makes a replica of a secret a secret of its own, where its value must be changed: replicas are read-only (T18).",
    {STOP},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents),
    promote_steps,
    promote_status,
)
REPLICATE_TO_DR = Action(
    "secrets/replicate_to_dr",
    "Makes replicas of the primary's secrets again of those that the failover made secrets of their own (T18).",
    {REPLICATE},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    replicate_steps,
    replicate_status,
    omissions=replicate_notes,
    essential=False,
)
