"""Read clients reused between reads: a command that polls creates its clients once.

Clients and connections are most of what a narrowed look costs (measured: two thirds of its CPU time). Only eyes that
saw all they asked for are kept: any other next look signs in anew, with whatever credentials there are by then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dr_estate.aws.read_client import Credentials, Eyes
from dr_estate.config.environment import Environment
from dr_estate.snapshot.registry import reads

_TAKING = threading.Lock()
_kept: list[Eyes] = []


def _reconnect() -> None:
    """A connection has two ends: a child asks on one of its own. Keys that were looked for may be others by then."""
    _kept[:] = [eyes for eyes in _kept if eyes.credentials.access_key_id]
    for eyes in _kept:
        eyes.hang_up()


os.register_at_fork(after_in_child=_reconnect)


@contextmanager
def open_eyes(environment: Environment, credentials: Credentials) -> Iterator[Eyes]:
    """Eyes for one observation, its deadline running: the kept ones where they are for the same world, or new ones."""
    eyes = _take(environment, credentials) or Eyes(environment, reads(), credentials)
    yield eyes
    if not eyes.blinked and eyes.seconds_left:
        with _TAKING:
            _kept[:] = [eyes]


def _take(environment: Environment, credentials: Credentials) -> Eyes | None:
    """The cached read clients, for one caller only."""
    with _TAKING:
        if not _kept or (_kept[0].environment, _kept[0].credentials) != (environment, credentials):
            return None
        eyes = _kept.pop()
    eyes.open()
    return eyes
