"""Approvals in the control table: each is one item under the user id of the caller who wrote it.

IAM lets a caller write only under its own ``aws:userid`` (dynamodb:LeadingKeys), so AWS vouches for the key; the
attributes are what the writer says. ``dr_actions.authorization.clearance`` judges whether an approval counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from dr_actions.authorization.clearance import Approval
from dr_actions.control_table.table import ItemTable, Put, WriteCondition
from dr_estate.model.dynamodb_values import instant, moment

APPROVAL = "APPROVAL#"

_MOST_KEPT = 20
_TEXTS = ("plan", "environment", "arn", "at", "expires_at")


class ApprovalStore:
    """The store of approvals. ``now`` is the clock (UTC). What the table raises passes through."""

    def __init__(self, table: ItemTable, now: Callable[[], datetime]) -> None:
        self._table, self._now = table, now

    def approve(self, approval: Approval, person: str) -> None:
        """Write an approval under the caller's own user id. The incident's earlier ones, for other plans, are kept.

        A run that began upon one of them goes on upon it; those from before a withdrawal are forgotten.
        """
        item = {
            "plan": approval.digest,
            "environment": approval.environment,
            "arn": approval.arn,
            "person": person,
            "at": instant(approval.at),
            "expires_at": instant(approval.expires_at),
            "withdrawn_at": "",
            "earlier": _earlier(self._table.get((APPROVAL + approval.userid, approval.incident))),
        }
        self._table.put(Put({"pk": APPROVAL + approval.userid, "sk": approval.incident, **item}))

    def withdraw(self, userid: str, incident: str) -> None:
        """Take the caller's own approvals of the incident back. Raises ConditionFailed where there is none.

        It is written as a whole: IAM lets an approver put an item and not change one.
        """
        key, there = (APPROVAL + userid, incident), WriteCondition("attribute_exists(#pk)")
        item = self._table.get(key) or {"pk": key[0], "sk": key[1]}
        self._table.put(Put({**item, "withdrawn_at": instant(self._now())}, there))

    def of(self, incident: str) -> tuple[Approval, ...]:
        """The incident's approvals that were not withdrawn, by any caller.

        The index finds them within moments of being written; each is then read consistently by its key.
        """
        keys = sorted(item["pk"] for item in self._table.query_by_sk(incident) if item["pk"].startswith(APPROVAL))
        found = [self._table.get((pk, incident)) for pk in keys]
        return tuple(approval for item in found if item for approval in _approvals(item))


def _earlier(item: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What a new approval keeps of the item that it replaces: the newest ones, none of which was withdrawn."""
    if item is None or item.get("withdrawn_at"):
        return []
    return [*_listed(item), {name: item.get(name) for name in _TEXTS}][-_MOST_KEPT:]


def _listed(item: Mapping[str, Any]) -> list[Any]:
    earlier = item.get("earlier")
    return earlier if isinstance(earlier, list) else []


def _approvals(item: Mapping[str, Any]) -> Iterator[Approval]:
    """The newest approval first; none where they are withdrawn."""
    if item.get("withdrawn_at"):
        return
    keys = {name: item[name] for name in ("pk", "sk")}
    for entry in (item, *reversed(_listed(item))):
        approval = _approval({**entry, **keys}) if isinstance(entry, Mapping) else None
        if approval is not None:
            yield approval


def _approval(item: Mapping[str, Any]) -> Approval | None:
    """The approval; None where it is none: its writer decides what it holds."""
    if not all(isinstance(item.get(name), str) for name in _TEXTS):
        return None
    try:
        at, expires_at = moment(item["at"]), moment(item["expires_at"])
    except ValueError:
        return None
    userid = str(item["pk"]).removeprefix(APPROVAL)
    return Approval(item["sk"], item["plan"], item["environment"], item["arn"], userid, at, expires_at)
