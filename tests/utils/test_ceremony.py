"""PROD's whole ceremony in the sandbox: two people, a run that waits for the DNS change by hand, and its record."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dr_estate.config.environment import Environment, Side, load_environment
from reports.evidence.pack import members_of
from reports.evidence.verification import APPROVALS, JOURNAL, MIRROR, verify
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import ROOT, Ran, at_endpoint, command_of, direct_rules, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.whole_run("failover")]

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "report.schema.json").read_text()))
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
INCIDENT = "INC-20260107-001"
PATIENCE_S = 600
COMMAND = re.compile(r"^aws route53 .*$", re.MULTILINE)


@dataclass(frozen=True)
class Ceremony:
    """How the run ended, what it showed to be done by hand, and the notifications that it sent."""

    world: Endpoint
    home: Path
    config: Path
    env: Environment
    ran: Ran
    batch: dict[str, Any]
    command: list[str]
    messages: list[dict[str, Any]]

    def run(self, words: str) -> Ran:
        """Run a command of PROD as the operator."""
        return at_endpoint(self.world, self.home, f"-e prod --config {self.config} {words}", "operator")


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceremony]:
    home = tmp_path_factory.mktemp("ceremony")
    config = direct_rules(home, "prod", QUICK)
    env = load_environment(config, "prod")
    with borrowed(env, tenants=2) as world:
        aws = Aws(world.url, world.people["admin"], env, tenant="")
        queue = _listening(aws)
        world.inject("primary-dark")
        prod = f"-e prod --config {config}"
        approved = at_endpoint(world, home, f"{prod} approve --incident {INCIDENT}", "approver")
        assert approved.code == 0, approved.err
        words = f"{prod} --format json failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
        ran, batch, command = _run_with_a_person(words, world, home, aws)
        yield Ceremony(world, home, config, env, ran, batch, command, _heard(aws, queue))


def _listening(aws: Aws) -> str:
    """A queue that receives what is published to the DR region's topic."""
    sqs, sns = aws.client("sqs", Side.DR), aws.client("sns", Side.DR)
    queue: str = sqs.create_queue(QueueName="ears")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{aws.named(aws.env.names.topics[0])}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def _heard(aws: Aws, queue: str) -> list[dict[str, Any]]:
    sqs, found = aws.client("sqs", Side.DR), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(message["Body"]) for message in messages]
        for entry in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=entry["ReceiptHandle"])
    return found


def _run_with_a_person(words: str, world: Endpoint, home: Path, aws: Aws) -> tuple[Ran, dict[str, Any], list[str]]:
    """Run, and make the change by hand as soon as it is shown, exactly as the shown command would."""
    command, variables = command_of(words, home, **signed_in(world, "operator"))
    run = begin(command, variables, home / "said")
    try:
        by_hand = shlex.split(_shown(run)[0])
        given = dict(zip(by_hand[3::2], by_hand[4::2], strict=True))
        zone, path = given["--hosted-zone-id"], Path(given["--change-batch"].removeprefix("file://"))
        batch = json.loads(path.read_text(encoding="utf-8"))
        aws.client("route53", Side.GLOBAL).change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    except BaseException:
        run.kill()
        raise
    return Ran(run.wait(PATIENCE_S), run.out, run.err), batch, by_hand


def _shown(run: Command) -> re.Match[str]:
    """What is to be done by hand, once it is shown."""
    until = time.monotonic() + PATIENCE_S
    while run.goes_on and time.monotonic() < until:
        if shown := COMMAND.search(run.err):
            return shown
        time.sleep(0.1)
    raise AssertionError(run.err)


def test_the_run_ends_validated_once_the_record_was_changed_by_hand(ceremony: Ceremony) -> None:
    report = ceremony.ran.report
    assert (ceremony.ran.code, report["run"]["outcome"], report["posture"]) == (0, "done", "ON_DR"), ceremony.ran.err
    assert set(ceremony.ran.statuses().values()) <= {"pass", "warn"}
    assert report["run"]["incident"] == INCIDENT
    assert report["run"]["operator"].endswith("user/operator")
    assert report["run"]["approver"].endswith("user/approver")
    assert [] == list(SCHEMA.iter_errors(report))


def test_the_manual_step_shows_a_short_command_with_its_batch_in_a_file(ceremony: Ceremony) -> None:
    assert ceremony.command[:3] == ["aws", "route53", "change-resource-record-sets"]
    assert ceremony.command[-4:] == ["--region", "us-east-1", "--endpoint-url", ceremony.world.url]
    names = {change["ResourceRecordSet"]["Name"].rstrip(".") for change in ceremony.batch["Changes"]}
    assert ceremony.env.traffic.origin_record in names
    assert {change["Action"] for change in ceremony.batch["Changes"]} == {"UPSERT"}, "nothing is deleted, T12"
    assert "BY HAND" in ceremony.ran.err


def test_the_tool_itself_wrote_no_record_in_prod(ceremony: Ceremony) -> None:
    by_person = [m for m in ceremony.world.mutations() if m["operation"] == "ChangeResourceRecordSets"]
    assert len(by_person) == 1


def test_stakeholders_hear_of_the_start_the_step_by_hand_and_the_end(ceremony: Ceremony) -> None:
    subjects = [str(message["Message"]) for message in ceremony.messages]
    assert len(subjects) >= 3, ceremony.messages
    assert all(INCIDENT in subject for subject in subjects)


def test_the_log_is_whole_and_shows_what_was_waited_for(ceremony: Ceremony) -> None:
    ran = ceremony.run(f"log --incident {INCIDENT} --verify --format json")
    assert (ran.code, ran.report["chain"]["intact"]) == (0, True), ran.out
    (timeline,) = ran.report["timelines"]
    assert timeline["rto"]["met"] is True
    assert [wait["step"].partition(":")[0] for wait in timeline["manual"]["waits"]] == ["traffic/shift_to_dr"]
    path = Path(ran.report["source"])
    whole = path.read_text()
    path.write_text(whole.replace('"result":"sent"', '"result":"lost"', 1))
    try:
        assert ceremony.run(f"log --incident {INCIDENT} --verify").code == 3, "one word changed breaks the chain"
    finally:
        path.write_text(whole)


def test_approval_run_and_record_are_one_signed_archive_that_agrees(ceremony: Ceremony) -> None:
    prod = f"-e prod --config {ceremony.config}"
    ran = at_endpoint(ceremony.world, ceremony.home, f"{prod} evidence --incident {INCIDENT}", "approver")
    assert ran.code == 0, ran.err
    raw = Path(ran.out.partition(": ")[0]).read_bytes()
    verdict = verify(raw)
    assert (verdict.faults, verdict.unsigned) == ((), "")
    members = members_of(raw)
    assert {JOURNAL, MIRROR, APPROVALS} < members.keys()
    (approval,) = json.loads(members[APPROVALS])
    begun = next(json.loads(line) for line in members[JOURNAL].splitlines() if b'"kind":"begin"' in line)
    assert approval["rules"] == begun["data"]["rules"]["pinned"] == json.loads(members["rules.json"])["digest"]
    assert ceremony.ran.report["run"]["rules"] == begun["data"]["rules"]["digest"]


def test_the_same_command_again_does_nothing_and_says_that_the_run_is_done(ceremony: Ceremony) -> None:
    ceremony.world.reset_mutations()
    again = ceremony.run(f"failover --execute --incident {INCIDENT}")
    assert (again.code, again.out) == (4, "")
    assert f"The failover for {INCIDENT} is done" in again.err
    assert [] == ceremony.world.mutations()
