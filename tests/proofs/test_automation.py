"""PROD whose runs AWS starts, IAM enforced: one asks, another approves, no machine is needed, nobody does it alone."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import Ran, at_endpoint, command_of, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

AUTOMATED = (
    "[automation]\nenabled = true\n[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
)
INCIDENT = "INC-123"
PATIENCE_S = 150
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
DENIED = "AccessDeniedException"


@dataclass(frozen=True)
class Prod:
    """A PROD of one tenant whose primary region is lost; ``home`` is one machine's."""

    world: Endpoint
    home: Path
    config: Path
    env: Environment

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command to its end."""
        return at_endpoint(self.world, self.home, f"-e prod --config {self.config} {words}", person)

    def begin(self, words: str, name: str, person: str = "operator") -> Command:
        """Begin a command on a machine of its own."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        line = f"-e prod --config {self.config} {words}"
        command, variables = command_of(line, home, **signed_in(self.world, person))
        return begin(command, variables, home / "said")

    def asked(self, words: str, name: str) -> tuple[Command, str]:
        """Begin a run as the operator; returns it with the execution's id, once AWS waits for an approver."""
        command = self.begin(words, name)
        return command, shown(command, r"\((?P<id>[0-9a-f-]{36})\) waits for an approver")["id"]

    def ssm(self, person: str) -> Any:
        """A person's plain client of Systems Manager."""
        return self.aws(person).client("ssm", Side.DR)

    def aws(self, person: str) -> Aws:
        """Plain clients of a person."""
        return Aws(self.world.url, self.world.people[person], self.env, tenant="")

    def refused(self, person: str, operation: str, **params: Any) -> str:
        """The code by which AWS refuses a call of Systems Manager."""
        with pytest.raises(ClientError) as refusal:
            getattr(self.ssm(person), operation)(**params)
        return str(refusal.value.response["Error"]["Code"])

    def status(self, execution: str) -> str:
        """How an execution stands, in AWS's word."""
        found = self.ssm("reader").get_automation_execution(AutomationExecutionId=execution)
        return str(found["AutomationExecution"]["AutomationExecutionStatus"])

    @property
    def document(self) -> str:
        """The document's name."""
        return self.env.named(self.env.names.recovery_document)


def shown(command: Command, pattern: str) -> re.Match[str]:
    """What the command tells on stderr, once it does."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if found := re.search(pattern, command.err, re.MULTILINE):
            return found
        assert command.goes_on, command.err
        time.sleep(0.1)
    raise AssertionError(command.err)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    home = tmp_path_factory.mktemp("automated")
    config = rules(home, "prod", AUTOMATED)
    env = load_environment(config, "prod")
    with borrowed(env, 1) as world:
        world.put_image(config)
        world.timing(transition_s=0.1, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        world.inject("primary-dark")
        world.enforce_iam(True)
        prod = Prod(world, home, config, env)
        pinned = prod.run("approve --rules", "approver")
        assert pinned.code == 0, pinned.err
        world.keep("lost")
        yield prod


@pytest.fixture
def prod(lost: Prod, tmp_path: Path) -> Prod:
    lost.world.return_to("lost")
    return replace(lost, home=tmp_path)


def change_by_hand(prod: Prod, watching: Command) -> None:
    """Make the DNS change exactly as the watching command shows it."""
    line = shlex.split(shown(watching, r"^aws route53 .*$")[0])
    given = dict(zip(line[3::2], line[4::2], strict=True))
    batch = json.loads(Path(given["--change-batch"].removeprefix("file://")).read_text(encoding="utf-8"))
    route53 = prod.aws("admin").client("route53", Side.GLOBAL)
    route53.change_resource_record_sets(HostedZoneId=given["--hosted-zone-id"], ChangeBatch=batch)


def test_the_operator_asks_the_approver_approves_the_laptop_dies_and_another_sees_the_end(prod: Prod) -> None:
    laptop, _ = prod.asked(EXECUTE, "laptop")
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert approved.code == 0, approved.err
    assert "AWS runs it now" in approved.out
    shown(laptop, r" begin ")
    laptop.kill()
    other = prod.begin(f"attach --incident {INCIDENT}", "other")
    change_by_hand(prod, other)
    assert other.wait(PATIENCE_S) == 0, other.err
    assert f"the run of {INCIDENT} ended with exit 0" in other.out
    log = prod.run(f"log --incident {INCIDENT}")
    assert log.code == 0, log.err
    assert "operator" in log.out
    done = {(row["person"], row["operation"]) for row in prod.world.mutations() if not row["control"]}
    assert {"StartAutomationExecution"} == {operation for person, operation in done if person == "operator"}
    assert {"SendAutomationSignal"} == {operation for person, operation in done if person == "approver"}


def test_a_run_that_aws_started_is_stopped_from_anywhere_and_goes_on(prod: Prod) -> None:
    laptop, _ = prod.asked(EXECUTE, "laptop")
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    shown(laptop, r" begin ")
    paused = prod.run("pause --reason storm", "approver")
    assert paused.code == 0, paused.err
    assert laptop.wait(PATIENCE_S) == 5, laptop.err
    assert "approver" in laptop.err
    assert prod.run("unpause").code == 0
    again, _ = prod.asked(EXECUTE, "laptop-again")
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert "AWS runs it now" in approved.out, approved.err
    assert f" attach --incident {INCIDENT}` watches the run" in approved.out.partition("In short")[2]
    change_by_hand(prod, again)
    assert again.wait(PATIENCE_S) == 0, again.err


def test_who_asked_cannot_approve_and_who_approves_cannot_ask_by_aws_alone(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    signal = {"AutomationExecutionId": execution, "SignalType": "Approve"}
    assert DENIED == prod.refused("operator", "send_automation_signal", **signal)
    assert DENIED == prod.refused("admin", "send_automation_signal", **signal)  # may all of IAM, and is no approver
    assert DENIED == prod.refused("approver", "start_automation_execution", DocumentName=prod.document)
    assert "Waiting" == prod.status(execution)
    alone = prod.run(f"approve --incident {INCIDENT}")
    assert (alone.code, "is not among the approvers" in alone.err) == (4, True), alone.err
    laptop.kill()


def test_a_second_automation_beside_the_first_is_refused_by_the_document_itself(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    second = prod.run(EXECUTE)
    assert second.code == 4, second.err
    assert f"{execution} of arn:aws:iam::{prod.env.account}:user/operator is under way: one at a time." in second.err
    assert "Waiting" == prod.status(execution)
    laptop.kill()


def test_the_task_runs_nothing_that_was_not_approved_in_aws_or_is_another_plan(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    digest = prod.ssm("operator").get_automation_execution(AutomationExecutionId=execution)
    given = digest["AutomationExecution"]["Parameters"]["PlanDigest"][0]
    words = f"{EXECUTE} --automation {execution} --digest"
    prod.world.reset_mutations()
    early = prod.run(f"{words} {given}")
    assert (early.code, f"{execution} was not approved in Systems Manager" in early.err) == (4, True), early.err
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    ends = time.monotonic() + PATIENCE_S
    while prod.status(execution) == "Waiting":  # AWS hears the signal a moment later
        assert time.monotonic() < ends
        time.sleep(0.2)
    other = prod.run(f"{words} {'0' * 64}")
    assert (other.code, f"{execution} is for plan {given[:12]}" in other.err) == (4, True), other.err
    assert "operator" not in {row["person"] for row in prod.world.mutations()}
    laptop.kill()


def test_the_operators_own_keys_change_nothing_of_the_estate(prod: Prod) -> None:
    ecs = prod.aws("operator").client("ecs", Side.DR)
    service = prod.env.named(prod.env.names.service, tenant="tenant-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.update_service(cluster=prod.env.named(prod.env.names.cluster), service=service, desiredCount=1)
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.run_task(
            cluster=prod.env.named(prod.env.names.cluster), taskDefinition=prod.env.named(prod.env.names.recovery_task)
        )
