"""A PROD whose primary region is lost, IAM enforced, and where the operator runs a recovery by their own process."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.authorization.clearance import Clearance
from dr_actions.authorization.rules import EffectiveRules
from dr_actions.journal.entries import Entry, EntryKind, entry_after
from dr_actions.model.gates import Override
from dr_actions.model.plan import Plan, to_json
from dr_estate.config.environment import Environment, Side
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.journal_chain import genesis
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.running import Ran, signed_in
from utils.aws_mgmt.app.incident_record import clearance_to_json
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

INCIDENT = "INC-123"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"


@dataclass(frozen=True)
class Prod:
    """A PROD whose primary region is lost and whose IAM judges every call; ``plan`` is what a failover would do."""

    world: Endpoint
    home: Path
    env: Environment
    plan: Plan
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str, person: str = "operator", config: Path | None = None) -> Ran:
        """Run a command here, as ``person``, by the rules of ``config`` (the ones that are pinned)."""
        for name, value in (signed_in(self.world, person) | {"XDG_STATE_HOME": str(self.home)}).items():
            self.monkeypatch.setenv(name, value)
        folder = config or self.home / "environments"
        options = ["-e", "prod", "--config", str(folder), "--output", str(self.home / "out")]
        code = run_command(parse([*options, *shlex.split(words)]))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def arn(self, person: str) -> str:
        """A person's ARN."""
        return f"arn:aws:iam::{self.env.account}:user/{person}"

    def begun(self, ago: timedelta = timedelta(0), plan: Plan | None = None, *overrides: Override) -> Entry:
        """The beginning of a run that was never authorised; it names the approver all the same."""
        plan, world = plan or self.plan, self.here
        operator, approver = self.arn("operator"), self.arn("approver")
        until = datetime.now(UTC) + HOUR
        clearance = Clearance("prod", INCIDENT, operator, approver, plan.digest, until, overrides)
        data = {"plan": to_json(plan), "digest": plan.digest, "clearance": clearance_to_json(clearance)}
        data |= {"world": world.to_json()}
        return entry_after(
            genesis("prod", INCIDENT, world), 1, datetime.now(UTC) - ago, "forged", EntryKind.BEGIN, None, data
        )

    @property
    def here(self) -> WorldId:
        """This world, as commands name it."""
        return WorldId.live(self.env.account, self.world.url)

    @property
    def journal(self) -> Path:
        """The journal of the incident on this machine."""
        return self.home / "out" / "incidents" / self.here.folder / f"prod-{INCIDENT}.journal.jsonl"

    def forge_file(self, entry: Entry) -> None:
        """Write the journal's file."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        self.journal.write_text(entry.line + "\n", encoding="utf-8")

    def forge_mirror(self, entry: Entry) -> None:
        """Write the journal's mirror, by plain calls with the operator's keys."""
        item = {"pk": f"JOURNAL#{INCIDENT}", "sk": f"{entry.seq:09d}", "digest": entry.digest, "text": entry.line}
        self.put("operator", {**item, "packed": False, "pieces": 1})

    def approve(self, ago: timedelta, digest: str, rules_digest: str = "") -> None:
        """Approve a plan for an hour, ``ago``, with the approver's keys; under today's rules by default."""
        userid = self.aws("admin").client("iam", Side.GLOBAL).get_user(UserName="approver")["User"]["UserId"]
        times = {"at": instant(datetime.now(UTC) - ago), "expires_at": instant(datetime.now(UTC) - ago + HOUR)}
        who = {"pk": f"APPROVAL#{userid}", "sk": INCIDENT, "arn": self.arn("approver"), "person": "approver"}
        rules = rules_digest or EffectiveRules.of(self.env, (), "").digest
        self.put(
            "approver", {**who, "plan": digest, "environment": "prod", **times, "withdrawn_at": "", "rules": rules}
        )

    def put(self, person: str, item: dict[str, Any]) -> None:
        """Put an item into the control table as ``person``."""
        table = self.env.named(self.env.names.control_table)
        self.aws(person).client("dynamodb", Side.DR).put_item(TableName=table, Item=encode_item(item))

    def aws(self, person: str) -> Aws:
        """Plain clients of a person."""
        return Aws(self.world.url, self.world.people[person], self.env, tenant="")

    def refuses(self, reason: str) -> None:
        """Going on is refused by the rule, for that reason, and nothing at all was written anywhere."""
        self.world.reset_mutations()
        before = self.journal.read_bytes() if self.journal.exists() else b""
        ran = self.run(EXECUTE)
        assert (ran.code, ran.out) == (4, ""), ran.err
        assert "authority.approval: " in ran.err
        assert reason in ran.err
        assert [] == self.world.mutations()
        assert before == (self.journal.read_bytes() if self.journal.exists() else b"")
