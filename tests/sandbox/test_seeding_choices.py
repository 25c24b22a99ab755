"""Seeding follows the environment file's choices: other mechanisms, another routing policy, other names."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.base_backend import BackendDict

from dr_estate.config.environment import Environment, Side, load_environment, parse_environment
from sandbox.core.state import STATE
from sandbox.moto_ext import install
from sandbox.seeding import seed
from sandbox.seeding.site import SeedClients, tenant_list
from tests.sandbox.seeding_worlds import FOLDER, Seeded


@pytest.fixture(autouse=True)
def _nothing_left() -> Any:
    install()
    BackendDict.reset()
    yield
    BackendDict.reset()
    STATE.tenants = ()


def _sit_with(**changes: dict[str, Any]) -> Environment:
    data = load_environment(FOLDER, "sit").model_dump(mode="json")
    for table, values in changes.items():
        data[table] |= values
    return parse_environment(data, "a variant of sit", "sit")


def _seeded(env: Environment) -> Seeded:
    seed(env, 2)
    return Seeded(env, SeedClients(env.account))


@pytest.mark.proof
def test_a_read_replica_is_made_where_it_is_the_preferred_mechanism() -> None:
    world = _seeded(_sit_with(replication={"database": ["read-replica"]}))
    rds = world.client("rds", Side.DR)
    (replica,) = rds.describe_db_instances()["DBInstances"]
    assert world.env.region(Side.PRIMARY) in replica["ReadReplicaSourceDBInstanceIdentifier"]
    assert replica["DBParameterGroups"][0]["DBParameterGroupName"] == world.named(world.env.names.db_parameter_group)
    assert replica["StorageEncrypted"]
    others = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    assert not [backup for backup in others if backup["Status"] == "replicating"]


@pytest.mark.proof
def test_files_do_not_replicate_where_backup_copies_alone_are_named() -> None:
    world = _seeded(_sit_with(replication={"files": ["backup-copy"]}))
    assert world.client("efs", Side.PRIMARY).describe_replication_configurations()["Replications"] == []
    points = world.client("backup", Side.DR).list_recovery_points_by_backup_vault(
        BackupVaultName=world.named(world.env.names.dr_vault), ByResourceType="EFS"
    )
    assert points["RecoveryPoints"]


@pytest.mark.proof
def test_origin_records_that_fail_over_have_the_primary_first() -> None:
    world = _seeded(_sit_with(traffic={"policy": "failover"}))
    route53 = world.client("route53", Side.GLOBAL)
    zones = {zone["Name"]: zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
    zone = zones[f"{world.env.traffic.zone}."]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    roles = {record["SetIdentifier"]: record["Failover"] for record in records if "SetIdentifier" in record}
    traffic = world.env.traffic
    assert roles == {traffic.primary_set_identifier: "PRIMARY", traffic.secondary_set_identifier: "SECONDARY"}


@pytest.mark.proof
def test_another_team_s_names_and_regions_are_used_throughout() -> None:
    regions = {"primary": "eu-central-1", "dr": "us-west-2"}
    world = _seeded(_sit_with(regions=regions, names={"cluster": "shop-{env}", "service": "{tenant}-web"}))
    for region in regions.values():
        ecs = world.clients.client("ecs", region)
        arns = ecs.list_services(cluster="shop-sit")["serviceArns"]
        assert sorted(arn.rpartition("/")[2] for arn in arns) == ["tenant-1-web", "tenant2-web"]


@pytest.mark.proof
def test_one_tenant_keeps_its_older_spelling_in_aws_names_only() -> None:
    assert [(tenant.name, tenant.label) for tenant in tenant_list(2)] == [
        ("tenant-1", "tenant1"),
        ("tenant2", "tenant2"),
    ]


@pytest.mark.parametrize("ref", ["alias/aws/rds", "arn:aws:kms:eu-west-1:815856636111:key/5f4afb4d-56c1-42ad-987b"])
def test_database_copies_are_under_the_key_of_the_settings_without_alias(ref: str) -> None:
    world = _seeded(_sit_with(names={"db_copy_key_alias": ref}))
    rows = world.client("rds", Side.DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    key = world.client("kms", Side.DR).describe_key(KeyId=ref)["KeyMetadata"]
    assert ([key["Arn"]], "Enabled") == ([row["KmsKeyId"] for row in rows], key["KeyState"])
    assert ref in (key["Arn"], "alias/aws/rds")
