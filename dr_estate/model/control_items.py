"""What may stand in the control table: one shape for each kind of item, checked wherever an item is read. Pure.

A writer of the table may write anything: an item of no known shape is an ``UnreadableItem``, a value like any
other. It holds what its kind holds: an open incident, a taken lock, a pause. What such an item says is never used, and
it ends no command: only ``repair`` sets it aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from dr_estate.model.dynamodb_values import instant, moment
from dr_estate.model.run_records import HISTORY_OF, RunKind

LOCK, RUN = "LOCK", "RUN"
# Practice has a lock of its own: a driller's keys write nowhere that a recovery reads its lock.
DRILL_LOCK = "DRILL#LOCK"
STANDING, PAUSE, INCIDENT, OVERRIDE = "STANDING", "PAUSE", "INCIDENT", "OVERRIDE#"
DATABASE, REFUSAL = "DATABASE", "REFUSAL"
# Where AWS starts runs, each person pauses under the own key ``PAUSE#<aws:userid>`` / ``PAUSE``.
PAUSES, BY_SK = "PAUSE#", "by-sk"
HISTORY, RUNS, JOURNAL, APPROVAL = "HISTORY", "RUN#", "JOURNAL#", "APPROVAL#"
RULES = "#RULES"  # no incident is called so
# What ``repair`` set aside, ``ASIDE#<pk>`` / ``<when>#<sk>``, and how the history calls that it did.
ASIDE, SET_ASIDE = "ASIDE#", "ASIDE"

Check = Callable[[Any], bool]
Shape = Mapping[str, Check]

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)  # room to count hours on from either
_MOST = 2**53  # what JSON carries unchanged (RFC 8259, 6)
_LONGEST_LEASE = timedelta(days=1)
_LONGEST_WORD, _BEST = 120, 100


class ItemKind(StrEnum):
    """The kinds of items that are read for what they say."""

    LOCK = "the lock"
    PAUSE = "the stop switch"
    OWN_PAUSE = "a person's own stop switch"
    INCIDENT = "the open incident"
    OVERRIDE = "an override"
    DATABASE = "the remembered database"
    REFUSAL = "the last refusal of a run that AWS started"
    CHANGE = "a change on record"
    RUN = "a run on record"
    LISTED_RUN = "a run that took the lock"
    APPROVAL = "an approval"
    PINNED_RULES = "pinned rules"
    JOURNAL = "an entry of a journal"
    OTHER = "an item of no known kind"


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """An item that is not understood, by its key. ``flaw`` is what of it is no part of its kind's shape."""

    pk: str
    sk: str
    kind: ItemKind
    flaw: str

    @property
    def id(self) -> str:
        """What `repair` takes: a key may hold whatever a shell makes something of."""
        return hashlib.sha256(f"{self.pk}\0{self.sk}".encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """The key in a sentence."""
        return f"{clip(self.pk)} / {clip(self.sk)}"

    @property
    def holds(self) -> str:
        """What counts as being there while it cannot be read, "" where that is nothing."""
        return _HOLDS.get(self.kind, "")

    @property
    def says(self) -> str:
        """The item, what it holds, and the next command, in a sentence."""
        holds = self.holds or "what it says counts as unknown"
        return f"The item {self.name} of the control table cannot be read ({self.flaw}): {holds}. {self.remedy}"

    @property
    def remedy(self) -> str:
        """The bare command that takes care of it."""
        once = "Once it is known who wrote it,"
        if self.kind in (ItemKind.PAUSE, ItemKind.OWN_PAUSE):
            return f"{once} `dr_cli.py unpause` closes it."
        return f"{once} `dr_cli.py repair {self.id} --reason 'its writer is known'` sets it aside."


_HOLDS = {
    ItemKind.LOCK: "a run counts as at work",
    ItemKind.PAUSE: "all runs count as paused",
    ItemKind.OWN_PAUSE: "all runs count as paused",
    ItemKind.INCIDENT: "an incident counts as open",
}


def unreadable(item: Mapping[str, Any]) -> UnreadableItem | None:
    """What is wrong with a decoded item; None where it is of its kind's shape, or was closed or set aside."""
    pk, sk = str(item.get("pk")), str(item.get("sk"))
    kind = kind_of(pk, sk)
    if kind is not ItemKind.LOCK and is_closed(item):
        return None
    flaw = _flaw(item, _SHAPES[kind]) or _rule_flaw(kind, item) if kind in _SHAPES else "no version writes such a one"
    return UnreadableItem(pk, sk, kind, flaw) if flaw else None


def readable(items: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], tuple[UnreadableItem, ...]]:
    """The items that can be read and are not closed, and those that cannot be read."""
    good, odd = [], []
    for item in items:
        if found := unreadable(item):
            odd.append(found)
        elif item.get("pk") in (LOCK, DRILL_LOCK) or not is_closed(item):
            good.append(dict(item))
    return good, tuple(odd)


def is_closed(item: Mapping[str, Any]) -> bool:
    """Whether the item says no more than that it is over, since a moment."""
    return is_moment(item.get("closed_at"))


def kind_of(pk: str, sk: str) -> ItemKind:
    """The kind of the item of that key."""
    if pk in (LOCK, DRILL_LOCK) and sk == RUN:
        return ItemKind.LOCK
    if pk == STANDING:
        single = {PAUSE: ItemKind.PAUSE, INCIDENT: ItemKind.INCIDENT, DATABASE: ItemKind.DATABASE}
        single[REFUSAL] = ItemKind.REFUSAL
        return ItemKind.OVERRIDE if sk.startswith(OVERRIDE) else single.get(sk, ItemKind.OTHER)
    if pk.startswith(PAUSES) and sk == PAUSE:
        return ItemKind.OWN_PAUSE
    if pk == HISTORY:
        return ItemKind.CHANGE
    if pk.startswith(APPROVAL):
        return ItemKind.PINNED_RULES if sk == RULES else ItemKind.APPROVAL
    for prefix, kind in ((RUNS, ItemKind.LISTED_RUN), (JOURNAL, ItemKind.JOURNAL)):
        if pk.startswith(prefix):
            return kind
    return ItemKind.RUN if pk.removeprefix(HISTORY_OF) in set(RunKind) else ItemKind.OTHER


def clip(text: str) -> str:
    """A key in a sentence, in which no command stands: it may be 2,048 bytes of anything."""
    return (text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}...").replace("`", "'")


def _flaw(item: Mapping[str, Any], shape: Shape) -> str:
    """The first attribute that is missing, or is not what it is to be."""
    for name, fits in shape.items():
        if not fits(item.get(name)):
            return f"{name} is not as a version writes it" if name in item else f"it has no {name}"
    return ""


def _rule_flaw(kind: ItemKind, item: Mapping[str, Any]) -> str:
    """What is wrong with attributes that are each of their shape."""
    if kind in (ItemKind.LOCK, ItemKind.LISTED_RUN):
        lease = moment(item["lease_until"]) - moment(item["heartbeat_at"])
        return "" if timedelta(0) <= lease <= _LONGEST_LEASE else "its lease is of no length that a run takes"
    if kind is ItemKind.CHANGE:
        return "" if is_moment(str(item["sk"]).partition("#")[0]) else "its key is no moment"
    return ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST < value < _MOST


def is_moment(value: Any) -> bool:
    """Whether it is a moment with a zone, which hours can be added to and taken from."""
    try:
        return isinstance(value, str) and _FIRST <= moment(value) < _LAST
    except ValueError:
        return False


def _is_any_moment(value: Any) -> bool:
    """Of a person's own word also the first and the last moment of all time."""
    try:
        return isinstance(value, str) and moment(value) is not None
    except ValueError:
        return False


def _or_empty(fits: Check) -> Check:
    return lambda value: value == "" or fits(value)


def _optional(fits: Check) -> Check:
    return lambda value: value is None or fits(value)


def _list_of(fits: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _map_of(fits: Check) -> Check:
    return lambda value: isinstance(value, Mapping) and all(map(fits, value.values()))


def _like(shape: Shape) -> Check:
    return lambda value: isinstance(value, Mapping) and not _flaw(value, shape)


_OPEN: Check = _or_empty(is_moment)
_TIMES = ("taken_at", "heartbeat_at", "lease_until")
_LISTED: Shape = {
    **dict.fromkeys(("run", "person", "arn", "incident", "outcome"), _is_text),
    "token": _is_count,
    **dict.fromkeys(_TIMES, is_moment),
    "ended_at": _OPEN,
}
_OVERRIDDEN: Shape = {**dict.fromkeys(("gate", "by", "why"), _is_text), "until": is_moment}
_WORD: Shape = {"at": _is_any_moment, "paused": _is_flag, "why": _is_text}
_SHAPES: Mapping[ItemKind, Shape] = {
    ItemKind.LOCK: {**_LISTED, "run": _is_name},
    ItemKind.LISTED_RUN: _LISTED,
    ItemKind.PAUSE: {"who": _is_text, "why": _is_text, "at": is_moment, "closed_at": _OPEN},
    ItemKind.OWN_PAUSE: {"who": _is_text, "words": _list_of(_like(_WORD))},
    ItemKind.INCIDENT: {
        **dict.fromkeys(("incident", "goal", "phase"), _is_name),
        "since": is_moment,
        "unprotected_since": _OPEN,
        "staged": _optional(_is_flag),
        **dict.fromkeys(("no_writes_since", "alarm_from"), _optional(_OPEN)),
        "ends_by": _optional(_is_text),
        "closed_at": _OPEN,
    },
    ItemKind.OVERRIDE: {
        **_OVERRIDDEN,
        **dict.fromkeys(("incident", "plan"), _is_text),
        "arn": _optional(_is_text),
        "closed_at": _OPEN,
    },
    ItemKind.DATABASE: {
        **dict.fromkeys(("resource_id", "identifier", "instance_class", "storage_type"), _is_text),
        **dict.fromkeys(("option_group", "parameter_group"), _is_text),
        **dict.fromkeys(("storage_gib", "storage_limit_gib", "iops", "throughput"), _is_count),
        **dict.fromkeys(("iam_authentication", "multi_az", "deletion_protection"), _is_flag),
        **dict.fromkeys(("copy_tags", "auto_minor_upgrade"), _is_flag),
        "log_exports": _list_of(_is_text),
        "at": is_moment,
    },
    ItemKind.REFUSAL: {**dict.fromkeys(("incident", "execution", "says"), _is_text), "at": is_moment},
    ItemKind.CHANGE: {"by": _is_text, "values": lambda value: isinstance(value, Mapping)},
    ItemKind.RUN: {
        **dict.fromkeys(("run", "who", "world", "verdict", "recommendation"), _is_text),
        **dict.fromkeys(("evidence", "report", "incident"), _is_text),
        "at": is_moment,
        "complete": _is_flag,
        "score": _optional(lambda value: _is_count(value) and value <= _BEST),
        **dict.fromkeys(("worst_lag_s", "rto_s", "duration_s"), _optional(_is_number)),
        "phases": _map_of(_is_number),
        "steps": _map_of(_list_of(_is_number)),
        "starts": _optional(_map_of(_is_text)),
    },
    ItemKind.APPROVAL: {
        **dict.fromkeys(("plan", "environment", "arn"), _is_text),
        **dict.fromkeys(("at", "expires_at"), is_moment),
        "rules": _optional(_is_text),
        "points": _optional(_list_of(_is_text)),
        "overrides": _optional(_list_of(_like(_OVERRIDDEN))),
    },
    ItemKind.PINNED_RULES: {**dict.fromkeys(("rules", "arn", "person"), _is_text), "at": is_moment},
    ItemKind.JOURNAL: {**dict.fromkeys(("digest", "text"), _is_text), "packed": _is_flag, "pieces": _is_count},
}


# The database when it was last seen healthy: identity and settings that its restored copy is to have. Pure.
#
# A restore without these takes AWS's defaults (T56), and two automated backups may have the same name (T57): the
# resource id distinguishes them. The record is kept in the control table while the primary region is up: it may be down
# when the record is needed.


@dataclass(frozen=True, slots=True)
class DatabaseRecord:
    """One instance as seen ``at`` (UTC). Groups are names, "" where AWS's default group was used.

    ``storage_gib`` and ``storage_limit_gib`` (0: no storage autoscaling) are GiB, ``throughput`` MiB/s. ``iops`` and
    ``throughput`` are 0 where the storage type has none of its own.
    """

    resource_id: str
    identifier: str
    at: datetime
    instance_class: str
    storage_type: str
    storage_gib: int
    storage_limit_gib: int
    iops: int
    throughput: int
    option_group: str
    parameter_group: str
    log_exports: tuple[str, ...]
    iam_authentication: bool
    multi_az: bool
    deletion_protection: bool
    copy_tags: bool
    auto_minor_upgrade: bool


def to_item(record: DatabaseRecord) -> dict[str, Any]:
    """The record as plain attributes of an item."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return values | {"at": instant(record.at), "log_exports": list(record.log_exports)}


def from_item(item: Mapping[str, Any]) -> DatabaseRecord:
    """The record of an item that ``control_items`` can read."""
    values = {field.name: item[field.name] for field in fields(DatabaseRecord)}
    return DatabaseRecord(**values | {"at": moment(item["at"]), "log_exports": tuple(item["log_exports"])})
