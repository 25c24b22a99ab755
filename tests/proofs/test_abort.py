"""A failback that is aborted: at whatever stage it stopped, everybody is served and may write in the DR region again.

One failback stops at a call of each of its stages in turn, on one machine, and the world is kept at each; the abort is
run on another machine, which knows of it by the control table alone. After the point of no return it is refused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Side
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.conftest import HOME
from tests.proofs.dying import Make, When, dying
from tests.proofs.enforced import Enforced, Ran, Written
from tests.proofs.rig import Rig
from tests.proofs.rough import BACKUP, FREEZE, PROMOTE, SYNC, WEIGHTS
from tests.utils.running import rules
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

PROTECT = "efs:UpdateFileSystemProtection"
FROZEN_FILES, FILES_HOME = "efs:PutFileSystemPolicy", "efs:DeleteReplicationConfiguration"
REVERSIBLE = {
    "hot phase": BACKUP,
    "replica": SYNC,
    "overwrite allowed": PROTECT,
    "files frozen": FROZEN_FILES,
    "files home": FILES_HOME,
    "frozen": FREEZE,
}
TOO_LATE = {"promoted": PROMOTE, "10 %": WEIGHTS, "50 %": WEIGHTS, "100 %": WEIGHTS}


def stopping_at(operation: str, nth: int = 1) -> Make:
    """Clients whose operator presses Ctrl-C at the ``nth`` call of ``operation``, which is still sent."""
    met: list[str] = []

    def decide(call: object) -> When | None:
        met.append(getattr(call, "name", ""))
        if met.count(operation) == nth and met[-1] == operation:
            os.kill(os.getpid(), signal.SIGINT)
        return None

    return dying(decide)


UNSEEN_S = 120


def losing_from(operation: str, world: Endpoint) -> Make:
    """Clients in whose world nothing that is written after the call reaches a replica, as in a link that broke."""
    return lagging_from(operation, world, "replica_unseen_s")


def lagging_from(operation: str, world: Endpoint, copies: str) -> Make:
    """Clients in whose world, from the call on, those copies lack what was written last, and say that they do not."""

    def decide(call: Any) -> When | None:
        if call.name == operation:
            world.timing(**{copies: UNSEEN_S})
        return None

    return dying(decide)


Stop = Callable[[str], None]


@pytest.fixture(scope="module")
def stop(due: Rig) -> Stop:
    """Return to the world of a failback whose operator stopped it at that stage: played once, stage after stage."""
    due.begin()
    for stage, operation in (REVERSIBLE | TOO_LATE).items():
        process = due.run("stopped", stopping_at(operation))
        assert process.wait() == Exit.INTERRUPTED, (stage, process.said)
        due.world.keep(stage)

    def at_stage(stage: str) -> None:
        due.world.end()
        due.world.return_to(stage)
        due.world.reset_mutations()

    return at_stage


@pytest.fixture
def elsewhere(enforced: Enforced, tmp_path: Path) -> Enforced:
    """The operator at another machine, which has no journal."""
    rules(tmp_path, "sit", enforced.settings)
    return replace(enforced, home=tmp_path)


def checks(of: Enforced) -> dict[str, Any]:
    """How each health check reads: the primary's is held down while the DR region serves."""
    found = of.aws("admin").client("route53", Side.GLOBAL).list_health_checks()["HealthChecks"]
    return {row["Id"]: row["HealthCheckConfig"] for row in found}


def overwrite_protections(of: Enforced) -> set[str]:
    """Those of the primary's file systems."""
    found = of.aws("admin").client("efs", Side.PRIMARY).describe_file_systems()["FileSystems"]
    return {row["FileSystemProtection"]["ReplicationOverwriteProtection"] for row in found}


def words(ran: Ran) -> str:
    """What the command said, however its lines were broken."""
    return " ".join(ran.said.split())


@pytest.mark.parametrize("stage", REVERSIBLE)
def test_before_the_point_of_no_return_the_abort_returns_to_the_dr_region(
    stage: str, due: Rig, enforced: Enforced, elsewhere: Enforced, stop: Stop, written: Written
) -> None:
    due.begin()
    pinned = checks(enforced)
    stop(stage)
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    after = Writer(enforced.world, enforced.env, 0.02, "after the abort").write(0.3)
    dr = enforced.env.region(Side.DR)
    assert {row.region for row in after.written} == {dr}, after.refused
    assert [] == missing(after.sites, (*written.writer.written, *after.written), dr)
    assert "In short Posture: ON_DR Answer: DONE, exit 0 Served: 1 of 1 tenants by eu-west-1" in words(ran), ran.said
    assert "Standby: NOT PROTECTED, until the failback" in words(ran), ran.said
    assert "Writes: the database of eu-west-1 alone takes them" in words(ran)
    assert elsewhere.world.markers()[elsewhere.env.regions.dr] == []
    assert checks(enforced) == pinned
    assert "DISABLED" not in overwrite_protections(enforced), "files that anything may overwrite are read-only"


@pytest.mark.parametrize("stage", ["files home", "frozen"])
def test_after_an_abort_the_next_failback_brings_later_writes_home(
    stage: str, enforced: Enforced, elsewhere: Enforced, stop: Stop, written: Written
) -> None:
    stop(stage)
    assert elsewhere.execute("failback", (), "--abort").code == Exit.READY
    since = Writer(enforced.world, enforced.env, 0.02, "since the abort").write(0.3)
    assert since.written
    ran = elsewhere.execute("failback", HOME, "--staged")
    assert ran.code == Exit.READY, ran.said
    assert "Kept until people delete it: sit-mysql-before-" in words(ran)
    assert "in eu-west-1 with the table dr_marker (" in words(ran)
    assert [] == missing(since.sites, (*written.writer.written, *since.written), enforced.env.regions.primary)


def test_a_missing_marker_stops_the_failback_and_the_abort_returns_all(
    due: Rig, enforced: Enforced, elsewhere: Enforced, written: Written
) -> None:
    due.begin()
    process = due.run("not arrived", losing_from(FREEZE, due.world))
    assert process.wait() == Exit.ACTION_FAILED, process.said
    assert "Not all has arrived in sit-mysql: after 300 s it lacks marker" in " ".join(process.said.split())
    sent = [f"{call['service']}:{call['operation']}" for call in due.world.mutations()]
    assert (FREEZE in sent, PROMOTE in sent) == (True, False)
    due.world.timing(replica_unseen_s=None)
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    assert "Writes: the database of eu-west-1 alone takes them" in words(ran)
    after = Writer(enforced.world, enforced.env, 0.02, "after the abort").write(0.3)
    dr = enforced.env.region(Side.DR)
    assert {row.region for row in after.written} == {dr}, after.refused
    assert [] == missing(after.sites, (*written.writer.written, *after.written), dr)


def test_a_missing_marker_file_stops_the_failback_before_home_files_open(due: Rig, elsewhere: Enforced) -> None:
    due.begin()
    process = due.run("file not arrived", lagging_from(FROZEN_FILES, due.world, "files_unseen_s"))
    assert process.wait() == Exit.ACTION_FAILED, process.said
    ending = " ".join(process.said.split())
    assert "Not all has arrived in the folder of tenant-1: after 300 s .dr-marker.json of af-south-1 is not" in ending
    sent = [f"{call['service']}:{call['operation']}" for call in due.world.mutations()]
    assert "Its markers are left: .dr-marker.json in the folder of tenant-1." in ending
    since_frozen = sent[sent.index(FROZEN_FILES) :]
    assert (FILES_HOME in since_frozen, FREEZE in sent, PROMOTE in sent) == (False, False, False)
    due.world.timing(files_unseen_s=None)
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    assert "Its markers are left" not in words(ran)
    assert elsewhere.world.markers()[elsewhere.env.regions.dr] == []


@pytest.mark.parametrize("stage", TOO_LATE)
def test_after_it_the_abort_is_refused_names_the_entry_and_changes_nothing(
    stage: str, enforced: Enforced, elsewhere: Enforced, stop: Stop
) -> None:
    stop(stage)
    enforced.world.reset_mutations()
    ran = elsewhere.execute("failback", (), "--abort")
    assert ran.code == Exit.REFUSED, ran.said
    assert "abort.point-of-no-return: entry " in words(ran)
    assert "database/promote_primary:sit-mysql" in words(ran)
    assert "failback --staged --execute --incident INC-7" in words(ran)
    assert [] == [sent for sent in enforced.world.mutations() if not sent["control"]]


def test_a_run_in_its_write_pause_is_not_replanned_and_can_be_finished(
    enforced: Enforced, elsewhere: Enforced, stop: Stop, written: Written
) -> None:
    stop("frozen")
    enforced.world.reset_mutations()
    ran = elsewhere.execute("failback", HOME, "--staged", "--replan")
    assert ran.code == Exit.REFUSED, ran.said
    assert "replan.write-pause: the failback for INC-7 stands in its write pause: the database sit-mysql" in words(ran)
    assert "Writes: no region's database takes them." in words(ran)
    assert "failback --staged --execute --incident INC-7 --confirm" in words(ran)
    assert [] == [sent for sent in enforced.world.mutations() if not sent["control"]]
    gone_on = elsewhere.execute("failback", HOME, "--staged")
    assert (Exit.READY, []) == (gone_on.code, gone_on.denied), gone_on.said
    assert written.is_primary()


@pytest.mark.whole_run("failback --abort")
def test_after_the_abort_that_the_refusal_names_a_failback_is_replanned(
    elsewhere: Enforced, stop: Stop, written: Written
) -> None:
    stop("files frozen")
    ran = elsewhere.execute("failback", HOME, "--staged", "--replan")
    assert ran.code == Exit.REFUSED, ran.said
    assert "the files fs-" in words(ran)
    assert "failback --abort --execute --incident INC-7" in words(ran)
    assert "Writes: the database of eu-west-1 alone takes them" in words(ran)
    assert elsewhere.execute("failback", (), "--abort").code == Exit.READY
    assert elsewhere.execute("failback", HOME, "--staged", "--replan").code == Exit.READY
    assert written.is_primary()
