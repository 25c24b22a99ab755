"""Makes a replica of a secret a secret of its own, where its value must be changed: replicas are read-only (T18).

Only for secrets whose value leads to the primary region by a name that can be moved; all others stay replicas.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_actions.actions.secrets import primary_references
from dr_actions.actions.secrets.primary_references import MovableSecret
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import secretsmanager as readers_secretsmanager

STOP = "secretsmanager:StopReplicationToReplica"
LISTED_S = 300
"""ListSecrets, by which this is seen, "might not reflect changes from the last five minutes" (T64)."""


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each replica to be rewritten."""
    if primary_references.database(context):
        for reference in primary_references.movable_secrets(context):
            if reference.secret.replica_of:
                yield _step(context, reference)


def _step(context: PlanContext, reference: MovableSecret) -> Step:
    name, region = reference.secret.name, context.env.regions.dr
    home = reference.secret.replica_of
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Make the replica {name} in {region} a secret of its own: its {', '.join(reference.fields)} must change.",
        danger=Danger.COMPENSABLE,
        undo=f"Replicate it again from {home}, which overwrites it: aws secretsmanager replicate-secret-to-regions "
        f"--region {home} --secret-id {name} --add-replica-regions Region={region} --force-overwrite-replica-secret.",
        budget_s=LISTED_S + 120,
        call=Call("secretsmanager", "StopReplicationToReplica", region, {"SecretId": name}),
        tenant=reference.tenant,
        before={"replica of": home},
        after={"replica of": ""},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no region is named that it is copied from; for as long as that lags, what was sent is IN_PROGRESS.

    AWS refuses it of a secret that is no replica any more: a run that goes on does not send it a second time.
    """
    secret, _ = primary_references.dr_secret(step.subject, context)
    if secret is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    facts = (("secret", secret.arn), ("version", secret.current_version))
    if not secret.replica_of:
        return StepStatus(StepState.DONE, f"{secret.name} is a secret of its own.", facts)
    sent, seen_at = context.sent_at.get(step.id), context.snapshot.taken_at
    if sent is not None and secret.replica_of and seen_at - sent < timedelta(seconds=LISTED_S):
        message = f"{secret.name} was made a secret of its own at {sent:%H:%M} UTC; ListSecrets does not show it yet."
        return StepStatus(StepState.IN_PROGRESS, message, facts)
    if secret.replica_of == step.before["replica of"]:
        return StepStatus(StepState.READY, f"{secret.name} is a replica of {secret.replica_of}'s.", facts)
    return StepStatus(StepState.DRIFTED, f"{secret.name} is a replica of {secret.replica_of}'s now.", facts)


ACTION = action(globals(), {STOP}, (readers_secretsmanager.secrets, readers_secretsmanager.contents))
