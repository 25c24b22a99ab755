"""What ``doctor`` found out about an account: who may read what, and what else a recovery depends on. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """How a fact stands. UNKNOWN: it could not be found out from here."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a recovery depends on beside permissions; ``action`` is what to do, "" where nothing is.

    ``region`` is the region of which it says whether it answers, "" in every other fact.
    """

    subject: str
    state: Standing
    message: str
    action: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """An operation that did not give what was asked for, in one region. ``kind`` as in evidence, ``code`` AWS's."""

    operation: str
    region: str
    kind: str
    code: str
    failed: int
    calls: int


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """The declared reads of one service: how many answered in every region where they were tried, and the others.

    ``untried`` are reads that need the name of something, and nothing of the kind was found.
    """

    name: str
    answered: int
    problems: tuple[Problem, ...] = ()
    untried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """The whole of it. ``grant`` is an IAM policy of what was denied, empty where nothing was."""

    environment: str
    world: str
    at: datetime
    identity: str
    services: tuple[ServiceAccess, ...]
    facts: tuple[Fact, ...]
    shapes: tuple[str, ...] = ()
    grant: Mapping[str, Any] = field(default_factory=dict)
    bundle: str = ""
    exit: int = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those of all services."""
        return tuple(problem for service in self.services for problem in service.problems)
