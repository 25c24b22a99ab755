"""Which world a command looks at: live AWS, an endpoint the environment names, the sandbox, or saved evidence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dr_estate.access import Credentials
from dr_estate.environments import Environment
from dr_estate.visible import without_credentials
from sandbox.endpoint import Endpoint
from sandbox.people import Keys
from utils.aws_mgmt.commands import UsageError
from utils.aws_mgmt.request import Request

DEFAULT_TENANTS = 12


@dataclass(frozen=True)
class World:
    """A place to look at: what reports call it, and how to reach it. Live credentials are boto3's own to find.

    ``by_hand`` is what a person's own shell needs to reach it; nothing for live AWS.
    """

    name: str
    credentials: Credentials
    by_hand: Credentials = field(default_factory=Credentials)


@contextlib.contextmanager
def world_of(request: Request, environment: Environment) -> Iterator[World]:
    """The world of ``request``. A sandbox that is up is attached to; else one is started for this command's life."""
    if not request.sandbox:
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if endpoint and not urlsplit(endpoint).hostname:
            raise UsageError("AWS_ENDPOINT_URL is no URL such as https://host:port. Correct it, or unset it.")
        name = f"endpoint {without_credentials(endpoint)}" if endpoint else "live AWS"
        yield World(name, Credentials(), Credentials(endpoint))
        return
    from sandbox import daemon, embedded

    found = daemon.find(environment)
    if found is not None:
        yield World("sandbox (attached)", _keys(found.url, found.people, request), _admin(found))
        return
    with embedded.running(environment, request.tenants or DEFAULT_TENANTS) as started:
        if request.flags & _ACTING:
            started.timing(**embedded.HURRIED)
        yield World("sandbox", _keys(started.url, started.people, request), _admin(started))


def outlives(request: Request, environment: Environment) -> bool:
    """Whether the world of ``request`` is there after the command: a sandbox that the command starts ends with it."""
    if not request.sandbox:
        return True
    from sandbox import daemon

    return daemon.find(environment) is not None


def _admin(world: Endpoint) -> Credentials:
    """Those with which a person changes the sandbox by hand: no run's own keys may change the zone for a person."""
    keys = world.people["admin"]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key)


def _keys(url: str, people: dict[str, Keys], request: Request) -> Credentials:
    person = request.person or _who(request)
    if person not in people:
        raise UsageError(f"The sandbox knows no {person}. Its people are {', '.join(sorted(people))}.")
    keys = people[person]
    return Credentials(url, keys.access_key_id, keys.secret_access_key)


def _who(request: Request) -> str:
    """Whose keys a command takes in the sandbox where none is named: those of the role that may do what it does."""
    if request.command == "drill" or request.flags & _DRILLS:
        return "driller"
    return _WHO.get(request.command, "reader")


_DRILLS = frozenset({"full-drill", "restore", "canary"})
_ACTING = _DRILLS | {"execute"}
_OPERATORS = ("failover", "failback", "pause", "unpause", "test")
_WHO = dict.fromkeys(_OPERATORS, "operator") | {"approve": "approver"}
