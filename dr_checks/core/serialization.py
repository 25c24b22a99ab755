"""Results in pytest's user properties: as JSON where they cross process borders under pytest-xdist."""

from __future__ import annotations

from functools import cache, lru_cache

from pydantic import TypeAdapter

from dr_checks.core.model import CheckResult

RESULT_PROPERTY = "dr-result"


@cache
def _codec() -> TypeAdapter[CheckResult]:
    return TypeAdapter(CheckResult)


def result_to_json(result: CheckResult) -> str:
    """Serialise a result."""
    return _codec().dump_json(result).decode()


def result_of(carried: object) -> CheckResult:
    """The result that a property has, as it is or as ``result_to_json`` wrote it."""
    return carried if isinstance(carried, CheckResult) else result_from_json(carried)


@lru_cache(maxsize=4)
def result_from_json(text: object) -> CheckResult:
    """Read a result back; ``text`` is what result_to_json gave. The last few are kept: several listeners read each."""
    return _codec().validate_json(str(text))
