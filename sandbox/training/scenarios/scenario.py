"""What a training scene is made of: a briefing, a world to set, and goals judged from what the world then shows.

Judgements that several scenes share. Each is pure over the sighting, and says what of it made it so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.training.scenarios.observation import WorldObservation

if TYPE_CHECKING:  # listing the scenes need not load the emulator
    from sandbox.world.world import World
from dr_estate.config.environment import Side
from sandbox.training.scenarios.observation import call_names


class GoalState(StrEnum):
    """How a goal stands. NOT_MET is a thing done wrong, which more work does not take back; NOT_YET waits for work."""

    MET = "met"
    NOT_YET = "not yet"
    NOT_MET = "not met"


@dataclass(frozen=True, slots=True)
class GoalResult:
    """The state of a goal, and the evidence for it in the world."""

    standing: GoalState
    evidence: str


Judge = Callable[[WorldObservation], GoalResult]


@dataclass(frozen=True, slots=True)
class ScenarioGoal:
    """Something to be learned. ``judge`` is pure; ``why`` says why it matters, ``traps`` name the facts behind it."""

    id: str
    sentence: str
    why: str
    traps: tuple[str, ...]
    judge: Judge


@dataclass(frozen=True)
class Scenario:
    """One scene. ``minutes`` is what a player needs; ``briefing`` never holds the answer, ``hints`` lead to it.

    Texts may name ``{env}``, ``{primary}``, ``{dr}``, ``{tenant}`` (the last one), ``{other}`` (the first one) and
    ``{database}``. ``disasters`` are put in force in that order; ``stage`` changes what no disaster does.
    """

    name: str
    sentence: str
    teaches: str
    minutes: int
    briefing: str
    goals: tuple[ScenarioGoal, ...]
    hints: tuple[str, ...]
    disasters: tuple[str, ...] = ()
    stage: Callable[[World], None] | None = field(default=None)

    def format_text(self, text: str, words: Mapping[str, str]) -> str:
        """``text`` with the world's own names in it."""
        return text.format_map(dict(words))

    def summary(self) -> dict[str, Any]:
        """What a list of scenarios says of it, JSON-ready: nothing that gives the answer away."""
        return {"name": self.name, "sentence": self.sentence, "teaches": self.teaches, "minutes": self.minutes}


def goal_result(well: bool, evidence: str) -> GoalResult:
    """MET where it is ``well``, else NOT_YET."""
    return GoalResult(GoalState.MET if well else GoalState.NOT_YET, evidence)


def harm_result(broken: str, evidence: str) -> GoalResult:
    """NOT_MET where something was ``broken`` (the sentence that says what), else MET by ``evidence``."""
    return GoalResult(GoalState.NOT_MET, broken) if broken else GoalResult(GoalState.MET, evidence)


def database_serves(seen: WorldObservation) -> GoalResult:
    """The DR region's own database takes writes."""
    found, name = seen.database(Side.DR), seen.env.database_on(Side.DR)
    if found is None:
        return goal_result(False, f"{seen.env.regions.dr} has no database {name}.")
    description = f"a replica of {found.source}" if found.source else found.status
    origin = f", restored from {found.restored_from}" if found.restored_from else ""
    return goal_result(found.writable, f"{name} in {seen.env.regions.dr} is {description}{origin}.")


def services_run(seen: WorldObservation) -> GoalResult:
    """Every tenant's service runs its failover size in the DR region."""
    needed = seen.env.capacity.tasks_per_service
    short = [f"{service.name} runs {service.running}" for service in seen.services[Side.DR] if service.running < needed]
    lacking = [f"{tenant} has no service" for tenant in seen.tenants if seen.service(Side.DR, tenant) is None]
    if short or lacking:
        return goal_result(False, f"{', '.join([*short, *lacking])}; {needed} tasks each are wanted.")
    return goal_result(
        True, f"{len(seen.tenants)} tenants' services run {needed} tasks or more in {seen.env.regions.dr}."
    )


def traffic_held(seen: WorldObservation) -> GoalResult:
    """The records lead to the DR region, and the primary's record is held down (T06)."""
    there = seen.leads == seen.env.regions.dr
    where = f"The records lead to {seen.leads or 'no single region'}"
    pin = "the primary's record is held down" if seen.pinned else "the primary's record would turn healthy by itself"
    return goal_result(there and seen.pinned, f"{where}; {pin}.")


def answers_lead_there(seen: WorldObservation) -> GoalResult:
    """Visitors arrive in the DR region at this moment, whatever moves them there."""
    message = f"The name server answers {seen.env.traffic.origin_record} with {seen.answers or 'no region'} now."
    return goal_result(seen.answers == seen.env.regions.dr, message)


def judge_record(seen: WorldObservation) -> GoalResult:
    """A run of the tool went to its end, and its record lies in the DR region."""
    ends = list(seen.entries("end"))
    begun = [entry.incident for entry in seen.entries("begin")]
    if not begun:
        return goal_result(False, "The control table holds no run of this scene.")
    done = [end for end in ends if end.data.get("outcome") == "done"]
    last = ends[-1].data.get("outcome") if ends else "not ended"
    return goal_result(bool(done), f"{begun[-1]}: {'done' if done else last}.")


def nothing_deleted(seen: WorldObservation) -> GoalResult:
    """No call took anything away."""
    gone = seen.deletions()
    return harm_result(f"Taken away: {call_names(gone)}." if gone else "", "No call of this scene took anything away.")


def judge_of_posture(posture: str) -> Judge:
    """A judge of what the run's record says was seen before anything was changed."""

    def judge(seen: WorldObservation) -> GoalResult:
        sentences = [str(entry.data.get("says", "")) for entry in seen.entries("detected")]
        if not sentences:
            return goal_result(False, "No run has recorded what it saw.")
        message = f"The record says what was seen first: {sentences[0]}."
        return GoalResult(GoalState.MET if sentences[0] == posture else GoalState.NOT_MET, message)

    return judge


NOTHING_DELETED = ScenarioGoal(
    "nothing-deleted",
    "Nothing was deleted on the way",
    "What was taken away in the first hour is what the last hour needed: data is set aside, never removed.",
    ("T28",),
    nothing_deleted,
)
SERVICES_RUN = ScenarioGoal(
    "services-run",
    "Every tenant's service runs its failover size in {dr}",
    "A region that was rehearsed at standby size falls over under the whole load: traffic moves only after healthy "
    "targets were seen.",
    ("T07", "T35"),
    services_run,
)
TRAFFIC_HELD = ScenarioGoal(
    "traffic-held",
    "The traffic goes to {dr} and cannot return to {primary} by itself",
    "Failover routing goes BACK by itself when the primary turns healthy again, onto a stale database.",
    ("T06",),
    traffic_held,
)
DATABASE_SERVES = ScenarioGoal(
    "database-serves",
    "{database} takes writes in {dr}",
    "Services without their database answer with an error page.",
    ("T24",),
    database_serves,
)
RECORDED = ScenarioGoal(
    "recorded",
    "The run is recorded, validated and done",
    "The record in the surviving region is what the next shift goes on with, and what the review reads.",
    ("T42", "T46"),
    judge_record,
)
