"""A tabletop exercise: the playbooks walked through on today's evidence, with what could go wrong, and the gaps. Pure.

Each stop says who owns the step, what this tool would do here and now (``plan_steps``, with the primary region taken as
lost), its time budget, and injects to talk about. What is missing for a step (a contact, a runbook, a control plane
that does not answer, a plan that has nothing for it) is a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal, Plan, Step, batches
from dr_actions.planning.planner import make_plan
from dr_estate.config.environment import Environment, Side
from dr_estate.model.playbook import FAILBACK, FAILOVER, Plane, PlaybookStep
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53, runbook
from dr_estate.snapshot.snapshot import Snapshot

_INJECTS, _PROGRAM = 2, "a program"
_ABOUT = {
    ("failover", 1): ("primary-", "health-check"),
    ("failover", 2): ("us-east-1", "credentials", "expired"),
    ("failover", 3): ("control", "contact", "role", "permission"),
    ("failover", 4): ("control", "permission", "role"),
    ("failover", 5): ("quota", "subnet", "service", "vpc"),
    ("failover", 6): ("backup", "replica", "secret", "image", "efs", "key"),
    ("failover", 7): ("health-check", "ttl", "record", "zone", "delegation"),
    ("failover", 8): ("site", "target", "rule", "certificate"),
    ("failover", 9): ("topic", "subscription"),
    ("failback", 1): ("primary-", "health-check"),
    ("failback", 2): ("backup", "replication", "efs", "vault"),
    ("failback", 3): ("service", "definition", "target"),
    ("failback", 4): ("weight", "ttl", "record", "us-east-1"),
    ("failback", 5): ("record", "zone", "us-east-1"),
    ("failback", 6): ("service", "scaling"),
    ("failback", 7): ("contact", "runbook"),
}
# Steps of a failover for which this tool has steps of its own; the others are people's, or the tool's own looking.
_PLANNED = (6, 7, 9)


@dataclass(frozen=True, slots=True)
class Inject:
    """Something that could go wrong at a step; the sandbox can play it: ``sandbox break NAME``."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class TabletopStop:
    """One step of the walk. ``happens`` are sentences of what would be done; ``gaps`` what is missing for it."""

    playbook: str
    number: int
    name: str
    owner: str
    contact: str
    happens: tuple[str, ...]
    budget_s: int
    needs: tuple[str, ...]
    injects: tuple[Inject, ...]
    gaps: tuple[str, ...]


def walk_through(
    env: Environment, snapshot: Snapshot, disasters: Mapping[str, str], turn: int
) -> tuple[TabletopStop, ...]:
    """The nine and the seven stops. ``disasters`` maps names to sentences; ``turn`` draws other injects each time."""
    plan = make_plan(PlanContext(env, snapshot, Goal.FAILOVER, primary_answers=False), "PRIMARY_LOST")
    dark = tuple(_dark_planes(snapshot))
    stops: list[TabletopStop] = []
    for playbook, steps in (("failover", FAILOVER), ("failback", FAILBACK)):
        own = plan if playbook == "failover" else None
        stops += [_stop(env, snapshot, playbook, step, own, dark, disasters, turn) for step in steps]
    return tuple(stops)


def _stop(
    env: Environment,
    snapshot: Snapshot,
    playbook: str,
    step: PlaybookStep,
    plan: Plan | None,
    dark: Sequence[Plane],
    disasters: Mapping[str, str],
    turn: int,
) -> TabletopStop:
    own = [planned for planned in plan.steps if planned.number == step.number] if plan else []
    fit = sorted(name for name in disasters if any(word in name for word in _ABOUT.get((playbook, step.number), ())))
    start = (turn + step.number) * _INJECTS % len(fit) if fit else 0
    chosen = dict.fromkeys((fit + fit)[start : start + _INJECTS])
    return TabletopStop(
        playbook=playbook,
        number=step.number,
        name=step.name,
        owner=step.owner,
        contact=env.people.contacts.get(step.owner, "") or ("" if step.owner in env.people.roles else _PROGRAM),
        happens=tuple(_happens(own)) or (_by_itself(playbook, step),),
        budget_s=sum(max(plan_step.budget_s for plan_step in batch) for batch in batches(own)),
        needs=tuple(step.needs),
        injects=tuple(Inject(name, disasters[name]) for name in chosen),
        gaps=tuple(_gaps(env, snapshot, playbook, step, own, plan, dark)),
    )


def _happens(steps: Sequence[Step]) -> Iterator[str]:
    for batch in batches(steps):
        more = f" (and {len(batch) - 1} alike)" if len(batch) > 1 else ""
        yield f"{'BY HAND: ' if batch[0].manual else ''}{batch[0].says}{more}"


def _by_itself(playbook: str, step: PlaybookStep) -> str:
    if playbook == "failback":
        return "Planned when the DR region serves, from what the failover recorded: `dr_cli.py failback --assess-only`."
    return step.emergency or "People, and what this tool looks at: no change is planned for this step."


def _gaps(
    env: Environment,
    snapshot: Snapshot,
    playbook: str,
    step: PlaybookStep,
    own: Sequence[Step],
    plan: Plan | None,
    dark: Sequence[Plane],
) -> Iterator[str]:
    if step.owner in env.people.roles and not env.people.contacts.get(step.owner):
        yield f"{step.owner} has no contact: name one in people.contacts."
    if step.number == 1 and playbook == "failover":
        yield from _runbook(env, snapshot)
    for plane in step.needs:
        if plane in dark:
            instead = f" Instead: {step.emergency}." if step.emergency else " Nothing can be done without it."
            yield f"It needs the control plane of {plane}, which does not answer just now.{instead}"
    if plan is not None and step.number in _PLANNED and not own:
        yield f"The plan has nothing for this step: {' '.join(plan.notes[-2:]) or 'nothing to work with was seen'}"


def _runbook(env: Environment, snapshot: Snapshot) -> Iterator[str]:
    try:
        found = snapshot.get(runbook.runbook, Side.DR)
    except DataUnavailable as unseen:
        yield f"The runbook cannot be read: {unseen.unavailable.why}"
        return
    days = (snapshot.taken_at.date() - found.reviewed).days if found.reviewed else None
    if found.text is None:
        yield f"There is no runbook at {found.place}."
    elif days is None or days > env.thresholds.document_age_days:
        yield f"The runbook at {found.place} is stale: {'never reviewed' if days is None else f'{days} days old'}."


def _dark_planes(snapshot: Snapshot) -> Iterator[Plane]:
    try:
        snapshot.get(route53.zones, Side.GLOBAL)
    except DataUnavailable:
        yield Plane.GLOBAL
    for plane, side in ((Plane.PRIMARY, Side.PRIMARY), (Plane.DR, Side.DR)):
        parts = [part for (_, of), part in snapshot.parts.items() if of is side]
        if all(part in snapshot.unavailable_parts() for part in parts):
            yield plane
