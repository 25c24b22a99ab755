"""Whatever stands in one field of what was read: every check gives a verdict on it, and none fails over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_checks.core.model import Check
from dr_checks.core.registry import checks, judge, lags
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import kms, service_quotas, vpc
from tests.dr_checks.estates import altered, healthy
from tests.dr_checks.worlds import SIT

PARTS = sorted(key for key, part in healthy().parts.items() if part.value and not isinstance(part.value, Unavailable))
IN_A_FORM = {service_quotas.quotas.name, vpc.network_acls.name, vpc.subnets.name, vpc.vpc.name}
"""Parts with texts that are never other ones: EC2's blocks of addresses, and quotas' codes, which are the reader's."""
_ODD = {
    str: ("", "A_NEW_WORD", "arn:aws:x", "a:b:c:d:e:f:g/h \u202e💥"),
    bool: (True, False),
    int: (0, -1, 2**53),
    float: (0.0, -1.0, 1e300),
    datetime: (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2126, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    ),
}


def odd_values(value: Any) -> Iterator[Any]:
    """The value with something else in one field; of rows, the first is enough."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for odd in odd_values(getattr(value, field.name)):
                yield replace(value, **{field.name: odd})
    elif isinstance(value, tuple):
        yield from ((odd, *value[1:]) for first in value[:1] for odd in odd_values(first))
    else:
        yield from (odd for odd in _ODD.get(type(value), ()) if odd != value)


class Noting(dict[Any, Any]):
    """Parts that note which of them are asked for."""

    def __init__(self, parts: Mapping[Any, Any]) -> None:
        super().__init__(parts)
        self.asked: set[Any] = set()

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@cache
def judges() -> Mapping[tuple[str, Side], list[Check]]:
    """The checks that ask for each part."""
    found: dict[tuple[str, Side], list[Check]] = {}
    for check in checks().values():
        parts = Noting(healthy().parts)
        judge(check, replace(healthy(), parts=parts), SIT)
        for key in parts.asked:
            found.setdefault(key, []).append(check)
    return found


def _defects(name: str, side: Side, odd: Any) -> list[str]:
    """What fails over the value instead of judging it."""
    snapshot = altered({(name, side): odd})
    found = [finding for check in judges().get((name, side), ()) for finding in judge(check, snapshot, SIT).findings]
    unseen = [row.unseen for row in found] + [lag.unseen for lag in lags(snapshot, SIT)]
    return [f"{name} {side}: {row.why} {odd}" for row in unseen if row and row.kind is UnavailableKind.DEFECT]


@settings(max_examples=60)
@given(data=st.data())
def test_a_few_odd_values_are_judged(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([key for key in PARTS if key[0] not in IN_A_FORM]))
    if odd := list(odd_values(healthy().parts[key].value)):
        assert _defects(*key, data.draw(st.sampled_from(odd))) == []


@pytest.mark.proof
@pytest.mark.parametrize("key", [key for key in PARTS if key[0] not in IN_A_FORM], ids=str)
def test_every_odd_value_is_judged(key: tuple[str, Side]) -> None:
    assert [line for odd in odd_values(healthy().parts[key].value) for line in _defects(*key, odd)] == []


def test_a_policy_that_is_none_makes_its_key_unknown_and_stops_no_lag() -> None:
    (copy_key, *rest) = healthy().get(kms.copy_keys, Side.DR)
    odd = altered({(kms.copy_keys.name, Side.DR): (replace(copy_key, policy="no policy"), *rest)})
    result = judge(checks()["rds-copy.key-usable"], odd, SIT)
    assert {f.unseen.kind for f in result.findings if f.unseen} == {UnavailableKind.UNREADABLE}
    others = [lag for lag in lags(healthy(), SIT) if lag.store != "database"]
    assert [lag for lag in lags(odd, SIT) if lag.store != "database"] == others
