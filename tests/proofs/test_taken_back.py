"""What somebody undoes in the middle of a failover is named, and done again by the same command."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import read
from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.utils.forking import Command, begin
from tests.utils.running import PATIENCE_S, Ran, at_endpoint, command_of, journal_of, rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

QUICK = (
    "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nevidence_age_s = 1\n"
    "[observation]\nattempts = 1\nread_timeout_s = 5"
)
FAILOVER = "failover --execute --incident INC-1 --confirm files/restore_dr:sit-efs"
RESTORE = "database/restore_dr:sit-mysql"


@dataclass(frozen=True)
class Estate:
    """A SIT whose primary region is lost, whose operator fails it over, and who else is there."""

    world: Endpoint
    env: Environment
    home: Path
    config: Path

    @property
    def aws(self) -> Aws:
        """Plain clients of an administrator."""
        return Aws(self.world.url, self.world.people["admin"], self.env, tenant="")

    def begin(self) -> Command:
        """Begin the failover, and leave it at work."""
        command, env = command_of(
            f"-e sit --config {self.config} {FAILOVER}", self.home, **signed_in(self.world, "operator")
        )
        return begin(command, env, self.home / "begun")

    def fail_over(self, scales: bool = True, shifts: bool = True) -> Ran:
        """Run the failover, as far as its operator may go."""
        dr, us_east_1 = self.env.regions.dr, self.env.region(Side.GLOBAL)
        denied = [] if scales else [Outage(dr, "deny", "ecs", "UpdateService", person="operator")]
        if not shifts:
            denied += [Outage(us_east_1, "deny", "route53", "ChangeResourceRecordSets", person="operator")]
        for outage in denied:
            self.world.begin(outage)
        words = f"-e sit --config {self.config} --format json {FAILOVER}"
        ran = at_endpoint(self.world, self.home, words, "operator")
        for outage in denied:
            self.world.end(outage)
        return ran

    def entries(self, kind: EntryKind) -> list[Entry]:
        """The journal's entries of that kind."""
        path = journal_of(self.home, "sit", "INC-1") if (self.home / "out/incidents").exists() else None
        if path is None:
            return []
        return [entry for entry in read(path, "sit", "INC-1").entries if entry.kind is kind]

    def delete_database(self) -> None:
        """Delete what the run restored, as an administrator can."""
        rds, name = self.aws.client("rds", Side.DR), self.env.named(self.env.names.database)
        rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        rds.get_waiter("db_instance_deleted").wait(
            DBInstanceIdentifier=name, WaiterConfig={"Delay": 0, "MaxAttempts": 99}
        )


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Estate]:
    config = rules(tmp_path, "sit", QUICK)
    env = load_environment(config, "sit")
    with borrowed(env, tenants=1) as world:
        world.timing(transition_s=0.1)
        world.inject("primary-dark")
        yield Estate(world, env, tmp_path, config)


def test_a_database_deleted_after_its_restore_is_restored_again_on_resume(lost: Estate) -> None:
    first = lost.fail_over(scales=False)
    assert first.code == Exit.ACTION_FAILED, first.err
    assert "Not done before, 1 step: compute/scale_dr_services" in first.report["run"]["says"]
    lost.delete_database()
    again = lost.fail_over()
    assert f"{RESTORE} was done, and is no longer: sit-mysql is absent and can be restored." in again.err
    assert [entry.step for entry in lost.entries(EntryKind.UNDONE)] == [RESTORE]
    assert again.code == Exit.READY, again.err
    assert Sites(lost.world, lost.env).serving() == lost.env.region(Side.DR)


def test_a_primary_that_returns_ends_the_run_with_a_command_that_works(lost: Estate) -> None:
    lost.world.timing(transition_s=3)
    run = lost.begin()
    while run.goes_on and RESTORE not in {entry.step for entry in lost.entries(EntryKind.OUTCOME)}:
        time.sleep(0.1)
    lost.world.repair("primary-dark")
    assert run.wait(PATIENCE_S) == Exit.ACTION_FAILED, run.err
    ends = run.out[run.out.index("In short") :]
    assert "FAILED, exit 5" in ends
    assert "SPLIT" in ends, "as it stands now, and not as the plan was made upon"
    assert "--execute" not in ends, run.out
    assert Sites(lost.world, lost.env).serving() == lost.env.region(Side.PRIMARY)


def test_a_database_with_visitor_writes_is_not_restored_from_an_older_copy(lost: Estate) -> None:
    first = lost.fail_over(shifts=False)
    assert first.code == Exit.ACTION_FAILED, first.err
    lost.delete_database()
    again = lost.fail_over()
    assert again.code == Exit.ACTION_FAILED, again.err
    assert "Visitors may have written to it since: it is not restored again." in again.report["run"]["says"]
    assert "--replan" in again.report["run"]["says"]
    assert "once each gate that it names is overridden" in again.report["run"]["says"]
    assert again.report["run"]["stands_otherwise"]
    assert lost.entries(EntryKind.UNDONE) == []
    words = f"-e sit --config {lost.config} --format json failover --execute --replan --incident INC-1"
    replan = at_endpoint(lost.world, lost.home, words, "operator")
    assert replan.code == Exit.REFUSED, "what the run itself made is a gap of the estate that a new plan is made upon"
    gates = re.findall(r"--override (check\.\S+)", replan.err)
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    overrides = "".join(f" --override {gate} operator {until} lost" for gate in gates)
    replan = at_endpoint(lost.world, lost.home, words + overrides, "operator")
    assert replan.code == Exit.READY, replan.err
    assert Sites(lost.world, lost.env).serving() == lost.env.region(Side.DR)
