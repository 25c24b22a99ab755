"""Leads a secret of the DR region to the DR database: puts a version whose primary-region parts are replaced (T18).

Before that a replica is promoted, and in the failback made a replica again.

The value is read, rewritten and put inside ``send``; neither step, call as planned, answer nor record holds any of it.
The former version stays in the secret as AWSPREVIOUS.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dr_actions.actions.database import copy_selection
from dr_actions.actions.secrets import comparison
from dr_actions.actions.secrets import comparison as secrets_comparison
from dr_actions.actions.secrets.comparison import SecretPair
from dr_actions.model.action import Action, PlanContext, Sender, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.references import RegionMove, moved_value
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import HiddenSecret

# Replicas of secrets: made secrets of their own where their value must change, and replicas again afterwards (T18).
#
# A replica is read-only, so it is promoted, but only where its value leads to the primary region by a name that can be
# moved; all others stay replicas. To make it one again Secrets Manager replaces the DR region's secret by the replica,
# its former versions with it: so only where the primary's says all that it says. Source:
# API_ReplicateSecretToRegions, ForceOverwriteReplicaSecret.

STOP = "secretsmanager:StopReplicationToReplica"
# ListSecrets, by which this is seen, "might not reflect changes from the last five minutes" (T64).
LISTED_S = 300
REPLICATE = "secretsmanager:ReplicateSecretToRegions"


def promote_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each replica to be rewritten."""
    if comparison.database(context):
        for reference in comparison.movable_secrets(context):
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
                    f"replicate-secret-to-regions --region {home} --secret-id {name} --add-replica-regions "
                    f"Region={region} --force-overwrite-replica-secret.",
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
    secret, _ = comparison.dr_secret(step.subject, context)
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
        was_replica = secrets_comparison.was_replica(context, pair.name)
        if was_replica and pair.here and pair.there and not pair.there.replica_of:
            yield _replicate_step(context, pair, pair.there.key)


def _replicate_step(context: PlanContext, pair: SecretPair, key: str) -> Step:
    primary, dr = context.env.regions.primary, context.env.regions.dr
    params = {
        "SecretId": pair.name,
        # With the key that it had: else it is aws/secretsmanager (Secrets Manager API, ReplicaRegionType).
        "AddReplicaRegions": [{"Region": dr, **({"KmsKeyId": key} if key else {})}],
        # Without it Secrets Manager refuses: a secret of that name is there. So the values are compared before.
        "ForceOverwriteReplicaSecret": True,
    }
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
        call=Call("secretsmanager", "ReplicateSecretToRegions", primary, params),
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


PUT, GET = "secretsmanager:PutSecretValue", "secretsmanager:GetSecretValue"
LEADING_TO = "<leading to>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each secret that leads to the primary region by a name that can be moved."""
    goal = comparison.database(context)
    if goal:
        for reference in comparison.movable_secrets(context):
            name, env = reference.secret.name, context.env
            fields = ", ".join(reference.fields)
            params = {
                "SecretId": name,
                "ClientRequestToken": "<derived from the current version>",
                "SecretString": f"<the current value, its {fields} leading to {goal} in {env.regions.dr}>",
                LEADING_TO: f"<the host of {goal} in {env.regions.dr}, once it is there>",
            }
            yield context.step(
                POINT_TO_DR.name,
                name,
                side=Side.DR,
                says=f"Lead {fields} of the secret {name} in {env.regions.dr} to the database {goal} there.",
                danger=Danger.COMPENSABLE,
                undo="Not taken back: the former value leads to the lost region. It is kept as AWSPREVIOUS: aws "
                f"secretsmanager update-secret-version-stage --region {env.regions.dr} --secret-id {name} "
                "--version-stage AWSCURRENT --move-to-version-id PREVIOUS --remove-from-version-id CURRENT.",
                budget_s=120,
                call=Call("secretsmanager", "PutSecretValue", env.regions.dr, params),
                tenant=reference.tenant,
                before={
                    "fields": list(reference.fields),
                    "database": goal,
                    "from": env.regions.primary,
                    "named": env.database_on(Side.PRIMARY),
                },
                after={"fields": []},
            )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no field names the primary region by a name that can be moved. The digests of values say so."""
    secret, content = comparison.dr_secret(step.subject, context)
    if secret is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    if content is None:
        return StepStatus(StepState.UNAVAILABLE, f"The value of {step.subject} was not among the answers.")
    if isinstance(content, HiddenSecret):
        raise DataUnavailable(content.unseen)
    if content.failure:
        return StepStatus(StepState.DRIFTED, f"{step.subject} cannot be decrypted: {content.failure}.")
    left = comparison.movable(content)
    facts = (("secret", secret.arn), ("version", content.version))
    if not left:
        return StepStatus(StepState.DONE, f"{secret.name} leads to the DR region.", facts)
    # ListSecrets shows a promotion up to five minutes late (T64): what the run confirmed counts before that.
    if secret.replica_of and step_id(PROMOTE_REPLICAS.name, secret.name) not in context.confirmed_at:
        return StepStatus(StepState.DRIFTED, f"{secret.name} is a replica of {secret.replica_of}'s: read-only.", facts)
    # The approver saw these fields: others would be moved unseen.
    if sorted(left) != sorted(step.before["fields"]):
        return StepStatus(StepState.DRIFTED, f"{secret.name} leads away by {', '.join(left)} now.", facts)
    instance = copy_selection.instance(context, str(step.before["database"]))
    if instance is None or not instance.host:
        return StepStatus(StepState.DRIFTED, f"{step.before['database']} has no host to lead {secret.name} to.", facts)
    return StepStatus(StepState.READY, f"{secret.name} leads to the primary region by {', '.join(left)}.", facts)


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the DR database's host. Raises ValueError where that is not known yet, DataUnavailable."""
    instance = copy_selection.instance(context, str(step.before["database"]))
    if instance is None or not instance.host:
        raise ValueError(f"{step.before['database']} has no host to lead {step.subject} to")
    return step.call_with({LEADING_TO: instance.host})


def put_secret_value(step: Step, call: Call, sender: Sender, read_in: str, away: str) -> dict[str, Any]:
    """Put the value of the region ``read_in``, what names the region ``away`` moved. Raises what ``sender.send``
    raises.

    The token is made of the version that was read: the same change sent twice makes one version (API_PutSecretValue).
    """
    name, host = call.params["SecretId"], call.params[LEADING_TO]
    read = sender.send(Call(call.service, "GetSecretValue", read_in, {"SecretId": name}))
    put = {
        "SecretId": name,
        "ClientRequestToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{step.id}:{read['VersionId']}:{host}")),
        # Made and sent here: the value is in no step, no planned call, no answer and no record.
        "SecretString": moved_value(read["SecretString"], RegionMove(away, call.region, step.before["named"]), host),
    }
    answer = sender.send(Call(call.service, call.operation, call.region, put))
    # Two members by name: whatever else AWS may answer one day is not recorded.
    return {"ARN": answer["ARN"], "VersionId": answer["VersionId"]}


POINT_TO_DR = Action(
    "secrets/point_to_dr",
    "Leads a secret of the DR region to the DR database: puts a version whose primary-region parts are replaced (T18).",
    {PUT},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    plan_steps,
    observe,
    build_call=build_call,
    send=lambda step, call, sender: put_secret_value(step, call, sender, call.region, step.before["from"]),
    omissions=comparison.notes,
    leftovers=comparison.cleanup_notes,
    reads={GET},
)
