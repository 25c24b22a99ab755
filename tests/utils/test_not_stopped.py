"""docs/security.md, "What is not stopped": plain boto3 by each person it names, in PROD as shipped, IAM enforced.

Each test fails on the day on which something stops it: then the page is untrue.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Side, load_environment
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.recovery_names import TAG
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, Ran, at_endpoint
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.automation import RecoveryAutomation
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.errors import Refused

pytestmark = pytest.mark.proof

PROD = load_environment(ROOT / "environments", "prod")
TENANT = "tenant-1"
CLUSTER = PROD.named(PROD.names.cluster)
GLASS = PROD.named(PROD.names.break_glass_role)
TRIAL = [{"key": TAG, "value": "TRIAL-20260107-101500"}]


@pytest.fixture(scope="module")
def prod() -> Iterator[Endpoint]:
    with borrowed(PROD, 1) as world:
        world.enforce_iam(True)
        world.keep("enforced")
        yield world


@pytest.fixture(autouse=True)
def as_it_was(prod: Endpoint) -> None:
    prod.return_to("enforced")


def client(world: Endpoint, person: str, service: str, side: Side = Side.DR) -> Any:
    return Aws(world.url, world.people[person], PROD, TENANT).client(service, side)


def put(world: Endpoint, person: str, pk: str, sk: str, **values: Any) -> None:
    item = encode_item({"pk": pk, "sk": sk, **values})
    client(world, person, "dynamodb").put_item(TableName=PROD.named(PROD.names.control_table), Item=item)


def awaited(holds: Callable[[], bool]) -> None:
    """Wait until AWS has done it; a net for what never does."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise TimeoutError


def userid(world: Endpoint, person: str) -> str:
    return str(client(world, "admin", "iam", Side.GLOBAL).get_user(UserName=person)["User"]["UserId"])


def refused_run(world: Endpoint, home: Path) -> Ran:
    """A run that the operator begins, and that is refused for whatever reason."""
    ran = at_endpoint(world, home, "-e prod failover --execute --incident INC-123", "operator")
    assert ran.code == 4, ran.err
    return ran


def test_prod_as_shipped_starts_runs_by_aws_and_refuses_full_drills() -> None:
    shipped = {name: load_environment(ROOT / "environments", name) for name in ("dev", "sit", "prod")}
    found = {
        name: (env.automation.enabled, env.approvals.people, env.holds_full_drills) for name, env in shipped.items()
    }
    assert found == {"dev": (False, 1, False), "sit": (False, 1, True), "prod": (True, 2, False)}


@pytest.mark.parametrize("person", ["reader", "operator", "approver", "driller"])
def test_who_compares_secrets_and_state_can_read_them(prod: Endpoint, person: str) -> None:
    secrets, s3 = client(prod, person, "secretsmanager"), client(prod, person, "s3", Side.PRIMARY)
    for pattern in (PROD.names.tenant_secret, PROD.names.master_secret):
        secret = PROD.named(pattern, tenant=TENANT)
        assert "password" in secrets.get_secret_value(SecretId=secret)["SecretString"]
    state = s3.get_object(Bucket=PROD.named(PROD.names.state_bucket), Key=PROD.named(PROD.names.state_key))
    assert state["Body"].read()


def test_broken_glass_lets_its_operator_act_alone_until_the_session_ends(prod: Endpoint) -> None:
    account, tags = f"arn:aws:iam::{PROD.account}", [{"Key": "dr:open-for", "Value": "operator"}]
    take = {"RoleArn": f"{account}:role/{GLASS}", "RoleSessionName": "operator"}
    take |= {"SerialNumber": f"{account}:mfa/operator", "TokenCode": "123456"}
    sts, iam = client(prod, "operator", "sts"), client(prod, "approver", "iam", Side.GLOBAL)
    service = {"cluster": CLUSTER, "service": PROD.named(PROD.names.service, tenant=TENANT)}
    with pytest.raises(ClientError, match="AccessDenied"):
        client(prod, "operator", "ecs").update_service(**service, desiredCount=1)
    iam.tag_role(RoleName=GLASS, Tags=tags)
    keys = sts.assume_role(**take)["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    ecs = session.client("ecs", PROD.regions.dr, endpoint_url=prod.url)
    assert ecs.update_service(**service, desiredCount=1)["service"]["desiredCount"] == 1
    iam.untag_role(RoleName=GLASS, TagKeys=["dr:open-for"])
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(**take)
    assert ecs.update_service(**service, desiredCount=2)["service"]["desiredCount"] == 2


def test_the_own_pause_of_each_of_them_stops_every_run(prod: Endpoint, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    for number, person in enumerate(("operator", "approver", "driller")):
        word = {"at": instant(began + timedelta(seconds=number)), "paused": True, "why": "so"}
        put(prod, person, f"PAUSE#{userid(prod, person)}", "PAUSE", who=person, words=[word])
    assert "authority.paused: All runs are stopped: driller" in refused_run(prod, tmp_path).err


def test_a_driller_changes_no_task_command_and_takes_only_the_drill_lock(prod: Endpoint) -> None:
    family = PROD.named(PROD.names.task_family, tenant=TENANT)
    definition = client(prod, "driller", "ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
    container, arn = definition["containerDefinitions"][0]["name"], definition["taskDefinitionArn"]
    override = {"containerOverrides": [{"name": container, "command": ["sh", "-c", "env"]}]}
    services = [PROD.named(PROD.names.service, tenant=TENANT)]
    (service,) = client(prod, "driller", "ecs").describe_services(cluster=CLUSTER, services=services)["services"]
    how = {"networkConfiguration": service["networkConfiguration"], "launchType": "FARGATE", "tags": TRIAL}
    ran = client(prod, "driller", "ecs").run_task(cluster=CLUSTER, taskDefinition=arn, overrides=override, **how)
    assert ran["tasks"][0]["overrides"]["containerOverrides"][0]["command"] == ["sh", "-c", "env"]
    put(prod, "driller", "DRILL#LOCK", "RUN", run="mine")


@pytest.mark.parametrize("pk", ["LOCK", "STANDING", "HISTORY", "HISTORY#failover", "DRILL#LOCK", "ASIDE#LOCK"])
def test_an_approver_puts_what_stands(prod: Endpoint, pk: str) -> None:
    put(prod, "approver", pk, "RUN", words="any")


def test_an_approver_signals_another_teams_automation_and_approve_does_not(prod: Endpoint) -> None:
    inputs = {"MinRequiredApprovals": 1, "Approvers": [f"arn:aws:iam::{PROD.account}:user/approver"]}
    step = {"name": "ask", "action": "aws:approve", "inputs": inputs}
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": [step]})
    admin = client(prod, "admin", "ssm")
    admin.create_document(Name="payroll", DocumentType="Automation", DocumentFormat="JSON", Content=content)
    named = {"AutomationExecutionId": admin.start_automation_execution(DocumentName="payroll")["AutomationExecutionId"]}

    def is_now(state: str) -> bool:
        found = admin.get_automation_execution(**named)["AutomationExecution"]
        return bool(found["AutomationExecutionStatus"] == state)

    awaited(lambda: is_now("Waiting"))
    with pytest.raises(Refused, match="is an execution of payroll, not of prod-dr-recovery"):
        RecoveryAutomation(connect(world_of(prod, "approver"), PROD)).of(named["AutomationExecutionId"])
    client(prod, "approver", "ssm").send_automation_signal(**named, SignalType="Approve")
    awaited(lambda: is_now("Success"))


def test_what_an_approver_puts_approves_no_run_and_stops_one(prod: Endpoint, tmp_path: Path) -> None:
    gate = {"gate": "authority.two-people", "by": "approver", "why": "so", "until": "2099-01-01T00:00:00.000000+00:00"}
    put(prod, "approver", "STANDING", "OVERRIDE#authority.two-people", closed_at="", **gate)
    assert "authority.two-people" in refused_run(prod, tmp_path).err
    put(prod, "approver", "LOCK", "RUN", run="nobody's")
    assert "a run counts as at work" in " ".join(refused_run(prod, tmp_path).err.split())


@pytest.mark.parametrize("pk", ["JOURNAL#INC-123", "APPROVAL#another", "PAUSE#another", "RUN#INC-123"])
def test_an_approver_writes_no_journal_and_nothing_of_another_person(prod: Endpoint, pk: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        put(prod, "approver", pk, "INC-123")
