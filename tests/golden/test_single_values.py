"""What each check says once a single value of a passing example is another one, and at which number its result changes.

Where a check is to judge otherwise, delete its file and run this test twice. A value of AWS that stands nowhere in the
record of a check does not count for it: where it should, the check is blind to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.model.unavailable import UnavailableKind
from tests.dr_checks.test_examples import EXAMPLES
from tests.dr_checks.test_odd_values import Noting
from tests.dr_checks.worlds import Example
from tests.golden.recording import compare
from tests.golden.varying import Key, Variant, listed, variants_of_parts, with_part

MODULES = sorted({example.check.partition(".")[0] for example in EXAMPLES})
THOUSANDTHS = 1000


class _Judging:
    """A passing example, and what its check says with other values of a part."""

    def __init__(self, example: Example) -> None:
        self.example, self.check = example, checks()[example.check]
        self.now = example.snapshot.taken_at
        self.parts = Noting(example.snapshot.parts)
        self.base = judge(self.check, replace(example.snapshot, parts=self.parts), example.env)

    def variants(self) -> Iterator[tuple[Key, Variant]]:
        """What may stand otherwise in the parts that the check asks for, but texts that have a form of their own."""
        yield from variants_of_parts(self.example.snapshot, self.parts.asked)

    def judged(self, key: Key, value: Any) -> CheckResult:
        """What the check says with this in the place of the part."""
        return judge(self.check, with_part(self.example.snapshot, key, value), self.example.env)

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
            outcomes.setdefault(text, []).append(f"{key[0]} {key[1]}{variant.shown(judging.now)}")
        countable = type(variant.was) is type(variant.value) and type(variant.was) in _BACK
        if text and countable and _verdict(result) != _verdict(judging.base):
            ends[f"{key[0]} {key[1]}{judging.end(key, variant)}"] = None
    yield from listed(outcomes)
    yield from (f"    {end}" for end in ends)


@pytest.mark.parametrize("module", MODULES)
def test_what_a_single_other_value_turns_is_as_on_record(module: str) -> None:
    passing = {e.check: e for e in reversed(EXAMPLES) if e.expected is Status.PASS}
    found = {name: passing[name] for name in sorted(passing) if name.partition(".")[0] == module}
    lines = [line for name, example in found.items() for line in (f"\n{name}", *_lines(_Judging(example)))]
    compare(f"single_values/{module}.golden", lines)
