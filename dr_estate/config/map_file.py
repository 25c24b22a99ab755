"""The map file: the estate map as people read and commit it, beside the environment file as ``NAME.map.toml``.

An entry has its id in each region and the read that showed it. What has no counterpart has none written: nothing is
filled from a name pattern. ``chosen_by`` is the person who decided, "" where a relation did.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from dr_estate.config.settings import Settings

SUFFIX = ".map"
_HEAD = (
    "What the estate is made of, and what stands for each thing in the other region, as `scan` found it.\n"
    "# An entry without [[entries.counterparts]] has none: add one, with chosen_by, where a person decides."
)


class MapKind(StrEnum):
    """What an entry is."""

    RECORD = "record"
    LOAD_BALANCER = "load balancer"
    CLUSTER = "ECS cluster"
    SERVICE = "ECS service"
    DATABASE = "database"
    FILES = "files"
    OBJECTS = "objects"
    TABLE = "table"
    SECRET = "secret"  # noqa: S105 - a kind of entry
    IMAGES = "images"


NAMED = {"load_balancer": MapKind.LOAD_BALANCER, "cluster": MapKind.CLUSTER, "database": MapKind.DATABASE}
"""The keys of [names] that a map answers, by the kind of its entries."""


ROLES = ("task_role", "execution_role")
"""The keys in ``names`` of a service's entry under which the ARNs of its tasks' roles stand."""


BACKUP_ROLE = "backup_role"
"""The key in ``names`` of a copy of AWS Backup under which the ARN of its selection's role stands."""


class CopyKind(StrEnum):
    """The kinds of counterparts from which a thing is restored: none runs."""

    BACKUPS = "automated backup"
    VAULT = "backup vault"


class MapCounterpart(Settings):
    """What stands for an entry in another region: what AWS calls it, the relation that showed it, or who chose it."""

    kind: str
    name: str
    id: str
    region: str
    account: str
    found: str
    relation: str = ""
    chosen_by: str = ""
    names: dict[str, str] = Field(default={})


class MapEntry(Settings):
    """A thing of the primary region, the read that showed it, and its counterparts.

    Of a service: ``workload`` is what people call it, ``names`` what its own resources are called, by the keys of
    [names], and ``hosts`` and ``paths`` are those of the rules that lead to it.
    """

    kind: MapKind
    name: str
    id: str
    account: str
    found: str
    workload: str = ""
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    names: dict[str, str] = Field(default={})
    counterparts: tuple[MapCounterpart, ...] = ()

    def running_in(self, region: str) -> MapCounterpart | None:
        """What runs for it in ``region``; None where there is nothing, or several databases of other names."""
        found = self.all_running_in(region)
        # Of several replicas no relation says which one a failover uses: only its own name does.
        if self.kind is MapKind.DATABASE and len(found) > 1:
            found = [row for row in found if row.name == self.name]
        return next(iter(found), None)

    def all_running_in(self, region: str) -> list[MapCounterpart]:
        """All that runs for it in ``region``, which no copy does that is to be restored first."""
        return [row for row in self.counterparts if row.region == region and row.kind not in [*CopyKind]]

    def is_backed_up_in(self, region: str) -> bool:
        """Whether its automated backups are replicated to ``region``."""
        return any(row.region == region and row.kind == CopyKind.BACKUPS for row in self.counterparts)


class MapFile(Settings):
    """The map of one platform in two regions. ``dr`` is "" where nothing has a counterpart anywhere.

    ``undecided``: kinds of which there may be more, for a list was not read, or no workload names what it has.
    """

    format: Literal["aws-dr-manager/map-file/1"] = "aws-dr-manager/map-file/1"
    account: str
    primary: str
    dr: str
    undecided: tuple[MapKind, ...] = ()
    entries: tuple[MapEntry, ...] = ()

    def of_kind(self, kind: MapKind) -> tuple[MapEntry, ...]:
        """The entries of a kind, in the order of the file."""
        return tuple(entry for entry in self.entries if entry.kind is kind)

    def entry_of(self, kind: MapKind, name: str) -> MapEntry | None:
        """The entry of that kind and name, None where there is none."""
        return next((entry for entry in self.of_kind(kind) if entry.name == name), None)

    def only(self, kind: MapKind) -> MapEntry | None:
        """The entry of a kind where there is one alone: of several, a map does not say which is meant.

        Of several load balancers the first is one that a pair of records leads to, with the most services behind it.
        """
        found = self.of_kind(kind)
        if kind is MapKind.LOAD_BALANCER and found:
            paired = {row.names.get("load_balancer") for row in self.of_kind(MapKind.RECORD) if row.counterparts}
            behind = Counter(row.names.get("load_balancer") for row in self.of_kind(MapKind.SERVICE))
            return max(found, key=lambda entry: (entry.name in paired, behind[entry.name]))
        return found[0] if len(found) == 1 else None

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says: what an approver pins."""
        plain = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def to_toml(self) -> str:
        """The file. Reading it gives an equal map."""
        plain = self.model_dump(mode="json", exclude_defaults=True) | {"format": self.format}
        entries = plain.pop("entries", ())
        blocks = [f"# {_HEAD}", "\n".join(_lines(plain))]
        for entry in entries:
            counterparts = entry.pop("counterparts", ())
            blocks.append("\n".join(["[[entries]]", *_lines(entry)]))
            blocks += ["\n".join(["[[entries.counterparts]]", *_lines(row)]) for row in counterparts]
        return "\n\n".join(blocks) + "\n"


def differences(before: MapFile, after: MapFile) -> Iterator[str]:
    """What the second map has otherwise: gone, new and moved entries, and other counterparts, a line each."""
    then, now = _by_name(before), _by_name(after)
    for key in sorted({*then, *now}):
        old, new, what = then.get(key), now.get(key), f"{key[0]} {key[1]}"
        if new is None:
            yield f"{what}: gone"
        elif old is None:
            yield f"{what}: new"
        elif old.id != new.id:
            yield f"{what}: moved, {new.id} was {old.id}"
        elif _places(old) != _places(new):
            yield f"{what}: {_places(new)} stands for it, was {_places(old)}"


def _by_name(saved: MapFile) -> dict[tuple[MapKind, str], MapEntry]:
    """The entries by kind and name; services of two clusters that share theirs by that of the workload."""
    names = Counter((entry.kind, entry.name) for entry in saved.entries)
    return {(row.kind, row.name if names[row.kind, row.name] == 1 else row.workload): row for row in saved.entries}


def _places(entry: MapEntry) -> str:
    places = [f"{row.region} {row.name} ({row.relation or f'chosen by {row.chosen_by}'})" for row in entry.counterparts]
    return ", ".join(places) or "nothing"


def with_choices(found: MapFile, before: MapFile) -> MapFile:
    """The map with what persons chose in an earlier one, where nothing was found since."""
    then = _by_name(before)

    def whole(key: tuple[MapKind, str], entry: MapEntry) -> MapEntry:
        chosen = tuple(row for row in then[key].counterparts if row.chosen_by) if key in then else ()
        return entry if entry.counterparts else entry.model_copy(update={"counterparts": chosen})

    return found.model_copy(update={"entries": tuple(whole(*pair) for pair in _by_name(found).items())})


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key} = {_text(value)}" for key, value in row.items())


def _text(value: str | list[str] | dict[str, str]) -> str:
    if isinstance(value, dict):  # an inline table: its keys are those of [names]
        return f"{{ {', '.join(f'{key} = {_text(text)}' for key, text in value.items())} }}"
    # JSON leaves the delete character as it is, and TOML has it escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def map_path(folder: Path, name: str) -> Path:
    """Where the map of the environment ``name`` stands."""
    return folder / f"{name}{SUFFIX}.toml"


def map_from(data: Mapping[str, Any]) -> MapFile:
    """The map that a TOML file says. Raises pydantic's ValidationError."""
    return MapFile.model_validate(data)
