"""Worlds lent to the tests of one process: a world that one test file gave back serves the next one as if it were new.

Starting a world costs a second of work, returning to it as it began some milliseconds. So a test that needs a seeded
world borrows one: it is as it began, nothing counted, nothing broken, and as old as then, however long it lay idle (an
idle world goes on: at the full hour AWS Backup takes a point that no earlier look has seen).
"""

from __future__ import annotations

import atexit
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dr_estate.aws.clock import WorldClock
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment
from dr_estate.model.engines import MYSQL, Engine
from dr_estate.model.world_id import WorldId
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from sandbox.core import world_file
from sandbox.world.seed_cache import digest
from tests.hosting import hosted
from utils.aws_mgmt.app.target import ObservedWorld

_BEGAN = "as it began"
_NOT_LOOKING = {"execution", "failback"}
_seen: dict[tuple[str, str], Snapshot] = {}
_idle: defaultdict[str, list[Endpoint]] = defaultdict(list)
_running = ExitStack()
atexit.register(_running.close)


SEEDS = world_file.home() / "seeds"


def home_with_seeds(folder: Path) -> Path:
    """``folder``, made ready as the folder of a test's own sandboxes: new, but for worlds that were built before."""
    SEEDS.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / SEEDS.name).symlink_to(SEEDS, target_is_directory=True)
    return folder


@contextmanager
def borrowed(environment: Environment, tenants: int, engine: Engine = MYSQL) -> Iterator[Endpoint]:
    """A healthy world as ``running`` starts it, for as long as the block lasts; nobody else has it meanwhile."""
    same = _idle[digest(environment, tenants, engine.name)]
    world = _as_it_began(same.pop()) if same else _started(environment, tenants, engine)
    if environment.approvals.people > 1:  # a world serves settings of execution that it was not started with
        world.pin_rules(environment.rules())
        world.reset_calls()
    try:
        yield world
    finally:
        world.end()
        same.append(world)


def healthy(world: Endpoint, environment: Environment) -> Snapshot:
    """The whole world as the reader saw it first. Ask while it is as it began."""
    cache_key = (world.url, environment.model_dump_json(exclude=_NOT_LOOKING))
    if cache_key not in _seen:
        keys = world.people["reader"]
        reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        _seen[cache_key] = observe(environment, reader, "sandbox")
    return _seen[cache_key]


def world_of(world: Endpoint, person: str, clock: WorldClock | None = None) -> ObservedWorld:
    """The world as a person of it reaches it, by ``clock``: named as the command line names an endpoint."""
    keys = world.people[person]
    credentials = Credentials(world.url, keys.access_key_id, keys.secret_access_key, clock=clock or WorldClock())
    return ObservedWorld(WorldId.live(world.account, world.url), credentials)


def _started(environment: Environment, tenants: int, engine: Engine) -> Endpoint:
    world = _running.enter_context(hosted(environment, tenants, engine=engine))
    world.keep(_BEGAN)
    return world


def _as_it_began(world: Endpoint) -> Endpoint:
    """Its outages, timings, disasters and judging of IAM are part of the world that is returned to."""
    world.latency(0)
    world.end()
    world.return_to(_BEGAN)
    world.reset_calls()
    world.reset_mutations()
    return world
