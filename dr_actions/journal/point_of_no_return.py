"""The point of no return of a failback: the entry from which on the primary's database may take writes. Pure.

Until the promotion of the primary's database may have left this tool, the DR region holds every acknowledged write, and
``failback --abort`` loses nothing. From then on the primary may hold the only copy of one, and an abort would drop it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import FailureKind, Goal, Plan, Step
from dr_actions.model.sequence import Role, role_of

_OF_A_FAILBACK = (Goal.FAILBACK, Goal.ABORT)
# Of all failures UNCERTAIN alone (a lost answer) may hide a call that worked.
_HAD_NO_EFFECT = frozenset(FailureKind) - {FailureKind.UNCERTAIN}


def last_reversible_step(plan: Plan) -> Step | None:
    """The step of ``plan`` before whose call a failback can still be aborted; None where no step promotes."""
    steps = [step for step in plan.steps if plan.goal is Goal.FAILBACK and role_of(plan.goal, step.id) is Role.DATABASE]
    return steps[0] if steps else None


def point_of_no_return(entries: Sequence[Entry]) -> Entry | None:
    """The entry by which the last failback's promotion may have begun; None while it surely has not."""
    begun = [entry for entry in entries if entry.kind is EntryKind.BEGIN]
    earlier = [entry.seq for entry in begun if Goal(entry.data["plan"]["goal"]) not in _OF_A_FAILBACK]
    since = [entry for entry in entries if entry.seq > max(earlier, default=-1)]
    ours = [entry for entry in since if entry.step and role_of(Goal.FAILBACK, entry.step) is Role.DATABASE]
    return next((entry for number, entry in enumerate(ours) if _may_promote(entry, ours[number + 1 :])), None)


def _may_promote(entry: Entry, later: Sequence[Entry]) -> bool:
    """Whether the entry says that the promotion took effect, or may have: its answer is not known to be a refusal."""
    if entry.kind is not EntryKind.INTENT:
        return entry.kind is EntryKind.CONFIRMED or bool(entry.data.get("took_effect"))
    answer = next((other for other in later if other.kind in (EntryKind.INTENT, EntryKind.OUTCOME)), None)
    # No answer on record counts as "it worked": an abort after a promotion would drop acknowledged writes.
    return answer is None or answer.kind is EntryKind.INTENT or answer.data.get("result") not in _HAD_NO_EFFECT
