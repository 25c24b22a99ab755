"""Errors that end a command: what cannot be asked, and what a rule refuses."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3


class UsageError(Exception):
    """What was asked cannot be asked; the message says what can."""


class Refused(Exception):
    """A guard refused; the message names the rule, and ``next_step`` the command that comes next, where one does."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


def short_list(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
