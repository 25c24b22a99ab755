"""Each Next beside a run is pasted as it stands: in PROD's write pause, and of a full drill under way or left over.

A look ends with one command, or says one in backticks; who reads it is somebody else than who began the run.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from tests.proofs.pasting import Reader
from tests.proofs.test_automation import INCIDENT, PATIENCE_S, Prod, shown
from tests.proofs.test_drill_by_aws import DRILL, drill_rules
from tests.proofs.test_next_commands import Desk
from tests.proofs.test_screens_of_the_write_pause import waiting
from tests.utils.forking import begin
from tests.utils.running import command_of, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]
__all__ = ["waiting"]

LOOKS = ("status", "failover", "failback")
STOPPED, LEFT = "stopped in its write pause", "left over"
RESTORE_S = 90.0
QUICKLY = 20.0


@dataclass(frozen=True)
class Screens:
    """What a person sees who looks at a world with a run in it, and the shell that they paste into."""

    desk: Desk
    reader: Reader

    def faults(self, *looks: str, snapshot: str = "") -> list[str]:
        """Why the Next of a look does not run; before each one the world is that of the ``snapshot``."""
        pasted, faults = set[str](), list[str]()
        for look in looks:
            command = self.desk.last_command(look)
            if command not in pasted:
                pasted.add(command)
                faults += [f"{look}: {fault}"] if (fault := self.reader.fault(command)) else []
                if snapshot:
                    self.desk.world.return_to(snapshot)
        return faults


@pytest.fixture(scope="module")
def paused(waiting: Prod) -> Prod:
    """A failback that AWS runs, and that waits in its write pause for a change by hand."""
    approved = waiting.run(f"approve --failback --staged --incident {INCIDENT}", "approver")
    assert "AWS runs it now" in approved.out, approved.err
    watching = waiting.begin(f"attach --incident {INCIDENT}", "watching", "reader")
    shown(watching, r"^aws route53 .*$")
    watching.kill()
    return waiting


def screens_of(prod: Prod, home: Path) -> Screens:
    return Screens(Desk(prod.world, home, prod.config, prod.env.name), Reader(prod.world, home, asks_aws=True))


def test_in_the_write_pause_each_next_runs_in_the_wait_and_after_a_stop(paused: Prod, tmp_path: Path) -> None:
    screens, log = screens_of(paused, tmp_path), f"log --incident {INCIDENT}"
    assert screens.faults(*LOOKS, log) == []
    stop_task(paused)
    watching = paused.begin(f"attach --incident {INCIDENT}", "stopped", "reader")
    assert watching.wait(PATIENCE_S) != 0, watching.out
    paused.world.keep(STOPPED)
    looks = (*LOOKS, log, f"attach --incident {INCIDENT}")
    assert screens.faults(*looks, snapshot=STOPPED) == []


def stop_task(of: Prod) -> None:
    """Stop the task that holds the run, as a person can in ECS's console."""
    ecs, cluster = of.aws("admin").client("ecs", Side.DR), of.env.named(of.env.names.cluster)
    running = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    (task,) = [row["taskArn"] for row in running if not row["group"].startswith("service:")]
    ecs.stop_task(cluster=cluster, task=task, reason="by hand")


@pytest.fixture
def drilling(tmp_path: Path) -> Iterator[Screens]:
    """A full drill that AWS holds and whose starter left: RDS restores its database for a while."""
    config = drill_rules(tmp_path)
    env = load_environment(config, "sit")
    with borrowed(env, 1) as world:
        world.put_image(config)
        world.timing(transition_s=0.1, restore_s=RESTORE_S, log_upload_s=0.5, files_lag_s=0.5, replica_lag_s=0)
        line = f"-e sit --config {config} test --full-drill --by-aws --incident {DRILL}"
        command, variables = command_of(line, tmp_path, **signed_in(world, "driller"))
        started = begin(command, variables, tmp_path / "said")
        shown(started, r"^step .*Restore .*database")
        os.kill(started.process.pid or 0, signal.SIGINT)
        assert started.wait(PATIENCE_S) == 130, started.err
        yield Screens(Desk(world, tmp_path, config, "sit"), Reader(world, tmp_path))


def test_of_a_full_drill_under_way_and_left_over_each_next_runs(drilling: Screens) -> None:
    looks = (*LOOKS, "drill show", "schedule", f"log --incident {DRILL}")
    assert drilling.faults(*looks) == []
    desk = drilling.desk
    stop_task(Prod(desk.world, desk.home, desk.config, load_environment(desk.config, desk.environment)))
    desk.world.set_speed(QUICKLY)  # what AWS still restores is waited for by the sandbox's clock
    desk.world.keep(LEFT)
    assert drilling.faults(*looks, snapshot=LEFT) == []
