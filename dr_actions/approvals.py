"""Approvals in the control table: each is one item under the user id of the caller who wrote it.

IAM lets a caller write only under its own ``aws:userid`` (dynamodb:LeadingKeys), so AWS vouches for the key; the
attributes are what the writer says. ``dr_actions.authority`` judges whether an approval counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dr_actions.authority import Approval
from dr_actions.table import Condition, Put, Table, Update
from dr_estate.attributes import instant, moment

APPROVAL = "APPROVAL#"

_TEXTS = ("plan", "environment", "arn", "at", "expires_at")


class Approvals:
    """The store of approvals. ``now`` is the clock (UTC). What the table raises passes through."""

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table, self._now = table, now

    def approve(self, approval: Approval, person: str) -> None:
        """Write an approval under the caller's own user id; an earlier one of the same incident is replaced."""
        item = {
            "plan": approval.digest,
            "environment": approval.environment,
            "arn": approval.arn,
            "person": person,
            "at": instant(approval.at),
            "expires_at": instant(approval.expires_at),
            "withdrawn_at": "",
        }
        self._table.put(Put({"pk": APPROVAL + approval.userid, "sk": approval.incident, **item}))

    def withdraw(self, userid: str, incident: str) -> None:
        """Take the caller's own approval back. Raises ConditionFailed where there is none."""
        there = Condition("attribute_exists(#pk)")
        self._table.update(Update((APPROVAL + userid, incident), {"withdrawn_at": instant(self._now())}, there))

    def of(self, incident: str) -> tuple[Approval, ...]:
        """The incident's approvals that were not withdrawn, by any caller.

        The index finds them within moments of being written; each is then read consistently by its key.
        """
        keys = sorted(item["pk"] for item in self._table.query_by_sk(incident) if item["pk"].startswith(APPROVAL))
        found = [self._table.get((pk, incident)) for pk in keys]
        return tuple(approval for item in found if item and (approval := _approval(item)))


def _approval(item: Mapping[str, Any]) -> Approval | None:
    """The approval; None where it is withdrawn, or no approval at all: its writer decides what it holds."""
    if item.get("withdrawn_at") or not all(isinstance(item.get(name), str) for name in _TEXTS):
        return None
    try:
        at, expires_at = moment(item["at"]), moment(item["expires_at"])
    except ValueError:
        return None
    userid = str(item["pk"]).removeprefix(APPROVAL)
    return Approval(item["sk"], item["plan"], item["environment"], item["arn"], userid, at, expires_at)
