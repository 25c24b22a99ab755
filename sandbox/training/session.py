"""Plays a training scene: sets it in the world, remembers what is done to it, judges it, and takes it back.

The scene's record lies in the world's own state, so that it outlives the sandbox's process: which scene, since when,
each mutating call, the hints that were asked for, and the whole world as it was before. The caller holds the lock.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import instant, moment
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE, now
from sandbox.disasters import inject
from sandbox.training import scenarios
from sandbox.training.observer import world_observation
from sandbox.training.scenarios.observation import WorldObservation
from sandbox.training.scenarios.scenario import GoalState, Scenario, ScenarioGoal
from sandbox.world import persistence
from sandbox.world.call_recorder import SCENARIO, played_scene
from sandbox.world.world import World

Shown = dict[str, Any]


def begin(world: World, name: str) -> Shown:
    """Set the scene ``name`` and return its briefing. Raises SandboxError where the world is not ready for one."""
    scenario = scenarios.find(name)
    if playing := played_scene():
        raise SandboxError(
            f"The scene {playing['name']} is being played: `dr_cli.py sandbox debrief` judges it, "
            "`dr_cli.py sandbox debrief --end` ends it."
        )
    # Before the world is kept: an earlier disaster would be kept with it.
    _must_be_whole(world)
    # The whole world, for a scene's damage and the player's work are no list of calls to replay.
    before, kept_at = persistence.dump(), now()
    try:
        for disaster in scenario.disasters:
            inject(world, disaster)
        if scenario.stage is not None:
            scenario.stage(world)
        started = _starting_state(world_observation(world, {}))
    except Exception:
        # A scene that is set in part would be judged as if it were whole.
        persistence.exchange(kept_at.timestamp(), before)
        raise
    finally:
        # What the stage recorded is dropped: a scene ends by the kept world, not by undos.
        world.take_undo()
    # After the scene is set: its own calls are no moves of the player.
    STATE.extras[SCENARIO] = {
        "name": name,
        "since": instant(now()),
        "kept_at": instant(kept_at),
        "before": before,
        "started": started,
        "mutations": [],
        "tries": {},
        "hints": 0,
    }
    words = words_of(world)
    return {
        **scenario.summary(),
        "briefing": scenario.format_text(scenario.briefing, words),
        "since": STATE.extras[SCENARIO]["since"],
    }


def debrief(world: World, hint: bool = False) -> Shown:
    """Judge the scene that is played by the world as it is; ``hint`` gives one hint more. Raises SandboxError."""
    record = _record()
    scenario, words = scenarios.find(record["name"]), words_of(world)
    if hint:
        # Kept in the record: a restart of the sandbox gives no hint back.
        record["hints"] = min(record["hints"] + 1, len(scenario.hints))
    seen = world_observation(world, record)
    goals = [_goal_values(goal, scenario, seen, words) for goal in scenario.goals]
    taken = record["hints"]
    return {
        "scenario": scenario.name,
        "sentence": scenario.sentence,
        "since": record["since"],
        "minutes": round((now() - moment(record["since"])).total_seconds() / 60),
        "solved": all(goal["standing"] == GoalState.MET for goal in goals),
        "goals": goals,
        "notes": [f"{name} was repaired: what it hid can be seen." for name in _repaired_disasters(scenario)],
        "hints": [scenario.format_text(text, words) for text in scenario.hints[:taken]],
        "hints_left": len(scenario.hints) - taken,
    }


def end(_: World) -> Shown:
    """Make the world the one from before the scene. Raises SandboxError where none is played."""
    record = _record()
    persistence.exchange(moment(record["kept_at"]).timestamp(), record["before"])
    return {"ended": record["name"]}


def words_of(world: World) -> dict[str, str]:
    """The names that a scene's texts may use."""
    env, tenants = world.environment, world.tenants
    return {
        "env": env.name,
        "primary": env.regions.primary,
        "dr": env.regions.dr,
        "tenant": tenants[-1],
        "other": tenants[0],
        "database": env.named(env.names.database),
    }


def _record() -> Shown:
    record = played_scene()
    if not record:
        raise SandboxError(
            "No scene is being played. `dr_cli.py sandbox train` lists them, `dr_cli.py sandbox train NAME` begins one."
        )
    return record


def _goal_values(goal: ScenarioGoal, scenario: Scenario, seen: WorldObservation, words: dict[str, str]) -> Shown:
    values = asdict(goal.judge(seen))
    return {
        "id": goal.id,
        "sentence": scenario.format_text(goal.sentence, words),
        **values,
        "why": scenario.format_text(goal.why, words),
        "traps": list(goal.traps),
    }


def _repaired_disasters(scenario: Scenario) -> list[str]:
    return [name for name in scenario.disasters if name not in STATE.disasters]


def _starting_state(seen: WorldObservation) -> Shown:
    """What a debriefing compares with: each service's definition and size as the scene was set."""
    return {
        f"{side} {service.tenant}": {"definition": service.definition, "desired": service.desired}
        for side, services in seen.services.items()
        for service in services
    }


def _must_be_whole(world: World) -> None:
    """Refuse a world that is not healthy: a scene's damage could not be distinguished from earlier damage."""
    # An outage can be set without a disaster.
    if STATE.disasters or STATE.outages:
        broken = ", ".join(sorted(STATE.disasters)) or "an outage"
        raise SandboxError(
            f"The world is not healthy: {broken} is in force. Take it back first: `dr_cli.py sandbox mend`."
        )
    if reason := _difference_from_start(world_observation(world, {})):
        raise SandboxError(f"The world is not as it was seeded: {reason}. Start again: `dr_cli.py sandbox up --fresh`.")


def _difference_from_start(seen: WorldObservation) -> str:
    env = seen.env
    if seen.leads != env.regions.primary:
        return f"its traffic leads to {seen.leads or 'no single region'}"
    there, here = seen.database(Side.PRIMARY), seen.database(Side.DR)
    if there is None or not there.writable or (here is not None and here.writable):
        return f"the database {env.named(env.names.database)} does not serve in the primary region alone"
    # Of the DR region nothing is asked: its standby may be 0 by plan.
    sleeping = [service.name for service in seen.services[Side.PRIMARY] if not service.running]
    lacking = [name for name in seen.tenants if seen.service(Side.PRIMARY, name) is None]
    return f"no task of {', '.join(sleeping + lacking)} runs" if sleeping or lacking else ""
