"""The dialog of the application layer with the person at the terminal."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING

from reports.terminal import console
from utils.aws_mgmt.app.dialog import Advance, Elapsed, Estimate

if TYPE_CHECKING:  # commands that only look need no executor
    from dr_actions.execution.run import RunListener
    from dr_actions.model.plan import Plan
    from dr_estate.aws.read_client import Credentials


class Terminal:
    """Asks on stdin and reports on stderr, where results do not go."""

    @property
    def attended(self) -> bool:
        """Whether a person can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, prompt: str) -> str:
        """Return the line that the person typed, "" where nobody can."""
        return console.ask(prompt)

    def has_typed(self, name: str, prompt: str) -> bool:
        """Whether the person types ``name`` when asked; nobody does where nobody can be asked."""
        return bool(console.has_typed(name, prompt))

    def note(self, sentence: str) -> None:
        """Say something beside the result."""
        console.complain(sentence)

    def progress(self) -> AbstractContextManager[Advance]:
        """Show how far long work is."""
        return console.progress()

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
        from reports.terminal.manual_step import ManualStepWriter
        from reports.terminal.run_progress import RunProgress

        writer = ManualStepWriter(folder, by_hand)
        return closing(RunProgress(plan, self.attended, writer, outage_s, estimate_s, elapsed_s))
