"""Input of a scenario run (environment, snapshot, exceptions and tenants), and how its results are carried."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache

from pydantic import TypeAdapter

from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import CheckResult
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Invocation
from dr_estate.snapshot.snapshot import Snapshot

# Results in pytest's user properties: as JSON where they cross process borders under pytest-xdist.

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


# The name of the plugin that brings the observation into this process, and takes the results as they are.
HANDED_IN = "dr-observation"


@dataclass(frozen=True)
class Observation:
    """Shared by all scenarios of a run. Its repr is quiet: evidence does not belong in a report's parameters.

    ``invocation`` completes the commands of the remedies.
    """

    environment: Environment = field(repr=False)
    snapshot: Snapshot = field(repr=False)
    only_tenants: frozenset[str] = frozenset()
    exceptions: tuple[ExceptionRule, ...] = field(default=(), repr=False)
    invocation: Invocation = field(default_factory=Invocation, repr=False)
