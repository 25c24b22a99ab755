"""A failback in which something breaks: it stops, one region writes at most, and the same command or an abort goes on.

The replica in the primary region follows its source no more, before it is waited for, before the freeze or in the write
pause; or the services there start no task.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dr_estate.config.environment import Side
from sandbox.client.traffic_writer import Writer, duplicates, missing
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.proofs.dying import at_the_first
from tests.proofs.enforced import Enforced, Written
from tests.proofs.processes import Process
from tests.proofs.rig import Rig
from tests.proofs.rough import FILES, FREEZE, PROMOTE, SYNC
from tests.proofs.test_abort import FROZEN_FILES
from tests.utils.running import rules
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

A_DAY_S, SPEED = 86400, 30
NOT_REPLICATING = "sit-mysql of af-south-1 does not replicate (error): Replication from arn:aws:rds:eu-west-1:"
DR_WRITES = "Writes: the database of eu-west-1 alone takes them"


@pytest.fixture
def elsewhere(enforced: Enforced, tmp_path: Path) -> Enforced:
    """The operator at another machine, which has no journal."""
    rules(tmp_path, "sit", enforced.settings)
    return replace(enforced, home=tmp_path)


def stopped(
    due: Rig, name: str, operation: str, happens: Callable[[], object], ends: Exit = Exit.ACTION_FAILED
) -> Process:
    """The failback in the world as it was due, in which that happens right before the first such call."""
    run = due.run(name, at_the_first(operation, happens))
    assert ends == run.wait(), run.said
    return run


def screen_of(run: Process) -> str:
    return " ".join(run.said.split())


def sent(due: Rig) -> list[str]:
    """What the operator sent that changes something, in order."""
    return [f"{call['service']}:{call['operation']}" for call in due.world.mutations() if call["person"] == "operator"]


def goes_on(due: Rig, name: str, written: Written) -> None:
    """The same command finishes the failback, and nothing that was acknowledged is lost or doubled."""
    again = due.run(name, later_s=A_DAY_S)
    assert Exit.READY == again.wait(), again.said
    assert written.is_primary()
    assert [] == duplicates(written.writer.sites, due.env.region(Side.PRIMARY))


def breaks(due: Rig) -> Outage:
    """The link between the regions, as the primary's replicas know it."""
    return Outage(due.env.region(Side.PRIMARY), "link-broken", "rds")


@pytest.mark.parametrize("operation", [FILES, FROZEN_FILES], ids=["while it is waited for", "while files are frozen"])
def test_a_replica_that_breaks_before_the_freeze_stops_no_writes(
    operation: str, due: Rig, enforced: Enforced, written: Written
) -> None:
    name, link = f"before the freeze, {operation[4:12]}", breaks(due)
    due.begin()
    run = stopped(due, name, operation, partial(due.world.begin, link))
    assert NOT_REPLICATING in screen_of(run)
    assert DR_WRITES in screen_of(run)
    assert (False, False) == (FREEZE in sent(due), PROMOTE in sent(due))
    meanwhile = Writer(enforced.world, enforced.env, 0.02, name).write(0.3)
    assert {due.env.region(Side.DR)} == {row.region for row in meanwhile.written if row.kind == "rows"}
    due.world.end(link)
    goes_on(due, name, written)
    assert [] == missing(meanwhile.sites, meanwhile.written, due.env.region(Side.PRIMARY))


def test_a_replica_that_breaks_in_the_write_pause_leads_to_the_abort(
    due: Rig, enforced: Enforced, elsewhere: Enforced, written: Written
) -> None:
    link = breaks(due)
    due.begin()
    run = stopped(due, "in the pause", "dynamodb:PutItem", partial(due.world.begin, link))
    assert NOT_REPLICATING in screen_of(run)
    assert "Writes: no region's database takes them" in screen_of(run)
    assert "failback --abort" in screen_of(run)
    assert (True, False) == (FREEZE in sent(due), PROMOTE in sent(due))
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    due.world.end(link)
    after = Writer(enforced.world, enforced.env, 0.02, "after the abort").write(0.3)
    dr = due.env.region(Side.DR)
    assert {dr} == {row.region for row in after.written}, after.refused
    assert [] == missing(after.sites, (*written.writer.written, *after.written), dr)


def pulls(aws: Aws, effect: str) -> None:
    """Let nobody pull an image in the primary region any more (Deny), or everybody as before (Allow)."""
    ecr = aws.client("ecr", Side.PRIMARY)
    statement = {"Sid": "pull", "Effect": effect, "Principal": "*", "Action": "ecr:*"}
    for row in ecr.describe_repositories()["repositories"]:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        ecr.set_repository_policy(repositoryName=row["repositoryName"], policyText=policy)


def test_services_that_do_not_start_at_home_stop_the_failback_before_it(
    due: Rig, enforced: Enforced, written: Written
) -> None:
    """ECS makes no new deployment for a number of tasks, so that no circuit breaker gives it up: the run does."""
    aws = enforced.aws("admin")
    due.begin()
    due.world.set_speed(SPEED)
    run = stopped(due, "no task", SYNC, partial(pulls, aws, "Deny"), Exit.UNDER_WAY)
    due.world.set_speed(1)
    screen = screen_of(run)
    assert "under way: compute/start_primary_services:sit-tenant-1-service: nothing moved for 7 min" in screen
    assert "CannotPullContainerError" in screen
    assert DR_WRITES in screen
    assert [] == [call for call in sent(due) if call in (FROZEN_FILES, FREEZE, PROMOTE)]
    meanwhile = Writer(enforced.world, enforced.env, 0.02, "no task").write(0.3)
    assert {due.env.region(Side.DR)} == {row.region for row in meanwhile.written}, meanwhile.refused
    pulls(aws, "Allow")
    goes_on(due, "no task", written)
    assert [] == missing(meanwhile.sites, meanwhile.written, due.env.region(Side.PRIMARY))
