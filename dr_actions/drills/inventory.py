"""What an estate holds, reduced to what a drill must leave as it was; and how two of them differ (T47). Pure.

Left out, each with its reason: what AWS draws by lot or counts up (ids of copies, versions, moments), what grows with
time (tasks, jobs, metrics, answers), recovery points and task definition revisions, which a drill adds to and never
takes from, and the sweep by tag and name, since databases and file systems have parts of their own.
A part that was not seen is never equal to anything.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dr_estate.model.engines import ENGINES
from dr_estate.model.journal_chain import inflate
from dr_estate.model.unavailable import Unavailable
from dr_estate.snapshot.snapshot import Snapshot

Lines = tuple[str, ...]

_LEFT_OUT = re.compile(
    r"^(dns_answers|http_sites|control_table|backup_jobs|dns_canary_polls\.tallies|serving_side|"
    r"ecs\.active_families|ecs_stopped_tasks|ecs\.tasks|backup\.recovery_points|rds\.snapshots|ecs\.newest_definitions|"
    r"service_quotas|sts_identity|iam_simulation|dynamodb\.contents|s3_objects|s3_batch_jobs|s3\.contents|rds\.free_space|marker_tasks|"
    r"dynamodb\.markers|platform_resources|terraform_state\.held_locks|"
    r"[a-z_0-9]+\.[a-z_]*(metrics|statuses|healthy_hosts|minutes|alarms))"
)
_OF_ENGINES = "|".join(f'{engine.read_only}","{re.escape(engine.writable)}' for engine in ENGINES.values())
_LOTS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<moment>"),
    (re.compile(r"\bab-[a-z0-9]{26}\b"), "<backup>"),
    (re.compile(r"\bdb-[A-Z0-9]{26}\b"), "<resource>"),
    # counted up by backups, by changes, by tasks placed, and by anyone who works in the estate meanwhile
    (re.compile(r'"(points|version|free|running|pending|items|size_bytes)":\d+'), r'"\1":0'),
    (re.compile(r',\["ReplicatedFrom","[^"]*"\]'), ""),  # shows a later run where the database came from
    (re.compile(rf',\["({_OF_ENGINES})"\]|(?<=\[)\["({_OF_ENGINES})"\],?'), ""),  # an engine's own default
    # of secrets and parameters, keyed for the process that read them: another may end the drill. A secret's value that
    # changed is a new version.
    (re.compile(r'"(digest|neutral|as_tenant)":"[0-9a-f]{16}"'), r'"\1":""'),
)
_NAMED_BY = ("identifier", "host", "service", "name", "type", "set_identifier", "family", "path", "arn", "id")
_MOST_FIELDS = 4
_MOST_LETTERS = 60


@dataclass(frozen=True)
class Inventory:
    """The lines of each part, by ``<part>.<side>``; None for a part that was not seen."""

    parts: Mapping[str, Lines | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was: ``how`` is gone, new, changed or unseen; ``says`` is what differs."""

    part: str
    subject: str
    how: str
    says: str


def inventory(snapshot: Snapshot) -> Inventory:
    """What can be seen of the estate in ``snapshot``, without what may differ."""
    found: dict[str, Lines | None] = {}
    for part in snapshot.parts.values():
        path = f"{part.name}.{part.side}"
        if not _LEFT_OUT.match(path):
            found[path] = None if isinstance(part.value, Unavailable) else tuple(sorted(_lines(part.value)))
    return Inventory(found)


def differences(before: Inventory, after: Inventory) -> tuple[Difference, ...]:
    """Everything that is not as it was, in the order of the parts."""
    return tuple(
        difference for path in sorted({*before.parts, *after.parts}) for difference in _of_part(path, before, after)
    )


def pack(recorded_inventory: Inventory) -> str:
    """The inventory as a short text for the record."""
    return base64.b64encode(zlib.compress(orjson.dumps(dict(recorded_inventory.parts)), 9)).decode()


def unpack(text: str) -> Inventory:
    """Read what ``pack`` wrote. Raises ValueError for anything else."""
    try:
        document = orjson.loads(inflate(text))
        # Each line is JSON of its own: it is read where the inventories are compared.
        for line in (line for rows in document.values() for line in rows or ()):
            orjson.loads(line)
        return Inventory({path: None if rows is None else tuple(rows) for path, rows in document.items()})
    except (ValueError, TypeError, AttributeError) as damaged:
        raise ValueError("that is no inventory") from damaged


def _lines(value: Any) -> Iterator[str]:
    document = orjson.loads(orjson.dumps(value))
    for item in document if isinstance(document, list) else [document]:
        text = orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
        for pattern, word in _LOTS:
            text = pattern.sub(word, text)
        yield text


def _of_part(path: str, before: Inventory, after: Inventory) -> Iterator[Difference]:
    was, now = before.parts.get(path), after.parts.get(path)
    if was is None or now is None:
        when = "before" if was is None else "afterwards"
        yield Difference(path, "", "unseen", f"it could not be seen {when}, so nothing can be said of it")
        return
    gone, new = _by_subject(set(was) - set(now)), _by_subject(set(now) - set(was))
    for subject in sorted({*gone, *new}):
        if subject in gone and subject in new:
            yield Difference(path, subject, "changed", _changes(gone[subject], new[subject]))
        elif subject in gone:
            yield Difference(path, subject, "gone", "it was there before")
        else:
            yield Difference(path, subject, "new", "it was not there before")


def _by_subject(lines: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, line in enumerate(sorted(lines)):
        item = orjson.loads(line)
        subject = _subject(item)
        found[subject if subject not in found else f"{subject} ({number})"] = item
    return found


def _subject(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    words = [str(item[name]) for name in _NAMED_BY if isinstance(item.get(name), str | int) and item[name] != ""]
    return " ".join(words[:3])


def _changes(was: Any, now: Any) -> str:
    if not (isinstance(was, dict) and isinstance(now, dict)):
        return f"{_brief(was)} became {_brief(now)}"
    names = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    changes = [f"{name} was {_brief(was.get(name))}, is {_brief(now.get(name))}" for name in names[:_MOST_FIELDS]]
    return "; ".join(changes) + (f" and {len(names) - _MOST_FIELDS} more" if len(names) > _MOST_FIELDS else "")


def _brief(value: Any) -> str:
    """A value in a row: the whole of a policy or of a secret's fields would be a page of it."""
    text = str(value)
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"
