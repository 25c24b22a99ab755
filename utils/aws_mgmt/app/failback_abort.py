"""Whether a failback can still be given up, by what its journal holds, and what an abort needs of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dr_actions.actions.markers.marker_task import WRITERS as MARKER_WRITERS
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.point_of_no_return import point_of_no_return
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Environment
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.assessment import goal_of
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.incident_record import before_values, goal_of_beginning, is_done, last_beginning
from utils.aws_mgmt.app.options import PlanOptions, RecoveryOptions

# The stages in which an environment fails back.


def staged_or_not(options: PlanOptions, environment: Environment) -> Environment:
    """The environment, its stages cut to the last one where stages are neither asked for nor demanded.

    Raises Refused where the environment demands stages and --execute came without.
    """
    if options.staged or options.abort:
        return environment
    if not environment.failback.staged:
        failback = environment.failback.model_copy(update={"stages": (100,)})
        return environment.model_copy(update={"failback": failback})
    if isinstance(options, RecoveryOptions) and options.execute:
        staged = next_steps.same_run(replace(options, staged=True), options.incident)
        raise Refused(
            f"failback.staged: {environment.name} fails back in stages only "
            f"({', '.join(f'{stage} %' for stage in environment.failback.stages)}): {staged}."
        )
    return environment


RULE = "abort.point-of-no-return"
_OPEN = "abort.unfinished-failback"


def before_values_for(options: PlanOptions, past: Sequence[Entry], incident: str) -> Mapping[str, Mapping[str, Any]]:
    """The before-values that a plan of these options needs. Raises Refused where there is no failback to abort."""
    if goal_of(options) is not Goal.ABORT:
        return before_values(past)
    begun = last_beginning(past)
    if begun is None or goal_of_beginning(begun) not in (Goal.FAILBACK, Goal.ABORT):
        whose = incident or "this environment"
        raise Refused(f"{_OPEN}: no failback of {whose} is under way: there is nothing to abort.")
    if goal_of_beginning(begun) is Goal.FAILBACK and is_done(past, begun):
        away = next_steps.run_of(Goal.SWITCHOVER, options, "")
        raise Refused(f"{_OPEN}: the failback for {incident} is done. A switchover leads away again: {away}.")
    if (entry := point_of_no_return(past)) is not None:
        finish, away = (next_steps.run_of(goal, options, incident) for goal in (Goal.FAILBACK, Goal.SWITCHOVER))
        raise Refused(
            f"{RULE}: entry {entry.seq} of {incident} ({entry.at:%Y-%m-%d %H:%M:%S} UTC) is the {entry.kind} of "
            f"{entry.step}: the primary's database may take writes since, and an abort would lose them. {finish} "
            f"finishes the failback; {away} leads everybody back afterwards, and loses nothing."
        )
    return {**before_values(past), **_before_the_failback(past)}


def _before_the_failback(past: Sequence[Entry]) -> Mapping[str, Mapping[str, Any]]:
    """Return the before-values of the failback's steps; where it was planned again, those of its first plan."""
    sent = {entry.step for entry in past if entry.kind is EntryKind.INTENT}
    recorded: dict[str, Mapping[str, Any]] = {}
    for begun in (entry for entry in past if entry.kind is EntryKind.BEGIN):
        if goal_of_beginning(begun) is Goal.FAILBACK:
            # The first plan's values win: a later plan saw what the first one had changed already.
            recorded = {step["id"]: step["before"] for step in begun.plan_steps if _counts(step, sent)} | recorded
        elif goal_of_beginning(begun) is not Goal.ABORT or is_done(past, begun):
            recorded = {}
    return recorded


def _counts(step: Mapping[str, Any], sent: Collection[str | None]) -> bool:
    """Whether an abort goes by the step: a marker that was never written is not looked for."""
    return step["action"] not in MARKER_WRITERS or step["id"] in sent
