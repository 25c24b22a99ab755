"""Rows of an answer, each understood by itself: an odd row hides no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind

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
