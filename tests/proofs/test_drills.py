"""A full drill leaves the estate as it was, wherever it is killed: `drill clean` brings it to its end.

SIGKILL meets the process of the drill, and then that of each clean-up, right before and right after calls that change
the estate: some of them by default, every one with ``DR_FULL_KILLS=1``, all in one drill. The inventory of before is
compared with that of afterwards by the test itself, and not by what the command says of it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.drills.inventory import Inventory, differences, inventory
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.recovery_names import ASIDE
from dr_estate.readers import control_table
from dr_estate.readers.control_table import ControlState
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites, Writer, missing
from tests.proofs.dying import Make, When, at_the_first, dying, is_mutation, name_of
from tests.proofs.processes import Process, forked
from tests.proofs.rig import LEASE_S, Heir, quick
from tests.proofs.watching import reader_of
from tests.reports.test_reports import SCHEMA
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.full_drill import drill_rules
from utils.aws_mgmt.app.options import DrillOptions, DrTestOptions
from utils.aws_mgmt.cli.commands.drill import run_drill, show_or_clean
from utils.aws_mgmt.cli.terminal import Terminal

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("DR_FULL_KILLS") == "1"
EVERY = 1 if FULL else 27
MOST_DEATHS = 400
MESSAGE = "sns:Publish"  # one that died having only notified people has nothing to fail back: a test of its own
SHORT = {"bake_minutes": 0.05, "stable_minutes": 0, "files_freeze_minutes": 0, "dns_samples": 60}

Action = Literal["show", "clean"]


@dataclass(frozen=True)
class Drilling:
    """A healthy world, and processes that hold a drill in it, or clean up after one."""

    world: Endpoint
    env: Environment
    home: Path

    def run(self, name: str, make: Make = MutatingClient, later_s: float = 0, action: Action | None = None) -> Process:
        """Hold a drill, or do ``action`` of the command ``drill``, in a process of its own."""
        folder = self.home / name
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"log-{len(list(folder.glob('log-*'))):03d}"
        log.touch()
        return forked(partial(self._command, folder, make, later_s, action), log)

    def _command(self, folder: Path, make: Make, later_s: float, action: Action | None) -> int:
        env = drill_rules(self.env)
        reach = connect(world_of(self.world, "operator", Heir(later_s)), env, make)
        files = evaluation.CommandRun(folder, Terminal())
        try:
            if action:
                drill = DrillOptions(environment=env.name, output=folder, format="json", action=action)
                return int(show_or_clean(drill, env, reach, files))
            test = DrTestOptions(environment=env.name, output=folder, format="json", full_drill=True)
            return int(run_drill(test, env, reach, files))
        except Refused as refused:
            print(refused)  # noqa: T201 - the log of this process
            return int(Exit.REFUSED)

    def held(self) -> Inventory:
        """What the estate holds now, as its reader sees it."""
        return inventory(observe(self.env, reader_of(self.world), "sandbox"))

    def standing(self) -> ControlState:
        """What stands in the control table."""
        seen = observe(self.env, reader_of(self.world), "sandbox", only=frozenset({control_table.standing.name}))
        return seen.get(control_table.standing, Side.DR)


@pytest.fixture(scope="module")
def drilling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilling]:
    env = quick(load_environment(ROOT / "environments", "sit"))
    env = env.model_copy(
        update={
            "failback": env.failback.model_copy(update=SHORT),
            "drill": env.drill.model_copy(update={"bake_minutes": None}),
        }
    )
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0.5, files_lag_s=0.5, replica_lag_s=0, lag_published_s=0.5)
        yield Drilling(world, env, tmp_path_factory.mktemp("drills"))


def dies_at_every(nth: int, died: Counter[str]) -> Make:
    """Clients that die at the ``nth`` mutation, before or after it in turn; with every one, at each on both sides."""
    met = 0

    def decide(call: Call) -> When | None:
        nonlocal met
        if not is_mutation(call) or call.name == MESSAGE or (FULL and died[name_of(call)] > 1):
            return None
        met += 1
        turn = died[name_of(call)] if FULL else died.total()
        return (When.BEFORE, When.AFTER)[turn % 2] if met == nth else None

    return dying(decide)


def until_it_lives(start: Callable[[int, Counter[str]], Process]) -> tuple[int, str, Counter[str]]:
    """Start processes until one ends by itself: its exit code, what it said, and where the others died."""
    died: Counter[str] = Counter()
    for number in range(MOST_DEATHS):
        process = start(number, died)
        code = process.wait()
        if code >= 0:
            return code, process.said, died
        died[process.died[1]] += 1
    raise AssertionError(f"no process came to an end: {died}")


@pytest.mark.proof
def test_a_drill_killed_anywhere_ends_and_leaves_the_estate_as_before(drilling: Drilling) -> None:
    before, sites = drilling.held(), Sites(drilling.world, drilling.env)
    written = Writer(drilling.world, drilling.env, 0.02, "before").write(0.3).written

    def start(number: int, died: Counter[str]) -> Process:
        action: Action | None = "clean" if number else None
        return drilling.run("killed", dies_at_every(EVERY, died), number * (LEASE_S + 1), action)

    code, output, died = until_it_lives(start)
    assert code == Exit.READY, output
    assert {2} == set(died.values()) if FULL else died, died
    assert len(died) > (30 if FULL else 0), died
    report = json.loads((drilling.home / "killed" / "report.json").read_text(encoding="utf-8"))
    assert [] == list(SCHEMA.iter_errors(report))
    (drill,) = report["drills"]
    assert ("clean-up", "done", 0) == (drill["kind"], drill["verdict"], drill["exit"])
    assert {"switchover", "failback"} == {phase["part"] for phase in drill["phases"]}
    assert drill["rto_s"] > 0
    left = differences(before, drilling.held())
    assert {"new"} == {difference.how for difference in left}, left
    assert all(ASIDE in difference.subject and difference.part.endswith(".primary") for difference in left), left
    assert drilling.standing().incident is None
    assert written
    assert [] == list(missing(sites, written, drilling.env.region(Side.PRIMARY)))
    again = drilling.run("shown", action="show")
    assert (Exit.READY, True) == (again.wait(), "Nothing of a drill is left." in again.said)


@pytest.mark.proof
def test_an_alarm_on_the_way_out_stops_the_drill_and_all_is_taken_back(drilling: Drilling) -> None:
    world, before = drilling.world, drilling.held()
    watched = drilling.env.model_copy(update={"drill": drilling.env.drill.model_copy(update={"alarms_every_s": 0})})
    rings = at_the_first("ecs:UpdateService", lambda: world.inject("alarm-going-off"))
    run = replace(drilling, env=watched).run("alarmed", rings)
    assert run.wait() == Exit.ACTION_FAILED, run.said
    world.repair("alarm-going-off")
    assert "drill.alarms: alarm sit-alb-5xx in eu-west-1 is ALARM" in run.said
    assert () == differences(before, drilling.held())
    assert drilling.standing().incident is None


@pytest.mark.proof
@pytest.mark.parametrize("broken", ["alarm-going-off", "canary-left-behind"])
def test_a_drill_that_may_not_begin_changes_nothing_and_names_its_gate(drilling: Drilling, broken: str) -> None:
    drilling.world.inject(broken)
    drilling.world.reset_mutations()
    run = drilling.run(broken)
    code = run.wait()
    drilling.world.repair(broken)
    assert code == Exit.REFUSED, run.said
    assert ("drill.alarms" if "alarm" in broken else "drill.leftovers") in run.said
    assert [] == drilling.world.mutations()
