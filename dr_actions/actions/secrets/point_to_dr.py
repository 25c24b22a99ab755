"""Leads a secret of the DR region to the DR database: puts a version whose primary-region parts are replaced (T18).

The value is read, rewritten and put inside ``send``; neither step, call as planned, answer nor record holds any of it.
The former version stays in the secret as AWSPREVIOUS.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from dr_actions.actions.database import copy_selection
from dr_actions.actions.secrets import primary_references, replicas
from dr_actions.actions.secrets.primary_references import MovableSecret
from dr_actions.model.action import Action, PlanContext, Sender, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.references import RegionMove, moved_value
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import HiddenSecret

PUT, GET = "secretsmanager:PutSecretValue", "secretsmanager:GetSecretValue"
LEADING_TO = "<leading to>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each secret that leads to the primary region by a name that can be moved."""
    goal = primary_references.database(context)
    if goal:
        for reference in primary_references.movable_secrets(context):
            yield _step(context, reference, goal)


def _step(context: PlanContext, reference: MovableSecret, goal: str) -> Step:
    name, env = reference.secret.name, context.env
    fields = ", ".join(reference.fields)
    return context.step(
        POINT_TO_DR.name,
        name,
        side=Side.DR,
        says=f"Lead {fields} of the secret {name} in {env.regions.dr} to the database {goal} there.",
        danger=Danger.COMPENSABLE,
        undo="Not taken back: the former value leads to the lost region. It is kept as AWSPREVIOUS: aws "
        f"secretsmanager update-secret-version-stage --region {env.regions.dr} --secret-id {name} "
        "--version-stage AWSCURRENT --move-to-version-id PREVIOUS --remove-from-version-id CURRENT.",
        budget_s=120,
        call=Call(
            "secretsmanager",
            "PutSecretValue",
            env.regions.dr,
            {
                "SecretId": name,
                "ClientRequestToken": "<derived from the current version>",
                "SecretString": f"<the current value, its {fields} leading to {goal} in {env.regions.dr}>",
                LEADING_TO: f"<the host of {goal} in {env.regions.dr}, once it is there>",
            },
        ),
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
    secret, content = primary_references.dr_secret(step.subject, context)
    if secret is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the DR region.")
    if content is None:
        return StepStatus(StepState.UNAVAILABLE, f"The value of {step.subject} was not among the answers.")
    if isinstance(content, HiddenSecret):
        raise DataUnavailable(content.unseen)
    if content.failure:
        return StepStatus(StepState.DRIFTED, f"{step.subject} cannot be decrypted: {content.failure}.")
    left = primary_references.movable(content)
    facts = (("secret", secret.arn), ("version", content.version))
    if not left:
        return StepStatus(StepState.DONE, f"{secret.name} leads to the DR region.", facts)
    # ListSecrets shows a promotion up to five minutes late (T64): what the run confirmed counts before that.
    if secret.replica_of and step_id(replicas.PROMOTE_REPLICAS.name, secret.name) not in context.confirmed_at:
        return StepStatus(StepState.DRIFTED, f"{secret.name} is a replica of {secret.replica_of}'s: read-only.", facts)
    # The approver saw these fields: others would be moved unseen.
    if sorted(left) != sorted(step.before["fields"]):
        return StepStatus(StepState.DRIFTED, f"{secret.name} leads away by {', '.join(left)} now.", facts)
    instance = copy_selection.instance(context, str(step.before["database"]))
    if instance is None or not instance.host:
        return StepStatus(StepState.DRIFTED, f"{step.before['database']} has no host to lead {secret.name} to.", facts)
    return StepStatus(StepState.READY, f"{secret.name} leads to the primary region by {', '.join(left)}.", facts)


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the DR database's host.

    Raises ValueError where that is not known yet, DataUnavailable where unseen.
    """
    instance = copy_selection.instance(context, str(step.before["database"]))
    if instance is None or not instance.host:
        raise ValueError(f"{step.before['database']} has no host to lead {step.subject} to")
    return step.call_with({LEADING_TO: instance.host})


def send(step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Read the current value, move what leads to the primary region, put it. Raises what ``sender.send`` raises."""
    return put_secret_value(step, call, sender, call.region, step.before["from"])


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


def notes(context: PlanContext) -> Iterator[str]:
    """Values that could not be read."""
    yield from primary_references.notes(context)


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Values that this tool does not rewrite."""
    yield from primary_references.cleanup_notes(context)


POINT_TO_DR = Action(
    "secrets/point_to_dr",
    "Leads a secret of the DR region to the DR database: puts a version whose primary-region parts are replaced (T18).",
    {PUT},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    plan_steps,
    observe,
    build_call=build_call,
    send=send,
    omissions=notes,
    leftovers=cleanup_notes,
    reads={GET},
)
