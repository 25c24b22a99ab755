"""A token that nobody was given is refused, 400, with the code of each service; and RDS errs in XML alone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Client

WRONG = "a-token-of-nobody"
PLAN = {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}
CALLS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("account", "list_regions", {"NextToken": WRONG}, "ValidationException"),
    ("application-autoscaling", "describe_scalable_targets", {"NextToken": WRONG}, "InvalidNextTokenException"),
    ("application-autoscaling", "describe_scaling_policies", {"NextToken": WRONG}, "InvalidNextTokenException"),
    ("backup", "list_backup_jobs", {"NextToken": WRONG}, "InvalidParameterValueException"),
    ("cloudwatch", "describe_alarms", {"NextToken": WRONG}, "InvalidNextToken"),
    ("cloudwatch", "list_metrics", {"NextToken": WRONG}, "InvalidParameterValue"),
    ("ec2", "describe_network_interfaces", {"NextToken": WRONG}, "InvalidParameterValue"),
    ("ecs", "list_clusters", {"nextToken": WRONG}, "InvalidParameterException"),
    ("efs", "describe_replication_configurations", {"NextToken": WRONG}, "BadRequest"),
    ("elbv2", "describe_load_balancers", {"Marker": WRONG}, "ValidationError"),
    ("iam", "simulate_custom_policy", {**PLAN, "Marker": WRONG}, "ValidationError"),
    ("rds", "describe_db_instances", {"Marker": WRONG}, "InvalidParameterValue"),
    ("service-quotas", "list_services", {"NextToken": WRONG}, "InvalidPaginationTokenException"),
)


@pytest.mark.parametrize(("service", "operation", "params", "code"), CALLS, ids=[f"{c[0]}-{c[1]}" for c in CALLS])
def test_a_wrong_token_is_refused_as_the_service_refuses_it(
    client: Client, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    if service == "application-autoscaling":
        params = {**params, "ServiceNamespace": "ecs"}
    with pytest.raises(ClientError) as refusal:
        getattr(client(service), operation)(**params)
    assert refusal.value.response["Error"]["Code"] == code
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("describe_db_instances", {"Marker": WRONG}),
        ("describe_db_instances", {"DBInstanceIdentifier": "nobody"}),
        ("download_db_log_file_portion", {"DBInstanceIdentifier": "nobody", "LogFileName": "none"}),
    ],
    ids=["a wrong marker", "a wrong name", "what the sandbox lacks"],
)
def test_rds_errs_in_xml(client: Client, operation: str, params: dict[str, Any]) -> None:
    rds, seen = client("rds", user_agent_extra="heard"), []
    rds.meta.events.register("before-parse.rds", lambda response_dict, **_: seen.append(response_dict))
    with pytest.raises(ClientError):
        getattr(rds, operation)(**params)
    assert seen[0]["headers"]["content-type"].startswith("text/xml")
    assert seen[0]["body"].lstrip().startswith((b"<?xml", b"<ErrorResponse"))
