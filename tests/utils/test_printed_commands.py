"""Each command that a real run prints is run as it stands: in the same world, by the person who is meant."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.house.commands import LINE, aws_faults, fault_of
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import Ran, command_of, direct_rules, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
INCIDENT = "INC-20260107-001"
PATIENCE_S = 600
PROGRAM = "python utils/aws_mgmt/dr_cli.py "
PRINTED = re.compile(r"`python utils/aws_mgmt/dr_cli\.py ([^`]*)`")
RUNS = (0, 1, 4, 5, 6, 130)  # neither a mistyped command nor one that could not look
BY = {"approve": "approver", "drill": "driller", "test": "driller"}


@dataclass
class Desk:
    """A small world, the rules of its environment, and everything that was printed there, by what was asked."""

    world: Endpoint
    env: Environment
    home: Path
    config: Path
    printed: dict[str, Ran] = field(default_factory=dict)

    def run(self, about: str, words: Sequence[str], person: str = "operator") -> Ran:
        """Run a command of the environment as ``person``, and keep what it printed."""
        running = self.begin(about, words, person)
        self.printed[about] = Ran(running.wait(PATIENCE_S), running.out, running.err)
        return self.printed[about]

    def begin(self, about: str, words: Sequence[str], person: str = "operator") -> Command:
        """Begin a command with its options; its folder is named ``about``."""
        options = ["-e", self.env.name, "--config", str(self.config)]
        return self.begin_as_printed(about, shlex.join([*options, "--output", str(self.home / "out"), *words]), person)

    def begin_as_printed(self, about: str, line: str, person: str) -> Command:
        """Begin exactly the command ``line``."""
        command, variables = command_of("", self.home, **signed_in(self.world, person))
        return begin([command[0], *shlex.split(line)], variables, self.home / about.replace(" ", "-"))

    def interrupted(self, about: str, words: Sequence[str], seen: str, person: str = "operator") -> Ran:
        """Begin a command, and press Ctrl-C as soon as its stderr shows ``seen``."""
        return self.stopped(about, self.begin(about, words, person), seen)

    def stopped(self, about: str, running: Command, seen: str) -> Ran:
        """Press Ctrl-C as soon as the stderr of what is ``running`` shows ``seen``."""
        until = time.monotonic() + PATIENCE_S
        while seen not in running.err and running.goes_on and time.monotonic() < until:
            time.sleep(0.05)
        assert seen in running.err, running.err
        os.kill(running.process.pid or 0, signal.SIGINT)
        self.printed[about] = Ran(running.wait(PATIENCE_S), running.out, running.err)
        return self.printed[about]

    def says(self, about: str) -> list[str]:
        """The commands that were printed there, as they stand."""
        ran = self.printed[about]
        text = f"{ran.out}\n{ran.err}"
        return [" ".join(found.split()) for found in (*PRINTED.findall(text.replace("\n", " ")), *LINE.findall(text))]

    def the(self, about: str, word: str) -> str:
        """The one command printed there that has ``word`` in it."""
        (found,) = {line for line in self.says(about) if word in shlex.split(line)}
        return found

    def plays(self, line: str) -> Ran:
        """Run a printed command as it stands, by whom it is meant for."""
        words = shlex.split(line)
        person = next((BY[word] for word in words if word in BY), "operator")
        running = self.begin_as_printed(f"played-{len(self.printed)}", line, person)
        return Ran(running.wait(PATIENCE_S), running.out, running.err)


def heard(aws: Aws, queue: str) -> list[dict[str, Any]]:
    """What was published to the critical topic and not received yet."""
    sqs, found = aws.client("sqs", Side.DR), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
        for entry in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=entry["ReceiptHandle"])
    return found


def listening(aws: Aws) -> str:
    """A queue that receives what is published to the DR region's critical topic."""
    sqs, sns = aws.client("sqs", Side.DR), aws.client("sns", Side.DR)
    queue: str = sqs.create_queue(QueueName="ears-for-alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{aws.named(aws.env.names.topics[1])}"
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    condition = {"ArnEquals": {"aws:SourceArn": topic}}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn, "Condition": condition}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


@dataclass
class Ceremony:
    """PROD's ceremony in a lost primary region, every step of it once refused, failed or interrupted."""

    desk: Desk
    alarms: list[dict[str, Any]]


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceremony]:
    home = tmp_path_factory.mktemp("prod")
    config = direct_rules(home, "prod", QUICK)
    env = load_environment(config, "prod")
    with borrowed(env, tenants=1) as world:
        aws = Aws(world.url, world.people["admin"], env, tenant="")
        queue = listening(aws)
        desk = Desk(world, env, home, config)
        desk.run("healthy", ["failover"])
        desk.run("unstaged failback", ["failback", "--execute", "--incident", INCIDENT])
        world.inject("primary-dark")
        desk.run("refused failback", ["failback", "--staged", "--execute", "--incident", INCIDENT])
        desk.run("approve failback", ["approve", "--failback", "--staged", "--incident", INCIDENT], "approver")
        run = ["failover", "--execute", "--incident", INCIDENT, "--confirm", "files/restore_dr:prod-efs"]
        desk.run("refused failover", run)
        desk.run("approve", shlex.split(desk.the("refused failover", "approve"))[6:], "approver")
        outage = Outage(env.regions.dr, "deny", "rds", "RestoreDBInstanceToPointInTime")
        world.begin(outage)
        desk.run("failed", run)
        world.end(outage)
        desk.interrupted("interrupted", run, "BY HAND")
        desk.run("log", ["log", "--incident", INCIDENT])
        desk.run("review", ["log", "--incident", INCIDENT, "--review"])
        desk.run("pause", ["pause", "--reason", "we wait"])
        desk.run("paused", run)
        desk.run("unpause", ["unpause"])
        yield Ceremony(desk, heard(aws, queue))


def test_a_refused_failover_names_its_approval_and_the_approval_the_run(ceremony: Ceremony) -> None:
    desk = ceremony.desk
    assert desk.printed["refused failover"].code == 4
    assert desk.the("refused failover", "approve").endswith(f"approve --incident {INCIDENT}")
    assert desk.printed["approve"].code == 0, desk.printed["approve"].err
    assert desk.the("approve", "--execute").endswith(f"failover --execute --incident {INCIDENT}")


def test_a_refused_failback_names_the_staged_approval_and_that_the_run(ceremony: Ceremony) -> None:
    desk = ceremony.desk
    assert desk.the("refused failback", "approve").endswith(f"approve --failback --staged --incident {INCIDENT}")
    assert desk.the("approve failback", "failback").endswith(f"failback --staged --execute --incident {INCIDENT}")
    assert desk.the("unstaged failback", "failback").endswith(f"failback --staged --execute --incident {INCIDENT}")


def test_a_failed_and_an_interrupted_run_name_the_command_that_goes_on(ceremony: Ceremony) -> None:
    goes_on = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
    assert (ceremony.desk.printed["failed"].code, ceremony.desk.printed["interrupted"].code) == (5, 130)
    for about in ("failed", "interrupted", "log"):
        assert [line for line in ceremony.desk.says(about) if line.endswith(goes_on)], about


def test_the_alarm_of_a_failed_run_names_the_command_that_goes_on(ceremony: Ceremony) -> None:
    failed = [entry for entry in ceremony.alarms if entry["step"].startswith("failed.")]
    assert failed
    for alarm in failed:
        assert f"{PROGRAM}-e prod " in alarm["needed"]
        assert f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs`" in alarm["needed"]


def test_every_printed_command_carries_the_options_of_the_request(ceremony: Ceremony) -> None:
    desk = ceremony.desk
    options = f"-e prod --config {desk.config} --output {desk.home / 'out'} "
    lines = [line for about in desk.printed for line in desk.says(about)]
    assert len(lines) > 10
    assert [] == [line for line in lines if not line.startswith(options)]


def test_every_printed_command_parses_and_runs_in_its_own_world(
    ceremony: Ceremony,
) -> None:
    desk = ceremony.desk
    lines = dict.fromkeys(line for about in desk.printed for line in desk.says(about))
    assert [] == [f"{line}: {fault}" for line in lines if (fault := fault_of(line))]
    ended = {line: desk.plays(line) for line in lines if "failover" not in line or "--execute" not in line}
    assert len(ended) > 4
    dark = {line for line, ran in ended.items() if line.endswith(" status") and ran.code == 3}  # so it cannot say
    assert [] == [
        f"{line}: {ran.code} {ran.err}" for line, ran in ended.items() if ran.code not in RUNS and line not in dark
    ]


def test_every_aws_command_that_was_printed_is_one_of_the_aws_cli(ceremony: Ceremony) -> None:
    text = "\n".join(ran.out + ran.err for ran in ceremony.desk.printed.values())
    assert "aws route53 change-resource-record-sets" in text
    assert [] == aws_faults(text)


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """SIT's full drill, interrupted on its way out."""
    home = tmp_path_factory.mktemp("sit")
    config = rules(home, "sit", QUICK)
    env = load_environment(config, "sit")
    with borrowed(env, tenants=1) as world:
        desk = Desk(world, env, home, config)
        # by then there is something to take back
        desk.interrupted("drill", ["test", "--full-drill"], "  done compute/fence_scaling", "driller")
        desk.run("show", ["drill", "show"], "driller")
        yield desk


def test_an_interrupted_drill_names_the_command_that_ends_it(drilled: Desk) -> None:
    assert drilled.printed["drill"].code == 130, drilled.printed["drill"].err
    line = drilled.the("drill", "drill")
    assert line.endswith(" drill clean")
    assert drilled.the("show", "drill") == line
    assert "failover" not in " ".join(drilled.says("drill"))
    cleaned = drilled.stopped("clean", drilled.begin_as_printed("clean", line, "driller"), "  done ")
    assert cleaned.code == 130, "it went on with the drill, until it was interrupted"
    assert drilled.the("clean", "drill") == line
