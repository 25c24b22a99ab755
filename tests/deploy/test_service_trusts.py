"""Roles that AWS's services take: for this account's own work alone, in CloudFormation and in Terraform alike."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.config.environment import Environment, load_environment
from dr_estate.iam.trust import trusts
from tests.utils.running import ROOT
from utils.aws_mgmt.generate.deploy_files import DEPLOY

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# What each service sends as aws:SourceArn when it takes a role, by its own guide; and the work of another one.
SOURCES = {
    "ecs-tasks": ("ecs:{}:task/x", "ecs:{}:cluster/x"),
    "ssm": ("ssm:{}:automation-execution/x", "ssm:{}:document/x"),
    "scheduler": ("scheduler:{}:schedule-group/default", "scheduler:{}:schedule-group/other"),
    "states": ("states:{}:stateMachine:ENV-dr-outage", "states:{}:stateMachine:other"),
    "events": ("events:{}:rule/ENV-dr-outage", "events:{}:rule/other"),
}
STACKS = [
    (name, path)
    for name in ("sit", "prod")
    for path in sorted((DEPLOY / "cloudformation").glob(f"{name}-*.json"))
    if "AWS::IAM::Role" in path.read_text(encoding="utf-8")
]


def roles_of_services(env: Environment, template: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, service and trust policy of each role of a template that a service takes."""
    documents = {name: row["Properties"].get("AssumeRolePolicyDocument") for name, row in template["Resources"].items()}
    return [
        (f"{env.name} {name}", row["Principal"]["Service"], document)
        for name, document in documents.items()
        for row in (document or {"Statement": ()})["Statement"]
        if "Service" in row["Principal"]
    ]


@pytest.mark.parametrize(("name", "path"), STACKS, ids=[path.stem for _, path in STACKS])
def test_a_service_takes_a_role_for_the_work_of_this_account_alone(name: str, path: Any) -> None:
    env = load_environment(ROOT / "environments", name)
    for role, service, document in roles_of_services(env, json.loads(path.read_text(encoding="utf-8"))):
        own, other = SOURCES[service.partition(".")[0]]

        def takes(source: str, account: str = env.account, region: str = env.regions.dr) -> bool | None:
            arn = f"arn:aws:{source.format(f'{region}:{account}').replace('ENV', env.name)}"
            return trusts(document, service, account, arn, NOW)  # noqa: B023 - called in this turn

        assert takes(own), role
        assert not takes(own, account="210987654321"), role
        assert not takes(own, region="us-west-2"), role
        # Every task and cluster of the account is ECS's work.
        assert service.startswith("ecs-tasks") or not takes(other), role


def test_terraform_asks_for_what_cloudformation_asks_for() -> None:
    for path in (*sorted((DEPLOY / "terraform").glob("*.tf")), DEPLOY / "fleet" / "main.tf"):
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r'^data "aws_iam_policy_document".*?^}', text, re.MULTILINE | re.DOTALL):
            if '"Service"' in block:
                assert {"aws:SourceAccount", "aws:SourceArn"} <= set(re.findall(r'variable\s+= "(.+?)"', block)), block


def test_lambda_sends_no_source_where_it_takes_the_role_of_a_function() -> None:
    """A condition would keep the function from ever starting: aws:SourceArn is for what calls it."""
    template = json.loads((DEPLOY / "cloudformation" / "stream-anchors.json").read_text(encoding="utf-8"))
    (row,) = template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert ({"Service": "lambda.amazonaws.com"}, None) == (row["Principal"], row.get("Condition"))
