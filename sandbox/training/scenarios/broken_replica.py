"""The region is lost, and the replica that everybody trusts broke two days ago: its lag graph shows a flat nothing."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.training.scenarios import scenario
from sandbox.training.scenarios.observation import WorldObservation, parameter
from sandbox.training.scenarios.scenario import GoalResult, GoalState, Scenario, ScenarioGoal, goal_result, harm_result

_PROMOTE = "PromoteReadReplica"
# Both are of the replica, which the plan does not use; any other gate is a reason to stop.
_GATES = ("check.rds-replica.lag", "check.rds-replica.state")


def _not_promoted(seen: WorldObservation) -> GoalResult:
    """The broken replica is a replica still."""
    names = [parameter(call, "DBInstanceIdentifier") for call in seen.done(_PROMOTE)]
    broken = f"{', '.join(names)} was promoted: two days of orders are gone." if names else ""
    replicas = [database.name for database in seen.databases[Side.DR] if database.source]
    return harm_result(broken, f"{', '.join(replicas) or 'No replica'} was left as it was.")


def _judge_restore(seen: WorldObservation) -> GoalResult:
    """The database that serves was made from another copy."""
    found = scenario.database_serves(seen)
    database = seen.database(Side.DR)
    return goal_result(found.standing is GoalState.MET and bool(database and database.restored_from), found.evidence)


def _by_name(seen: WorldObservation) -> GoalResult:
    """Exactly the gates that speak of the broken replica were set aside, each by name."""
    aside = [str(entry.data.get("gate", "")) for entry in seen.entries("override")]
    if not aside:
        return goal_result(False, "No gate was set aside by name in a run of this scene.")
    more = sorted(set(aside) - set(_GATES))
    broken = f"Set aside beside them: {', '.join(more)}." if more else ""
    who = {str(entry.data.get("by", "")) for entry in seen.entries("override")}
    return harm_result(broken, f"{', '.join(dict.fromkeys(aside))}, by {', '.join(sorted(who))}.")


SCENARIO = Scenario(
    name="broken-replica",
    sentence="The region and its database are lost, and the replica's lag looks fine",
    teaches="what a graph of lag proves, which copy to rely on, and what to do with a gate that cannot be met",
    minutes=25,
    briefing="""11:40, local time. You are on call for {env}.

Pager: "{primary}: no answer from {database}, nor from anything else there". The region is on the news.

The database team sends a screenshot: "{database}-replica in {dr}: state available, replica lag: a flat line at
the bottom, all day. It is in sync. Promote it, and we are back in five minutes. We did so in the last drill."

Reachable: the Platform Admin, by chat. The database team, impatient. What do you do with their replica?""",
    # In this order: a dark region would refuse the calls that make the replica.
    disasters=("replica-broken-for-days", "primary-dark"),
    goals=(
        ScenarioGoal(
            "not-promoted",
            "The broken replica was not promoted",
            "The lag metric disappears when replication breaks: somebody promoted a replica that had been broken for "
            "two days. A promotion cannot be undone.",
            ("T22", "T23"),
            _not_promoted,
        ),
        ScenarioGoal(
            "another-copy",
            "{database} serves in {dr} from a copy whose age is known",
            "Replicated backups say themselves how new they are, in the region that is still there.",
            ("T24",),
            _judge_restore,
        ),
        ScenarioGoal(
            "by-name",
            "The gates in the way were set aside one by one, by name and with a reason",
            "Not every gate can pass in a real disaster. A blanket force would have hidden the one that mattered.",
            ("T45",),
            _by_name,
        ),
        scenario.SERVICES_RUN,
        scenario.TRAFFIC_HELD,
        scenario.RECORDED,
        scenario.NOTHING_DELETED,
    ),
    hints=(
        "`status --replication` shows what a lag that nobody publishes is: not 0, but not seen.",
        "`failover` says which copy the plan relies on, and why. Is it the replica?",
        "The gate in the way is of a replica that no step uses. `--override GATE WHO UNTIL REASON` overrides it.",
    ),
)
