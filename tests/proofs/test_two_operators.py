"""Two operators at once, owners that die or stall, and runs that are stopped: one runs, and each gives a true account.

What is stalled here is a process that gets SIGSTOP in the midst of its run, as a laptop that is closed would be: it
wakes up after its lease, when another has taken the lock over and finished.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side
from sandbox.core.state import Outage
from tests.proofs.compared import Facts, calls_of, differences, facts_of
from tests.proofs.dying import When, at, is_mutation
from tests.proofs.processes import Process, until
from tests.proofs.rig import INCIDENT, LEASE_S, Rig, rig
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

SLOW_RESTORE_S = 10.0
SHORT_LEASE_S = 8  # a busy machine keeps a heartbeat waiting for seconds


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("operators"), "primary-dark", poll_s=0.25) as test_rig:
        yield test_rig


def restoring(of: Rig) -> Callable[[], bool]:
    """Whether the restore of the database was called."""
    return lambda: any(mutation["operation"] == "RestoreDBInstanceToPointInTime" for mutation in of.world.mutations())


def services_of(of: Rig) -> Facts:
    """The primary region's services and their scaling: wanted and running counts, bounds, what is suspended."""
    seen = facts_of(of, (Side.PRIMARY,))
    return {path: value for path, value in seen.items() if path.startswith(("ecs.services", "autoscaling."))}


def test_of_two_operators_one_runs_and_the_other_sees_who_and_since_when(lost: Rig) -> None:
    lost = lost.with_settings(lease_s=SHORT_LEASE_S)
    lost.begin()
    lost.world.timing(transition_s=SLOW_RESTORE_S)
    first = lost.run("first")
    until(restoring(lost), first)
    run = lost.reach("admin").control.in_force().known_run
    second = lost.run("second", person="admin")
    assert Exit.REFUSED == second.wait(), second.said
    assert run is not None
    message = second.said
    assert f"lock.held: Run {run.run} of operator (" in message
    assert f"is at work on {INCIDENT} since {run.taken_at:%Y-%m-%d %H:%M:%S} UTC" in message
    assert not list((lost.home / "second").rglob("*.jsonl"))
    assert Exit.READY == first.wait(), first.said
    assert {mutation["person"] for mutation in lost.world.mutations() if not mutation["control"]} == {"operator"}


def test_a_dead_owners_lock_is_taken_over_after_its_lease_and_not_before(lost: Rig) -> None:
    short = lost.with_settings(lease_s=SHORT_LEASE_S)
    short.begin()
    dead = short.run("dead", at(2, When.AFTER, is_mutation))
    assert dead.wait() == -signal.SIGKILL
    run = short.reach("admin").control.in_force().known_run
    assert run is not None
    heir = short.run("heir", person="admin")
    assert Exit.READY == heir.wait(), heir.said
    assert f"No heartbeat of run {run.run} for " in heir.said
    assert f" of {SHORT_LEASE_S} s." in heir.said
    taken = short.reach("admin").control.in_force().known_run
    assert taken is not None
    assert (taken.token, taken.taken_at >= run.lease_until) == (run.token + 1, True)
    assert max(calls_of(short).values()) == 1


def test_a_stalled_owner_that_wakes_up_changes_nothing_and_says_what_to_do(lost: Rig) -> None:
    lost.begin()
    lost.world.timing(transition_s=SLOW_RESTORE_S)
    stalled = lost.run("stalled")
    until(restoring(lost), stalled)
    os.kill(stalled.pid, signal.SIGSTOP)
    heir = lost.run("heir-of-stalled", later_s=LEASE_S + 1, person="admin")
    assert Exit.READY == heir.wait(), heir.said
    before = calls_of(lost)
    os.kill(stalled.pid, signal.SIGCONT)
    assert Exit.ACTION_FAILED == stalled.wait(), stalled.said
    assert before == calls_of(lost)
    line = stalled.said.splitlines()[-1]
    assert line.startswith("lost: ")
    assert "no longer holds the lock" in line
    for name in ("stalled", "heir-of-stalled"):
        assert lost.journal(name).fault is None
    again = lost.run("stalled", later_s=2 * LEASE_S)
    assert Exit.REFUSED == again.wait(), again.said
    assert "Move the file away: it is evidence, and the mirror rebuilds it." in again.said
    assert before == calls_of(lost)


def _is_restoring(lost: Rig, run: Process) -> bool:
    return "Restore the database" in run.said and restoring(lost)()


def test_a_run_that_is_asked_to_stop_stops_between_calls_and_goes_on_later(lost: Rig) -> None:
    """By SIGTERM, then by Ctrl-C, while the database is restored."""
    lost.begin()
    lost.world.timing(transition_s=SLOW_RESTORE_S)
    for number in (signal.SIGTERM, signal.SIGINT):
        run = lost.run("stopped")
        until(partial(_is_restoring, lost, run), run)
        os.kill(run.pid, number)
        assert Exit.INTERRUPTED == run.wait(), run.said
        assert run.said.splitlines()[-1].startswith("stopped: Stopped between two calls, as asked.")
        assert "failover --execute --incident INC-7` goes on from here." in run.said
        chain = lost.journal("stopped")
        assert (chain.fault, chain.entries[-1].data["outcome"]) == (None, "stopped")
    on = lost.run("stopped")
    assert Exit.READY == on.wait(), on.said
    assert max(calls_of(lost).values()) == 1


def test_a_failed_step_or_message_keeps_the_progress_and_is_resumable(
    lost: Rig,
) -> None:
    lost.begin()
    lost.world.timing(transition_s=0.1)
    denied = Outage(lost.env.region(Side.GLOBAL), "deny", "route53", "ChangeResourceRecordSets", person="operator")
    lost.world.begin(denied)
    run = lost.run("denied")
    assert Exit.ACTION_FAILED == run.wait(), run.said
    line = run.said.splitlines()[-1]
    assert line.startswith("failed: traffic/shift_to_dr:")
    assert "Taken back" not in line
    assert not [e for e in lost.journal("denied").entries if e.kind in (EntryKind.UNDONE, EntryKind.COMPENSATION)]
    reached = calls_of(lost)
    assert {"rds:RestoreDBInstanceToPointInTime", "ecs:UpdateService"} < {call.split()[1] for call in reached}
    lost.world.end(denied)
    goes_on_without_its_last_message(lost, "denied")
    on = lost.run("denied", later_s=LEASE_S + 1)
    assert Exit.READY == on.wait(), on.said
    assert max(calls_of(lost).values()) == 1


def goes_on_without_its_last_message(lost: Rig, name: str) -> None:
    """Only the message of the end is missing: the run is degraded, and never reported as done."""
    first = lost.run(name, at(1, When.BEFORE, lambda call: "notifications/end" in str(call.params.get("Message"))))
    assert first.wait() == -signal.SIGKILL, first.said
    silent = Outage(lost.env.region(Side.DR), "deny", "sns", "Publish", person="operator")
    lost.world.begin(silent)
    run = lost.run(name, later_s=LEASE_S + 1)
    assert Exit.VALIDATION_FAILED == run.wait(), run.said
    assert run.said.splitlines()[-1].startswith("degraded: Done, but degraded: 1 step failed.")
    lost.world.end(silent)


def test_a_failed_step_of_a_switchover_is_rolled_back_as_far_as_possible(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The services of the primary region run again at their exact counts, and the verdict says what was taken back."""
    with rig(tmp_path_factory.mktemp("home"), planned=True) as of:
        primary = services_of(of)
        of.begin()
        steps = of.start.plan.steps
        fenced = [step.id for step in steps if step.action.startswith("compute/fence_")]
        of.world.timing(transition_s=0.1, files_lag_s=0, log_upload_s=0)
        of.world.begin(Outage(of.env.region(Side.DR), "deny", "rds", "RestoreDBInstanceToPointInTime"))
        run = of.run("back")
        assert Exit.ACTION_FAILED == run.wait(), run.said
        undone = [str(e.step) for e in of.journal("back").entries if e.kind is EntryKind.UNDONE]
        assert sorted(undone) == sorted(fenced), run.said
        assert f"Taken back: {len(fenced)} of " in run.said.splitlines()[-1]
        until(lambda: differences(primary, services_of(of)) == {}, run)
