"""rich's console without its own idea of how a process ends."""

from __future__ import annotations

from rich.console import Console


class Printer(Console):
    """A console that raises OSError where nobody reads any more; rich would end the process with exit code 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704 - called within rich's except clause
