"""Approvals and pinned rules in the control table: each is one item under the user id of the caller who wrote it.

IAM lets a caller write only under its own ``aws:userid`` (dynamodb:LeadingKeys), so AWS vouches for the key; the
attributes are what the writer says. ``dr_actions.authorization.clearance`` judges whether an approval counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dr_actions.authorization.clearance import Approval
from dr_actions.authorization.rules import EffectiveRules, PinnedRules, digest_of
from dr_actions.control_table.table import ItemTable, Put, WriteCondition
from dr_actions.model.gates import Override
from dr_estate.model.control_items import APPROVAL, RULES, unreadable
from dr_estate.model.dynamodb_values import instant, moment

# That an approver lets AWS start a run, or one go on: which, and what of the rules is set aside by it. Pure.

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
    """The item's overrides. Raises TypeError, ValueError, KeyError or AttributeError where a row is none."""
    return tuple(Override(**{**row, "until": moment(row["until"])}) for row in rows)


def start_of_item(item: object, userid: str) -> StartApproval | None:
    """The approval of ``userid`` in an item, None where it is none: an item's writer decides what it holds."""
    if not isinstance(item, Mapping):
        return None
    try:
        # Read whole or not at all: a start whose overrides are cut would agree to less than was shown.
        overrides = overrides_of_item(item["overrides"])
        exceptions = tuple({key: str(given[key]) for key in _EXCEPTION} for given in item["exceptions"])
        execution, digest = str(item["execution"]), str(item["digest"])
        return StartApproval(execution, digest, userid, moment(item["at"]), overrides, exceptions)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


_STARTS = "starts"
# An item of DynamoDB holds 400 KB: what an incident needs is its newest approvals and starts.
_MOST_KEPT = 20
_TEXTS = ("plan", "environment", "arn", "at", "expires_at")
_RETAINED = (*_TEXTS, "rules", "points", "overrides")


class ApprovalStore:
    """The store of approvals. ``now`` is the clock (UTC). What the table raises passes through."""

    def __init__(self, table: ItemTable, now: Callable[[], datetime]) -> None:
        self._table, self._now = table, now

    def approve(self, approval: Approval, person: str) -> None:
        """Write an approval under the caller's own user id. The incident's earlier ones, for other plans, are kept.

        A run that began upon one of them goes on upon it; those from before a withdrawal are forgotten.
        """
        known = self._table.get((APPROVAL + approval.userid, approval.incident)) or {}
        item = {
            "plan": approval.digest,
            "environment": approval.environment,
            "arn": approval.arn,
            "person": person,
            "at": instant(approval.at),
            "expires_at": instant(approval.expires_at),
            "rules": approval.rules,
            "points": list(approval.points),
            "overrides": overrides_to_item(approval.overrides),
            "withdrawn_at": "",
            "earlier": _earlier(known),
            _STARTS: _rows(known, _STARTS),
        }
        self._table.put(Put({"pk": APPROVAL + approval.userid, "sk": approval.incident, **item}))

    def let_start(self, incident: str, start: StartApproval) -> None:
        """Record that the caller lets AWS start a run, or one go on, beside the caller's own approval of its plan.

        Raises ConditionFailed where there is no approval of the caller's.
        """
        # Without the condition a start would make an approval's item, though nobody approved.
        key, there = (APPROVAL + start.userid, incident), WriteCondition("attribute_exists(#pk)")
        item = self._table.get(key) or {"pk": key[0], "sk": key[1]}
        starts = [*_rows(item, _STARTS), start_to_item(start)][-_MOST_KEPT:]
        self._table.put(Put({**item, _STARTS: starts}, there))

    def starts(self, incident: str) -> tuple[StartApproval, ...]:
        """The runs that approvers let AWS start for the incident, also where an approval was withdrawn since."""
        return tuple(start for item in self._items(incident) for start in _starts(item))

    def withdraw(self, userid: str, incident: str) -> None:
        """Take the caller's own approvals of the incident back. Raises ConditionFailed where there is none.

        It is written as a whole: IAM lets an approver put an item and not change one.
        """
        key, there = (APPROVAL + userid, incident), WriteCondition("attribute_exists(#pk)")
        item = self._table.get(key) or {"pk": key[0], "sk": key[1]}
        self._table.put(Put({**item, "withdrawn_at": instant(self._now())}, there))

    def pin(self, rules: EffectiveRules, userid: str, arn: str, person: str) -> PinnedRules:
        """Pin the rules under the caller's own user id; the caller's earlier ones are replaced."""
        pin = PinnedRules(userid, arn, person, self._now(), rules.digest, rules.environment, rules.exceptions)
        text = json.dumps(rules.to_json(), sort_keys=True)
        who = {"arn": arn, "person": person, "at": instant(pin.at)}
        self._table.put(Put({"pk": APPROVAL + userid, "sk": RULES, "digest": pin.digest, "rules": text, **who}))
        return pin

    def pins(self) -> tuple[PinnedRules, ...]:
        """What every approver pinned last. One that cannot be read has no digest, and is the newest."""
        return tuple(_pin(item) for item in self._items(RULES))

    def of(self, incident: str) -> tuple[Approval, ...]:
        """The incident's approvals that were not withdrawn, by any caller.

        The index finds them within moments of being written; each is then read consistently by its key. The overrides
        of one are also those of the runs that its approver let start, or go on, since.
        """
        items = list(self._items(incident))
        return tuple(with_starts(approval, _starts(item)) for item in items for approval in _approvals(item))

    def history_of(self, incident: str) -> tuple[tuple[Approval, bool], ...]:
        """Every approval of the incident, each with whether it was withdrawn. One that cannot be read is none."""
        return tuple(
            (approval, bool(item.get("withdrawn_at")))
            for item in self._items(incident)
            for approval in _approvals({**item, "withdrawn_at": ""})
        )

    def _items(self, sk: str) -> Iterator[dict[str, Any]]:
        keys = sorted(item["pk"] for item in self._table.query_by_sk(sk) if item["pk"].startswith(APPROVAL))
        return (item for pk in keys if (item := self._table.get((pk, sk))))


def _pin(item: Mapping[str, Any]) -> PinnedRules:
    userid = str(item["pk"]).removeprefix(APPROVAL)
    # The newest of all and without a digest: a pin that cannot be read stops every run, and hides no later one.
    unread = PinnedRules(userid, "", "", datetime.max.replace(tzinfo=UTC), "", {}, ())
    if unreadable(item):
        return unread
    try:
        rules = json.loads(item["rules"])
        environment, exceptions = dict(rules["environment"]), tuple(map(dict, rules["exceptions"]))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return unread
    who, at = (userid, item["arn"], item["person"]), moment(item["at"])
    return PinnedRules(*who, at, digest_of(environment, exceptions), environment, exceptions)


def _earlier(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a new approval keeps of the item that it replaces: the newest ones, none of which was withdrawn."""
    if not item or item.get("withdrawn_at"):
        return []
    return [*_rows(item, "earlier"), {name: item.get(name) for name in _RETAINED}][-_MOST_KEPT:]


def _rows(item: Mapping[str, Any], name: str) -> list[Any]:
    rows = item.get(name)
    return rows if isinstance(rows, list) else []


def _starts(item: Mapping[str, Any]) -> list[StartApproval]:
    userid = str(item["pk"]).removeprefix(APPROVAL)
    return [start for row in _rows(item, _STARTS) if (start := start_of_item(row, userid)) is not None]


def _approvals(item: Mapping[str, Any]) -> Iterator[Approval]:
    """The newest approval first; none where they are withdrawn."""
    if item.get("withdrawn_at"):
        return
    keys = {name: item[name] for name in ("pk", "sk")}
    for entry in (item, *reversed(_rows(item, "earlier"))):
        approval = _approval({**entry, **keys}) if isinstance(entry, Mapping) else None
        if approval is not None:
            yield approval


def _approval(item: Mapping[str, Any]) -> Approval | None:
    """The approval; None where it is none: its writer decides what it holds."""
    if unreadable(item):
        return None
    try:
        overrides = overrides_of_item(_rows(item, "overrides"))
    except TypeError:  # an attribute that no override has
        return None
    userid, under = item["pk"].removeprefix(APPROVAL), item.get("rules") or ""
    times, points = (moment(item["at"]), moment(item["expires_at"])), tuple(_rows(item, "points"))
    who = (item["arn"], userid)
    return Approval(item["sk"], item["plan"], item["environment"], *who, *times, under, points, overrides)
