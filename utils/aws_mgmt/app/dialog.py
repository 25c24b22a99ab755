"""How the application asks and informs a person, without printing anything itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # commands that only look need no executor
    from dr_actions.execution.run import RunListener
    from dr_actions.journal.journal import Journal
    from dr_estate.aws.read_client import Credentials
    from dr_estate.config.environment import Environment

Advance = Callable[[str, int, int], None]


def silent(_doing: str, _done: int, _total: int) -> None:
    """Show no progress."""


class Dialog(Protocol):
    """The person who gave the command; the command line implements it."""

    @property
    def has_person(self) -> bool:
        """Whether a person can be asked."""
        ...

    def ask(self, prompt: str) -> str:
        """Return the line that the person typed, "" where nobody can."""
        ...

    def has_typed(self, name: str, prompt: str) -> bool:
        """Whether the person types ``name`` when asked; nobody does where nobody can be asked."""
        ...

    def note(self, sentence: str) -> None:
        """Say something beside the result."""
        ...

    def progress(self) -> AbstractContextManager[Advance]:
        """Show how far long work is."""
        ...

    def follow(
        self, journal: Journal, env: Environment, now: Callable[[], datetime], folder: Path, by_hand: Credentials
    ) -> AbstractContextManager[RunListener]:
        """Show the run that writes ``journal``, at the world's ``now``.

        A person's change batches go into ``folder``, for a shell with ``by_hand``.
        """
        ...
