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

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from sandbox.core.errors import SandboxError
from sandbox.core.state import Outage
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed

PRIMARY, DR, WORLD_WIDE = "af-south-1", "eu-west-1", "us-east-1"
CLUSTER, SERVICE, TABLE = "sit-cluster", "sit-tenant-1-service", "sit-dr-control"
_CLIENTS: dict[tuple[str, ...], Any] = {}


def client(served: Endpoint, service: str, region: str, person: str = "operator") -> Any:
    key = (served.url, service, region, person)
    if key not in _CLIENTS:
        _CLIENTS[key] = client_of(served, service, region, person)
    return _CLIENTS[key]


def service_of(served: Endpoint, region: str = DR) -> dict[str, Any]:
    ecs = client(served, "ecs", region)
    found: dict[str, Any] = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    return found


def control_and_another(served: Endpoint) -> tuple[str, str]:
    names = client(served, "dynamodb", DR).list_tables()["TableNames"]
    return TABLE, next(name for name in names if name != TABLE)


def item(served: Endpoint, table: str, value: str) -> dict[str, Any]:
    schema = client(served, "dynamodb", DR).describe_table(TableName=table)["Table"]["KeySchema"]
    return {key["AttributeName"]: {"S": value} for key in schema}


def topic_of(served: Endpoint) -> str:
    topics = client(served, "sns", DR).list_topics()["Topics"]
    return next(str(topic["TopicArn"]) for topic in topics if topic["TopicArn"].endswith("bbws-dr-events"))


@pytest.fixture(scope="module")
def seeded(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(sit, 1) as endpoint:
        endpoint.keep("healthy")
        yield endpoint


@pytest.fixture
def served(seeded: Endpoint) -> Endpoint:
    seeded.return_to("healthy")
    seeded.reset_mutations()
    return seeded


def test_secrets_grow_older_with_the_rest_of_the_world(served: Endpoint) -> None:
    def changed() -> list[float]:
        listed = client(served, "secretsmanager", PRIMARY).list_secrets()["SecretList"]
        return [secret["LastChangedDate"].timestamp() for secret in listed]

    before = changed()
    served.age(3600)
    assert changed() == pytest.approx([moment - 3600 for moment in before], abs=1)


def test_a_world_is_returned_to_whole_and_quickly(served: Endpoint, sit: Environment) -> None:
    before = service_of(served)
    client(served, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=7)
    client(served, "sns", DR).create_topic(Name="left-behind")
    served.inject("primary-dark")
    began = time.monotonic()
    served.return_to("healthy")
    assert time.monotonic() - began < 0.3
    assert ({}, [], []) == (served.state()["stopped"], served.state()["faults"], served.state()["disasters"])
    assert before["desiredCount"] == service_of(served)["desiredCount"]
    topics = client(served, "sns", DR).list_topics()["Topics"]
    assert not [topic for topic in topics if "left-behind" in topic["TopicArn"]]
    sites = Sites(served, sit)
    assert PRIMARY == sites.serving()
    assert 201 == sites.ask(PRIMARY, "POST", sites.hosts[0], "rows", {"id": "a"})[0]
    for person in ("reader", "operator", "approver"):
        arn = client(served, "sts", DR, person=person).get_caller_identity()["Arn"]
        assert arn.endswith(f":user/{person}")


def test_the_contents_of_objects_are_there_after_each_return(served: Endpoint) -> None:
    s3 = client(served, "s3", DR)
    runbook = {"Bucket": "bbws-dr-runbooks-sit", "Key": "runbook.md"}
    content = s3.get_object(**runbook)["Body"].read()
    served.return_to("healthy")
    assert content == s3.get_object(**runbook)["Body"].read() != b""


def test_a_broken_world_can_be_kept_and_is_mended_after_each_return(served: Endpoint) -> None:
    served.inject("primary-dark")
    served.keep("dark")
    for _ in range(2):
        served.repair()
        assert {} == served.state()["stopped"]
        served.return_to("dark")
        assert (["primary-dark"], [PRIMARY]) == (served.state()["disasters"], list(served.state()["stopped"]))
        with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
            client(served, "ecs", PRIMARY).list_clusters()


def test_a_kept_world_does_not_age(served: Endpoint) -> None:
    served.inject("primary-dark")
    served.timing(transition_s=3)
    client(served, "rds", DR).create_db_instance(
        DBInstanceIdentifier="young", Engine="mysql", DBInstanceClass="db.r6g.large", AllocatedStorage=20
    )
    served.keep("just now")
    served.age(4)
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
        tuple(mutation[key] for key in ("region", "service", "operation", "person", "done", "control"))
        for mutation in served.mutations()
    ]
    first, second, third = (mutation["params"] for mutation in served.mutations())
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
    assert [True, False, True, False] == [mutation["control"] for mutation in served.mutations()]


def test_a_secret_is_told_by_its_digest_alone(served: Endpoint) -> None:
    response = client(served, "secretsmanager", DR).create_secret(Name="fresh", SecretString="open sesame")
    client(served, "secretsmanager", DR).put_secret_value(SecretId=response["ARN"], SecretString="open sesame")
    assert "sesame" not in json.dumps(served.mutations())
    assert served.mutations()[1]["params"]["SecretString"].startswith("sha256:")
