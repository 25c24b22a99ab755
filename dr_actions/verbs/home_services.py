"""Starts the primary's services at their recorded counts, before any visitor is led there (T07)."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.plan import Call, Danger, Json, Step
from dr_actions.verbs import HOME, Confirmation, Sight, Standing, Verb, homeward, planned_call
from dr_actions.verbs import compute as of
from dr_actions.verbs.revisions import family_of, is_repointed, newest_of
from dr_actions.verbs.rollout import DRAIN_S, START_S, anew, facts_of, forced, progress, reason_of, send, unseen_secrets
from dr_estate.environments import Side
from dr_estate.facts import definitions, ecs, elbv2, secrets
from dr_estate.playbook import Plane
from dr_estate.unseen import CannotSee, Unseen

NAME, STAGE = "home_services", 46
_DEFINITION = "taskDefinition"


@of.if_seen
def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's service in the primary region; one that is as wanted already is DONE without a call."""
    held = of.held(sight, Side.PRIMARY)
    counts = {one.service.name: homeward.tasks_at_home(sight, one) for one in held}
    budget_s = START_S + of.scale_out_s(sight.env, len(held), sum(counts.values()))
    for one in held:
        yield _step(sight, one, counts[one.service.name], budget_s)


def _step(sight: Sight, one: of.Held, needed: int, budget_s: int) -> Step:
    name, service, region = one.service.name, one.service, sight.env.regions.primary
    after: dict[str, Json] = {"desiredCount": needed}
    if is_repointed(sight, one, Side.PRIMARY):
        after[_DEFINITION] = f"<the newest revision of {family_of(service.task_definition)}>"
    reason = reason_of(sight, service, Side.PRIMARY)
    anew_too: dict[str, Json] = {of.ANEW: True} if reason else {}
    return Step(
        id=f"{NAME}.{name}",
        number=homeward.VALIDATE,
        stage=STAGE,
        verb=NAME,
        subject=name,
        owner=homeward.OWNERS[homeward.VALIDATE],
        side=Side.PRIMARY,
        says=f"{name} runs {needed} healthy tasks in {region} again ({service.desired} wanted now)."
        + (f" It is deployed anew: {reason}." if reason else ""),
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {service.desired} again: no visitor was led there yet.",
        budget_s=budget_s + (DRAIN_S if service.running and (reason or _DEFINITION in after) else 0),
        call=of.update(sight.env, Side.PRIMARY, name, **after, **anew_too),
        tenant=one.tenant.id,
        before={"desiredCount": service.desired, _DEFINITION: service.task_definition},
        after=after,
        planes=(Plane.PRIMARY,),
    )


def fill(step: Step, sight: Sight) -> Call:
    """The call with the revision's ARN, never lowering what runs. Raises ValueError, CannotSee."""
    service = of.service_of(step, sight)
    if service is None:
        raise ValueError(f"{step.id}: {step.subject} is not there any more")
    planned = planned_call(step, sight)
    changes = {"desiredCount": max(step.after["desiredCount"], service.desired), **forced(step, sight, service)}
    if _DEFINITION in step.after:
        changes[_DEFINITION] = _newest(step, sight)
    return Call(planned.service, planned.operation, planned.region, {**planned.params, **changes})


def _newest(step: Step, sight: Sight) -> str:
    """The ARN of the revision to run: the newest of the family. Raises CannotSee."""
    one = next(one for one in of.held(sight, Side.PRIMARY) if one.service.name == step.subject)
    newest = newest_of(sight, one, Side.PRIMARY)
    if isinstance(newest, Unseen):
        raise CannotSee(newest)
    return newest.arn


@of.careful
def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE when running, rolled out and healthy. Any lower count is READY: the fence of the same plan made it 0."""
    service = of.service_of(step, sight)
    if service is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} is not there any more.")
    needed = step.after["desiredCount"]
    said = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    if _DEFINITION in step.after and service.task_definition != _newest(step, sight):
        return Confirmation(Standing.READY, f"{said}, and is to move to the newest revision.", facts_of(service))
    if _DEFINITION not in step.after and service.task_definition != step.before[_DEFINITION]:
        moved = f"{said}; it was moved to {service.task_definition} since."
        return Confirmation(Standing.CHANGED, moved, facts_of(service))
    if service.desired < needed:
        return Confirmation(Standing.READY, f"{said}.", facts_of(service))
    if reason := anew(step, sight, service):
        return Confirmation(Standing.READY, f"{said}, and is to be deployed anew: {reason}.", facts_of(service))
    return progress(sight, service, needed, said, Side.PRIMARY)


def undo(step: Step) -> Call | None:
    """The desired count as it was."""
    return of.again(step, desiredCount=step.before["desiredCount"], **_revision(step))


def _revision(step: Step) -> dict[str, Json]:
    return {_DEFINITION: step.before[_DEFINITION]} if _DEFINITION in step.after else {}


def notes(sight: Sight) -> Iterator[str]:
    """Tenants that have no service at home, and what could not be seen."""
    for why in of.unseen(sight, Side.PRIMARY, ecs.services):
        yield f"No service of the primary region can be started: {why}"
    yield from of.if_seen(lambda sight: unseen_secrets(sight, Side.PRIMARY))(sight)
    yield from _left_out(sight)


@of.if_seen
def _left_out(sight: Sight) -> Iterator[str]:
    if names := [of.service_name(sight.env, tenant) for tenant in of.lacking(sight, Side.PRIMARY)]:
        region = sight.env.regions.primary
        yield f"There is no service {of.few(names)} in {region}: visitors of these tenants would find nobody there."


VERB = Verb(
    name=NAME,
    writes=frozenset({of.UPDATE}),
    watches=(
        *(ecs.services.name, ecs.tasks.name, ecs.task_definitions.name, definitions.newest.name),
        *(elbv2.healthy_hosts.name, secrets.secrets.name),
    ),
    foresee=foresee,
    fill=fill,
    act=send,
    confirm=confirm,
    undo=undo,
    notes=notes,
    goals=HOME,
)
