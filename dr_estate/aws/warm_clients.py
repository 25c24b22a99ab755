"""Read clients that outlive an observation: the next one of the same world goes on with their connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Environment

_TAKING = threading.Lock()
_kept: list[ReadClient] = []


def _reconnect() -> None:
    """A connection has two ends: a child asks on one of its own. Keys that were looked for may be others by then."""
    _kept[:] = [client for client in _kept if client.credentials.access_key_id]
    for client in _kept:
        client.close_connections()


os.register_at_fork(after_in_child=_reconnect)


@contextmanager
def open_eyes(environment: Environment, allowed: Iterable[str], credentials: Credentials) -> Iterator[ReadClient]:
    """Eyes for one observation, its deadline running: the kept ones where they are for the same world, or new ones.

    Clients and connections are most of what a narrowed look costs (measured: two thirds of its CPU time). Only eyes
    that saw all they asked for are kept: any other next look signs in again, with the credentials there are by then.
    """
    client = _take(environment, credentials) or ReadClient(environment, allowed, credentials)
    yield client
    if not client.blinked and client.seconds_left:
        with _TAKING:
            _kept[:] = [client]


def _take(environment: Environment, credentials: Credentials) -> ReadClient | None:
    """The cached read clients, for one caller only."""
    with _TAKING:
        if not _kept or (_kept[0].environment, _kept[0].credentials) != (environment, credentials):
            return None
        client = _kept.pop()
    client.go_by(credentials)
    client.open()
    return client
