"""A world kept is a world returned to: as it was and as old as it was; and what a run changed is listed by call."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from sandbox.core.errors import SandboxError
from sandbox.core.state import Outage
from tests.sandbox.conftest import client_of

PRIMARY, DR, WORLD_WIDE = "af-south-1", "eu-west-1", "us-east-1"
CLUSTER, SERVICE, TABLE = "sit-cluster", "sit-tenant-1-service", "sit-dr-control"


def service_of(estate: Endpoint, region: str = DR) -> dict[str, Any]:
    ecs = client_of(estate, "ecs", region)
    found: dict[str, Any] = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    return found


def control_and_another(estate: Endpoint) -> tuple[str, str]:
    names = client_of(estate, "dynamodb", DR).list_tables()["TableNames"]
    return TABLE, next(name for name in names if name != TABLE)


def item(estate: Endpoint, table: str, value: str) -> dict[str, Any]:
    schema = client_of(estate, "dynamodb", DR).describe_table(TableName=table)["Table"]["KeySchema"]
    return {key["AttributeName"]: {"S": value} for key in schema}


def topic_of(estate: Endpoint) -> str:
    topics = client_of(estate, "sns", DR).list_topics()["Topics"]
    return next(str(topic["TopicArn"]) for topic in topics if topic["TopicArn"].endswith("bbws-dr-events"))


def test_secrets_grow_older_with_the_rest_of_the_world(estate: Endpoint) -> None:
    def changed() -> list[float]:
        listed = client_of(estate, "secretsmanager", PRIMARY).list_secrets()["SecretList"]
        return [secret["LastChangedDate"].timestamp() for secret in listed]

    before = changed()
    estate.age(3600)
    assert changed() == pytest.approx([moment - 3600 for moment in before], abs=1)


def test_a_world_is_returned_to_whole(estate: Endpoint, sit: Environment) -> None:
    before = service_of(estate)
    client_of(estate, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=7)
    client_of(estate, "sns", DR).create_topic(Name="left-behind")
    estate.inject("primary-dark")
    estate.return_to("healthy")
    assert ({}, [], []) == (estate.state()["stopped"], estate.state()["faults"], estate.state()["disasters"])
    assert before["desiredCount"] == service_of(estate)["desiredCount"]
    topics = client_of(estate, "sns", DR).list_topics()["Topics"]
    assert not [topic for topic in topics if "left-behind" in topic["TopicArn"]]
    sites = Sites(estate, sit)
    assert PRIMARY == sites.serving()
    assert 201 == sites.ask(PRIMARY, "POST", sites.hosts[0], "rows", {"id": "a"})[0]
    for person in ("reader", "operator", "approver"):
        arn = client_of(estate, "sts", DR, person=person).get_caller_identity()["Arn"]
        assert arn.endswith(f":user/{person}")


def test_the_contents_of_objects_are_there_after_each_return(estate: Endpoint) -> None:
    s3 = client_of(estate, "s3", DR)
    runbook = {"Bucket": "bbws-dr-runbooks-sit", "Key": "runbook.md"}
    content = s3.get_object(**runbook)["Body"].read()
    estate.return_to("healthy")
    assert content == s3.get_object(**runbook)["Body"].read() != b""


def test_a_broken_world_can_be_kept_and_repaired_after_each_return(estate: Endpoint) -> None:
    estate.inject("primary-dark")
    estate.keep("dark")
    for _ in range(2):
        estate.repair()
        assert {} == estate.state()["stopped"]
        estate.return_to("dark")
        assert (["primary-dark"], [PRIMARY]) == (estate.state()["disasters"], list(estate.state()["stopped"]))
        with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
            client_of(estate, "ecs", PRIMARY, read_timeout=2).list_clusters()


def test_a_kept_world_does_not_age(estate: Endpoint) -> None:
    estate.inject("primary-dark")
    estate.timing(transition_s=3)
    client_of(estate, "rds", DR).create_db_instance(
        DBInstanceIdentifier="young", Engine="mysql", DBInstanceClass="db.r6g.large", AllocatedStorage=20
    )
    estate.keep("just now")
    estate.age(4)
    aged_s = dark_for_s(estate)
    assert "available" == status(estate, "young")
    estate.return_to("just now")
    assert "creating" == status(estate, "young")
    assert aged_s - dark_for_s(estate) > 2


def dark_for_s(estate: Endpoint) -> float:
    since = datetime.fromisoformat(estate.state()["stopped"][PRIMARY])
    return (datetime.now(UTC) - since).total_seconds()


def status(estate: Endpoint, name: str) -> str:
    found = client_of(estate, "rds", DR).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return str(found[0]["DBInstanceStatus"])


def test_a_call_under_way_at_an_exchange_never_reaches_the_next_world(estate: Endpoint) -> None:
    estate.begin(Outage(DR, "hang", "ecs", "UpdateService"))
    estate.reset_calls()
    ended: list[type] = []

    def scale() -> None:
        try:
            client_of(estate, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=9)
        except ConnectionClosedError as dropped:
            ended.append(type(dropped))

    calling = threading.Thread(target=scale)
    calling.start()
    while f"{DR} ecs:UpdateService" not in estate.calls():
        time.sleep(0.05)
    estate.return_to("healthy")
    calling.join()
    assert [ConnectionClosedError] == ended
    assert 9 != service_of(estate)["desiredCount"]


def test_a_name_that_was_never_kept_is_refused_with_those_that_were(estate: Endpoint) -> None:
    with pytest.raises(SandboxError, match=r"No world was kept as 'rosy' \(kept: .*healthy"):
        estate.return_to("rosy")


def test_a_timing_that_does_not_exist_is_refused_with_those_that_do(estate: Endpoint) -> None:
    with pytest.raises(SandboxError, match="There is no timing moods: use transition_s, restore_s, log_upload_s"):
        estate.timing(moods=3)


def test_mutations_are_listed_in_order_with_parameters_without_reads(estate: Endpoint) -> None:
    client_of(estate, "ecs", DR).list_clusters()
    client_of(estate, "ecs", DR).update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    topic = topic_of(estate)
    client_of(estate, "sns", DR, person="admin").publish(TopicArn=topic, Message="failing over")
    with pytest.raises(ClientError):
        client_of(estate, "rds", DR).promote_read_replica(DBInstanceIdentifier="nobody")
    assert [
        (DR, "ecs", "UpdateService", "operator", True, False),
        (DR, "sns", "Publish", "admin", True, False),
        (DR, "rds", "PromoteReadReplica", "operator", False, False),
    ] == [
        tuple(mutation[key] for key in ("region", "service", "operation", "person", "done", "control"))
        for mutation in estate.mutations()
    ]
    first, second, third = (mutation["params"] for mutation in estate.mutations())
    assert {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 2} == first
    assert {"TopicArn": topic, "Message": "failing over"} == second
    assert {"DBInstanceIdentifier": "nobody"} == third
    estate.reset_mutations()
    assert [] == estate.mutations()


def test_writes_to_the_control_table_are_marked_as_such(estate: Endpoint) -> None:
    dynamodb = client_of(estate, "dynamodb", DR)
    tables = control_and_another(estate)
    for table in tables:
        dynamodb.put_item(TableName=table, Item=item(estate, table, "a"))
    put = [{"Put": {"TableName": table, "Item": item(estate, table, "b")}} for table in tables]
    dynamodb.transact_write_items(TransactItems=put[:1])
    dynamodb.transact_write_items(TransactItems=put)
    assert [True, False, True, False] == [mutation["control"] for mutation in estate.mutations()]


def test_a_secret_is_listed_by_its_digest_alone(estate: Endpoint) -> None:
    response = client_of(estate, "secretsmanager", DR).create_secret(Name="fresh", SecretString="open sesame")
    client_of(estate, "secretsmanager", DR).put_secret_value(SecretId=response["ARN"], SecretString="open sesame")
    assert "sesame" not in json.dumps(estate.mutations())
    assert estate.mutations()[1]["params"]["SecretString"].startswith("sha256:")
