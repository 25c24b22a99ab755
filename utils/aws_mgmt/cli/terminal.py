"""The dialog of the application layer with the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dr_estate.config.environment import Environment
from reports.terminal import console
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.dialog import Advance
from utils.aws_mgmt.app.options import Options

if TYPE_CHECKING:
    from dr_actions.execution.run import RunListener
    from dr_actions.journal.journal import Journal
    from dr_estate.aws.read_client import Credentials
    from dr_estate.config.environment import Environment

# Open a command's connections, and show meanwhile that this is under way.


@contextmanager
def open_connection(options: Options, environment: Environment) -> Iterator[AppContext]:
    """Yield what ``open_context`` opens; a sandbox that is started for the command takes seconds."""
    with ExitStack() as stack:
        with console.working("Connecting"):
            reached = stack.enter_context(open_context(options, environment))
        yield reached


class Terminal:
    """Asks on stdin and reports on stderr, where results do not go."""

    @property
    def has_person(self) -> bool:
        """Whether a person can be asked."""
        # stdout is not asked: a person may send the result to a file and answer on the screen all the same.
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
        self, journal: Journal, env: Environment, now: Callable[[], datetime], folder: Path, by_hand: Credentials
    ) -> AbstractContextManager[RunListener]:
        """Show the run that writes ``journal``, at the world's ``now``.

        A person's change batches go into ``folder``, for a shell with ``by_hand``.
        """
        from reports.terminal.manual_step import ManualStepWriter
        from reports.terminal.run_progress import RunProgress
        from reports.values.run_view import RunFollower

        writer, follower = ManualStepWriter(folder, by_hand), RunFollower(env, journal.incident)
        return closing(RunProgress(follower, lambda: journal.entries, now, self.has_person, writer))
