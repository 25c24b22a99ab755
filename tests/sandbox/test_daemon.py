"""The managed sandbox outlives commands, and its world outlives the sandbox."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.environments import Environment
from sandbox import daemon
from sandbox.errors import SandboxError
from tests.sandbox.conftest import client_of
from tests.worlds import home_with_seeds

TENANTS = 2


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sit: Environment) -> Iterator[Path]:
    """A state folder of the test's own; what runs there at the end is stopped."""
    monkeypatch.setenv("DR_SANDBOX_HOME", str(home_with_seeds(tmp_path)))
    yield tmp_path
    daemon.purge(sit)


def test_the_world_survives_a_stop_and_a_start_at_the_same_port(home: Path, sit: Environment) -> None:
    first = daemon.up(sit, TENANTS, seeded=False)
    assert daemon.up(sit) == first
    assert daemon.find(sit) == first
    client_of(first, "ecs").create_cluster(clusterName="kept")
    first.break_("dr-dark")
    assert daemon.down(sit)
    assert daemon.find(sit) is None
    assert not daemon.down(sit)

    second = daemon.up(sit)
    assert second.url == first.url
    assert second.tenants == TENANTS
    assert second.people == first.people
    assert second.token != first.token
    assert second.state()["disasters"] == ["dr-dark"]
    second.mend()
    assert "/kept" in client_of(second, "ecs").list_clusters()["clusterArns"][0]
    assert {stat.S_IMODE((home / "sit" / f).stat().st_mode) for f in ("world", "endpoint.json", "log")} == {0o600}


@pytest.mark.proof
def test_a_killed_sandbox_loses_little_and_starts_again(home: Path, sit: Environment) -> None:
    killed = daemon.up(sit, TENANTS, seeded=False)
    client_of(killed, "ecs").create_cluster(clusterName="saved")
    world = home / "sit" / "world"
    began = time.time()
    while b"cluster/saved" not in world.read_bytes():
        assert time.time() - began < 5, "the change was not saved within 5 s"
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    while not daemon.free(sit.name):
        time.sleep(0.02)
    assert daemon.find(sit) is None
    again = daemon.up(sit)
    assert again.pid != killed.pid
    assert len(client_of(again, "ecs").list_clusters()["clusterArns"]) == 1


@pytest.mark.proof
def test_another_number_of_tenants_or_port_is_refused_until_started_anew(home: Path, sit: Environment) -> None:
    assert daemon.folder_of(sit.name).parent == home
    running = daemon.up(sit, TENANTS, seeded=False)
    with pytest.raises(SandboxError, match="runs with 2 tenants, 5 were asked for"):
        daemon.up(sit, 5)
    with pytest.raises(SandboxError, match="stop it first"):
        daemon.up(sit, port=1)
    daemon.down(sit)
    with pytest.raises(SandboxError, match="kept sandbox has 2 tenants, 5 were asked for"):
        daemon.up(sit, 5)
    assert daemon.up(sit, 5, fresh=True, seeded=False).tenants == 5
    assert running.tenants == TENANTS


def test_a_world_of_another_version_or_nobody_knows_what_is_not_loaded(home: Path, sit: Environment) -> None:
    daemon.up(sit, TENANTS, seeded=False)
    daemon.down(sit)
    world = home / "sit" / "world"
    good = world.read_bytes()
    world.write_bytes(good.replace(b'"moto": "', b'"moto": "0.', 1))
    with pytest.raises(SandboxError, match=r"was written by .*: start anew with --fresh"):
        daemon.up(sit)
    world.write_bytes(b"\x80\x04nonsense")
    with pytest.raises(SandboxError, match="is not a world of the sandbox"):
        daemon.up(sit)
    world.write_bytes(good)
    world.chmod(0o644)
    with pytest.raises(SandboxError, match="is not a private file of yours"):
        daemon.up(sit)
    assert daemon.free(sit.name), "a failed start left a process behind"


def test_a_child_that_dies_without_a_word_is_reported_with_its_last_words(home: Path, sit: Environment) -> None:
    (home / "sit" / "lock").mkdir(parents=True)
    with pytest.raises(SandboxError, match=r"(?s)did not start: .*IsADirectoryError"):
        daemon.up(sit, TENANTS)
    (home / "sit" / "lock").rmdir()
