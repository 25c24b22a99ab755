"""Whether a failback can be planned again or aborted, by what its journal holds, and what an abort needs of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dr_actions.actions.database import failback
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.markers.marker_task import WRITERS as MARKER_WRITERS
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.point_of_no_return import point_of_no_return
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import FREEZES, role_of
from dr_checks.posture.writers import WRITERS, writers_sentence
from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import is_on
from dr_estate.readers import efs
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.assessment import goal_of
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.evaluation import CommandRun
from utils.aws_mgmt.app.incident_record import before_values, goal_of_beginning, is_done, last_beginning, split_end
from utils.aws_mgmt.app.options import PlanOptions, RecoveryOptions

# A failback in its write pause is not replanned: a new plan copies for hours, and nobody could write.
#
# Past the point of no return the primary's database is to take writes, and where the frozen stores take writes again
# there is no pause: in either case the failback may be replanned.

_PAUSE = "replan.write-pause"
PARTS = WRITERS | {efs.policies.name}


def refuse_in_write_pause(
    options: RecoveryOptions, env: Environment, app: AppContext, past: Sequence[Entry], incident: str
) -> None:
    """Raise Refused where ``--replan`` met a failback whose freeze is in force. Raises DataUnavailable."""
    if not options.replan or goal_of(options) is not Goal.FAILBACK or not froze(past):
        return
    snapshot = app.world.observe(env, PARTS)
    still = tuple(
        frozen_stores(PlanContext(env, snapshot, Goal.FAILBACK, primary_answers=True, recorded=before_values(past)))
    )
    if not still:
        return
    again, abort = next_steps.same_run(options, incident), next_steps.run_of(Goal.ABORT, options, incident)
    refuse = "refuses" if len(still) == 1 else "refuse"
    raise Refused(
        f"{_PAUSE}: the failback for {incident} stands in its write pause: {' and '.join(still)} of {env.regions.dr} "
        f"{refuse} writes. A new plan would back up and copy everything once more meanwhile. "
        f"Writes: {writers_sentence(snapshot, env)} {again} goes on from here; {abort} lets {env.regions.dr} write "
        "again, and a new plan can follow."
    )


def froze(past: Sequence[Entry]) -> bool:
    """Whether the last plan is a failback's, not finished, which froze the DR region and promoted nothing yet."""
    begun = last_beginning(past)
    if begun is None or goal_of_beginning(begun) is not Goal.FAILBACK or is_done(past, begun):
        return False
    since = (entry for entry in past if entry.seq > begun.seq and entry.kind in (EntryKind.INTENT, EntryKind.CONFIRMED))
    froze = any(role_of(Goal.FAILBACK, entry.step) in FREEZES for entry in since if entry.step)
    return froze and point_of_no_return(past) is None


def frozen_stores(context: PlanContext) -> Iterator[str]:
    """What of the DR region is seen to refuse writes by its freeze. Raises DataUnavailable."""
    source, files = failback.writer(context), files_failback.policy(context, Side.DR)
    if source is not None and is_on(failback.read_only(context, Side.DR, failback.group_of(source))):
        yield f"the database {source.identifier}"
    if files is not None and files.freeze_time is not None:
        yield f"the files {files.file_system}"


# The stages in which an environment fails back.


def environment_to_run(options: PlanOptions, environment: Environment) -> Environment:
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


_NO_RETURN = "abort.point-of-no-return"
_OPEN = "abort.unfinished-failback"


def with_record(run: CommandRun, options: PlanOptions, past: Sequence[Entry], incident: str) -> CommandRun:
    """The run with what a plan needs of the incident's record. Raises Refused where there is no failback to abort."""
    return replace(run, recorded=_before_values(options, past, incident), split_ended_at=split_end(past))


def _before_values(options: PlanOptions, past: Sequence[Entry], incident: str) -> Mapping[str, Mapping[str, Any]]:
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
            f"{_NO_RETURN}: entry {entry.seq} of {incident} ({entry.at:%Y-%m-%d %H:%M:%S} UTC) is the {entry.kind} of "
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
