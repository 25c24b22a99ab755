"""Systems Manager is lost with a region: an approver opens the break-glass role, and nothing runs by it without one."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import Ran, at_endpoint, command_of, dr_cli, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
INCIDENT = "INC-123"
PATIENCE_S = 600
ENDS = {"AWS_CREDENTIAL_EXPIRATION": "2099-01-07T18:00:00Z"}  # keys of unknown end begin no run
OPEN = [{"Key": "dr:open-for", "Value": "operator"}]
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"


@dataclass
class Glass:
    """A PROD whose primary region and Systems Manager are lost; ``session`` are the keys of the role, once taken."""

    world: Endpoint
    home: Path
    config: Path
    env: Environment
    session: dict[str, str] = field(default_factory=dict)

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command to its end as a person, or by the role's session where it was taken and nobody is named."""
        line = f"-e prod --config {self.config} {words}"
        if not person:
            return dr_cli(line, self.home, **self.session, **ENDS)
        return at_endpoint(self.world, self.home, line, person)

    def client(self, person: str, service: str, side: Side = Side.GLOBAL) -> Any:
        """A person's plain client."""
        return Aws(self.world.url, self.world.people[person], self.env, tenant="").client(service, side)

    @property
    def role(self) -> str:
        """The role's name."""
        return self.env.named(self.env.names.break_glass_role)

    def take(self) -> str:
        """Take the role as the operator, with MFA and under the own name; the error code, "" where there is none."""
        account = f"arn:aws:iam::{self.env.account}"
        mfa = {"SerialNumber": f"{account}:mfa/operator", "TokenCode": "123456"}
        sts = self.client("operator", "sts", Side.DR)
        try:
            taken = sts.assume_role(RoleArn=f"{account}:role/{self.role}", RoleSessionName="operator", **mfa)
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        keys = taken["Credentials"]
        self.session = {
            "AWS_ENDPOINT_URL": self.world.url,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
        return ""

    def changes(self) -> list[str]:
        """What was changed of the estate, by the operator or the role."""
        done = [row for row in self.world.mutations() if row["done"] and row["person"] != "approver"]
        return [row["operation"] for row in done if not row["control"]]


@pytest.fixture
def glass(tmp_path: Path) -> Iterator[Glass]:
    config = rules(tmp_path, "prod", QUICK)
    env = load_environment(config, "prod")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        world.inject("primary-dark")
        world.enforce_iam(True)
        found = Glass(world, tmp_path, config, env)
        pinned = found.run("approve --rules", "approver")
        assert pinned.code == 0, pinned.err
        world.begin(Outage(env.regions.dr, "error", "ssm", "StartAutomationExecution"))
        world.begin(Outage(env.regions.dr, "error", "ssm", "DescribeAutomationExecutions"))
        world.reset_mutations()
        yield found


def change_by_hand(glass: Glass, watching: Command) -> None:
    """Make the DNS change exactly as the running command shows it, once it does."""
    until = time.monotonic() + PATIENCE_S
    while (shown := re.search(r"^aws route53 .*$", watching.err, re.MULTILINE)) is None:
        assert time.monotonic() < until, watching.err
        assert watching.goes_on, watching.err
        time.sleep(0.1)
    line = shlex.split(shown[0])
    given = dict(zip(line[3::2], line[4::2], strict=True))
    batch = json.loads(Path(given["--change-batch"].removeprefix("file://")).read_text(encoding="utf-8"))
    route53 = glass.client("admin", "route53")
    route53.change_resource_record_sets(HostedZoneId=given["--hosted-zone-id"], ChangeBatch=batch)


def assert_it_passes_its_rights_to_nobody(glass: Glass) -> None:
    """A tenant's task with the recovery's role would keep the glass broken when the session is long over."""
    known = {name.lower(): value for name, value in glass.session.items() if name != "AWS_ENDPOINT_URL"}
    ecs = boto3.client("ecs", glass.env.regions.dr, endpoint_url=glass.world.url, **known)
    family, roles = glass.env.named(glass.env.names.task_family, tenant="tenant-1"), f"arn:aws:iam::{glass.env.account}"
    container = {"name": "site", "image": "any", "memory": 64}
    for pattern in (glass.env.names.recovery_role, glass.env.names.break_glass_role):
        role = f"{roles}:role/{glass.env.named(pattern)}"
        with pytest.raises(ClientError, match="AccessDenied"):
            ecs.register_task_definition(family=family, taskRoleArn=role, containerDefinitions=[container])


def test_nothing_runs_by_the_break_glass_role_without_an_approver(glass: Glass) -> None:
    lost = glass.run(EXECUTE)
    assert (lost.code, f"an approver opens the role {glass.role}" in lost.err) == (3, True), lost.err
    assert "AccessDenied" == glass.take()
    for person in ("operator", "reader"):
        with contextlib.suppress(ClientError):
            glass.client(person, "iam").tag_role(RoleName=glass.role, Tags=OPEN)
    assert "AccessDenied" == glass.take()
    glass.client("approver", "iam").tag_role(RoleName=glass.role, Tags=OPEN)
    assert "" == glass.take()
    alone = glass.run(EXECUTE, "")
    assert (alone.code, "authority.two-people" in alone.err) == (4, True), alone.err
    assert [] == glass.changes()
    assert_it_passes_its_rights_to_nobody(glass)
    glass.world.enforce_iam(True)  # forgets what it denied on purpose
    approved = glass.run(f"approve --incident {INCIDENT}", "approver")
    assert (approved.code, f"opens the role {glass.role}" in approved.err) == (0, True), approved.err
    command, variables = command_of(f"-e prod --config {glass.config} {EXECUTE}", glass.home, **glass.session, **ENDS)
    running = begin(command, variables, glass.home / "said")
    change_by_hand(glass, running)
    assert running.wait(PATIENCE_S) == 0, running.err
    log = " ".join(glass.run(f"log --incident {INCIDENT}").out.split())
    assert f"operator runs the failover by the break-glass role {glass.role}, which an approver opened" in log
    assert "bbws-ops-critical was notified" in log
    sent = [json.loads(row["params"]["Message"]) for row in glass.world.mutations() if row["operation"] == "Publish"]
    assert len(sent) > 1
    assert [] == [row for row in sent if not re.fullmatch(r"[1-9][0-9]* [0-9a-f]{64}", row["journal_head"])]
    assert {True} == {bool(re.fullmatch(r"[0-9a-f]{64}", row["rules"])) for row in sent if row["run"]}
    assert [] == [row for row in glass.world.denied() if row["who"] == glass.role]
    glass.client("approver", "iam").untag_role(RoleName=glass.role, TagKeys=["dr:open-for"])
    assert "AccessDenied" == glass.take()
