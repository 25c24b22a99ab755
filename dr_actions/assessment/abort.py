"""Until when a failback can be aborted, and whether it may be by what the world shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_actions.actions.database import failback
from dr_actions.actions.database.promotion import has_primary_copy
from dr_actions.assessment.failback import results_of_source, serving_gates
from dr_actions.journal.entries import Entry
from dr_actions.journal.point_of_no_return import last_reversible_step, point_of_no_return
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Plan
from dr_checks.core.model import CheckResult
from dr_checks.posture.writers import ABORT
from dr_estate.config.environment import Environment, Side
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable


def abort_gates(results: Sequence[CheckResult], context: PlanContext) -> tuple[Gate, ...]:
    """Return every gate of an abort: the DR database is intact, and no copy was promoted in the primary region."""
    return (*_database_gates(context), *serving_gates(results_of_source(results, context)))


def _database_gates(context: PlanContext) -> Iterator[Gate]:
    name, regions = failback.own_name(context), context.env.regions
    try:
        source = failback.writer(context)
    except DataUnavailable as error:
        yield Gate("abort.dr-whole", met=False, says=error.unavailable.why, stops=True)
        return
    # An abort goes back to this database: without it there is nothing to go back to.
    if source is None or DATABASE[source.status].broken:
        how = "not there" if source is None else source.status
        message = f"{failback.own_name(context, Side.DR)} of {regions.dr} is {how}."
        yield Gate("abort.dr-whole", met=False, says=message, stops=True)
        return
    yield Gate("abort.dr-whole", met=True, says=f"{source.identifier} of {regions.dr} holds every acknowledged write.")
    try:
        promoted = has_primary_copy(context, source)
        message = f"{name} of {regions.primary} was{'' if promoted else ' not'} promoted"
    except DataUnavailable as error:
        promoted, message = False, f"no promotion is recorded, and {regions.primary} is not seen"
        message += f" ({error.unavailable.why.rstrip('.')})"
    by_hand = "where none are, rename it by hand, then abort again"
    message += f": writes may be there alone; {by_hand}." if promoted else "."
    yield Gate("abort.one-writer", met=not promoted, says=message, stops=True)


def way_back(plan: Plan, env: Environment, entries: Sequence[Entry] = ()) -> str:
    """Until when the failback of ``plan`` can be aborted, and which side writes; "" for any other plan."""
    step, regions = last_reversible_step(plan), env.regions
    if step is None:
        return ""
    if (entry := point_of_no_return(entries)) is not None:
        return f"It is past its point of no return (entry {entry.seq}, {entry.step}): {regions.primary} is to write."
    until = f"until the primary database is promoted ({step.id})"
    return f"You can abort ({ABORT}) {until}. Until then {regions.dr} alone may write."
