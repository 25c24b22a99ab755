"""Data that could not be read, and why: whole answers, or odd rows in them. It is not absent data, and never a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class UnavailableKind(StrEnum):
    """Why something could not be seen."""

    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    RESOLVER = "resolver"  # a DNS server cannot be reached from here, which says nothing of any region
    NOT_REACHABLE = "not-reachable"  # a site lets no connection in from here, which says nothing of its visitors
    CREDENTIALS = "credentials"
    NOT_AWS = "not-aws"  # something between here and AWS answered in its place, which says nothing of any region
    UNSUPPORTED = "unsupported"
    DEADLINE = "deadline"
    ERROR = "error"
    UNREADABLE = "unreadable"  # AWS answered, but not in a shape that this version knows
    DEFECT = "defect"


# A region gave no answer. A call that is denied was answered: the caller can put that right, it is no outage.
SILENT = frozenset(
    {UnavailableKind.UNREACHABLE, UnavailableKind.NOT_REACHABLE, UnavailableKind.DEADLINE, UnavailableKind.THROTTLED}
)
# The way from here is closed: whether visitors are served is to be seen by another way, or not known.
OUT_OF_REACH = frozenset({UnavailableKind.NOT_REACHABLE, UnavailableKind.RESOLVER})


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Stands where a value would stand. ``why`` is one sentence for people; the other fields are what decides.

    ``region`` is where the answer was looked for, ``part`` the part of the snapshot it was for, ``service`` the one
    that was asked; "" where not known. ``http_status`` is that of its answer, 0 where there was none.
    """

    kind: UnavailableKind
    why: str
    region: str = ""
    part: str = ""
    service: str = ""
    http_status: int = 0

    def is_silence_of(self, region: str) -> bool:
        """Whether ``region`` gave no answer: not reached, timed out, a server's fault, throttled to the end."""
        return self.kind in SILENT and self.region == region

    def of_part(self, part: str) -> Unavailable:
        """The same with the part it was for, where none is known yet."""
        return self if self.part else replace(self, part=part)


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of a part that could not be understood: its resource's name ("" where it bears none), and why.

    ``tenant`` is the tenant whose name is in the resource's, None where there is none.
    """

    name: str
    tenant: str | None
    unseen: Unavailable


class DataUnavailable(Exception):
    """A read call got no answer. Carries the Unavailable that takes the value's place."""

    def __init__(self, unavailable: Unavailable) -> None:
        super().__init__(unavailable.why)
        self.unavailable = unavailable


def available(found: T | Unavailable) -> T:
    """What was read. Raises DataUnavailable where it could not be."""
    if isinstance(found, Unavailable):
        raise DataUnavailable(found)
    return found


# Rows of an answer, each understood by itself: an odd row hides no other.

R = TypeVar("R")
# What reading an answer of an unknown shape raises: a member, a form or a type that is not the documented one.
ODD = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


def understand(parse: Callable[[], R], name: str, region: str) -> R:
    """Return what ``parse`` makes of an answer on ``name``. Raises DataUnavailable where it is of an unknown shape."""
    try:
        return parse()
    except ODD as odd:
        flaw = f"it has no {odd.args[0]}" if isinstance(odd, KeyError) and odd.args else f"{type(odd).__name__}: {odd}"
        reason = f"{name} in {region} was not understood: {flaw}."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason, region)) from odd
