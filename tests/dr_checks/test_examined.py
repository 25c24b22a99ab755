"""No check passes by looking at nothing: what is missing is not applicable, what is unseen is UNKNOWN."""

from __future__ import annotations

import types
import typing
from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_checks.core.verdict import Recommendation, readiness_score, verdict_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.snapshot.registry import readers
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.estates import altered, baseline, healthy, judged

# These judge the environment file, or what must not be there.
HOLD_OF_NOTHING = {
    "prerequisites.contacts-named",
    "drills.nothing-left",
    "rds.name-free",
}
DENIED = Unavailable(UnavailableKind.DENIED, "the call is denied (AccessDenied).")


def emptied(shape: Any, value: Any) -> Any:
    """The part of an estate that has nothing of its kind; unseen where something is always there."""
    if isinstance(value, tuple):
        return ()
    return None if isinstance(shape, types.UnionType) and types.NoneType in typing.get_args(shape) else DENIED


def may_be_unseen(shape: Any) -> bool:
    return any(Unavailable in typing.get_args(element) for element in typing.get_args(shape))


def empty_world() -> Snapshot:
    """The healthy estate with nothing in any part."""
    values = {key: emptied(readers()[key[0]].shape, part.value) for key, part in healthy().parts.items()}
    return altered(values, replace(healthy(), remembered_tenants=()))


def empty_dr_region() -> Snapshot:
    """The healthy estate with nothing in any part of the DR region."""
    parts = {key: part for key, part in healthy().parts.items() if key[1] is Side.DR}
    return altered({key: emptied(readers()[key[0]].shape, part.value) for key, part in parts.items()})


def unseen_elements(seen: int) -> Snapshot:
    """The healthy estate with elements that are unseen: all, or the first alone."""
    values = {
        key: (DENIED, *part.value[1:]) if seen else (DENIED,) * len(part.value)
        for key, part in healthy().parts.items()
        if isinstance(part.value, tuple) and part.value and may_be_unseen(readers()[key[0]].shape)
    }
    return altered(values)


def test_in_an_empty_world_no_check_passes() -> None:
    found = judged(empty_world())
    assert {name for name, result in found.items() if result.status is Status.PASS} <= HOLD_OF_NOTHING


@pytest.mark.parametrize("seen", [0, 1], ids=["none", "all but the first"])
def test_a_check_of_elements_that_are_unseen_is_unknown(seen: int) -> None:
    found = judged(unseen_elements(seen))
    otherwise = {name for name, result in found.items() if result.findings != baseline()[name].findings}
    assert {name: found[name].status for name in otherwise if found[name].status is not Status.UNKNOWN} == {}


def test_what_is_not_applicable_counts_neither_way_and_says_why() -> None:
    results = list(baseline().values())
    idle = [result for result in results if result.status is Status.NOT_APPLICABLE]
    assert readiness_score(results) == readiness_score([r for r in results if r not in idle]) == 100
    assert idle
    assert all(result.reason for result in idle)
    assert verdict_of(idle, [], 60).recommendation is Recommendation.CANNOT_SAY
