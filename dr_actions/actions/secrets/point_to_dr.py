"""Leads a secret of the DR region to the DR database: puts a version whose primary-region parts are replaced (T18).

The value is read, rewritten and put inside ``act``; neither step, call as planned, answer nor record holds any of it.
The former version stays in the secret as AWSPREVIOUS.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from dr_actions.actions.database import copy_selection
from dr_actions.actions.secrets import primary_references
from dr_actions.actions.secrets.primary_references import Leading
from dr_actions.model.action import Confirmation, Hand, Sight, Standing, action
from dr_actions.model.action_ids import former_id
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.region_references import Way, moved
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import Hidden

PUT, GET = "secretsmanager:PutSecretValue", "secretsmanager:GetSecretValue"
LEADING_TO = "<leading to>"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each secret that leads to the primary region by a name that can be moved."""
    goal = primary_references.database(sight)
    if goal:
        for reference in primary_references.leading(sight):
            yield _step(sight, reference, goal)


def _step(sight: Sight, reference: Leading, goal: str) -> Step:
    name, env = reference.secret.name, sight.env
    fields = ", ".join(reference.fields)
    return sight.step(
        __name__,
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
            "named": env.named(env.names.database),
        },
        after={"fields": []},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once no field names the primary region by a name that can be moved. The digests of values say so."""
    secret, content = primary_references.seen(step.subject, sight)
    if secret is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} is gone from the DR region.")
    if content is None:
        return Confirmation(Standing.UNSEEN, f"The value of {step.subject} was not among the answers.")
    if isinstance(content, Hidden):
        raise CannotSee(content.unseen)
    if content.failure:
        return Confirmation(Standing.CHANGED, f"{step.subject} cannot be decrypted: {content.failure}.")
    left = primary_references.movable(content)
    facts = (("secret", secret.arn), ("version", content.version))
    if not left:
        return Confirmation(Standing.DONE, f"{secret.name} leads to the DR region.", facts)
    if secret.replica_of:
        return Confirmation(Standing.CHANGED, f"{secret.name} is a replica of {secret.replica_of}'s: read-only.", facts)
    if sorted(left) != sorted(step.before["fields"]):
        return Confirmation(Standing.CHANGED, f"{secret.name} leads away by {', '.join(left)} now.", facts)
    instance = copy_selection.instance(sight, str(step.before["database"]))
    if instance is None or not instance.host:
        return Confirmation(Standing.CHANGED, f"{step.before['database']} has no host to lead {secret.name} to.", facts)
    return Confirmation(Standing.READY, f"{secret.name} leads to the primary region by {', '.join(left)}.", facts)


def fill(step: Step, sight: Sight) -> Call:
    """The call with the DR database's host. Raises ValueError where that is not known yet, CannotSee where unseen."""
    instance = copy_selection.instance(sight, str(step.before["database"]))
    if instance is None or not instance.host:
        raise ValueError(f"{step.before['database']} has no host to lead {step.subject} to")
    return step.call_with({LEADING_TO: instance.host})


def act(step: Step, call: Call, hand: Hand) -> dict[str, Any]:
    """Read the current value, move what leads to the primary region, put it. Raises what ``hand.send`` raises."""
    return put_moved(step, call, hand, call.region, step.before["from"])


def put_moved(step: Step, call: Call, hand: Hand, read_in: str, away: str) -> dict[str, Any]:
    """Put the value of the region ``read_in``, what names the region ``away`` moved. Raises what ``hand.send`` raises.

    The token is made of the version that was read: the same change sent twice makes one version (API_PutSecretValue).
    """
    name, host = call.params["SecretId"], call.params[LEADING_TO]
    read = hand.send(Call(call.service, "GetSecretValue", read_in, {"SecretId": name}))
    put = {
        "SecretId": name,
        "ClientRequestToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{former_id(step.id)}:{read['VersionId']}:{host}")),
        "SecretString": moved(read["SecretString"], Way(away, call.region, step.before["named"]), host),
    }
    answer = hand.send(Call(call.service, call.operation, call.region, put))
    return {"ARN": answer["ARN"], "VersionId": answer["VersionId"]}


def notes(sight: Sight) -> Iterator[str]:
    """Values that could not be read."""
    yield from primary_references.notes(sight)


def leaves(sight: Sight) -> Iterator[str]:
    """Values that this tool does not rewrite."""
    yield from primary_references.leaves(sight)


VERB = action(
    globals(), {PUT}, (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances), reads={GET}
)
