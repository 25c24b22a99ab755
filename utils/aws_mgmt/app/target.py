"""Which world a command looks at: live AWS, an endpoint the environment names, the sandbox, or saved evidence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from dr_estate.aws.clock import WorldClock
from dr_estate.aws.configured_endpoints import ENDPOINT, configured_endpoints
from dr_estate.aws.read_client import Credentials
from dr_estate.aws.recording import CallLog, ExchangeRecorder, save
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.model.world_id import WorldId
from dr_estate.snapshot.observer import PartSeen, Progress, observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.options import DrTestOptions, Options

DEFAULT_TENANTS = 12
# How fast the clock of a full drill's own sandbox runs, where --speed does not say it: hours take some minutes.
_DRILL_SPEED = 120.0


@dataclass(frozen=True)
class ObservedWorld:
    """A place to look at: which world it is, and how to reach it. Live credentials are boto3's own to find.

    ``by_hand`` is what a person's own shell needs to reach it; nothing for live AWS.

    ``passing``: the world ends with the command. ``recover`` waits for lost credentials; False where none will come.
    """

    id: WorldId
    credentials: Credentials
    by_hand: Credentials = field(default_factory=Credentials)
    passing: bool = False
    recover: Callable[[], bool] = bool

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.id.name

    @property
    def clock(self) -> WorldClock:
        """The world's clock, which every answer of it corrects."""
        return self.credentials.clock

    def observe(
        self,
        environment: Environment,
        only: frozenset[str] | None = None,
        upon: Snapshot | None = None,
        progress: Progress = lambda _done, _of: None,
        sides: Collection[Side] = tuple(Side),
        seen: PartSeen = lambda _name, _side, _value: None,
    ) -> Snapshot:
        """Read the estate in this world, as ``dr_estate.snapshot.observer.observe``, again with renewed credentials.

        Raises also what ``recover`` raises.
        """
        while True:
            try:
                snapshot = observe(environment, self.credentials, self.name, progress, only, upon, sides, seen)
            except DataUnavailable as refused:
                if refused.unavailable.kind is not UnavailableKind.CREDENTIALS or not self.recover():
                    raise
            else:
                refusals = (part for part in snapshot.unavailable_parts() if only is None or part.name in only)
                if not any(part.value.kind is UnavailableKind.CREDENTIALS for part in refusals) or not self.recover():
                    return snapshot


@contextlib.contextmanager
def world_of(options: Options, environment: Environment, clock: WorldClock | None = None) -> Iterator[ObservedWorld]:
    """The world of ``options``. A sandbox that is up is attached to; else one is started for this command's life.

    ``clock`` is the command's own where it has one already; the world's answers correct it.

    With ``options.record`` each answer is written there once the world is left, with placeholders.
    """
    with _world(options, environment, clock or WorldClock()) as world:
        if options.debug:
            world = replace(world, credentials=replace(world.credentials, call_log=CallLog(calls_file(options))))  # noqa: PLW2901
        if options.record is None:
            yield world
            return
        recorder = ExchangeRecorder()
        try:
            yield replace(world, credentials=replace(world.credentials, recorder=recorder))
        finally:
            from utils.aws_mgmt.app.bundle import placeholders

            save(recorder.exchanges, options.record, placeholders().value)


def calls_file(options: Options) -> Path:
    """Where --debug logs this command's calls."""
    return options.output / f"calls-{options.environment}-{options.command}-{os.getpid()}.log"


@contextlib.contextmanager
def _world(options: Options, environment: Environment, clock: WorldClock) -> Iterator[ObservedWorld]:
    if not options.sandbox:
        endpoint = os.environ.get(ENDPOINT)
        if endpoint and not urlsplit(endpoint).hostname:
            raise UsageError(f"{ENDPOINT} is no URL such as https://host:port. Correct it, or unset it.")
        yield ObservedWorld(configured_world(environment), Credentials(clock=clock), Credentials(endpoint))
        return
    from sandbox.client import daemon, launcher

    # First: one that is up holds what earlier commands decided; another one would know nothing of it.
    found = daemon.find(environment)
    if found is not None:
        id_ = WorldId.sandbox(environment.account, found.world)
        yield ObservedWorld(id_, _keys(found, options, clock), _admin(found))
        return
    full_drill = isinstance(options, DrTestOptions) and options.full_drill
    speed, pace = options.speed or (_DRILL_SPEED if full_drill else 1.0), "real" if full_drill else ""
    tenants = options.tenants or DEFAULT_TENANTS
    with launcher.running(environment, tenants, speed=speed, pace=pace) as started:
        # A trial of one command waits for real changes: at AWS's own pace nobody would wait for it to end.
        if options.acts and not full_drill:
            started.timing(**launcher.HURRIED)
        id_ = WorldId.sandbox(environment.account, started.world)
        yield ObservedWorld(id_, _keys(started, options, clock), _admin(started), passing=True)


def configured_world(environment: Environment) -> WorldId:
    """Which world the commands without --sandbox look at, by botocore's own variables and files. It asks AWS nothing.

    The endpoint of the sandbox that is up is that sandbox.
    """
    endpoint, of_services = configured_endpoints()
    # Where a service has an endpoint of its own, not every call goes to the sandbox.
    if endpoint and not of_services:
        from sandbox.client import daemon

        found = daemon.find(environment)
        if found is not None and found.url == endpoint.rstrip("/"):
            return WorldId.sandbox(environment.account, found.world)
    return WorldId.live(environment.account, endpoint, **of_services)


def running_sandbox_world(environment: Environment) -> WorldId | None:
    """Which world the sandbox that is up holds; None where none is up."""
    from sandbox.client import daemon

    found = daemon.find(environment)
    return WorldId.sandbox(environment.account, found.world) if found else None


def outlives(options: Options, environment: Environment) -> bool:
    """Whether the world of ``options`` is there after the command: a sandbox that the command starts ends with it."""
    if not options.sandbox:
        return True
    from sandbox.client import daemon

    return daemon.find(environment) is not None


def _admin(world: Endpoint) -> Credentials:
    """Those with which a person changes the sandbox by hand: no run's own keys may change the zone for a person."""
    keys = world.people["admin"]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key)


def _keys(world: Endpoint, options: Options, clock: WorldClock) -> Credentials:
    person, people = options.keys_of, world.people
    if person not in people:
        raise UsageError(f"The sandbox knows no {person}. Its people are {', '.join(sorted(people))}.")
    keys = people[person]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key, clock=clock)
