"""That an approver lets AWS start a run: which one, and what of the rules is set aside by it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dr_actions.model.gates import Override
from dr_estate.model.dynamodb_values import instant, moment

_EXCEPTION = ("check", "subject", "who", "why", "until")


@dataclass(frozen=True, slots=True)
class StartApproval:
    """An execution of the recovery document that was let go on at ``at`` (UTC), for the plan ``digest``.

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
        overrides = (
            f"override of {o.gate} by {o.by} until {o.until:%Y-%m-%d %H:%M} UTC: {o.why}" for o in self.overrides
        )
        return (*overrides, *map(exception_line, self.exceptions))


def exception_line(row: Mapping[str, Any]) -> str:
    """An exception in one line: which gap, who accepted it, until when, and why."""
    return f"exception of {row['check']} for {row['subject']} by {row['who']} until {row['until']}: {row['why']}"


def start_to_item(start: StartApproval) -> dict[str, Any]:
    """The approval as plain JSON, for the control table."""
    overrides = [{**asdict(override), "until": instant(override.until)} for override in start.overrides]
    rules = {"overrides": overrides, "exceptions": list(map(dict, start.exceptions))}
    return {"execution": start.execution, "digest": start.digest, "at": instant(start.at), **rules}


def start_of_item(item: object, userid: str) -> StartApproval | None:
    """The approval of ``userid`` that an item tells; None where it is none: its writer decides what it holds."""
    if not isinstance(item, Mapping):
        return None
    try:
        overrides = tuple(Override(**{**given, "until": moment(given["until"])}) for given in item["overrides"])
        exceptions = tuple({key: str(given[key]) for key in _EXCEPTION} for given in item["exceptions"])
        return StartApproval(
            str(item["execution"]), str(item["digest"]), userid, moment(item["at"]), overrides, exceptions
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
