"""The region is lost while its services sleep by schedule: an empty cluster is no outage, and here is one."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.training.scenarios import scenario
from sandbox.training.scenarios.observation import WorldObservation
from sandbox.training.scenarios.scenario import GoalResult, Scenario, ScenarioGoal, goal_result


def _awake(seen: WorldObservation) -> GoalResult:
    """No schedule can shrink a service of the DR region (T36)."""
    at_risk = [
        f"{service.name} ({', '.join(service.sleeps)})"
        for service in seen.services[Side.DR]
        if service.sleeps and not service.suspended
    ]
    if at_risk:
        return goal_result(False, f"A schedule would put these to sleep: {', '.join(at_risk)}.")
    return goal_result(True, f"No schedule can shrink a service in {seen.env.regions.dr}.")


SCENARIO = Scenario(
    name="region-lost-at-night",
    sentence="The primary region falls silent while its services sleep by schedule",
    teaches="to distinguish an outage from a scheduled 0, to fail over, and to see that it lasts until the morning",
    minutes=25,
    briefing="""02:10, local time. You are on call for {env}.

Pager: "synthetic checks of {env} fail, {primary}". The night operator adds: "Its services are at 0, but they
are every night from 19:00 to 07:00. The console of {primary} does not load for me. I would let it sleep."

Reachable: the Platform Admin, by telephone. AWS's status page shows nothing yet.

The business opens at 07:00. What do you see, what do you decide, and what must be true before you go back to bed?""",
    # In this order: a dark region would refuse the calls that scale its services to 0.
    disasters=("services-asleep", "primary-dark"),
    goals=(
        ScenarioGoal(
            "two-witnesses",
            "The loss was proven by two witnesses before anything was changed",
            "A scheduled 0 is not an outage, and one silent API is a symptom: PRIMARY_LOST needs two.",
            ("T43",),
            scenario.judge_of_posture("PRIMARY_LOST"),
        ),
        scenario.DATABASE_SERVES,
        scenario.SERVICES_RUN,
        scenario.TRAFFIC_HELD,
        ScenarioGoal(
            "stays-awake",
            "The night's schedule cannot put {dr} to sleep again",
            "Application Auto Scaling obeys its schedules in the middle of a disaster: at 19:00 every tenant would be "
            "down.",
            ("T36",),
            _awake,
        ),
        scenario.RECORDED,
        scenario.NOTHING_DELETED,
    ),
    hints=(
        "`status` shows the posture and its evidence. Does it call this a scheduled night?",
        "`failover` (it changes nothing) weighs, plans, and notes what the plan does not do. Read its notes.",
        "`failover --execute` with a ticket; what cannot be undone is confirmed: --confirm STEP.",
        "Scaling services up by hand leaves the schedule awake (T36). The plan's notes say what a run does about it.",
    ),
)
