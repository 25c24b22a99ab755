"""Copies the current values of the DR region's secrets into the primary's, pointing to the primary region's database.

The database that is copied back has the users and passwords of the DR region: a password that was changed there while
the primary region did not serve is valid for it, and the primary's own is not. The value is read, changed to point to
the primary region and written inside ``send``; no step, planned call, answer or record holds any of it. The previous
version stays as AWSPREVIOUS.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.actions.secrets import comparison as secrets_comparison
from dr_actions.actions.secrets.comparison import SecretPair
from dr_actions.actions.secrets.point_to_dr import GET, LEADING_TO, PUT, put_secret_value
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import HiddenSecret


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each secret of the primary that says something else than the DR region's, or leads there."""
    source = failback.writer(context)
    if source is None:
        return
    for pair in secrets_comparison.pairs(context):
        fields = _fields_to_copy(pair, secrets_comparison.is_renamed(context))
        # A replica takes no version (T18), and a secret that is absent is made by Terraform, not here.
        if pair.here is not None and not pair.here.replica_of and fields:
            yield _step(context, pair, fields, source)


def _fields_to_copy(pair: SecretPair, renamed: bool) -> list[str]:
    return sorted({*secrets_comparison.differing_fields(pair, renamed), *secrets_comparison.fields_to_dr(pair)})


def _step(context: PlanContext, pair: SecretPair, fields: list[str], source: rds.Instance) -> Step:
    env, text = context.env, ", ".join(fields)
    goal, renamed = failback.own_name(context), secrets_comparison.is_renamed(context)
    from_dr = bool(secrets_comparison.differing_fields(pair, renamed))
    origin = env.regions.dr if from_dr else env.regions.primary
    params = {
        "SecretId": pair.name,
        "ClientRequestToken": "<derived from the version that is read>",
        "SecretString": f"<the current value of {origin}, its {text} leading to {goal} of the primary region>",
        LEADING_TO: f"<the host of {goal} in {env.regions.primary}, once it is there>",
    }
    return context.step(
        COPY_TO_PRIMARY.name,
        pair.name,
        side=Side.PRIMARY,
        says=f"Let {text} of the secret {pair.name} in {env.regions.primary} say what {env.regions.dr} says, leading "
        f"to {goal} there.",
        danger=Danger.COMPENSABLE,
        undo="Not taken back: the former value is kept as AWSPREVIOUS: aws secretsmanager "
        f"update-secret-version-stage --region {env.regions.primary} --secret-id {pair.name} "
        "--version-stage AWSCURRENT --move-to-version-id PREVIOUS --remove-from-version-id CURRENT.",
        budget_s=120,
        call=Call("secretsmanager", "PutSecretValue", env.regions.primary, params),
        tenant=pair.tenant,
        before={
            "fields": fields,
            "read in": origin,
            "away": env.regions.dr,
            "named": source.identifier,
            "renamed": renamed,
        },
        after={"fields": []},
        planes=(Plane.PRIMARY, Plane.DR) if from_dr else (Plane.PRIMARY,),
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no field says anything else than the DR region's, nor leads there. Digests say so."""
    pair = secrets_comparison.pair(context, step.subject)
    if pair.here is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from the primary region.")
    facts = (("secret", pair.here.arn), ("version", pair.here.current_version))
    left = _fields_to_copy(pair, step.before["renamed"])
    if not left:
        return StepStatus(StepState.DONE, f"{step.subject} is as the database of the primary region wants it.", facts)
    # The approver saw these fields: others would be copied unseen.
    if left != sorted(step.before["fields"]):
        return StepStatus(StepState.DRIFTED, f"{step.subject} differs by {', '.join(left)} now.", facts)
    # Last: without a database to lead to, the secret would name a host that does not answer.
    primary = failback.instance_by_name(context, Side.PRIMARY, failback.own_name(context))
    if primary is None or not primary.host:
        return StepStatus(StepState.DRIFTED, f"{step.subject} has no database of the primary region to lead to.", facts)
    return StepStatus(StepState.READY, f"{step.subject} differs by {', '.join(left)}.", facts)


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the primary region's database host. Raises ValueError where it is not known, DataUnavailable."""
    instance = failback.instance_by_name(context, Side.PRIMARY, failback.own_name(context))
    if instance is None or not instance.host:
        raise ValueError(f"there is no host in the primary region to lead {step.subject} to")
    return step.call_with({LEADING_TO: instance.host})


def notes(context: PlanContext) -> Iterator[str]:
    """Values that could not be compared."""
    for pair in secrets_comparison.pairs(context):
        for value in (pair.value_here, pair.value_there):
            if isinstance(value, HiddenSecret):
                yield f"Whether {pair.name} says the same in both regions is not known: {value.unseen.why}"


COPY_TO_PRIMARY = Action(
    "secrets/copy_to_primary",
    "Copies the current values of the DR region's secrets into the primary's, pointing to the primary "
    "region's database.",
    {PUT},
    (readers_secretsmanager.secrets, readers_secretsmanager.contents, rds.instances),
    plan_steps,
    observe,
    build_call=build_call,
    send=lambda step, call, sender: put_secret_value(step, call, sender, step.before["read in"], step.before["away"]),
    omissions=notes,
    reads={GET},
)
