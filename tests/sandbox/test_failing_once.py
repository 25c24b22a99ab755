"""Each call of a failover can fail exactly once, in each way a call fails, the lost answer included."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.session import get_session

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.sandbox.conftest import client_of
from tests.sandbox.world.test_memory_snapshots import (
    CLUSTER,
    DR,
    PRIMARY,
    SERVICE,
    WORLD_WIDE,
    control_and_another,
    item,
    service_of,
    topic_of,
)

# What a failover sends, with parameters that fit; {…} are filled from the world.
SET = {"UpdateExpression": "SET note = :n", "ExpressionAttributeValues": {":n": {"S": "drill"}}}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "ecs:update_service": (DR, {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 3}),
    "ecs:register_task_definition": (
        DR,
        {"family": "f", "containerDefinitions": [{"name": "c", "image": "i", "memory": 8}]},
    ),
    "rds:promote_read_replica": (DR, {"DBInstanceIdentifier": "nobody"}),
    "rds:restore_db_instance_to_point_in_time": (
        DR,
        {
            "SourceDBInstanceAutomatedBackupsArn": "{backups}",
            "TargetDBInstanceIdentifier": "restored",
            "UseLatestRestorableTime": True,
        },
    ),
    "backup:start_restore_job": (DR, {"RecoveryPointArn": "arn:none", "Metadata": {"newFileSystem": "true"}}),
    "efs:delete_replication_configuration": (DR, {"SourceFileSystemId": "{files}"}),
    "secretsmanager:stop_replication_to_replica": (DR, {"SecretId": "{secret}"}),
    "secretsmanager:put_secret_value": (PRIMARY, {"SecretId": "sit-tenant-1-db-credentials", "SecretString": "{}"}),
    "application-autoscaling:register_scalable_target": (
        DR,
        {
            "ServiceNamespace": "ecs",
            "ResourceId": f"service/{CLUSTER}/{SERVICE}",
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": 2,
        },
    ),
    "route53:change_resource_record_sets": (
        WORLD_WIDE,
        {
            "HostedZoneId": "{zone}",
            "ChangeBatch": {
                "Changes": [
                    {
                        "Action": "UPSERT",
                        "ResourceRecordSet": {
                            "Name": "wpdr.wpsit.kimmyai.io",
                            "Type": "TXT",
                            "TTL": 60,
                            "ResourceRecords": [{"Value": '"drill"'}],
                        },
                    }
                ]
            },
        },
    ),
    "route53:update_health_check": (WORLD_WIDE, {"HealthCheckId": "{check}", "Inverted": True}),
    "sns:publish": (DR, {"TopicArn": "{topic}", "Message": "m"}),
    "dynamodb:put_item": (DR, {"TableName": "{table}", "Item": "{item}"}),
    "dynamodb:update_item": (DR, {"TableName": "{table}", "Key": "{item}", **SET}),
    "dynamodb:transact_write_items": (DR, {"TransactItems": [{"Put": {"TableName": "{table}", "Item": "{item}"}}]}),
    "dynamodb:query": (
        DR,
        {
            "TableName": "{table}",
            "KeyConditionExpression": "#k = :v",
            "ExpressionAttributeNames": {"#k": "{key}"},
            "ExpressionAttributeValues": {":v": {"S": "a"}},
        },
    ),
    "dynamodb:get_item": (DR, {"TableName": "{table}", "Key": "{item}"}),
    "sts:get_caller_identity": (DR, {}),
}
REFUSED_BY_THE_WORLD = {"rds:promote_read_replica", "backup:start_restore_job"}
READS = {"dynamodb:query", "dynamodb:get_item", "sts:get_caller_identity"}


@pytest.fixture(scope="module")
def known(seeded: Endpoint, sit: Environment) -> dict[str, Any]:
    table = control_and_another(seeded)[1]
    key = item(seeded, table, "a")
    rds, route53 = client_of(seeded, "rds", DR), client_of(seeded, "route53", sit.region(Side.GLOBAL))
    zones = route53.list_hosted_zones()["HostedZones"]
    return {
        "table": table,
        "item": key,
        "key": next(iter(key)),
        "topic": topic_of(seeded),
        "backups": rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0][
            "DBInstanceAutomatedBackupsArn"
        ],
        "files": client_of(seeded, "efs", DR).describe_replication_configurations()["Replications"][0][
            "SourceFileSystemId"
        ],
        "secret": client_of(seeded, "secretsmanager", DR).describe_secret(SecretId="sit-tenant-1-db-credentials")[
            "ARN"
        ],
        "zone": next(zone["Id"] for zone in zones if zone["Name"] == f"{sit.traffic.zone}."),
        "check": route53.list_health_checks()["HealthChecks"][0]["Id"],
    }


def filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(member, known) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, known) for member in value]
    return known.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


def send(estate: Endpoint, name: str, known: dict[str, Any]) -> dict[str, Any]:
    service, operation = name.split(":")
    region, params = CALLS[name]
    answer: dict[str, Any] = getattr(client_of(estate, service, region), operation)(**filled(params, known))
    return answer


def operation_of(name: str) -> tuple[str, str, str]:
    service, method = name.split(":")
    region, _ = CALLS[name]
    names = get_session().get_service_model(service).operation_names
    wanted = method.replace("_", "").lower()
    return region, service, next(operation_name for operation_name in names if operation_name.lower() == wanted)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_of_a_failover_can_fail_exactly_once_in_each_way(
    estate: Endpoint, known: dict[str, Any], name: str
) -> None:
    region, service, operation = operation_of(name)
    estate.reset_mutations()
    for how, code in (("throttle", r"Throttl"), ("error", r"ServiceUnavailable"), ("deny", r"AccessDenied")):
        estate.begin(Outage(region, how, service, operation, times=1))
        with pytest.raises(ClientError, match=code):
            send(estate, name, known)
    estate.begin(Outage(region, "refuse", service, operation, times=1))
    with pytest.raises(ConnectionClosedError):
        send(estate, name, known)
    estate.begin(Outage(region, "hang", service, operation, seconds=0.1, times=1))
    with pytest.raises(ConnectionClosedError):
        send(estate, name, known)
    assert [] == estate.mutations()
    assert [] == estate.state()["faults"]
    if name in REFUSED_BY_THE_WORLD:
        with pytest.raises(ClientError, match=r"NotFound|MissingParameter"):
            send(estate, name, known)
    else:
        send(estate, name, known)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in REFUSED_BY_THE_WORLD])
def test_a_lost_answer_leaves_the_call_done(estate: Endpoint, known: dict[str, Any], name: str) -> None:
    region, service, operation = operation_of(name)
    estate.reset_mutations()
    estate.begin(Outage(region, "lost", service, operation, times=1))
    with pytest.raises(ConnectionClosedError):
        send(estate, name, known)
    done = [(mutation["operation"], mutation["done"]) for mutation in estate.mutations()]
    assert ([] if name in READS else [(operation, True)]) == done


@pytest.mark.proof
def test_one_call_alone_can_be_delayed_until_it_is_given_up(estate: Endpoint) -> None:
    estate.begin(Outage(DR, "hang", "ecs", "UpdateService", times=1))
    wanted = {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 4}
    with pytest.raises(ReadTimeoutError):
        client_of(estate, "ecs", DR, read_timeout=1).update_service(**wanted)
    assert [] == estate.mutations()
    client_of(estate, "ecs", DR).update_service(**wanted)
    assert 4 == service_of(estate)["desiredCount"]


def test_what_a_lost_call_did_is_found_by_looking(estate: Endpoint) -> None:
    estate.begin(Outage(DR, "lost", "ecs", "UpdateService", times=1))
    with pytest.raises(ConnectionClosedError):
        client_of(estate, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=5)
    assert 5 == service_of(estate)["desiredCount"]
