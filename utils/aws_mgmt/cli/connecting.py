"""Open a command's connections, and show meanwhile that this is under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dr_estate.config.environment import Environment
from reports.terminal import console
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.options import Options


@contextmanager
def open_connection(options: Options, environment: Environment) -> Iterator[AppContext]:
    """Yield what ``open_context`` opens; a sandbox that is started for the command takes seconds."""
    with ExitStack() as stack:
        with console.working("Connecting"):
            reached = stack.enter_context(open_context(options, environment))
        yield reached
