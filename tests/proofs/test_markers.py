"""Zero loss is proven by a marker: the lag of a replica, which is 0, shows nothing of what never reached it.

A failback must bring what people wrote in the DR region to the primary region; a switchover, the other way round.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.conftest import Asked
from tests.proofs.enforced import Written
from tests.proofs.rig import FULL, Rig, rig
from tests.proofs.rough import FREEZE
from tests.proofs.test_abort import losing_from
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(
        not FULL, reason="one marker that does not arrive is played in test_abort; all of it with DR_FULL_KILLS=1"
    ),
]


def facts(due: Rig, name: str, step: str) -> dict[str, str]:
    entries = [entry for entry in due.journal(name).entries if entry.step == step]
    return next((entry.data["facts"] for entry in reversed(entries) if entry.kind is EntryKind.CONFIRMED), {})


def test_the_freeze_refuses_the_marker_that_arrived_before_the_promotion(
    scenario: Asked, due: Rig, written: Written
) -> None:
    due.begin()
    process = due.run("proven")
    assert process.wait() == scenario.ends, process.said
    seen = facts(due, "proven", "database/verify_freeze:sit-mysql")
    assert int(seen["written"]) >= 1
    assert facts(due, "proven", "database/verify_marker:sit-mysql")["arrived"] == seen["written"]
    assert "sit-mysql refuses writes: a task's was refused 20 ms after marker" in " ".join(process.said.split())
    assert due.world.denied() == []
    assert [] == missing(written.writer.sites, written.writer.written, due.env.regions.primary)


def test_once_it_arrives_the_same_command_goes_on(scenario: Asked, due: Rig, written: Written) -> None:
    due.begin()
    assert due.run("late", losing_from(FREEZE, due.world)).wait() == Exit.ACTION_FAILED
    due.world.timing(replica_unseen_s=None)
    process = due.run("late")
    assert process.wait() == scenario.ends, process.said
    assert [] == missing(written.writer.sites, written.writer.written, due.env.regions.primary)


def test_a_switchover_marker_after_the_last_task_is_in_the_restore(tmp_path: Path) -> None:
    with rig(tmp_path, planned=True) as planned:
        planned.world.timing(transition_s=0.1, log_upload_s=1, files_lag_s=1)
        before = Writer(planned.world, planned.env, 0.02, "before").write(0.3)
        process = planned.run("there")
        assert process.wait() == Exit.READY, process.said
        assert facts(planned, "there", "database/write_marker:sit-mysql")["written"] == "1"
        assert facts(planned, "there", "database/verify_marker:sit-mysql")["arrived"] == "1"
        assert [] == missing(before.sites, before.written, planned.env.region(Side.DR))
