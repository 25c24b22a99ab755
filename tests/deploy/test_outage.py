"""What notifies people that nobody can write, without any run: executed as generated, with IAM enforced."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dr_actions.actions.notifications import CRITICAL, topic_arn
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.control_items import INCIDENT, LOCK, RUN, STANDING, unreadable
from dr_estate.model.dynamodb_values import encode_item, instant
from tests.proofs.changes import Aws
from tests.utils.running import ROOT
from tests.worlds import borrowed
from utils.aws_mgmt.generate.deploy_files import DEPLOY
from utils.aws_mgmt.generate.outage_watch import MINUTES, name_of

SIT = load_environment(ROOT / "environments", "sit")
ARN = f"arn:aws:states:{SIT.regions.dr}:{SIT.account}:stateMachine:{name_of(SIT)}"
AGO, PATIENCE_S = timedelta(minutes=1), 300
INCIDENT_ITEM = {
    "pk": STANDING,
    "sk": INCIDENT,
    "incident": "INC-123",
    "goal": "failover",
    "phase": "failing back",
    "unprotected_since": "",
    "closed_at": "",
    "staged": True,
    "ends_by": "dr_cli.py -e sit failback --staged --execute --incident INC-123",
}
LOCK_ITEM = {
    "pk": LOCK,
    "sk": RUN,
    **dict.fromkeys(("run", "person", "arn", "outcome"), "x"),
    "incident": "INC-123",
    "token": 1,
}


@dataclass(frozen=True)
class ControlStack:
    """The control stack of an account, and a queue that the critical topic reaches."""

    aws: Aws
    queue: str

    def client(self, service: str) -> Any:
        """A client of its administrator."""
        return self.aws.client(service, Side.DR)

    def write(self, *, since: str, alarm_from: datetime, lease_until: datetime, ended_at: str = "") -> None:
        """Put the incident and the lock as a run writes them."""
        now = datetime.now(UTC)
        incident = {**INCIDENT_ITEM, "since": instant(now), "no_writes_since": since, "alarm_from": instant(alarm_from)}
        beat = {
            "taken_at": instant(now),
            "heartbeat_at": instant(lease_until - AGO),
            "lease_until": instant(lease_until),
        }
        for item in (incident, {**LOCK_ITEM, **beat, "ended_at": ended_at}):
            assert unreadable(item) is None, "as a version writes it"
            table = SIT.named(SIT.names.control_table)
            self.client("dynamodb").put_item(TableName=table, Item=encode_item(item))

    def messages(self) -> list[dict[str, Any]]:
        """What people are notified of by one execution, which succeeds."""
        states, until = self.client("stepfunctions"), time.monotonic() + PATIENCE_S
        execution = states.start_execution(stateMachineArn=ARN)["executionArn"]
        while (state := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < until, "it does not end"
            time.sleep(0.05)
        assert state["status"] == "SUCCEEDED", state
        received = self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in received]


@pytest.fixture(name="stack", scope="module")
def _stack() -> Iterator[ControlStack]:
    with borrowed(SIT, 1) as world:
        stack = ControlStack(Aws(world.url, world.people["admin"], SIT, world.state()["tenants"][0]), "")
        sqs, topic = stack.client("sqs"), topic_arn(SIT, Side.DR, CRITICAL)
        queue = sqs.create_queue(QueueName="people")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        template = json.loads((DEPLOY / "cloudformation" / "sit-outage.json").read_text(encoding="utf-8"))["Resources"]
        role = template["MachineRole"]["Properties"]
        trust, name = json.dumps(role["AssumeRolePolicyDocument"]), role["RoleName"]
        iam = stack.client("iam")
        arn_of_role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        (policy,) = role["Policies"]
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        # Before the machine is made: Step Functions takes the role once then.
        world.enforce_iam(True)
        definition = (DEPLOY / "outage" / "sit-machine.json").read_text(encoding="utf-8")
        stack.client("stepfunctions").create_state_machine(
            name=name_of(SIT), definition=definition, roleArn=arn_of_role
        )
        yield ControlStack(stack.aws, queue)


@pytest.mark.proof
def test_people_are_notified_again_until_writes_work_also_after_a_kill(
    stack: ControlStack,
) -> None:
    now = datetime.now(UTC)
    since, soon, past = instant(now - timedelta(hours=2)), now + timedelta(hours=1), now - AGO
    assert stack.messages() == [], "no incident was ever open"
    stack.write(since="", alarm_from=past, lease_until=past)
    assert stack.messages() == [], "everybody can write"
    stack.write(since=since, alarm_from=soon, lease_until=soon)
    assert stack.messages() == [], "a run is at work, and its pause is as long as was planned"
    stack.write(since=since, alarm_from=past, lease_until=soon)
    (waits,) = stack.messages()
    assert waits["Subject"] == "[SIT] OUTAGE: nobody can write"
    first = json.loads(waits["Message"])
    assert first["happened"].startswith(f"OUTAGE: nobody can write since {since}, and a run is at work")
    assert first["needed"] == "python utils/aws_mgmt/dr_cli.py -e sit log --incident INC-123"
    for ended_at, lease_until in ((instant(past), soon), ("", past)):
        stack.write(since=since, alarm_from=soon, lease_until=lease_until, ended_at=ended_at)
        again = [json.loads(row["Message"]) for _ in range(2) for row in stack.messages()]
        assert [row["needed"] for row in again] == [INCIDENT_ITEM["ends_by"]] * 2, "each time, whoever ended the run"
        assert len({row["event"] for row in again}) == 2, "no subscriber drops the second one"


def test_a_rule_starts_it_every_ten_minutes_in_both_template_languages() -> None:
    every = f"rate({MINUTES} minutes)"
    terraform = (DEPLOY / "terraform" / "outage.tf").read_text(encoding="utf-8")
    assert f'schedule_expression = "{every}"' in terraform
    for env in ("sit", "prod"):
        template = json.loads((DEPLOY / "cloudformation" / f"{env}-outage.json").read_text(encoding="utf-8"))
        rule, states = (template["Resources"][name]["Properties"] for name in ("Rule", "Machine"))
        assert (rule["ScheduleExpression"], rule["State"]) == (every, "ENABLED")
        machine = json.loads((DEPLOY / "outage" / f"{env}-machine.json").read_text(encoding="utf-8"))
        assert json.loads(states["DefinitionString"]) == machine
        policy = json.loads((DEPLOY / "outage" / f"{env}-policy.json").read_text(encoding="utf-8"))
        assert template["Resources"]["MachineRole"]["Properties"]["Policies"][0]["PolicyDocument"] == policy
