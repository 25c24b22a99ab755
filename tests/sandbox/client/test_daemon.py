"""The managed sandbox outlives commands, and its world outlives the sandbox."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Environment
from sandbox.client import daemon, launcher
from sandbox.core.errors import SandboxError
from tests.sandbox.conftest import client_of
from tests.utils.running import dr_cli
from tests.worlds import home_with_seeds
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

TENANTS = 2


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sit: Environment) -> Iterator[Path]:
    """A state folder of the test's own; what runs there at the end is stopped."""
    monkeypatch.setenv("DR_SANDBOX_HOME", str(home_with_seeds(tmp_path)))
    yield tmp_path
    daemon.purge(sit)


@pytest.mark.proof
@pytest.mark.usefixtures("home")
def test_a_world_keeps_its_pace_until_it_is_given_another(sit: Environment) -> None:
    assert daemon.up(sit, TENANTS, seeded=False, pace="real").state()["pace"] == "real"
    daemon.down(sit)
    assert daemon.up(sit).state()["pace"] == "real"
    assert daemon.up(sit, pace="quick").state()["pace"] == "quick"


@pytest.mark.proof
@pytest.mark.usefixtures("home")
def test_an_empty_world_has_no_estate_and_replaces_none_with_tenants(sit: Environment, tmp_path: Path) -> None:
    words = "-e sit sandbox up --empty --format json"
    place = {"DR_SANDBOX_HOME": os.environ["DR_SANDBOX_HOME"]}
    assert Exit.READY == dr_cli(words, tmp_path, **place).code
    empty = daemon.find(sit)
    assert empty is not None
    assert [] == client_of(empty, "ecs").list_clusters()["clusterArns"]
    daemon.purge(sit)
    daemon.up(sit, TENANTS, seeded=False)
    daemon.down(sit)
    refused = dr_cli(words, tmp_path, **place)
    assert ("--fresh" in refused.err, daemon.find(sit)) == (True, None), refused.err


@pytest.mark.proof
def test_the_world_survives_a_stop_and_a_start_at_the_same_port(home: Path, sit: Environment) -> None:
    first = daemon.up(sit, TENANTS, seeded=False)
    assert daemon.up(sit) == first
    assert daemon.find(sit) == first
    client_of(first, "ecs").create_cluster(clusterName="kept")
    first.inject("dr-dark")
    assert daemon.ShutdownResult(ran=True) == daemon.down(sit)
    assert daemon.find(sit) is None
    assert daemon.ShutdownResult(ran=False) == daemon.down(sit)

    second = daemon.up(sit)
    assert second.url == first.url
    assert second.tenants == TENANTS
    assert second.people == first.people
    assert second.token != first.token
    assert second.state()["disasters"] == ["dr-dark"]
    second.repair()
    assert "/kept" in client_of(second, "ecs").list_clusters()["clusterArns"][0]
    assert {stat.S_IMODE((home / "sit" / f).stat().st_mode) for f in ("world", "endpoint.json", "log")} == {0o600}


@pytest.mark.proof
@pytest.mark.usefixtures("home")
def test_the_world_clock_survives_a_restart_and_its_speed_can_change(
    sit: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    first = daemon.up(sit, TENANTS, seeded=False, speed=3000)
    with pytest.raises(SandboxError, match="sandbox clock --speed 60"):
        daemon.up(sit, speed=60)
    time.sleep(0.2)
    before = first.clock()
    daemon.down(sit)
    after = daemon.up(sit).clock()
    assert after["speed"] == 3000
    assert after["world"] > before["world"] > before["real"] + 600
    assert run_command(parse(["-e", "sit", "sandbox", "clock", "--speed", "1", "--format", "json"])) == Exit.READY
    shown = json.loads(capsys.readouterr().out)
    assert shown["speed"] == 1
    assert datetime.fromisoformat(shown["world"]).timestamp() >= after["world"]
    assert run_command(parse(["-e", "sit", "sandbox", "clock"])) == Exit.READY
    assert "UTC and runs at the machine's pace" in capsys.readouterr().out


@pytest.mark.proof
def test_a_killed_sandbox_loses_little_and_starts_again(home: Path, sit: Environment) -> None:
    killed = daemon.up(sit, TENANTS, seeded=False)
    client_of(killed, "ecs").create_cluster(clusterName="saved")
    world = home / "sit" / "world"
    began = time.time()
    while b"cluster/saved" not in world.read_bytes():
        assert time.time() - began < 60, "the change was not saved within a minute"
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    while not daemon.free(sit.name):
        time.sleep(0.02)
    assert daemon.find(sit) is None
    again = daemon.up(sit)
    assert again.pid != killed.pid
    assert len(client_of(again, "ecs").list_clusters()["clusterArns"]) == 1


@pytest.mark.proof
def test_another_number_of_tenants_or_port_is_refused_until_started_fresh(home: Path, sit: Environment) -> None:
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


@pytest.mark.proof
def test_a_world_of_another_version_or_nobody_knows_what_is_not_loaded(home: Path, sit: Environment) -> None:
    daemon.up(sit, TENANTS, seeded=False)
    daemon.down(sit)
    world = home / "sit" / "world"
    good = world.read_bytes()
    world.write_bytes(good.replace(b'"moto": "', b'"moto": "0.', 1))
    with pytest.raises(SandboxError, match=r"was written by .*Start again: `dr_cli.py sandbox up --fresh`"):
        daemon.up(sit)
    world.write_bytes(b"\x80\x04nonsense")
    with pytest.raises(SandboxError, match="is not a world of the sandbox"):
        daemon.up(sit)
    world.write_bytes(good)
    world.chmod(0o644)
    with pytest.raises(SandboxError, match="is not a private file of yours"):
        daemon.up(sit)
    assert daemon.free(sit.name), "a failed start left a process behind"


@pytest.mark.proof
def test_a_child_that_dies_without_a_word_is_reported_with_its_last_words(home: Path, sit: Environment) -> None:
    (home / "sit" / "lock").mkdir(parents=True)
    with pytest.raises(SandboxError, match=r"(?s)did not start: .*IsADirectoryError"):
        daemon.up(sit, TENANTS)
    (home / "sit" / "lock").rmdir()


@pytest.mark.proof
def test_a_listing_read_in_part_does_not_stop_a_save_of_the_world(home: Path, sit: Environment) -> None:
    first = daemon.up(sit, TENANTS, seeded=False)
    for name in ("a", "b", "c"):
        client_of(first, "sns").create_topic(Name=name, Tags=[{"Key": "of", "Value": "ours"}])
    tagging = client_of(first, "resourcegroupstaggingapi")
    token = tagging.get_resources(ResourcesPerPage=1)["PaginationToken"]
    first.save()
    token = tagging.get_resources(ResourcesPerPage=1, PaginationToken=token)["PaginationToken"]
    assert token, "the running world goes on with the listing"
    assert daemon.ShutdownResult(ran=True) == daemon.down(sit)
    assert home.exists()
    second = daemon.up(sit)
    tagging = client_of(second, "resourcegroupstaggingapi")
    assert 3 == len(tagging.get_resources()["ResourceTagMappingList"])
    with pytest.raises(ClientError, match="PaginationTokenExpiredException"):
        tagging.get_resources(PaginationToken=token)
    second.keep("whole")
    second.return_to("whole")


@pytest.mark.proof
def test_down_ends_a_sandbox_that_cannot_be_saved_and_names_the_loss(home: Path, sit: Environment) -> None:
    daemon.up(sit, TENANTS, seeded=False)
    world = home / "sit" / "world"
    world.unlink()
    world.mkdir()
    cli = {"XDG_STATE_HOME": str(home), "DR_SANDBOX_HOME": str(home)}
    ended = dr_cli("-e sit sandbox down", home, **cli)
    world.rmdir()
    assert daemon.free(sit.name), ended.err
    assert Exit.ACTION_FAILED == ended.code, ended.err
    assert "The sandbox of sit is down, and what changed in it since its last save is lost: " in ended.err
    assert "Is a directory" in ended.err
    again = dr_cli("-e sit sandbox down", home, **cli)
    assert (0, "No sandbox of sit was running.") == (again.code, again.out.splitlines()[0])


@pytest.mark.proof
def test_down_ends_a_sandbox_that_answers_nobody(home: Path, sit: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = daemon.up(sit, TENANTS, seeded=False)
    os.kill(hung.pid, signal.SIGSTOP)
    monkeypatch.setattr(daemon, "ANSWER_DEADLINE_S", 1)
    monkeypatch.setattr(daemon, "DOWN_DEADLINE_S", 1)
    ended = daemon.down(sit)
    assert (True, True) == (ended.ran, "did not answer" in ended.lost)
    assert daemon.free(sit.name)
    assert home.exists()


@pytest.mark.proof
def test_a_start_may_take_long_as_long_as_it_reports_how_far_it_is(
    tmp_path: Path, sit: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DR_SANDBOX_HOME", str(tmp_path / "new"))
    words: list[tuple[float, str, int, int]] = []
    began = time.monotonic()

    def hear(doing: str, done: int, total: int) -> None:
        words.append((time.monotonic() - began, doing, done, total))

    daemon.up(sit, 40, progress=hear)
    took_s = time.monotonic() - began
    daemon.purge(sit)
    seeding = [(done, total) for _, doing, done, total in words if doing == "seeding 40 tenants"]
    assert sorted(seeding) == seeding
    assert len({done for done, _ in seeding}) > 3
    assert all(done <= total for done, total in seeding)
    times = [0.0, *(at for at, *_ in words), took_s]
    longest_silence_s = max(later - sooner for sooner, later in pairwise(times))
    assert longest_silence_s < took_s / 2, words

    monkeypatch.setattr(launcher, "SILENCE_DEADLINE_S", (longest_silence_s + took_s) / 2)
    daemon.up(sit, 41)
    daemon.purge(sit)


@pytest.mark.proof
def test_a_start_that_falls_silent_is_given_up_with_its_last_word(
    home: Path, sit: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "sit"
    folder.mkdir()
    monkeypatch.setattr(launcher, "SILENCE_DEADLINE_S", 3)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SandboxError, match=r"not heard of it for 3 s after 'opening its world'"):
            daemon.up(sit, TENANTS)
