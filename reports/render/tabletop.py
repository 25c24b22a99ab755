"""The account of a tabletop exercise, as Markdown for people and JSON for the record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from dr_actions.assessment.tabletop import TabletopStop
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import report_title
from reports.values.escaping import markdown as escaped

SCHEMA = "aws-dr-manager/tabletop/1"


@dataclass(frozen=True, slots=True)
class TabletopDecision:
    """What the participants decided at a stop, in their words."""

    playbook: str
    step: int
    who: str
    says: str


@dataclass(frozen=True)
class Exercise:
    """One exercise: which environment, when, the stops, and the decisions."""

    environment: str
    world: str
    held_at: datetime
    stops: tuple[TabletopStop, ...]
    decisions: tuple[TabletopDecision, ...]

    @property
    def gaps(self) -> list[str]:
        """Every gap, with the step it belongs to."""
        return [f"{stop.playbook} {stop.number}: {gap}" for stop in self.stops for gap in stop.gaps]


def heading(stop: TabletopStop) -> str:
    """A stop's title and owner."""
    # An owner whom nobody can call is what an exercise is to find.
    who = f"{stop.owner} <{stop.contact}>" if stop.contact else f"{stop.owner} (NO CONTACT)"
    budget = f", time budget {duration(stop.budget_s)}" if stop.budget_s else ""
    return f"{stop.playbook} {stop.number}: {stop.name}\n  owner {who}{budget}"


def text(stop: TabletopStop) -> str:
    """A stop as it is read out."""
    lines = [heading(stop)]
    lines += [f"  - {one_line(sentence)}" for sentence in stop.happens]
    lines += [f"  needs: {', '.join(stop.needs)}"] if stop.needs else []
    lines += [f"  what if: {inject.sentence} (`dr_cli.py sandbox break {inject.name}`)" for inject in stop.injects]
    lines += [f"  GAP: {one_line(gap)}" for gap in stop.gaps]
    return "\n".join(lines) + "\n"


def markdown(exercise: Exercise) -> str:
    """The record of the exercise."""
    lines = [
        f"# {report_title(f'Tabletop exercise of {exercise.environment.upper()}', exercise.world)}",
        "",
        f"- **Held:** {exercise.held_at:%Y-%m-%d %H:%M} UTC, on the evidence of {escaped(exercise.world)}",
        f"- **Gaps:** {len(exercise.gaps)}",
        "",
    ]
    lines += ["## Gaps", "", *(f"- {escaped(gap)}" for gap in exercise.gaps), ""] if exercise.gaps else []
    for stop in exercise.stops:
        first, *rest = text(stop).strip().split("\n")
        lines += [
            f"## {escaped(first)}",
            "",
            *(f"- {escaped(line.strip().removeprefix('- '))}" for line in rest),
            *_decision_lines(exercise.decisions, stop),
            "",
        ]
    return "\n".join(lines)


def _decision_lines(decisions: Sequence[TabletopDecision], stop: TabletopStop) -> Iterator[str]:
    for decision in decisions:
        if (decision.playbook, decision.step) == (stop.playbook, stop.number):
            yield f"- **Decided** by {escaped(decision.who)}: {escaped(decision.says)}"


def as_json(exercise: Exercise) -> str:
    """The record for machines."""
    document = {
        "schema": SCHEMA,
        "environment": exercise.environment,
        "world": exercise.world,
        "held_at": exercise.held_at.isoformat(),
        "gaps": exercise.gaps,
        "stops": [asdict(stop) for stop in exercise.stops],
        "decisions": [asdict(decision) for decision in exercise.decisions],
    }
    return json.dumps(document, indent=1) + "\n"
