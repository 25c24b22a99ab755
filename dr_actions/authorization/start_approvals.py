"""That an approver lets AWS start a run, or one go on: which, and what of the rules is set aside by it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from dr_actions.authorization.clearance import Approval
from dr_actions.model.gates import Override
from dr_estate.model.dynamodb_values import instant, moment

_EXCEPTION = ("check", "subject", "who", "why", "until")


@dataclass(frozen=True, slots=True)
class StartApproval:
    """An execution of the recovery document that was let go on at ``at`` (UTC), for the plan ``digest``.

    ``execution`` is "" where AWS starts none: the run of that plan is under way, and the operator's own process.
    ``userid`` is the approver's, by the item's key. ``overrides`` are those that its starter gave; ``exceptions`` the
    accepted gaps of the rules, as plain JSON.
    """

    execution: str
    digest: str
    userid: str
    at: datetime
    overrides: tuple[Override, ...]
    exceptions: tuple[Mapping[str, str], ...]

    @property
    def set_aside(self) -> tuple[str, ...]:
        """What is set aside by it, a line each: overrides first."""
        return (*map(override_line, self.overrides), *map(exception_line, self.exceptions))


def override_line(override: Override) -> str:
    """An override in one line: which gate, by whom, until when, and why."""
    return f"override of {override.gate} by {override.by} until {override.until:%Y-%m-%d %H:%M} UTC: {override.why}"


def exception_line(row: Mapping[str, Any]) -> str:
    """An exception in one line: which gap, who accepted it, until when, and why."""
    return f"exception of {row['check']} for {row['subject']} by {row['who']} until {row['until']}: {row['why']}"


def with_starts(approval: Approval, starts: Iterable[StartApproval]) -> Approval:
    """The approval, with what its approver let set aside of the same plan since."""
    later = [
        override
        for start in starts
        # Of the same person and plan, and not before: an older start agreed to what was asked then.
        if (start.userid, start.digest) == (approval.userid, approval.digest) and approval.at <= start.at
        for override in start.overrides
    ]
    return replace(approval, overrides=(*approval.overrides, *later))


def start_to_item(start: StartApproval) -> dict[str, Any]:
    """The approval as plain JSON, for the control table."""
    rules = {"overrides": overrides_to_item(start.overrides), "exceptions": list(map(dict, start.exceptions))}
    return {"execution": start.execution, "digest": start.digest, "at": instant(start.at), **rules}


def overrides_to_item(overrides: Iterable[Override]) -> list[dict[str, Any]]:
    """Overrides as plain JSON, for the control table."""
    return [{**asdict(override), "until": instant(override.until)} for override in overrides]


def overrides_of_item(rows: Iterable[Mapping[str, Any]]) -> tuple[Override, ...]:
    """Return the overrides that an item holds.

    Raises TypeError, ValueError, KeyError or AttributeError where a row is no override.
    """
    return tuple(Override(**{**row, "until": moment(row["until"])}) for row in rows)


def start_of_item(item: object, userid: str) -> StartApproval | None:
    """Return the approval of ``userid`` that an item holds; None where it is no approval.

    The writer of an item decides what it holds.
    """
    if not isinstance(item, Mapping):
        return None
    try:
        # Read whole or not at all: a start whose overrides are cut would agree to less than was shown.
        overrides = overrides_of_item(item["overrides"])
        exceptions = tuple({key: str(given[key]) for key in _EXCEPTION} for given in item["exceptions"])
        return StartApproval(
            str(item["execution"]), str(item["digest"]), userid, moment(item["at"]), overrides, exceptions
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
