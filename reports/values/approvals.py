"""What second persons approved for an incident, and what became of each approval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """What became of an approval."""

    RUN = "run"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """An approval of the plan ``digest``, from ``at`` until ``expires_at`` (UTC), and what became of it.

    ``started`` are the runs that AWS was let start by it, a line each, with what of the rules each set aside;
    ``overrides`` are the gates that were approved to be set aside with the plan.
    """

    incident: str
    person: str
    digest: str
    at: datetime
    expires_at: datetime
    state: ApprovalState
    started: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def state_of(
    approval: tuple[str, datetime, datetime], now: datetime, begun: Iterable[tuple[str, datetime]], *, withdrawn: bool
) -> ApprovalState:
    """What became of an approval: its digest, and from when until when it is good; ``begun`` are runs by digest.

    A withdrawn one stays withdrawn where its plan was run before: that the run may not go on is what counts.
    """
    digest, since, until = approval
    if withdrawn:
        return ApprovalState.WITHDRAWN
    # A run outside the approval's time went by another approval of the same plan.
    if any(plan == digest and since <= at < until for plan, at in begun):
        return ApprovalState.RUN
    return ApprovalState.LAPSED if until <= now else ApprovalState.NOT_RUN
