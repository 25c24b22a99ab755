"""A failback in its write pause is not replanned: a new plan copies for hours, and nobody could write.

Past the point of no return the primary's database is to take writes, and where the frozen stores take writes again
there is no pause: in either case the failback may be replanned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_actions.actions.database import failback
from dr_actions.actions.files import failback as files_failback
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
from utils.aws_mgmt.app.incident_record import before_values, goal_of_beginning, is_done, last_beginning
from utils.aws_mgmt.app.options import RecoveryOptions

RULE = "replan.write-pause"
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
        f"{RULE}: the failback for {incident} stands in its write pause: {' and '.join(still)} of {env.regions.dr} "
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
