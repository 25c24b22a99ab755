"""What an estate holds, reduced to what a drill must leave as it was; and how two of them differ (T47). Pure.

Left out, each with its reason: what AWS draws by lot or counts up (ids of copies, versions, moments), what grows with
time (tasks, jobs, metrics, answers), recovery points and task definition revisions, which a drill adds to and never
takes from, and the sweep by tag and name, since databases and file systems have parts of their own.
A part that was not seen is never equal to anything.

What a drill left: every difference between the estate before and after, kept by a rule or left over. Pure.

Kept is what no run of this tool removes: the primary's own previous database, renamed and never deleted, and the
recovery points made before the sync, which expire by themselves. Each is listed with how a person removes it. Every
other difference is left over, and a drill that leaves anything has failed in that (T47).
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from dr_actions.guard.context import renamed_databases_in
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import ENGINES
from dr_estate.model.invocation import aws_command
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
    paths = sorted({*before.parts, *after.parts})
    return tuple(difference for path in paths for difference in _of_part(path, before, after))


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


class ResidueState(StrEnum):
    """What became of it."""

    KEPT = "kept"
    LEFT = "left"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Residue:
    """One row: where, what, its fate, why, and the command with which a person removes it ("" where none is)."""

    place: str
    subject: str
    fate: ResidueState
    says: str
    command: str = ""


def residue(before: Inventory, after: Inventory, env: Environment, entries: Sequence[Entry]) -> tuple[Residue, ...]:
    """What is left of the drill that wrote ``entries``; empty where the estate is exactly as it was."""
    # The names under which databases of the primary region were kept, with the command that deletes each.
    aside: dict[str, str] = {}
    for name in renamed_databases_in(entries, Side.PRIMARY).values():
        named = {"DBInstanceIdentifier": name, "FinalDBSnapshotIdentifier": f"{name}-last"}
        aside[name] = aws_command("rds", "DeleteDBInstance", env.region(Side.PRIMARY), **named)
    rows = [_row(difference, aside) for difference in differences(before, after)]
    residues = {row.subject: row for row in reversed(rows) if row.fate is ResidueState.KEPT}
    left = [row for row in rows if row.fate is not ResidueState.KEPT]
    return (*left, *residues.values(), *_recovery_points(entries))


def is_clean(rows: Sequence[Residue]) -> bool:
    """Whether nothing is left over, and nothing unseen: what is kept is kept by rule."""
    return all(row.fate is ResidueState.KEPT for row in rows)


def _row(difference: Difference, aside: Mapping[str, str]) -> Residue:
    if difference.how == "unseen":
        return Residue(difference.part, "all of it", ResidueState.UNSEEN, difference.says)
    subject = difference.subject
    name = next((name for name in aside if name in subject.split() or f":{name}" in subject), None)
    if name is not None and difference.how == "new" and difference.part.endswith(f".{Side.PRIMARY}"):
        message = "the primary's database of before the drill: this tool deletes nothing in the primary region"
        return Residue(difference.part, name, ResidueState.KEPT, message, aside[name])
    return Residue(difference.part, difference.subject, ResidueState.LEFT, f"{difference.how}: {difference.says}")


def _recovery_points(entries: Sequence[Entry]) -> Iterator[Residue]:
    for entry in entries:
        facts = entry.data.get("facts", {}) if entry.kind is EntryKind.CONFIRMED else {}
        if role_of(Goal.FAILBACK, str(entry.step)) is Role.BACKUP and facts.get("arn"):
            message = "the backup made before the sync: it expires by its own lifecycle"
            yield Residue(f"backup.recovery_points.{facts['side']}", str(facts["arn"]), ResidueState.KEPT, message)
