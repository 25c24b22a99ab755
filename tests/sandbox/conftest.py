"""One unseeded world for all tests of the server, and clients of its people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from dr_estate.config.environment import Environment, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.people import AccessKeys
from tests.hosting import hosted
from tests.worlds import borrowed, home_with_seeds

ROOT = Path(__file__).parents[2]
Client = Callable[..., Any]


@pytest.fixture(scope="session")
def sandbox_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        home = home_with_seeds(tmp_path_factory.mktemp("sandbox-home"))
        patch.setenv("DR_SANDBOX_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def sit() -> Environment:
    """The shipped SIT environment."""
    return load_environment(ROOT / "environments", "sit")


@pytest.fixture(scope="session")
def bare_world(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    """A running world that holds its people alone."""
    with hosted(sit, 3, seeded=False) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def seeded(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    """A world of one tenant, kept as ``healthy``; a module that wants it otherwise keeps it again by that name."""
    with borrowed(sit, 1) as endpoint:
        endpoint.keep("healthy")
        yield endpoint


@pytest.fixture
def estate(seeded: Endpoint) -> Endpoint:
    """The seeded world as it was kept, with no mutation on record."""
    seeded.return_to("healthy")
    seeded.reset_mutations()
    return seeded


@pytest.fixture
def world(bare_world: Endpoint) -> Iterator[Endpoint]:
    """The running world, with no call counted and no outage in force."""
    bare_world.reset_calls()
    yield bare_world
    bare_world.repair()
    bare_world.end()
    bare_world.latency(0)


@pytest.fixture
def client(bare_world: Endpoint) -> Client:
    """Makes clients: ``client("ecs", "eu-west-1", person="reader", attempts=1)``."""
    return lambda *args, **kwargs: client_of(bare_world, *args, **kwargs)


def client_of(
    endpoint: Endpoint,
    service: str,
    region: str = "eu-west-1",
    person: str = "operator",
    attempts: int = 1,
    **more: Any,
) -> Any:
    """A client of one of the sandbox's people, patient for ten seconds; nobody changes it, for others meet it again."""
    return _client(endpoint.url, endpoint.people[person], service, region, attempts, **more)


@cache
def _client(url: str, keys: AccessKeys, service: str, region: str, attempts: int, **more: Any) -> Any:
    times: dict[str, Any] = {"connect_timeout": 10, "read_timeout": 10, **more}
    patience = Config(retries={"total_max_attempts": attempts}, **times)
    return boto3.client(
        service,
        region,
        endpoint_url=url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=patience,
    )


def standby_at_once(world: Endpoint, environment: Environment) -> Endpoint:
    """A world that runs a task of each tenant in the DR region and waits for nothing of AWS, kept as ``healthy``."""
    world.timing(transition_s=0, log_upload_s=0, files_lag_s=0, replica_lag_s=0)
    ecs = client_of(world, "ecs", environment.regions.dr, person="admin")
    cluster = environment.named(environment.names.cluster)
    for arn in ecs.list_services(cluster=cluster)["serviceArns"]:
        ecs.update_service(cluster=cluster, service=arn, desiredCount=1)
    world.keep("healthy")
    return world
