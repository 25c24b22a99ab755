"""A world kept is a world returned to: as it was and as old as it was; and what a run changed is told call by call."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.session import get_session

from dr_estate.environments import Environment, Side
from sandbox.embedded import running
from sandbox.endpoint import Endpoint
from sandbox.errors import SandboxError
from sandbox.state import Outage
from sandbox.writer import Sites
from tests.sandbox.conftest import client_of

PRIMARY, DR, WORLD_WIDE = "af-south-1", "eu-west-1", "us-east-1"
CLUSTER, SERVICE, TABLE = "sit-cluster", "sit-tenant-1-service", "sit-dr-control"


@pytest.fixture(scope="module")
def seeded(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with running(sit, 1) as endpoint:
        endpoint.keep("healthy")
        yield endpoint


_CLIENTS: dict[tuple[str, ...], Any] = {}


def client(served: Endpoint, service: str, region: str, person: str = "operator") -> Any:
    key = (served.url, service, region, person)
    if key not in _CLIENTS:
        _CLIENTS[key] = client_of(served, service, region, person)
    return _CLIENTS[key]


@pytest.fixture
def served(seeded: Endpoint) -> Endpoint:
    seeded.return_to("healthy")
    seeded.reset_mutations()
    return seeded


def service_of(served: Endpoint) -> dict[str, Any]:
    ecs = client(served, "ecs", DR)
    found: dict[str, Any] = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    return found


def test_a_world_is_returned_to_whole_and_quickly(served: Endpoint, sit: Environment) -> None:
    before = service_of(served)
    client(served, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=7)
    client(served, "sns", DR).create_topic(Name="left-behind")
    served.break_("primary-dark")
    began = time.monotonic()
    served.return_to("healthy")
    assert time.monotonic() - began < 0.3
    assert ({}, [], []) == (served.state()["stopped"], served.state()["faults"], served.state()["disasters"])
    assert before["desiredCount"] == service_of(served)["desiredCount"]
    topics = client(served, "sns", DR).list_topics()["Topics"]
    assert not [one for one in topics if "left-behind" in one["TopicArn"]]
    sites = Sites(served, sit)
    assert PRIMARY == sites.serving()
    assert 201 == sites.ask(PRIMARY, "POST", sites.hosts[0], "rows", {"id": "a"})[0]
    for person in ("reader", "operator", "approver"):
        arn = client(served, "sts", DR, person=person).get_caller_identity()["Arn"]
        assert arn.endswith(f":user/{person}")


def test_a_broken_world_can_be_kept_and_is_mended_after_each_return(served: Endpoint, sit: Environment) -> None:
    served.break_("primary-dark")
    served.keep("dark")
    for _ in range(2):
        served.mend()
        assert {} == served.state()["stopped"]
        served.return_to("dark")
        assert (["primary-dark"], [PRIMARY]) == (served.state()["disasters"], list(served.state()["stopped"]))
        assert DR == Sites(served, sit).serving()
        with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
            client(served, "ecs", PRIMARY).list_clusters()


def test_a_kept_world_does_not_age(served: Endpoint) -> None:
    served.break_("primary-dark")
    served.timing(transition_s=3)
    client(served, "rds", DR).create_db_instance(
        DBInstanceIdentifier="young", Engine="mysql", DBInstanceClass="db.r6g.large", AllocatedStorage=20
    )
    served.keep("just now")
    time.sleep(3.2)
    aged_s = dark_for_s(served)
    assert "available" == status(served, "young")
    served.return_to("just now")
    assert "creating" == status(served, "young")
    assert aged_s - dark_for_s(served) > 2


def dark_for_s(served: Endpoint) -> float:
    since = datetime.fromisoformat(served.state()["stopped"][PRIMARY])
    return (datetime.now(UTC) - since).total_seconds()


def status(served: Endpoint, name: str) -> str:
    found = client(served, "rds", DR).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return str(found[0]["DBInstanceStatus"])


def test_a_call_under_way_when_the_world_is_exchanged_never_reaches_the_next_one(served: Endpoint) -> None:
    served.begin(Outage(DR, "hang", "ecs", "UpdateService"))
    ended: list[type] = []

    def scale() -> None:
        try:
            client(served, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=9)
        except ConnectionClosedError as dropped:
            ended.append(type(dropped))

    calling = threading.Thread(target=scale)
    calling.start()
    time.sleep(0.3)
    served.return_to("healthy")
    calling.join()
    assert [ConnectionClosedError] == ended
    assert 9 != service_of(served)["desiredCount"]


def test_a_name_that_was_never_kept_is_refused_with_those_that_were(served: Endpoint) -> None:
    with pytest.raises(SandboxError, match=r"No world was kept as 'rosy' \(kept: .*healthy"):
        served.return_to("rosy")


def test_a_timing_that_does_not_exist_is_refused_with_those_that_do(served: Endpoint) -> None:
    with pytest.raises(SandboxError, match="There is no timing moods: use transition_s, log_upload_s"):
        served.timing(moods=3)


def test_mutations_are_told_in_order_with_their_parameters_and_reads_are_not(served: Endpoint) -> None:
    client(served, "ecs", DR).list_clusters()
    client(served, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    topic = topic_of(served)
    client(served, "sns", DR, person="admin").publish(TopicArn=topic, Message="failing over")
    with pytest.raises(ClientError):
        client(served, "rds", DR).promote_read_replica(DBInstanceIdentifier="nobody")
    assert [
        (DR, "ecs", "UpdateService", "operator", True, False),
        (DR, "sns", "Publish", "admin", True, False),
        (DR, "rds", "PromoteReadReplica", "operator", False, False),
    ] == [
        tuple(one[key] for key in ("region", "service", "operation", "person", "done", "control"))
        for one in served.mutations()
    ]
    first, second, third = (one["params"] for one in served.mutations())
    assert {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 2} == first
    assert {"TopicArn": topic, "Message": "failing over"} == second
    assert {"DBInstanceIdentifier": "nobody"} == third
    served.reset_mutations()
    assert [] == served.mutations()


def test_writes_to_the_control_table_are_told_apart(served: Endpoint) -> None:
    dynamodb = client(served, "dynamodb", DR)
    tables = control_and_another(served)
    for table in tables:
        dynamodb.put_item(TableName=table, Item=item(served, table, "a"))
    put = [{"Put": {"TableName": table, "Item": item(served, table, "b")}} for table in tables]
    dynamodb.transact_write_items(TransactItems=put[:1])
    dynamodb.transact_write_items(TransactItems=put)
    assert [True, False, True, False] == [one["control"] for one in served.mutations()]


def control_and_another(served: Endpoint) -> tuple[str, str]:
    names = client(served, "dynamodb", DR).list_tables()["TableNames"]
    return TABLE, next(name for name in names if name != TABLE)


def item(served: Endpoint, table: str, value: str) -> dict[str, Any]:
    schema = client(served, "dynamodb", DR).describe_table(TableName=table)["Table"]["KeySchema"]
    return {key["AttributeName"]: {"S": value} for key in schema}


def topic_of(served: Endpoint) -> str:
    topics = client(served, "sns", DR).list_topics()["Topics"]
    return next(str(one["TopicArn"]) for one in topics if one["TopicArn"].endswith("bbws-dr-events"))


def test_a_secret_is_told_by_its_digest_alone(served: Endpoint) -> None:
    made = client(served, "secretsmanager", DR).create_secret(Name="fresh", SecretString="open sesame")
    client(served, "secretsmanager", DR).put_secret_value(SecretId=made["ARN"], SecretString="open sesame")
    assert "sesame" not in json.dumps(served.mutations())
    assert served.mutations()[1]["params"]["SecretString"].startswith("sha256:")


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
    served = seeded
    table = control_and_another(served)[1]
    held = item(served, table, "a")
    rds, route53 = client(served, "rds", DR), client(served, "route53", sit.region(Side.GLOBAL))
    zones = route53.list_hosted_zones()["HostedZones"]
    return {
        "table": table,
        "item": held,
        "key": next(iter(held)),
        "topic": topic_of(served),
        "backups": rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0][
            "DBInstanceAutomatedBackupsArn"
        ],
        "files": client(served, "efs", DR).describe_replication_configurations()["Replications"][0][
            "SourceFileSystemId"
        ],
        "secret": client(served, "secretsmanager", DR).describe_secret(SecretId="sit-tenant-1-db-credentials")["ARN"],
        "zone": next(zone["Id"] for zone in zones if zone["Name"] == f"{sit.traffic.zone}."),
        "check": route53.list_health_checks()["HealthChecks"][0]["Id"],
    }


def filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(held, known) for key, held in value.items()}
    if isinstance(value, list):
        return [filled(held, known) for held in value]
    return known.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


def send(served: Endpoint, name: str, known: dict[str, Any]) -> dict[str, Any]:
    service, operation = name.split(":")
    region, params = CALLS[name]
    answer: dict[str, Any] = getattr(client(served, service, region), operation)(**filled(params, known))
    return answer


def operation_of(name: str) -> tuple[str, str, str]:
    service, method = name.split(":")
    region, _ = CALLS[name]
    names = get_session().get_service_model(service).operation_names
    wanted = method.replace("_", "").lower()
    return region, service, next(one for one in names if one.lower() == wanted)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_of_a_failover_can_fail_exactly_once_in_each_way(
    served: Endpoint, known: dict[str, Any], name: str
) -> None:
    region, service, operation = operation_of(name)
    served.reset_mutations()
    for how, code in (("throttle", r"Throttl"), ("error", r"ServiceUnavailable"), ("deny", r"AccessDenied")):
        served.begin(Outage(region, how, service, operation, times=1))
        with pytest.raises(ClientError, match=code):
            send(served, name, known)
    served.begin(Outage(region, "refuse", service, operation, times=1))
    with pytest.raises(ConnectionClosedError):
        send(served, name, known)
    served.begin(Outage(region, "hang", service, operation, seconds=0.1, times=1))
    with pytest.raises(ConnectionClosedError):
        send(served, name, known)
    assert [] == served.mutations()
    assert [] == served.state()["faults"]
    if name in REFUSED_BY_THE_WORLD:
        with pytest.raises(ClientError, match=r"NotFound|MissingParameter"):
            send(served, name, known)
    else:
        send(served, name, known)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in REFUSED_BY_THE_WORLD])
def test_a_lost_answer_leaves_the_call_done(served: Endpoint, known: dict[str, Any], name: str) -> None:
    region, service, operation = operation_of(name)
    served.reset_mutations()
    served.begin(Outage(region, "lost", service, operation, times=1))
    with pytest.raises(ConnectionClosedError):
        send(served, name, known)
    done = [(one["operation"], one["done"]) for one in served.mutations()]
    assert ([] if name in READS else [(operation, True)]) == done


def test_one_call_alone_can_be_kept_waiting_for_an_answer_until_it_gives_up(served: Endpoint) -> None:
    served.begin(Outage(DR, "hang", "ecs", "UpdateService", times=1))
    wanted = {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 4}
    with pytest.raises(ReadTimeoutError):
        client(served, "ecs", DR).update_service(**wanted)
    assert [] == served.mutations()
    client(served, "ecs", DR).update_service(**wanted)
    assert 4 == service_of(served)["desiredCount"]


def test_what_a_lost_call_did_is_found_by_looking(served: Endpoint) -> None:
    served.begin(Outage(DR, "lost", "ecs", "UpdateService", times=1))
    with pytest.raises(ConnectionClosedError):
        client(served, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=5)
    assert 5 == service_of(served)["desiredCount"]
