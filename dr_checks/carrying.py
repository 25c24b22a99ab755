"""Carries results out of pytest as JSON in user properties: they cross process borders under pytest-xdist."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from dr_checks.model import CheckResult

RESULT_PROPERTY = "dr-result"


@cache
def _codec() -> TypeAdapter[CheckResult]:
    return TypeAdapter(CheckResult)


def result_to_json(result: CheckResult) -> str:
    """Serialise a result."""
    return _codec().dump_json(result).decode()


def result_from_json(text: object) -> CheckResult:
    """Read a result back; ``text`` is what result_to_json gave."""
    return _codec().validate_json(str(text))
