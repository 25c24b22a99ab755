"""A program that a step runs ends for want of credentials: the run waits for a new login, and runs it with that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dr_actions.actions import provisioning
from dr_actions.execution.run import PlanRun, StepFailed
from dr_actions.journal.entries import EntryKind
from dr_actions.model.plan import Goal, Plan
from dr_estate.readers import ecs
from dr_estate.snapshot.observer import observe
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.execution.walks import Walk
from tests.dr_actions.hearing import RecordingListener
from tests.dr_actions.plain import SIT
from tests.worlds import borrowed, world_of

LOST = "ecs-service-deleted"
TOKEN = "AWS_SESSION_TOKEN"
REFUSED = "Error: validating provider credentials: ExpiredToken: The security token included in the request is expired"
PROGRAM = f"""#!{sys.executable}
import os, pathlib, sys
for option in sys.argv[1:]:
    if option.startswith("-out="):
        pathlib.Path(option[5:]).touch()
if sys.argv[1] == "show":
    print('{{"format_version": "1.2", "resource_changes": []}}')
if sys.argv[1] == "apply" and os.environ.get("{TOKEN}") != "new":
    sys.exit("{REFUSED}")
if sys.argv[1] == "apply":
    pathlib.Path(__file__).with_name("applied").touch()
sys.exit(2 if sys.argv[1] == "plan" else 0)
"""


@dataclass
class NewLogin:
    """The sign-in of a run whose keys are over (or, not ``lost``, are good): a person logs in once it waits."""

    monkeypatch: pytest.MonkeyPatch
    lost: bool = True
    lost_s: float = 0.0

    def recover(self) -> bool:
        if not self.lost:
            return False
        self.monkeypatch.setenv(TOKEN, "new")
        self.lost, self.lost_s = False, self.lost_s + 1
        return True


@dataclass
class ProgramWalk(Walk):
    """A run of one step that runs a program."""

    login: NewLogin | None = None

    def fitted(self, run: PlanRun) -> PlanRun:
        assert self.login is not None
        return replace(run, sign_in=self.login)


@pytest.fixture
def world() -> Iterator[World]:
    with borrowed(SIT, tenants=2) as endpoint:
        seen = observe(
            SIT, world_of(endpoint, "reader").credentials, "sandbox", only=frozenset(provisioning.APPLY.reads_parts)
        )
        world = World(endpoint, SIT, seen)
        endpoint.inject(LOST)
        yield world


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "terraform"
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv(TOKEN, "old")
    return tmp_path


def _walk(world: World, folder: Path, login: NewLogin) -> ProgramWalk:
    provision = SIT.provision.model_copy(update={"folder": str(folder)})
    env = SIT.model_copy(update={"provision": provision, "execution": SIT.execution.model_copy(update={"poll_s": 0.2})})
    context = replace(world.sight(world.whole(ecs.services.name)), env=env)
    steps = tuple(replace(step, budget_s=30) for step in provisioning.plan_steps(context))
    return ProgramWalk(world, env, folder, Plan(env.name, env.account, Goal.FAILOVER, "PRIMARY_LOST", steps), login)


def _repaired_once_applied(world: World, folder: Path) -> RecordingListener:
    """The service that the program makes is there once it was applied."""

    def repair_service(_: object) -> None:
        if (folder / "applied").exists():
            (folder / "applied").unlink()
            world.endpoint.repair(LOST)

    return RecordingListener(waiting=repair_service)


@pytest.mark.proof
def test_a_program_whose_keys_expired_runs_again_with_the_new_login(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = _walk(world, folder, NewLogin(monkeypatch))
    assert walk.run(_repaired_once_applied(world, folder)).finished
    assert [entry.data["result"] for entry in walk.entries(EntryKind.OUTCOME)] == ["guarded", "sent"]
    assert walk.entries(EntryKind.FAILED, EntryKind.UNDONE, EntryKind.COMPENSATION) == []


@pytest.mark.proof
def test_a_program_that_fails_while_the_keys_are_good_fails_its_step(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = _walk(world, folder, NewLogin(monkeypatch, lost=False))
    with pytest.raises(StepFailed, match="ExpiredToken"):
        walk.run(RecordingListener())
    assert [entry.data["result"] for entry in walk.entries(EntryKind.OUTCOME)] == ["guarded"]
