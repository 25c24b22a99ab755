"""What each check says once a single value of a passing example is another one, and from which number on it says so.

Where a check is to judge otherwise, delete its file and run this test twice. A value of AWS that stands nowhere in the
record of a check does not count for it: where it should, the check is blind to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from tests.dr_checks.test_examples import EXAMPLES
from tests.dr_checks.test_odd_values import IN_A_FORM, Noting
from tests.dr_checks.worlds import DENIED, Example
from tests.golden.recording import compare

MODULES = sorted({example.check.partition(".")[0] for example in EXAMPLES})
OTHERS: dict[type, tuple[Any, ...]] = {str: ("", "other"), int: (0, 1, -1, 10**9), float: (0.0, 1.0, -1.0, 1e9)}
THOUSANDTHS = 1000
Key = tuple[Any, Any]


@dataclass(frozen=True)
class Variant:
    """Something else in one place of a part: ``value`` stands where ``was`` stood, and ``put`` gives the whole part."""

    path: str
    was: Any
    value: Any
    put: Callable[[Any], Any]


def _others(value: Any, now: datetime) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, datetime):
        yield from (now + timedelta(days=days) for days in (-4000, -1, 0, 4000))
    else:
        yield from OTHERS.get(type(value), ())


def _variants(value: Any, now: datetime, path: str = "") -> Iterator[Variant]:
    """The value with something else in one place; of rows in the first, or without it."""
    if isinstance(value, Unavailable):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inside = _variants(getattr(value, field.name), now, f"{path}.{field.name}")
            yield from (_within(inner, partial(_with_field, value, field.name)) for inner in inside)
    elif isinstance(value, tuple):
        for first in value[:1]:
            yield Variant(path, first, "without the first", lambda _: value[1:])
            yield from (_within(inner, lambda new: (new, *value[1:])) for inner in _variants(first, now, f"{path}[0]"))
    else:
        yield from (Variant(path, value, other, lambda new: new) for other in _others(value, now) if other != value)


def _with_field(value: Any, name: str, new: Any) -> Any:
    return replace(value, **{name: new})


def _within(inner: Variant, outer: Callable[[Any], Any]) -> Variant:
    return replace(inner, put=lambda new: outer(inner.put(new)))


class _Judging:
    """A passing example, and what its check says with other values of a part."""

    def __init__(self, example: Example) -> None:
        self.example, self.check = example, checks()[example.check]
        self.now = example.snapshot.taken_at
        self.parts = Noting(example.snapshot.parts)
        self.base = judge(self.check, replace(example.snapshot, parts=self.parts), example.env)

    def variants(self) -> Iterator[tuple[Key, Variant]]:
        """What may stand otherwise in the parts that the check asks for, but texts that have a form of their own."""
        parts = self.example.snapshot.parts
        seen = {key for key in self.parts.asked if key in parts and not isinstance(parts[key].value, Unavailable)}
        for key in sorted((key for key in seen if key[0] not in IN_A_FORM), key=str):
            yield key, Variant("", parts[key].value, "unseen", lambda _: DENIED)
            yield from ((key, variant) for variant in _variants(parts[key].value, self.now))

    def judged(self, key: Key, value: Any) -> CheckResult:
        """What the check says with this in the place of the part."""
        parts = self.example.snapshot.parts
        changed = replace(self.example.snapshot, parts={**parts, key: replace(parts[key], value=value)})
        return judge(self.check, changed, self.example.env)

    def end(self, key: Key, variant: Variant) -> str:
        """The last number that is judged as the example's is, and the next one."""
        good, bad = (_number(value, self.now) for value in (variant.was, variant.value))
        back = _BACK[type(variant.was)]
        while abs(good - bad) > 1:
            middle = (good + bad) // 2
            new = variant.put(back(middle, self.now))
            good, bad = (middle, bad) if _verdict(self.judged(key, new)) == _verdict(self.base) else (good, middle)
        result = self.judged(key, variant.put(back(bad, self.now)))
        unit = " s" if isinstance(variant.was, datetime) else ""
        first, last = (n / THOUSANDTHS if isinstance(variant.was, float) else n for n in (bad, good))
        return f"{variant.path} {last}{unit} is the last: {result.status} at {first}{unit}"


def _number(value: Any, now: datetime) -> int:
    if isinstance(value, datetime):
        return int((value - now).total_seconds())
    return int(value * THOUSANDTHS) if isinstance(value, float) else int(value)


_BACK: dict[type, Callable[[int, datetime], Any]] = {
    int: lambda number, _: number,
    float: lambda number, _: number / THOUSANDTHS,
    datetime: lambda number, now: now + timedelta(seconds=number),
}


def _verdict(result: CheckResult) -> set[tuple[Status, str]]:
    return {(finding.status, finding.subject) for finding in result.findings}


def _says(result: CheckResult, base: CheckResult) -> str:
    new = [finding for finding in result.findings if finding not in base.findings]
    if any(finding.unseen and finding.unseen.kind is UnavailableKind.DEFECT for finding in new):
        return ""
    rows = [f"{f.status} {f.side} {f.subject}: {f.measured}; wanted {f.wanted}" for f in new]
    gone = len([finding for finding in base.findings if finding not in result.findings])
    return " | ".join([*rows, *([f"{gone} no longer reported"] if gone > len(new) else [])])


def _lines(judging: _Judging) -> Iterator[str]:
    outcomes: dict[str, list[str]] = {}
    ends: dict[str, None] = {}
    for key, variant in judging.variants():
        result = judging.judged(key, variant.put(variant.value))
        if text := _says(result, judging.base):
            shown = variant.value - judging.now if isinstance(variant.value, datetime) else repr(variant.value)
            outcomes.setdefault(text, []).append(f"{key[0]} {key[1]}{variant.path} {shown}")
        countable = type(variant.was) is type(variant.value) and type(variant.was) in _BACK
        if text and countable and _verdict(result) != _verdict(judging.base):
            ends[f"{key[0]} {key[1]}{judging.end(key, variant)}"] = None
    for text, places in outcomes.items():
        yield f"    {text}"
        yield from (f"        {place}" for place in places)
    yield from (f"    {end}" for end in ends)


@pytest.mark.parametrize("module", MODULES)
def test_what_a_single_other_value_turns_is_as_on_record(module: str) -> None:
    passing = {e.check: e for e in reversed(EXAMPLES) if e.expected is Status.PASS}
    found = {name: passing[name] for name in sorted(passing) if name.partition(".")[0] == module}
    lines = [line for name, example in found.items() for line in (f"\n{name}", *_lines(_Judging(example)))]
    compare(f"single_values/{module}.golden", lines)
