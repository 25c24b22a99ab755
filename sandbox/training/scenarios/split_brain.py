"""Both regions serve and take writes after a failover by hand: one of them is to be stopped, and nothing to be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dr_estate.config.environment import Side
from sandbox.training.scenarios import scenario
from sandbox.training.scenarios.observation import ObservedService, WorldObservation, call_names
from sandbox.training.scenarios.scenario import GoalResult, Scenario, ScenarioGoal, goal_result, harm_result

if TYPE_CHECKING:  # listing the scenes need not load the emulator
    from sandbox.world.world import World

_ORDERS = 3
_FREEZE = "ModifyDBParameterGroup"  # a fence lets a database refuse writes; what it holds stays


def _write_on_both_sides(world: World) -> None:
    """Let each region take orders of its own since the split."""
    from moto.rds.models import rds_backends

    from sandbox.disasters.databases import database_name
    from sandbox.moto_ext.data import stored_data

    env = world.environment
    for side in (Side.PRIMARY, Side.DR):
        # RDS has no call that writes a row: the rows lie in the emulator's own database.
        instance = rds_backends[env.account][env.region(side)].databases[database_name(world)]
        for tenant in world.tenants:
            for number in range(1, _ORDERS + 1):
                # Of another key in each region, so that neither database holds what the other has.
                stored_data.write_row(instance, f"order-{side}-{number}", tenant.replace("-", ""))


def _judge_stop(seen: WorldObservation) -> GoalResult:
    """No task of the old primary runs or is wanted."""
    up = [
        f"{service.name} runs {service.running}, wants {service.desired}"
        for service in _at_home(seen)
        if service.running or service.desired
    ]
    return goal_result(not up, f"In {seen.env.regions.primary}: {'; '.join(up) or 'no task runs'}.")


def _cannot_start(seen: WorldObservation) -> GoalResult:
    """Auto scaling cannot start a task of the old primary (T36)."""
    free = [f"{service.name} (minimum {service.minimum})" for service in _at_home(seen) if service.minimum]
    return goal_result(not free, f"Auto scaling would start again: {', '.join(free) or 'none'}.")


def _at_home(seen: WorldObservation) -> tuple[ObservedService, ...]:
    return seen.services[Side.PRIMARY]


def _goes_on(seen: WorldObservation) -> GoalResult:
    """The region where the visitors are was left alone."""
    if seen.leads != seen.env.regions.dr:
        return harm_result(f"The records lead to {seen.leads or 'no single region'} now.", "")
    short = scenario.services_run(seen)
    away = [call for call in seen.changes() if call["region"] == seen.env.regions.dr]
    broken = short.evidence if short.standing != "met" else f"Changed there: {call_names(away)}." if away else ""
    return harm_result(broken, f"The visitors are in {seen.env.regions.dr}, and nothing was changed there.")


def _both_kept(seen: WorldObservation) -> GoalResult:
    """Both databases are there under their names, and none was restored, promoted or overwritten."""
    for side in (Side.PRIMARY, Side.DR):
        if seen.database(side) is None:
            return harm_result(f"{seen.env.database_on(side)} of {seen.env.region(side)} is gone.", "")
    stores = (change for change in seen.changes() if change["service"] in ("rds", "backup", "efs"))
    touched = [change for change in stores if change["operation"] != _FREEZE]
    message = f"{_ORDERS} orders of each tenant lie in either region alone, kept to be merged by people."
    return harm_result(f"The data was touched: {call_names(touched)}." if touched else "", message)


SCENARIO = Scenario(
    name="split-brain",
    sentence="After a failover by hand both regions serve, and both take writes",
    teaches="to recognise the posture, to stop the right thing first, and what to leave as it is",
    minutes=20,
    briefing="""08:50, local time. You take over the on-call phone of {env}.

Handover: "{primary} was away for an hour last night. Nobody had the runbook at hand, so we restored {database} in
{dr} and set the weights by hand. Worked fine! {primary} is back by itself since 06:00, all green."

The shop owners: "confirmation mails arrive twice, and this morning's orders are there, and then not there".

Reachable: everybody, and everybody has an idea; one colleague wants to delete "the wrong database" at once.
What do you stop, where, and what do you leave exactly as it is?""",
    disasters=("both-regions-serve",),
    stage=_write_on_both_sides,
    goals=(
        ScenarioGoal(
            "old-primary-stopped",
            "No task of {primary} runs any more",
            "Both regions serve: wp-cron and webhooks run twice, and what the old side writes is lost or in conflict.",
            ("T31", "T41"),
            _judge_stop,
        ),
        ScenarioGoal(
            "cannot-start-again",
            "Auto scaling cannot start {primary} again",
            "A desired count of 0 with a minimum of 2 is 2 again with the next scaling activity.",
            ("T36", "T41"),
            _cannot_start,
        ),
        ScenarioGoal(
            "visitors-go-on",
            "{dr}, where the visitors are, was left alone",
            "The side with the visitors holds the newest writes. Turning the traffic once more makes a third version.",
            ("T06", "T28"),
            _goes_on,
        ),
        ScenarioGoal(
            "both-kept",
            "Both databases are kept as they are",
            "Each holds writes that the other lacks: whichever is deleted or overwritten takes them along.",
            ("T28", "T31"),
            _both_kept,
        ),
        scenario.NOTHING_DELETED,
    ),
    hints=(
        "`status` shows the posture and its reason, and in its first line which side to stop.",
        "`fence` names exactly what it would stop, and why that side: the one that visitors do not get.",
        "`fence --side primary --execute` does it in {primary}: bounds of auto scaling first, then the desired count, "
        "then the database refuses writes. The failback (`failback`) is not part of this scenario.",
    ),
)
