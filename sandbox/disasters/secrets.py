"""Secrets that are missing, stale, short of a field, or that lead back to the primary region (T18)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World

Value = dict[str, Any]
_CURRENT = "AWSCURRENT"


def _secret(world: World) -> str:
    """The name of the first tenant's secret."""
    return world.environment.named(world.environment.names.tenant_secret, tenant=world.tenants[0])


def _value(world: World, name: str = "") -> Value:
    answer = world.call(Side.PRIMARY, "secretsmanager", "GetSecretValue", SecretId=name or _secret(world))
    value: Value = json.loads(answer["SecretString"])
    return value


def _put(world: World, name: str, value: Value) -> None:
    """Store another value in the primary region; the repair makes the former version the current one again."""
    versions = world.call(Side.PRIMARY, "secretsmanager", "DescribeSecret", SecretId=name)["VersionIdsToStages"]
    former, latest = next(version for version, labels in versions.items() if _CURRENT in labels), str(uuid4())
    moved = {"VersionStage": _CURRENT, "MoveToVersionId": former, "RemoveFromVersionId": latest}
    world.undo(Side.PRIMARY, "secretsmanager", "UpdateSecretVersionStage", SecretId=name, **moved)
    # The token becomes the version's id (API_PutSecretValue).
    changed = {"SecretString": json.dumps(value), "ClientRequestToken": latest}
    world.call(Side.PRIMARY, "secretsmanager", "PutSecretValue", SecretId=name, **changed)


def _replica(world: World, name: str) -> dict[str, Any]:
    region = world.environment.regions.dr
    there = world.call(Side.DR, "secretsmanager", "DescribeSecret", SecretId=name)
    # The replica's own key is named: KMS keys are of one region.
    return {"SecretId": name, "AddReplicaRegions": [{"Region": region, "KmsKeyId": there["KmsKeyId"]}]}


@disaster(
    "secrets-replica-removed",
    "The replica of one tenant's secret was removed from the DR region",
    trips=("secrets.secret-exists",),
    consequences=("task-sources.exist", "rpo.met"),
)
def replica_removed(world: World) -> None:
    """Remove the DR region from the replication of the first tenant's secret."""
    name, region = _secret(world), world.environment.regions.dr
    world.undo(Side.PRIMARY, "secretsmanager", "ReplicateSecretToRegions", **_replica(world, name))
    world.call(
        Side.PRIMARY, "secretsmanager", "RemoveRegionsFromReplication", SecretId=name, RemoveReplicaRegions=[region]
    )


@disaster(
    "secrets-deny-the-operator",
    "The policy of one tenant's secret denies the operator's role to write it",
    trips=("secrets.admits-operator",),
)
def operator_denied(world: World) -> None:
    """Put the policy on the first tenant's secret, which its replica has from it."""
    name, env = _secret(world), world.environment
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": f"arn:aws:iam::{env.account}:role/{env.acting_role}"},
        "Action": "secretsmanager:PutSecretValue",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.undo(Side.PRIMARY, "secretsmanager", "DeleteResourcePolicy", SecretId=name)
    world.call(Side.PRIMARY, "secretsmanager", "PutResourcePolicy", SecretId=name, ResourcePolicy=policy)


def _detach(world: World, name: str) -> None:
    """Turn the DR region's replica into a secret of its own; the repair replaces it by a replica again."""
    world.undo(Side.PRIMARY, "secretsmanager", "ReplicateSecretToRegions", **_replica(world, name))
    # Recorded last, so replayed first: a replica cannot be made where a secret has its name.
    world.undo(Side.DR, "secretsmanager", "DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
    # Called in the replica's region; it becomes a secret that can be changed (API_StopReplicationToReplica).
    world.call(Side.DR, "secretsmanager", "StopReplicationToReplica", SecretId=name)


@disaster(
    "secrets-rotated-alone",
    "One tenant's password was rotated in the primary region after its replica had been detached",
    trips=("secrets.in-sync",),
)
def rotated_alone(world: World) -> None:
    """Detach the replica, then change the password in the primary region."""
    name, value = _secret(world), _value(world)
    # Before the value is put: a replica would follow it.
    _detach(world, name)
    _put(world, name, value | {"password": "rotated-on-one-side"})


@disaster(
    "secrets-field-missing",
    "One tenant's secret in the DR region lacks a field that containers read",
    trips=("secrets.same-fields",),
    consequences=("secrets.in-sync",),
)
def field_missing(world: World) -> None:
    """Detach the replica, then leave the schema's name out of it."""
    name, value = _secret(world), _value(world)
    _detach(world, name)
    short = {field: content for field, content in value.items() if field != "dbname"}
    world.call(Side.DR, "secretsmanager", "PutSecretValue", SecretId=name, SecretString=json.dumps(short))


@disaster(
    "secrets-another-user",
    "One tenant's secret was given the user of a database that is no more: running tasks still have the former one",
    trips=("secret-values.alike",),
)
def another_user(world: World) -> None:
    """Store another user's name, in both regions."""
    name, value = _secret(world), _value(world)
    _put(world, name, value | {"username": "wp_before_the_move"})


@disaster(
    "secrets-all-of-another-database",
    "Every tenant's secret was given the host of a database that is no more: running tasks still have the former one",
    trips=("secret-values.alike",),
)
def all_of_another_database(world: World) -> None:
    """Store another host for each tenant, in both regions."""
    for tenant in world.tenants:
        name = world.environment.named(world.environment.names.tenant_secret, tenant=tenant)
        value = _value(world, name)
        _put(world, name, value | {"host": "db.before-the-move.example"})


@disaster(
    "secrets-another-administrator",
    "The master credentials have the user of a database that is no more",
    trips=("secret-values.master-user",),
)
def another_administrator(world: World) -> None:
    """Store another user in the master credentials, in both regions."""
    name = world.environment.named(world.environment.names.master_secret)
    value = _value(world, name)
    _put(world, name, value | {"username": "root_before_the_move"})


@disaster(
    "secrets-host-of-the-primary",
    "One tenant's secret names the primary region's own database host, and so does its replica",
    trips=("secrets.regional-fields",),
    consequences=("secret-values.alike",),
)
def host_of_the_primary(world: World) -> None:
    """Store the primary's endpoint as host: the replica keeps it word for word (T18)."""
    name, value = _secret(world), _value(world)
    host = f"{world.environment.named(world.environment.names.database)}.c1.{world.environment.regions.primary}"
    _put(world, name, value | {"host": f"{host}.rds.amazonaws.com"})
