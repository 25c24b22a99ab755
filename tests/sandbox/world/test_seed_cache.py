"""A seeded world is built once and then loaded, the same to the last identifier."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment
from sandbox.client.embedded import running
from sandbox.client.endpoint import Endpoint
from sandbox.world.seed_cache import FRESH_S, digest, fresh
from tests.sandbox.conftest import client_of


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
