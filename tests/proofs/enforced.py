"""A world that fails over and back while IAM judges every call: what is run in it, and what is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dr_actions.journal.journal import journal_path, read
from dr_actions.model.plan import Plan, from_json
from dr_estate.config.environment import Environment, Side
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.changes import Aws
from tests.proofs.processes import Process, forked
from tests.proofs.rig import INCIDENT
from tests.utils.running import signed_in
from utils.aws_mgmt.app.incident_record import last_beginning
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

OBJECT, CHANGED = "uploaded-while-away", "index.json"
SHORT = """[execution]
poll_s = 0.1
cool_down_minutes = 0
[failback]
bake_minutes = 0.01
stable_minutes = 0
files_freeze_minutes = 0
dns_samples = 20
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended, what it said, and what IAM denied it."""

    code: int
    said: str
    denied: list[dict[str, str]]


@dataclass(frozen=True)
class Enforced:
    """A world of one tenant, whose IAM judges every call, and the operator's command line in it.

    ``settings`` are what the environment file says beside the shipped one.
    """

    world: Endpoint
    env: Environment
    home: Path
    settings: str = SHORT

    def execute(self, command: str, confirmed: tuple[str, ...], *flags: str) -> Ran:
        """Run ``command`` with the operator's keys."""
        process = self.begin(command, confirmed, *flags)
        code = process.wait()
        return Ran(code, process.said, self.world.denied())

    def begin(self, command: str, confirmed: tuple[str, ...], *flags: str) -> Process:
        """Start what ``execute`` runs."""
        words = [
            "-e",
            self.env.name,
            "--config",
            str(self.home / "environments"),
            "--output",
            str(self.home / "out"),
            command,
            *flags,
        ]
        words += ["--execute", "--incident", INCIDENT, *(word for step in confirmed for word in ("--confirm", step))]
        log = self.home / f"{command}.log"
        log.touch()
        return forked(partial(self._as_the_operator, words), log)

    def _as_the_operator(self, words: list[str]) -> int:
        os.environ.update(signed_in(self.world, "operator") | {"XDG_STATE_HOME": str(self.home / "state")})
        return int(run_command(parse(words)))

    @property
    def plan(self) -> Plan:
        """The plan of the last run."""
        at_endpoint = WorldId.live(self.env.account, self.world.url)
        path = journal_path(self.home / "out" / "incidents" / at_endpoint.folder, self.env.name, INCIDENT)
        begun = last_beginning(read(path, self.env.name, INCIDENT).entries)
        assert begun is not None
        return from_json(begun.data["plan"])

    def evidence(self, command: str) -> Path:
        """The folder of what the last run of ``command`` saw when it validated itself."""
        return max((self.home / "out").glob(f"{self.env.name}-{command}-*"))

    def terraform_state(self, side: Side) -> dict[str, str]:
        """Bucket and key of the Terraform state on ``side``."""
        bucket = self.env.named(self.env.names.state_bucket)
        copy = self.env.named(self.env.names.bucket_copy, bucket=bucket)
        return {"Bucket": copy if side is Side.DR else bucket, "Key": self.env.named(self.env.names.state_key)}

    def aws(self, person: str) -> Aws:
        """Plain clients of a person."""
        return Aws(self.world.url, self.world.people[person], self.env, self.world.state()["tenants"][0])


@dataclass(frozen=True)
class Written:
    """What people write in the DR region: rows and files, two objects, and a newer Terraform state."""

    of: Enforced
    writer: Writer

    @classmethod
    def away(cls, of: Enforced) -> Written:
        """Write some of each where DNS leads."""
        written = cls(of, Writer(of.world, of.env, 0.02, "away").write(0.3))
        assert {row.region for row in written.writer.written} == {of.env.regions.dr}
        copies = of.aws("admin").client("s3", Side.DR)
        copies.put_object(Bucket=written._buckets[1], Key=OBJECT, Body=b"kept")
        copies.put_object(Bucket=written._buckets[1], Key=CHANGED, Body=b"changed")
        state = copies.get_object(**of.terraform_state(Side.DR))["Body"].read()
        copies.put_object(**of.terraform_state(Side.DR), Body=state.replace(b'"serial": 214', b'"serial": 900'))
        return written

    def is_primary(self) -> bool:
        """Whether the primary region serves all that was acknowledged, wherever that was."""
        objects = self.of.aws("admin").client("s3", Side.PRIMARY)
        keys = (OBJECT, CHANGED)
        contents = [objects.get_object(Bucket=self._buckets[0], Key=key)["Body"].read() for key in keys]
        lost = list(missing(self.writer.sites, self.writer.written, self.of.env.regions.primary))
        return (contents, lost) == ([b"kept", b"changed"], [])

    @property
    def _buckets(self) -> tuple[str, str]:
        bucket = self.of.env.named(self.of.env.names.buckets[1])
        return bucket, self.of.env.named(self.of.env.names.bucket_copy, bucket=bucket)
