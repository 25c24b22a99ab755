"""A healthy estate as it was observed whole, and what its checks say once something in it is different."""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, from_json
from tests.dr_checks.worlds import SIT

_EVIDENCE = Path(__file__).parents[1] / "golden" / "evidence" / "sit-healthy.json.xz"
Changes = Mapping[tuple[Reader[Any], Side], Any]


@cache
def healthy() -> Snapshot:
    """SIT, healthy, with all its parts."""
    return from_json(lzma.decompress(_EVIDENCE.read_bytes()))


def altered(changes: Mapping[tuple[str, Side], Any], snapshot: Snapshot | None = None) -> Snapshot:
    """The healthy estate with other values of some parts."""
    base = snapshot or healthy()
    parts = {key: SnapshotPart(*key, SIT.region(key[1]), base.taken_at, value) for key, value in changes.items()}
    return replace(base, parts={**base.parts, **parts})


def judged(snapshot: Snapshot) -> dict[str, CheckResult]:
    """Every check of readiness on the snapshot, by id; those of a failed-over estate are left out."""
    return {check.id: judge(check, snapshot, SIT) for check in checks().values() if check.area != "validation"}


@cache
def baseline() -> dict[str, CheckResult]:
    """What the checks say of the healthy estate."""
    return judged(healthy())


def turned(changes: Changes) -> dict[str, Status]:
    """The checks that say something else once the healthy estate has these values, and what they say then."""
    found = judged(altered({(reader.name, side): value for (reader, side), value in changes.items()}))
    return {name: result.status for name, result in found.items() if result.status is not baseline()[name].status}
