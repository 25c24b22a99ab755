"""Zero loss is proven by a marker: of what never reached a replica its own lag, which is 0, tells nothing.

The DR region was failed over to before, and what people wrote there is to come home.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.dying import Make, When, dying
from tests.proofs.enforced import SHORT, Enforced, Written
from tests.proofs.rig import Rig
from tests.proofs.rough import FREEZE, PROMOTE
from tests.utils.running import rules
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

UNSEEN_S = 120


def losing_from(operation: str, world: Endpoint) -> Make:
    """Hands in whose world nothing that is written after the call reaches a replica, as in a link that broke."""

    def decide(call: Any) -> When | None:
        if call.name == operation:
            world.timing(replica_unseen_s=UNSEEN_S)
        return None

    return dying(decide)


def calls(world: Endpoint) -> list[str]:
    return [sent["operation"] for sent in world.mutations() if not sent["control"]]


def facts(due: Rig, name: str, step: str) -> dict[str, str]:
    entries = [entry for entry in due.journal(name).entries if entry.step == step]
    return next((entry.data["facts"] for entry in reversed(entries) if entry.kind is EntryKind.CONFIRMED), {})


def test_the_marker_is_refused_by_the_freeze_and_has_arrived_before_the_promotion(due: Rig, written: Written) -> None:
    due.begin()
    process = due.run("proven")
    assert process.wait() == Exit.READY, process.said
    seen = facts(due, "proven", "database/verify_freeze:sit-mysql")
    assert int(seen["written"]) >= 1
    assert facts(due, "proven", "database/verify_marker:sit-mysql")["arrived"] == seen["written"]
    assert "sit-mysql refuses writes: a task's was refused 20 ms after marker" in " ".join(process.said.split())
    assert due.world.denied() == []
    assert [] == missing(written.writer.sites, written.writer.written, due.env.regions.primary)


def test_a_marker_that_does_not_arrive_stops_the_failback_and_the_abort_brings_everybody_back(
    due: Rig, enforced: Enforced, written: Written, tmp_path: Path
) -> None:
    due.begin()
    process = due.run("not arrived", losing_from(FREEZE, due.world))
    assert process.wait() == Exit.ACTION_FAILED, process.said
    assert "Not all has arrived in sit-mysql: after 300 s it lacks marker" in " ".join(process.said.split())
    assert PROMOTE.partition(":")[2] not in calls(due.world)
    rules(tmp_path, "sit", SHORT)
    ran = replace(enforced, home=tmp_path).execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    assert "Writes: the database of eu-west-1 alone takes them" in " ".join(ran.said.split())
    after = Writer(enforced.world, enforced.env, 0.02, "after the abort").write(0.3)
    dr = enforced.env.region(Side.DR)
    assert {row.region for row in after.written} == {dr}, after.refused
    assert [] == missing(after.sites, (*written.writer.written, *after.written), dr)


def test_once_it_arrives_the_same_command_goes_on(due: Rig, written: Written) -> None:
    due.begin()
    assert due.run("late", losing_from(FREEZE, due.world)).wait() == Exit.ACTION_FAILED
    due.world.timing(replica_unseen_s=None)
    process = due.run("late")
    assert process.wait() == Exit.READY, process.said
    assert [] == missing(written.writer.sites, written.writer.written, due.env.regions.primary)
