"""A seeded world is built once and then loaded, the same to the last identifier."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dr_checks.core.registry import lags
from dr_estate.config.environment import Environment
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import LaunchOptions, running
from sandbox.world.seed_cache import FRESH_S, digest, fresh
from tests.proofs.watching import judged, not_passed
from tests.sandbox.conftest import ROOT, client_of
from tests.worlds import world_of

HOURS_AGO = """
import sys, time, time_machine
time_machine.travel(time.time() - 11 * 3600, tick=True).start()
from sandbox.server import process
sys.exit(process.main())
"""


def identifiers(world: Endpoint, sit: Environment) -> dict[str, Any]:
    """What only the very same world has: random ids on both sides, and a secret's value."""
    found: dict[str, Any] = {}
    for region in (sit.regions.primary, sit.regions.dr):
        found[region] = [
            [v["VpcId"] for v in client_of(world, "ec2", region).describe_vpcs()["Vpcs"]],
            [d["DbiResourceId"] for d in client_of(world, "rds", region).describe_db_instances()["DBInstances"]],
            [k["KeyId"] for k in client_of(world, "kms", region).list_keys()["Keys"]],
            [p["Name"] for p in client_of(world, "ssm", region).describe_parameters()["Parameters"]],
            client_of(world, "secretsmanager", region).get_secret_value(SecretId=sit.named(sit.names.master_secret)),
        ]
        found[region][-1].pop("ResponseMetadata")
    return found


@pytest.mark.proof
def test_the_second_start_loads_what_the_first_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sit: Environment
) -> None:
    monkeypatch.setenv("DR_SANDBOX_HOME", str(tmp_path))
    with running(sit, 2) as first:
        built = identifiers(first, sit)
    (path,) = (tmp_path / "seeds").glob("*.world")
    before = path.stat().st_mtime_ns
    with running(sit, 2) as second:
        assert identifiers(second, sit) == built
        assert len(second.state()["tenants"]) == 2
    assert path.stat().st_mtime_ns == before


@pytest.mark.proof
def test_a_world_that_was_kept_for_hours_is_as_young_as_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sit: Environment
) -> None:
    monkeypatch.setenv("DR_SANDBOX_HOME", str(tmp_path))
    launch = LaunchOptions(sit.model_dump(mode="json"), 2)
    with subprocess.Popen(
        [sys.executable, "-c", HOURS_AGO], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as earlier:
        assert earlier.stdin is not None
        assert earlier.stdout is not None
        earlier.stdin.write(launch.to_line())
        earlier.stdin.flush()
        assert any(b'"url"' in line for line in earlier.stdout), "it did not start"
        earlier.stdin.close()
    (path,) = (tmp_path / "seeds").glob("*.world")
    built = path.stat().st_mtime_ns
    with running(sit, 2) as world:
        assert path.stat().st_mtime_ns == built, "it was built again"
        snapshot = observe(sit, world_of(world, "reader").credentials, "sandbox")
    assert not_passed(judged(snapshot, sit)) == {}
    best: dict[tuple[str, str, str | None], float] = {}  # in its first minutes the hour's copy is not there yet
    for lag in lags(snapshot, sit):
        assert lag.seconds is not None, lag
        store = (lag.store, lag.subject, lag.tenant)
        best[store] = min(lag.seconds, best.get(store, lag.seconds))
    assert {store for store, *_ in best} >= {"database", "files", "objects"}
    assert max(best.values()) <= 60 * sit.objectives.rpo_minutes


def test_a_kept_world_is_used_while_it_is_young(tmp_path: Path) -> None:
    path = tmp_path / "some.world"
    assert not fresh(path)
    path.touch()
    assert fresh(path)
    aged = path.stat().st_mtime - FRESH_S - 1
    os.utime(path, (aged, aged))
    assert not fresh(path)


@pytest.mark.parametrize("tenants", [3, 30])
def test_another_number_of_tenants_is_another_world(sit: Environment, tenants: int) -> None:
    assert digest(sit, tenants) != digest(sit, 2)
    assert digest(sit, tenants) == digest(sit, tenants)


def test_the_patience_of_who_looks_and_acts_makes_no_other_world(sit: Environment) -> None:
    hurried = {
        "execution": sit.execution.model_copy(update={"poll_s": sit.execution.poll_s + 1}),
        "observation": sit.observation.model_copy(update={"deadline_s": 7}),
    }
    assert digest(sit.model_copy(update=hurried), 2) == digest(sit, 2)
    others = sit.model_copy(update={"names": sit.names.model_copy(update={"cluster": "another"})})
    assert digest(others, 2) != digest(sit, 2)
