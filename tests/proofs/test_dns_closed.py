"""Where no DNS server can be reached (port 53 is closed in most offices): a failover is finished, and never undone.

Met as a user meets it: by the command line, in a world whose name server is silent; a person's change is made with
plain boto3. What is seen to be wrong is taken back all the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import read
from dr_checks.derived.record_pins import CLOSED_PORTS
from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import Ran, at_endpoint, command_of, direct_rules, journal_of, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1\nconnect_timeout_s = 1"
SILENT = Outage("", "hang", "dns")
TROUBLES = (EntryKind.UNDONE, EntryKind.COMPENSATION, EntryKind.LATE, EntryKind.FAILED)
PATIENCE_S = 600
LOST = "lost, without DNS"


@dataclass(frozen=True)
class Estate:
    """An estate whose primary region is dark, asked from a place that reaches no DNS server."""

    world: Endpoint
    env: Environment
    home: Path
    config: Path

    def words(self, words: str) -> str:
        return f"-e {self.env.name} --config {self.config} {words}"

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command to its end."""
        return at_endpoint(self.world, self.home, self.words(words), person)

    @contextmanager
    def running(self, words: str) -> Iterator[Command]:
        """The operator's command while it runs."""
        command, variables = command_of(self.words(words), self.home, **signed_in(self.world, "operator"))
        path = self.home / f"said-{len(list(self.home.iterdir()))}"
        run = begin(command, variables, path)
        try:
            yield run
        except BaseException:
            run.kill()
            raise

    @property
    def aws(self) -> Aws:
        return Aws(self.world.url, self.world.people["admin"], self.env, self.world.state()["tenants"][-1])

    def records(self) -> tuple[str, dict[str, Any]]:
        """The traffic zone's id, and the traffic name's record sets by set identifier."""
        route53 = self.aws.client("route53", Side.GLOBAL)
        zones = route53.list_hosted_zones_by_name(DNSName=self.env.traffic.zone)["HostedZones"]
        zone = next(hosted_zone["Id"] for hosted_zone in zones if hosted_zone["Name"] == f"{self.env.traffic.zone}.")
        rows = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return zone, {row["SetIdentifier"]: row for row in rows if row["Name"] == f"{self.env.traffic.origin_record}."}

    def weights(self) -> tuple[int, int]:
        """The weights of the primary's and of the DR region's record."""
        rows, traffic = self.records()[1], self.env.traffic
        return rows[traffic.primary_set_identifier]["Weight"], rows[traffic.secondary_set_identifier]["Weight"]

    def write(self, home: int, away: int) -> None:
        """Anybody sets the two weights."""
        zone, rows = self.records()
        rows[self.env.traffic.primary_set_identifier]["Weight"] = home
        rows[self.env.traffic.secondary_set_identifier]["Weight"] = away
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": row} for row in rows.values()]}
        route53 = self.aws.client("route53", Side.GLOBAL)
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    def is_pinned(self) -> bool:
        """Whether the health check of the primary's record is held down."""
        check = self.records()[1][self.env.traffic.primary_set_identifier]["HealthCheckId"]
        health_check = self.aws.client("route53", Side.GLOBAL).get_health_check(HealthCheckId=check)["HealthCheck"]
        return health_check["HealthCheckConfig"]["Port"] in CLOSED_PORTS

    def entries(self, incident: str, *kinds: EntryKind) -> list[Entry]:
        """The journal's entries of these kinds."""
        path = journal_of(self.home, self.env.name, incident)
        assert path is not None
        return [entry for entry in read(path, self.env.name, incident).entries if entry.kind in kinds]


@contextmanager
def _lost(home: Path, name: str) -> Iterator[Estate]:
    config = direct_rules(home, name, QUICK)
    env = load_environment(config, name)
    with borrowed(env, tenants=1) as world:
        world.timing(transition_s=0.1)
        world.inject("primary-dark")
        world.begin(SILENT)
        world.keep(LOST)
        yield Estate(world, env, home, config)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with _lost(tmp_path_factory.mktemp("sit"), "sit") as estate:
        yield estate


@pytest.fixture
def sit(lost: Estate) -> Estate:
    """SIT as it was lost."""
    lost.world.end()
    lost.world.return_to(LOST)
    return lost


def _until(holds: Callable[[], bool], run: Command) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert run.goes_on, run.err
        assert time.monotonic() < ends, run.err
        time.sleep(0.1)


def _shift(estate: Estate, incident: str) -> dict[str, Any]:
    """What the record says of the confirmed shift of traffic."""
    confirmed = estate.entries(incident, EntryKind.CONFIRMED)
    return next(dict(entry.data) for entry in confirmed if str(entry.step).startswith("traffic/shift_to_dr:"))


def test_a_failover_is_neither_refused_nor_undone_and_ends_done(sit: Estate) -> None:
    began = time.monotonic()
    ran = sit.run("--format json failover --execute --incident INC-1 --confirm files/restore_dr:sit-efs")
    assert (ran.code, ran.report["run"]["outcome"]) == (Exit.READY, "done"), ran.err + ran.out
    assert time.monotonic() - began < 120, "nobody waits for name servers that cannot be asked"
    assert (sit.weights(), sit.is_pinned()) == ((0, 100), True)
    assert sit.entries("INC-1", *TROUBLES) == []
    message = _shift(sit, "INC-1")["says"]
    assert "INSYNC" in message
    assert "Route 53 (TestDNSAnswer)" in message, "who said so, where no name server was asked"
    assert ran.statuses()["validation.answers-lead-here"] == "pass"


def test_a_manual_change_in_prod_is_seen_by_its_records_and_not_undone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    incident = "INC-20260107-001"
    with _lost(tmp_path_factory.mktemp("prod"), "prod") as prod:
        approved = prod.run(f"approve --incident {incident}", "approver")
        assert approved.code == Exit.READY, approved.err
        words = f"--format json failover --execute --incident {incident} --confirm files/restore_dr:prod-efs"
        with prod.running(words) as run:
            _until(lambda: "BY HAND" in run.err, run)
            prod.write(0, 100)
            assert run.wait(PATIENCE_S) == Exit.READY, run.err
        assert (json.loads(run.out)["run"]["outcome"], prod.is_pinned()) == ("done", True)
        assert prod.weights() == (0, 100)
        assert prod.entries(incident, *TROUBLES) == []
        assert "its records, read back" in _shift(prod, incident)["says"]
