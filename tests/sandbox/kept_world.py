"""A world of one tenant that can be returned to, and what the tests of it ask of it."""

from __future__ import annotations

from typing import Any

from sandbox.client.endpoint import Endpoint
from tests.sandbox.conftest import client_of

PRIMARY, DR, WORLD_WIDE = "af-south-1", "eu-west-1", "us-east-1"
CLUSTER, SERVICE, TABLE = "sit-cluster", "sit-tenant-1-service", "sit-dr-control"
_CLIENTS: dict[tuple[str, ...], Any] = {}


def client(served: Endpoint, service: str, region: str, person: str = "operator") -> Any:
    key = (served.url, service, region, person)
    if key not in _CLIENTS:
        _CLIENTS[key] = client_of(served, service, region, person)
    return _CLIENTS[key]


def service_of(served: Endpoint) -> dict[str, Any]:
    ecs = client(served, "ecs", DR)
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
