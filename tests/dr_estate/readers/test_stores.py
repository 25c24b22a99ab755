"""What the readers of files, objects, tables, secrets and keys see of the healthy estate, and what they never keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.readers import dynamodb, efs, efs_mounts, kms, s3
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, from_json, to_json
from sandbox.client.endpoint import Endpoint
from tests.worlds import healthy

TENANTS = 3
BOTH = (Side.PRIMARY, Side.DR)


@pytest.fixture(scope="module")
def env() -> Environment:
    return load_environment(Path(__file__).parents[3] / "environments", "sit")


@pytest.fixture(scope="module")
def seen(env: Environment, sandbox_world: Endpoint) -> Snapshot:
    return healthy(sandbox_world, env)


def _values(world: Endpoint, region: str) -> list[str]:
    """Every field of every secret of ``region``, as an operator may read them."""
    keys = world.people["operator"]
    client = boto3.client(
        "secretsmanager",
        region_name=region,
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    names = [secret["Name"] for secret in client.list_secrets()["SecretList"]]
    stored = [json.loads(client.get_secret_value(SecretId=name)["SecretString"]) for name in names]
    return [str(value) for secret in stored for value in secret.values()]


@pytest.mark.proof
def test_no_value_of_any_secret_is_kept_in_the_evidence(
    env: Environment, sandbox_world: Endpoint, seen: Snapshot
) -> None:
    document = json.loads(to_json(seen))
    text = json.dumps([part for part in document["parts"] if part["name"].startswith("secrets.")])
    passwords = [value for value in _values(sandbox_world, env.regions.primary) if len(value) > 12]
    assert len(passwords) > TENANTS
    assert not [value for value in passwords if value in text]


def test_replicas_have_the_digests_of_their_primaries(seen: Snapshot) -> None:
    here, there = (seen.get(readers_secretsmanager.contents, side) for side in BOTH)
    assert len(here) == TENANTS + 1
    assert sorted(here, key=lambda content: content.name) == sorted(there, key=lambda content: content.name)
    fields = [content.fields for content in here if isinstance(content, readers_secretsmanager.Content)]
    assert len({field.digest for group in fields for field in group if field.name == "password"}) == TENANTS + 1


def test_the_files_are_seen_with_their_replication_on_both_sides(seen: Snapshot) -> None:
    (source,), (copy,) = (seen.get(efs.file_systems, side) for side in BOTH)
    for side in BOTH:
        (row,) = seen.get(efs.replications, side)
        assert (row.source_id, row.destination_id, row.status) == (source.id, copy.id, "ENABLED")
        assert row.synced_at is not None
        assert len(seen.get(efs.access_points, side)) == TENANTS
    zones = {target.zone for target in seen.get(efs_mounts.mount_targets, Side.DR) if hasattr(target, "zone")}
    assert {subnet.zone for subnet in seen.get(efs_mounts.task_subnets, Side.DR)} <= zones


def test_the_lag_of_objects_is_published_where_they_arrive(env: Environment, seen: Snapshot) -> None:
    readings = seen.get(s3.lag_metrics, Side.DR)
    measured = {r.dimension("SourceBucket") for r in readings if r.name == "ReplicationLatency" and r.at}
    assert measured == {source for source, _ in s3.pairs(env)}
    assert all(not reading.total for reading in seen.get(s3.failure_metrics, Side.PRIMARY))


def test_tables_list_each_other_as_replicas(env: Environment, seen: Snapshot) -> None:
    for side, other in (BOTH, BOTH[::-1]):
        for table in seen.get(dynamodb.tables, side):
            assert isinstance(table, dynamodb.Table)
            assert [replica.region for replica in table.replicas] == [env.region(other)]
            assert table.restorable_until is not None


def test_every_key_in_use_is_described_with_whom_it_admits(seen: Snapshot) -> None:
    for side in BOTH:
        found = [key for key in seen.get(kms.keys, side) if isinstance(key, kms.KmsKey)]
        assert {noun for key in found for noun in key.uses} >= {"files", "secrets"}
        assert all(key.admits == (kms.ACCOUNT,) for key in found)


def test_what_was_seen_survives_being_saved(seen: Snapshot) -> None:
    again = from_json(to_json(seen))
    readers: tuple[Reader[Any], ...] = (
        efs.replications,
        s3.buckets,
        dynamodb.tables,
        readers_secretsmanager.contents,
        kms.keys,
    )
    for reader in readers:
        assert again.get(reader, Side.DR) == seen.get(reader, Side.DR)
