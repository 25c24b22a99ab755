"""A read client that read all it asked for serves the next look; any other is closed permanently."""

from __future__ import annotations

import gc
import os
import warnings
import weakref
from pathlib import Path

import psutil
import pytest

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.read_rules import PROOF
from dr_estate.config.environment import Environment, load_environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.snapshot.observer import kept_client
from dr_estate.snapshot.registry import reads
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage


@pytest.fixture(scope="module")
def sit() -> Environment:
    return load_environment(Path(__file__).parents[3] / "environments", "sit")


def _keys(world: Endpoint, person: str = "reader") -> Credentials:
    keys = world.people[person]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key)


def _look(env: Environment, credentials: Credentials) -> ReadClient:
    with kept_client(env, reads(), credentials) as client:
        client.prove_account()
    return client


def test_the_next_look_has_the_same_clients_and_counts_its_own_calls(sandbox_world: Endpoint, sit: Environment) -> None:
    first = _look(sit, _keys(sandbox_world))
    with kept_client(sit, reads(), _keys(sandbox_world)) as again:
        assert (again is first, dict(again.calls)) == (True, {})
        assert again.remaining_seconds > sit.observation.deadline_s - 1
        again.prove_account()
    assert dict(again.calls) == {PROOF: 1}


def test_two_looks_at_once_never_share_a_client(sandbox_world: Endpoint, sit: Environment) -> None:
    with (
        kept_client(sit, reads(), _keys(sandbox_world)) as item,
        kept_client(sit, reads(), _keys(sandbox_world)) as other,
    ):
        assert item is not other


@pytest.mark.proof
def test_another_person_or_other_rules_get_a_read_client_of_their_own(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    first = _look(sit, _keys(sandbox_world))
    second = _look(sit, _keys(sandbox_world, "operator"))
    patient = sit.model_copy(update={"observation": sit.observation.model_copy(update={"attempts": 9})})
    assert len({id(first), id(second), id(_look(patient, _keys(sandbox_world, "operator")))}) == 3


def test_who_could_not_read_signs_in_again_for_the_next_look(sandbox_world: Endpoint, sit: Environment) -> None:
    """Credentials that ended in the middle of a failover may have been renewed since."""
    expired = Outage(sit.regions.dr, "expired", "sts")
    first = _look(sit, _keys(sandbox_world))
    sandbox_world.begin(expired)
    try:
        with pytest.raises(DataUnavailable):
            _look(sit, _keys(sandbox_world))
    finally:
        sandbox_world.end(expired)
    assert _look(sit, _keys(sandbox_world)) is not first


def test_what_could_not_be_seen_among_the_rest_is_reason_enough(sandbox_world: Endpoint, sit: Environment) -> None:
    with kept_client(sit, reads(), _keys(sandbox_world)) as client:
        client.prove_account()
        with pytest.raises(DataUnavailable):
            client.call("ecs", sit.regions.dr, lambda ecs: ecs.list_services(cluster="nowhere"))
    assert _look(sit, _keys(sandbox_world)) is not client


def test_a_look_that_missed_something_leaves_nothing_open(sandbox_world: Endpoint, sit: Environment) -> None:
    """A region that stays dark may be watched for hours."""
    before = _ports(sandbox_world)
    missed = _missing(sandbox_world, sit)
    assert _ports(sandbox_world) <= before
    gc.collect()
    assert missed() is None


@pytest.mark.proof
def test_sessions_of_looks_that_missed_something_are_few(sandbox_world: Endpoint, sit: Environment) -> None:
    sessions = [_missing(sandbox_world, sit) for _ in range(12)]
    assert sum(session() is not None for session in sessions) <= 5


def _missing(world: Endpoint, env: Environment) -> weakref.ref[ReadClient]:
    with kept_client(env, reads(), _keys(world, "driller")) as client, pytest.raises(DataUnavailable):
        client.call("ecs", env.regions.dr, lambda ecs: ecs.list_services(cluster="nowhere"))
    return weakref.ref(client)


def _ports(world: Endpoint) -> set[int]:
    """This process's ends of its connections to the world."""
    port = int(world.url.rpartition(":")[2])
    return {
        net_connection.laddr.port
        for net_connection in psutil.Process().net_connections("tcp")
        if net_connection.raddr and net_connection.raddr.port == port
    }


def test_a_forked_process_never_asks_on_its_parents_connections(sandbox_world: Endpoint, sit: Environment) -> None:
    before, credentials = _ports(sandbox_world), _keys(sandbox_world, "approver")
    first = _look(sit, credentials)
    parents = _ports(sandbox_world) - before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses none of the parent's threads
        child = os.fork()
    if not child:
        ports = parents & _ports(sandbox_world)
        with kept_client(sit, reads(), credentials) as client:
            client.prove_account()
        os._exit(len(ports) + (_ports(sandbox_world) <= before))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert parents
    assert _look(sit, credentials) is first
    assert parents <= _ports(sandbox_world)
