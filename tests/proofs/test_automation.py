"""PROD whose runs AWS starts, IAM enforced: one asks, another approves, no machine is needed, nobody does it alone."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.iam.scopes import DEFAULT_VERSION
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.recovery_document import as_values
from reports.evidence.pack import members_of
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.control_table.odd_items import RAN
from tests.proofs.attacked import attacks
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import Ran, at_endpoint, command_of, direct_rules, rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
INCIDENT = "INC-123"
PATIENCE_S = 150
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
DENIED = "AccessDeniedException"
SOON = datetime.now(UTC).date() + timedelta(days=30)
ACCEPTED = f"""[[exception]]
check = "rds-parity.parameter-group"
subject = "prod-mysql-*"
who = "Jane"
why = "DR-12: replaced in March"
until = {SOON}
"""
OVERRIDE = ("--override", "fence.primary", "Jane Doe", "2099-01-07T18:00Z", "its API is silent")
ACCEPTED_LINE = (
    f"exception of rds-parity.parameter-group for prod-mysql-* by Jane until {SOON}: DR-12: replaced in March"
)
SET_ASIDE = ("override of fence.primary by Jane Doe until 2099-01-07 18:00 UTC: its API is silent", ACCEPTED_LINE)


@dataclass(frozen=True)
class Prod:
    """A PROD of one tenant whose primary region is lost; the ``home`` folder is one machine's."""

    world: Endpoint
    home: Path
    config: Path
    env: Environment

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command to its end."""
        return at_endpoint(self.world, self.home, f"-e prod --config {self.config} {words}", person)

    def begin(self, words: str, name: str, person: str = "operator", extra: Sequence[str] = ()) -> Command:
        """Begin a command on a machine of its own; ``extra`` are words that hold blanks."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        line = f"-e prod --config {self.config} {words}"
        command, variables = command_of(line, home, **signed_in(self.world, person))
        return begin([*command, *extra], variables, home / "said")

    def asked(self, words: str, name: str, extra: Sequence[str] = ()) -> tuple[Command, str]:
        """Begin a run as the operator; returns it with the execution's id, once AWS waits for an approver."""
        command = self.begin(words, name, extra=extra)
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

    def while_status(self, execution: str, status: str) -> None:
        """Wait as long as an execution stands so."""
        ends = time.monotonic() + PATIENCE_S
        while self.status(execution) == status:
            assert time.monotonic() < ends
            time.sleep(0.2)

    def asked_for(self, execution: str) -> dict[str, list[str]]:
        """The parameters of an execution."""
        found = self.ssm("reader").get_automation_execution(AutomationExecutionId=execution)
        return dict(found["AutomationExecution"]["Parameters"])

    @property
    def default(self) -> dict[str, str]:
        """The document in its default version, which alone may be started."""
        return {"DocumentName": self.document, "DocumentVersion": DEFAULT_VERSION}

    @property
    def approver_id(self) -> str:
        """The user id that AWS gives the approver."""
        return str(self.aws("admin").client("iam", Side.GLOBAL).get_user(UserName="approver")["User"]["UserId"])

    @property
    def document(self) -> str:
        """The document's name."""
        return self.env.named(self.env.names.recovery_document)


def shown(command: Command, pattern: str) -> re.Match[str]:
    """The match of ``pattern`` in what the command prints on stderr, once there is one."""
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
    config = rules(home, "prod", QUICK)
    (config / "exceptions.toml").write_text(ACCEPTED, encoding="utf-8")
    with borrowed(load_environment(config, "prod"), 1) as world:
        yield with_primary_dark(world, home, config)


def with_primary_dark(world: Endpoint, home: Path, config: Path) -> Prod:
    """PROD in that world, its rules pinned, its primary region silent; kept as "lost"."""
    prod = Prod(world, home, config, load_environment(config, "prod"))
    world.put_image(config)
    world.timing(transition_s=0.1, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
    world.inject("primary-dark")
    world.enforce_iam(True)
    pinned = prod.run("approve --rules", "approver")
    assert pinned.code == 0, pinned.err
    world.keep("lost")
    return prod


@pytest.fixture
def prod(lost: Prod, tmp_path: Path) -> Prod:
    lost.world.return_to("lost")
    return replace(lost, home=tmp_path)


@dataclass(frozen=True)
class Waiting:
    """A failover that the operator asked for and that waits for an approver in AWS, in the world of ``prod``."""

    prod: Prod
    execution: str


@pytest.fixture(scope="module")
def open_request(lost: Prod) -> Waiting:
    """Asked for once, and kept as "asked"; the laptop is closed."""
    lost.world.return_to("lost")
    laptop, execution = lost.asked(EXECUTE, "laptop")
    laptop.kill()
    lost.world.keep("asked")
    return Waiting(lost, execution)


@pytest.fixture
def waiting(open_request: Waiting, tmp_path: Path) -> Waiting:
    """For what neither ends it nor lets it go on: in a world that is returned to, AWS takes none of its steps."""
    open_request.prod.world.return_to("asked")
    return replace(open_request, prod=replace(open_request.prod, home=tmp_path))


def change_by_hand(prod: Prod, watching: Command, number: int = 0) -> None:
    """Make the DNS change of that ``number``, from 0, exactly as the watching command shows it."""
    shown(watching, r"^aws route53 .*$")
    line = shlex.split(re.findall(r"^aws route53 .*$", watching.err, re.MULTILINE)[number])
    given = dict(zip(line[3::2], line[4::2], strict=True))
    batch = json.loads(Path(given["--change-batch"].removeprefix("file://")).read_text(encoding="utf-8"))
    route53 = prod.aws("admin").client("route53", Side.GLOBAL)
    route53.change_resource_record_sets(HostedZoneId=given["--hosted-zone-id"], ChangeBatch=batch)


def test_who_watches_a_run_goes_on_watching_where_an_answer_of_aws_fails(prod: Prod) -> None:
    """An error, then credentials that expired: each silence is reported once."""
    laptop, execution = prod.asked(EXECUTE, "laptop")
    for silences, how in enumerate(("error", "expired"), start=1):
        of_aws = Outage(prod.env.region(Side.DR), how, "ssm", "GetAutomationExecution", person="operator", times=2)
        prod.world.begin(of_aws)
        shown(laptop, rf"(?s)(?:AWS goes on with it.*){{{silences}}}")
        prod.world.end(of_aws)
        answered_again(prod)
    ended = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert ended.code == 0, ended.err
    assert laptop.wait(PATIENCE_S) == Exit.REFUSED, laptop.err
    assert prod.status(execution) == "Rejected"
    assert laptop.err.count("AWS goes on with it") == 2, "one silence is told once"


def answered_again(prod: Prod) -> None:
    """Wait until who watches asked twice more: the second question follows an answer."""
    prod.world.reset_calls()
    ends = time.monotonic() + PATIENCE_S
    asking = f"{prod.env.region(Side.DR)} ssm:GetAutomationExecution"
    while prod.world.calls().get(asking, 0) < 2:
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.mark.whole_run("failover by AWS")
def test_order_and_approval_outlive_the_laptop_and_another_sees_the_end(prod: Prod) -> None:
    laptop, _ = prod.asked(EXECUTE, "laptop")
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert approved.code == 0, approved.err
    assert "AWS runs it now" in approved.out
    shown(laptop, r"step 1 of ")
    laptop.kill()
    other = prod.begin(f"attach --incident {INCIDENT}", "other")
    change_by_hand(prod, other)
    assert other.wait(PATIENCE_S) == 0, other.err
    assert f"the failover of {INCIDENT} is complete, exit 0" in other.out
    assert_all_of_it_is_on(prod, "other", other)
    log = prod.run(f"log --incident {INCIDENT}")
    assert log.code == 0, log.err
    assert "operator" in log.out
    done = {(row["person"], row["operation"]) for row in prod.world.mutations() if not row["control"]}
    assert {"StartAutomationExecution"} == {operation for person, operation in done if person == "operator"}
    assert {"SendAutomationSignal"} == {operation for person, operation in done if person == "approver"}


def assert_all_of_it_is_on(prod: Prod, machine: str, watched: Command) -> None:
    """The record lies there, and the command that is printed last leaves the report there too."""
    results = prod.home / machine / "out"
    (record,) = results.glob("prod-attach-*/incident.md")
    assert "traffic/shift_to_dr:" in record.read_text(encoding="utf-8")
    assert f"Record: {record}" in watched.err
    validate = f"failover --validate --incident {INCIDENT}"
    assert watched.out.partition("In short")[2].rstrip().endswith(validate), watched.out
    assert [] == list(results.glob("*/report.html"))
    validated = prod.begin(validate, machine)
    assert validated.wait(PATIENCE_S) == 0, validated.err
    (page,) = results.glob("prod-failover-*/report.html")
    assert INCIDENT in page.read_text(encoding="utf-8")


def agree_to_more_while_another_plan_waits(prod: Prod, execution: str) -> None:
    """Run what a refusal of the run under way prints for its approver, while AWS waits with another plan."""
    ssm, given = prod.ssm("operator"), prod.asked_for(execution)
    parameters, digest = {**given, "PlanDigest": ["0" * 64]}, given["PlanDigest"][0]
    other = ssm.start_automation_execution(**prod.default, Parameters=parameters)["AutomationExecutionId"]
    prod.while_status(other, "InProgress")
    agreed = prod.begin(f"approve --incident {INCIDENT} --digest {digest[:12]}", "desk", "approver", OVERRIDE)
    assert (agreed.wait(PATIENCE_S), f"Set aside: {SET_ASIDE[0]}" in agreed.err) == (0, True), agreed.err
    assert f"Plan {digest[:12]} of {INCIDENT} may go on with the override of fence.primary" in agreed.out
    prod.ssm("approver").send_automation_signal(AutomationExecutionId=other, SignalType="Reject")


def test_a_run_of_aws_stopped_by_a_pause_or_in_ecs_goes_on_each_time(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    shown(laptop, r"step 1 of ")
    paused = prod.run("pause --reason storm", "approver")
    assert paused.code == 0, paused.err
    assert laptop.wait(PATIENCE_S) == 5, laptop.err
    assert "approver" in laptop.err
    assert prod.status(execution) == "Failed", "EventBridge sees that the run did not succeed"
    agree_to_more_while_another_plan_waits(prod, execution)
    assert prod.run("unpause").code == 0
    stopped_in_ecs(prod)
    again, _ = prod.asked(EXECUTE, "laptop-again")
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    change_by_hand(prod, again)
    assert again.wait(PATIENCE_S) == 0, again.err
    review = prod.run(f"log --incident {INCIDENT} --review").out
    assert 2 == len(re.findall(r"resumed: .*; approver let AWS start it at ", review)), review


def stopped_in_ecs(prod: Prod) -> None:
    """ECS gives a container its stopTimeout: enough to record where the run stands, and to give its lock back."""
    laptop, _ = prod.asked(EXECUTE, "laptop-in-ecs")
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert "AWS runs it now" in approved.out, approved.err
    assert approved.out.partition("In short")[2].rstrip().endswith(f"attach --incident {INCIDENT}"), approved.out
    shown(laptop, r"^aws route53 .*$")
    ecs, cluster = prod.aws("admin").client("ecs", Side.DR), prod.env.named(prod.env.names.cluster)
    running = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    (task,) = [row["taskArn"] for row in running if not row["group"].startswith("service:")]
    ecs.stop_task(cluster=cluster, task=task, reason="by hand")
    assert laptop.wait(PATIENCE_S) != 0, laptop.err
    log = prod.run(f"log --incident {INCIDENT}")
    assert re.search(r"\bend +stopped: Stopped between two calls, as asked\.", log.out), log.out


def test_an_approver_who_was_asked_before_the_order_came_is_led_to_it(prod: Prod) -> None:
    line = f"-e prod --config {prod.config} approve --incident {INCIDENT}"
    with at_terminal(line, prod.home, signed_in(prod.world, "approver")) as approver:
        approver.until(f"Type {INCIDENT}: ")
        _, execution = prod.asked(EXECUTE, "laptop")
        approver.press(f"{INCIDENT}\n".encode())
        assert approver.wait() == 0, approver.shown
    (command,) = [row.strip() for row in approver.lines if f" approve --incident {INCIDENT}" in row]
    approved = prod.run(command.partition(f"-e prod --config {prod.config} ")[2], "approver")
    assert f"AWS runs it now ({execution})" in approved.out, (command, approved.err)


def test_who_asked_cannot_approve_and_who_approves_cannot_ask_by_aws_alone(waiting: Waiting) -> None:
    prod, execution = waiting.prod, waiting.execution
    signal = {"AutomationExecutionId": execution, "SignalType": "Approve"}
    assert DENIED == prod.refused("operator", "send_automation_signal", **signal)
    assert DENIED == prod.refused("admin", "send_automation_signal", **signal)  # may all of IAM, and is no approver
    assert DENIED == prod.refused("approver", "start_automation_execution", **prod.default)
    assert "Waiting" == prod.status(execution)
    alone = prod.run(f"approve --incident {INCIDENT}")
    assert (alone.code, "is not among the approvers" in alone.err) == (4, True), alone.err


def test_an_onlooker_sees_the_run_that_waits_and_how_to_approve_it(waiting: Waiting) -> None:
    """Also the approver, who was called and knows no digest; what they paste begins that run alone."""
    prod = waiting.prod
    digest = prod.asked_for(waiting.execution)["PlanDigest"][0][:12]
    seen = prod.run("status", "approver")
    assert f"REQUESTED: failover for {INCIDENT}, plan {digest}, by operator at " in seen.out, seen.err
    approval = f"approve --incident {INCIDENT} --digest {digest}"
    assert seen.out.rstrip().endswith(approval), seen.out
    assert approval in next(line for line in seen.out.splitlines() if line.startswith("OUTAGE: "))
    (start,) = json.loads(prod.run("status --format json", "reader").out)["waiting"]
    assert (start["id"], start["goal"], start["incident"]) == (waiting.execution, "failover", INCIDENT)


def test_a_second_automation_beside_the_first_is_refused_by_the_document(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    second = prod.run(EXECUTE)
    assert second.code == 4, second.err
    assert f"{execution} of arn:aws:iam::{prod.env.account}:user/operator is under way: one at a time." in second.err
    assert f"An approver ends it: `python utils/aws_mgmt/dr_cli.py -e prod --config {prod.config}" in second.err
    as_asked = f"approve --incident {INCIDENT} --digest {prod.asked_for(execution)['PlanDigest'][0][:12]}"
    assert "as it was asked for, with no gate overridden: `python utils/aws_mgmt/dr_cli.py -e prod" in second.err
    assert as_asked in second.err
    assert "Waiting" == prod.status(execution)
    assert_withdrawn_also_where_aws_does_not_end_it(prod)
    ended = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert (ended.code, f"({execution}): it was rejected" in ended.out) == (0, True), ended.err
    assert laptop.wait(PATIENCE_S) == 4, laptop.err
    assert "Rejected" == prod.status(execution)
    assert "AWS waits" not in prod.run(f"approve --incident {INCIDENT}", "approver").err
    again, _ = prod.asked(EXECUTE, "laptop-again")
    again.kill()


def assert_withdrawn_also_where_aws_does_not_end_it(prod: Prod) -> None:
    """What was approved counts no more although Systems Manager does not take the rejection."""
    table, own = prod.aws("approver").client("dynamodb", Side.DR), f"APPROVAL#{prod.approver_id}"
    name = prod.env.named(prod.env.names.control_table)
    given = {"pk": {"S": own}, "sk": {"S": INCIDENT}, "plan": {"S": "0" * 64}, "withdrawn_at": {"S": ""}}
    table.put_item(TableName=name, Item=given)
    prod.world.begin(Outage(prod.env.region(Side.DR), "error", "ssm", "SendAutomationSignal", times=1))
    silent = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert (silent.code, "withdrew every approval" in silent.out) == (3, True), silent
    key = {name: given[name] for name in ("pk", "sk")}
    assert table.get_item(TableName=name, Key=key)["Item"]["withdrawn_at"]["S"] != ""


def test_the_task_runs_nothing_unapproved_or_of_another_plan(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    given = prod.asked_for(execution)["PlanDigest"][0]
    words = f"{EXECUTE} --automation {execution} --digest"
    prod.world.reset_mutations()
    early = prod.run(f"{words} {given}")
    assert (early.code, f"{execution} was not approved in Systems Manager" in early.err) == (4, True), early.err
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    prod.while_status(execution, "Waiting")  # AWS hears the signal a moment later
    other = prod.run(f"{words} {'0' * 64}")
    assert (other.code, f"{execution} is for plan {given[:12]}" in other.err) == (4, True), other.err
    assert "operator" not in {row["person"] for row in prod.world.mutations() if not row["control"]}
    laptop.kill()


def test_the_operators_own_keys_change_nothing_of_what_aws_starts(prod: Prod) -> None:
    clients, done = prod.aws("operator"), []
    for service, operation, params in attacks(prod.env, prod.approver_id):
        side = Side.GLOBAL if service == "iam" else Side.DR
        try:
            getattr(clients.client(service, side), operation)(**params)
            done.append(f"{service}:{operation} {params}")
        except ClientError as refused:
            if not refused.response["Error"]["Code"].startswith("AccessDenied"):
                done.append(f"{service}:{operation}: {refused}")
    assert [] == done


def test_a_file_that_disables_automation_runs_nothing_without_pins_too(prod: Prod, tmp_path: Path) -> None:
    """The tool refuses other rules than the pinned ones; without a pin IAM denies the first change."""
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    direct = replace(prod, config=direct_rules(tmp_path, "prod", QUICK))
    pinned = direct.run(EXECUTE)
    assert (pinned.code, "automation.enabled is false (pinned: true)" in pinned.err) == (4, True), pinned.err
    table = prod.aws("admin").client("dynamodb", Side.DR)
    name = prod.env.named(prod.env.names.control_table)
    for row in table.scan(TableName=name)["Items"]:
        if row["sk"]["S"] == "#RULES":
            table.delete_item(TableName=name, Key={key: row[key] for key in ("pk", "sk")})
    prod.world.reset_mutations()
    assert direct.run(EXECUTE).code != 0
    assert [] == [row for row in prod.world.mutations() if row["done"] and row["person"] == "operator"]


def test_an_earlier_approval_is_sent_to_aws_and_shown_with_its_overrides(
    prod: Prod,
) -> None:
    approve = f"approve --incident {INCIDENT}"
    assert prod.run(approve, "approver").code == 0
    assert prod.run(f"approve --withdraw --incident {INCIDENT}", "approver").code == 0
    assert "withdrawn" in approvals_on_the_page(prod)
    first = prod.run(approve, "approver")
    words = f"failover --execute --incident {INCIDENT}"
    assert first.out.partition("In short")[2].rstrip().endswith(words), first.out
    assert "not run" in approvals_on_the_page(prod)
    assert f"Set aside: {ACCEPTED_LINE}" in first.err.partition("In short")[2]
    laptop, execution = prod.asked(EXECUTE, "laptop", OVERRIDE)
    again = prod.run(approve, "approver")
    assert (again.code, f"AWS runs it now ({execution})" in again.out) == (0, True), again.err
    assert "DR status" not in again.err, "the plan was approved already, and is not assessed again"
    points = ("Answer: PROCEED", "Loss: at most ", "Cannot be undone: files/restore_dr:prod-efs")
    assert [] == [line for line in (*SET_ASIDE, *points) if line not in again.err], again.err
    shown(laptop, r"step 1 of ")
    os.kill(laptop.process.pid or 0, signal.SIGINT)
    assert laptop.wait(PATIENCE_S) == 130, laptop.err
    assert f"attach --incident {INCIDENT}` watches it again" in laptop.err
    page = " ".join(approvals_on_the_page(prod).split())
    assert [] == [line for line in (execution, *SET_ASIDE) if line not in page], page
    packed = prod.run(f"evidence --incident {INCIDENT}", "approver")
    assert packed.code == 0, packed.err
    members = members_of(Path(packed.out.partition(": ")[0]).read_bytes())
    (start,) = json.loads(members["approved-starts.json"])
    assert (start["execution"], start["overrides"][0]["by"]) == (execution, "Jane Doe")


def test_a_start_whose_words_name_another_plan_is_not_approved(prod: Prod) -> None:
    laptop, execution = prod.asked(EXECUTE, "laptop")
    laptop.kill()
    assert prod.run(f"approve --withdraw --incident {INCIDENT}", "approver").code == 0
    given = prod.asked_for(execution)
    hides = "its API is silent" + 40 * "\n" + "No gate is overridden, and no failed check is accepted."
    for words, fault in ([*OVERRIDE[:-1], hides], "whole within a line"), (["--since", "soon"], "cannot be read"):
        parameters = {**given, "Arguments": as_values(words)}
        prod.while_status(execution, "Waiting")  # one at a time
        started = prod.ssm("operator").start_automation_execution(**prod.default, Parameters=parameters)
        execution = started["AutomationExecutionId"]
        prod.while_status(execution, "InProgress")
        refused = prod.run(f"approve --incident {INCIDENT}", "approver")
        assert (refused.code, "authority.automation" in refused.err, fault in refused.err) == (4, True, True), refused
        ended = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
        assert ended.code == 0, ended.err


def test_a_dry_start_proves_image_roles_network_and_tool_unapproved(waiting: Waiting) -> None:
    """A recovery that waits for its approver is not in the way."""
    prod = waiting.prod
    prod.world.repair("primary-dark")
    prod.world.reset_mutations()
    tried = prod.run("doctor --start", "operator")
    assert (tried.code, "AWS starts a run: its task saw the estate in" in tried.out) == (Exit.READY, True), tried.err
    changed = [row for row in prod.world.mutations() if row["done"] and not row["control"]]
    assert {"StartAutomationExecution", "RunTask"} == {row["operation"] for row in changed}
    assert prod.status(waiting.execution) == "Waiting"
    ecr, name = prod.aws("admin").client("ecr", Side.DR), prod.env.named(prod.env.names.recovery_task)
    ecs = prod.aws("admin").client("ecs", Side.DR)
    image = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["containerDefinitions"][0]["image"]
    repository, _, digest = image.partition("/")[2].partition("@")
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    failed = prod.run("doctor --start", "operator")
    assert (failed.code, "CannotPullContainerError" in failed.err) == (Exit.NOT_READY, True), failed.err


def test_a_refusal_of_the_task_is_on_every_screen_and_none_says_it_goes_on(prod: Prod) -> None:
    """An approver who answers AWS alone approved no plan: the task refuses, and nobody sees its own screen."""
    laptop, execution = prod.asked(EXECUTE, "laptop")
    prod.ssm("approver").send_automation_signal(AutomationExecutionId=execution, SignalType="Approve")
    assert laptop.wait(PATIENCE_S) == Exit.REFUSED, laptop.err
    reason = "authority.two-people: nobody approved this plan."
    assert f"({execution}): Refused." in laptop.err
    assert reason in laptop.err
    assert f"the failover of {INCIDENT} was refused, exit 4" in laptop.out
    assert "goes on" not in laptop.out + laptop.err
    assert prod.status(execution) == "Failed"
    attached = prod.run(f"attach --incident {INCIDENT}")
    assert (attached.code, reason in attached.err, "goes on" in attached.out) == (4, True, False), attached.err
    log = prod.run(f"log --incident {INCIDENT}", "reader")
    assert (log.code, reason in log.err, "no run began" in log.out) == (0, True, True), log
    status = prod.run("status", "reader")
    assert f"REFUSED: the run for {INCIDENT} that AWS started began nothing" in status.out + status.err


def test_what_the_task_would_refuse_is_refused_at_order_and_approval(waiting: Waiting) -> None:
    prod = waiting.prod
    table, name = prod.aws("admin").client("dynamodb", Side.DR), prod.env.named(prod.env.names.control_table)
    now = datetime.fromtimestamp(prod.world.clock()["world"], UTC)
    moments = dict.fromkeys(("taken_at", "heartbeat_at"), instant(now))
    holder = {**RAN, **moments, "lease_until": instant(now + timedelta(hours=1)), "ended_at": "", "outcome": ""}
    table.put_item(TableName=name, Item=encode_item({"pk": "LOCK", "sk": "RUN", **holder}))
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert (approved.code, "lock.held: run run-1 of Alice" in approved.err) == (Exit.REFUSED, True), approved.err
    assert "Waiting" == prod.status(waiting.execution)
    ordered = prod.run(EXECUTE)
    assert (ordered.code, "lock.held: run run-1 of Alice" in ordered.err) == (Exit.REFUSED, True), ordered.err
    assert prod.run("pause --reason storm", "approver").code == 0
    table.delete_item(TableName=name, Key=encode_item({"pk": "LOCK", "sk": "RUN"}))
    paused = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert (paused.code, "authority.paused: All runs are stopped" in paused.err) == (Exit.REFUSED, True), paused.err


@pytest.mark.parametrize("words", [["--incident", "INC-9"], ["--sandbox"], ["--config", "rules"]])
def test_a_start_with_words_no_task_is_given_ends_before_anybody_is_asked(prod: Prod, words: list[str]) -> None:
    parameters = {"Goal": ["failover"], "Incident": [INCIDENT], "PlanDigest": ["0" * 64], "Arguments": as_values(words)}
    started = prod.ssm("operator").start_automation_execution(**prod.default, Parameters=parameters)
    prod.while_status(started["AutomationExecutionId"], "InProgress")
    assert "Failed" == prod.status(started["AutomationExecutionId"])


def approvals_on_the_page(prod: Prod) -> str:
    """The text of the approvals' table on the page of an assessment."""
    assert prod.run(f"failover --incident {INCIDENT}", "reader").code in (0, 1)
    page = max((prod.home / "out").glob("prod-failover-*/report.html"), key=lambda path: path.stat().st_mtime)
    found = re.search(r'id="approvals".*?</table>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>", " ", found[0])


def test_the_operators_own_keys_change_nothing_of_the_estate(prod: Prod) -> None:
    ecs = prod.aws("operator").client("ecs", Side.DR)
    service = prod.env.named(prod.env.names.service, tenant="tenant-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.update_service(cluster=prod.env.named(prod.env.names.cluster), service=service, desiredCount=1)
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.run_task(
            cluster=prod.env.named(prod.env.names.cluster), taskDefinition=prod.env.named(prod.env.names.recovery_task)
        )
