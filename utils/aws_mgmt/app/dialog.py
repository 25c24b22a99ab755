"""How the application asks and informs a person, without printing anything itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # commands that only look need no executor
    from dr_actions.execution.run import RunListener
    from dr_actions.model.plan import Plan, Step
    from dr_estate.aws.read_client import Credentials

Advance = Callable[[str, int, int], None]
Elapsed = Callable[[], float]
Estimate = Callable[["Sequence[Step]"], float]


def silent(_doing: str, _done: int, _total: int) -> None:
    """Show no progress."""


class Dialog(Protocol):
    """The person who gave the command; the command line implements it."""

    @property
    def attended(self) -> bool:
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
        self,
        plan: Plan,
        folder: Path,
        by_hand: Credentials,
        elapsed_s: Elapsed,
        outage_s: float | None = None,
        estimate_s: Estimate | None = None,
    ) -> AbstractContextManager[RunListener]:
        """Show a run of ``plan``. A person's change batches go into ``folder``, for a shell with ``by_hand``.

        ``outage_s`` is how long the outage has lasted, None where the plan is for none. ``estimate_s`` states how long
        steps take; without it their budgets do. ``elapsed_s`` returns the seconds of the world that the run has lasted.
        """
        ...
