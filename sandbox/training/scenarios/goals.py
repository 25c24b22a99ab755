"""Judgements that several scenes share. Each is pure over the sighting, and says what of it made it so."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.training.scenarios.observation import WorldObservation, call_names
from sandbox.training.scenarios.scenario import GoalResult, GoalState, Judge, ScenarioGoal, goal_result, harm_result


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
