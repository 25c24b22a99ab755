"""The region is lost together with the control planes in us-east-1: no record can be changed, and none needs to be."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.training.scenarios import scenario
from sandbox.training.scenarios.observation import WorldObservation
from sandbox.training.scenarios.scenario import GoalResult, GoalState, Scenario, ScenarioGoal, goal_result, harm_result

# The standard retry mode of the SDKs makes three attempts of a call; more are a loop.
_OFTEN = 3


def _as_far_as_it_goes(seen: WorldObservation) -> GoalResult:
    """A run brought up what the DR region alone can bring up, and its record says how it ended."""
    ends = list(seen.entries("end"))
    if not ends:
        return goal_result(False, "No run of this scene has come to its end.")
    message = str(ends[-1].data.get("says", ""))
    return goal_result(True, f"{ends[-1].incident}: {ends[-1].data.get('outcome')}. {message}".strip())


def _not_hammered(seen: WorldObservation) -> GoalResult:
    """No change was sent again and again to a control plane that does not answer."""
    region = seen.env.region(Side.GLOBAL)
    tried = {name: times for name, times in seen.tries.items() if name.startswith(f"{region} ")}
    often = [f"{name} {times} times" for name, times in tried.items() if times > _OFTEN]
    text = ", ".join(f"{name}: {times}" for name, times in tried.items()) or "none"
    return harm_result(f"Sent in vain: {', '.join(often)}." if often else "", f"Changes sent in vain: {text}.")


def _by_name(seen: WorldObservation) -> GoalResult:
    """What could not be seen was accepted by name, before anything was changed."""
    aside = list(seen.entries("override"))
    who = ", ".join(sorted({str(entry.data.get("by", "")) for entry in aside}))
    if not aside:
        return goal_result(False, "Nobody has accepted by name what could not be seen.")
    return GoalResult(GoalState.MET, f"{len(aside)} set aside by {who}: {aside[0].data.get('why', '')}.")


SCENARIO = Scenario(
    name="us-east-1-down",
    sentence="The primary region is lost, and the control planes in us-east-1 with it: DNS cannot be changed",
    teaches="what moves without a control plane, what a run can do in the DR region alone, and who takes the blindness",
    minutes=30,
    briefing="""15:25, local time. You are on call for {env}.

Pager: "{primary} unreachable". A minute later: "Route 53, CloudFront and IAM consoles: error 503".

A colleague asks: "Shall I write a loop that sets the weights until it gets through?"

Customers write that the sites are slow, and some that they see an error: their pages do come from somewhere.

Reachable: the Platform Admin, who answers for the decision. Where do the visitors arrive just now, and what is
missing there?""",
    disasters=("us-east-1-dark", "primary-dark"),
    goals=(
        ScenarioGoal(
            "answers-lead-there",
            "Visitors arrive in {dr}, moved by health and not by an edit",
            "Edits of records go through us-east-1 and may be impossible exactly then. Health checks and answers are "
            "the data plane, which goes on.",
            ("T01", "T05"),
            scenario.answers_lead_there,
        ),
        scenario.DATABASE_SERVES,
        scenario.SERVICES_RUN,
        ScenarioGoal(
            "by-name",
            "What could not be seen was accepted by a person, by name and with a reason",
            "Two regions that are silent at once may be a fault on the way to them: a person answers for it.",
            ("T45",),
            _by_name,
        ),
        ScenarioGoal(
            "as-far-as-it-goes",
            "A run went as far as it can, and its record says what is left",
            "The next operator must read what was not done: the pin, and the validation.",
            ("T01", "T46"),
            _as_far_as_it_goes,
        ),
        ScenarioGoal(
            "not-hammered",
            "No control plane was hammered",
            "A loop of retries finds its moment when nobody watches, and changes what was decided hours ago.",
            ("T01", "T14"),
            _not_hammered,
        ),
        scenario.NOTHING_DELETED,
    ),
    hints=(
        "Ask the world's name server yourself (`sandbox show` names it): dig the traffic name. Who answers?",
        "`failover` lists what it could not see, and which gates that leaves unmet. They have one cause.",
        "The plan's steps name their control plane: those of the DR region need nobody in us-east-1.",
        "One gate is in the way, and a person may set it aside: `--override GATE WHO UNTIL REASON`. The run ends "
        "without its proof (exit 6). When us-east-1 is back (`sandbox mend us-east-1-dark`), "
        "`failover --execute --replan` leads the records.",
    ),
)
