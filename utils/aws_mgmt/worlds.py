"""Which world a command looks at: live AWS, an endpoint the environment names, the sandbox, or saved evidence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from dr_estate.access import Credentials
from dr_estate.environments import Environment
from sandbox.people import Keys
from utils.aws_mgmt.request import Request

DEFAULT_TENANTS = 12


@dataclass(frozen=True)
class World:
    """A place to look at: what reports call it, and how to reach it."""

    name: str
    credentials: Credentials


@contextlib.contextmanager
def world_of(request: Request, environment: Environment) -> Iterator[World]:
    """The world of ``request``. A sandbox that is up is attached to; else one is started for this command's life."""
    if not request.sandbox:
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        yield World(f"endpoint {endpoint}" if endpoint else "live AWS", Credentials())
        return
    from sandbox import daemon, embedded

    found = daemon.find(environment)
    if found is not None:
        yield World("sandbox (attached)", _reader(found.url, found.people["reader"]))
        return
    with embedded.running(environment, request.tenants or DEFAULT_TENANTS) as started:
        yield World("sandbox", _reader(started.url, started.people["reader"]))


def _reader(url: str, keys: Keys) -> Credentials:
    return Credentials(url, keys.access_key_id, keys.secret_access_key)
