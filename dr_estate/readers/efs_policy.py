"""EFS file system policies of both regions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import efs
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

# The statement that freezes a file system bears this id, and when: an id takes letters and digits alone.
FROZEN_SID, STAMP = "FrozenForFailback", "%Y%m%dT%H%M%SZ"
_FROZEN = re.compile(rf'"{FROZEN_SID}(\d{{8}}T\d{{6}}Z)"')
READS = frozenset({"efs:DescribeFileSystemPolicy"})


@dataclass(frozen=True, slots=True)
class FileSystemPolicy:
    """The policy of a file system; each statement has the same form in every region.

    ``present`` is False where there is no policy: EFS then admits every client that reaches a mount target. ``text`` is
    the unchanged policy.
    """

    file_system: str
    present: bool
    allows: tuple[str, ...]
    denies: tuple[str, ...]
    text: str = ""

    @property
    def frozen_at(self) -> datetime | None:
        """When a failback froze the file system, as the id of its statement says; None where none did."""
        found = _FROZEN.search(self.text)
        return datetime.strptime(found.group(1), STAMP).replace(tzinfo=UTC) if found else None


@part(*REGIONAL, reads=READS)
def policies(context: ReadContext) -> tuple[FileSystemPolicy | Unavailable, ...]:
    """The policy of the environment's file system: one call."""
    named = {point.id: f"{{access point {point.name}}}" for point in context.part(efs.access_points)}
    systems = context.part(efs.file_systems)
    return tuple(context.maybe(lambda system: _policy(context, system, named), systems))


def _policy(context: ReadContext, system: efs.FileSystem, named: dict[str, str]) -> FileSystemPolicy:
    found = context.find("efs", "describe_file_system_policy", ("PolicyNotFound",), FileSystemId=system.id)
    if found is None:
        return FileSystemPolicy(system.id, present=False, allows=(), denies=())
    text = raw = str(found["Policy"])
    for own, word in ({system.id: "{file system}", context.region: "{region}"} | named).items():
        text = text.replace(own, word)
    rows = json.loads(text).get("Statement", [])
    statements = {"Allow": set[str](), "Deny": set[str]()}
    for row in rows if isinstance(rows, list) else [rows]:
        # A statement without its id and effect, its lists in order: two that mean the same read the same
        meant = {key: _sorted_lists(value) for key, value in row.items() if key not in ("Sid", "Effect")}
        statements[row["Effect"]].add(json.dumps(meant, sort_keys=True))
    return FileSystemPolicy(system.id, True, tuple(sorted(statements["Allow"])), tuple(sorted(statements["Deny"])), raw)


def _sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted_lists(inner) for key, inner in value.items()}
    if isinstance(value, list):
        ordered = sorted(value, key=str)
        return ordered[0] if len(ordered) == 1 else ordered
    return value
