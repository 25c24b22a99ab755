"""A rehearsal in a sandbox, and the real thing afterwards, under one incident id and from one machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from sandbox.client import endpoint as endpoints
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.utils.running import Ran, at_endpoint, dr_cli, rules, signed_in
from tests.worlds import borrowed, home_with_seeds

pytestmark = pytest.mark.proof

INCIDENT = "INC-123"
QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
EXECUTE = f"failover --execute --format json --incident {INCIDENT} --confirm files/restore_dr:sit-efs"


@dataclass(frozen=True)
class Machine:
    """An operator's machine: a managed sandbox, and another world that stands for the live account."""

    home: Path
    config: Path
    live: Endpoint

    def rehearse(self, words: str) -> Ran:
        """Run a command in the sandbox."""
        return dr_cli(f"-e sit --config {self.config} --sandbox {words}", self.home)

    def run(self, words: str) -> Ran:
        """Run a command in the live account."""
        return at_endpoint(self.live, self.home, f"-e sit --config {self.config} {words}", "operator")

    @property
    def sandbox(self) -> Endpoint:
        """The managed sandbox."""
        found = endpoints.read(self.home / "sandbox" / "sit" / "endpoint.json")
        assert found is not None
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    home = tmp_path_factory.mktemp("machine")
    home_with_seeds(home / "sandbox")
    config = rules(home, "sit", QUICK)
    with borrowed(load_environment(config, "sit"), 1) as live:
        live.timing(**HURRIED)
        live.inject("primary-dark")
        test_machine = Machine(home, config, live)
        assert test_machine.rehearse("--tenants 1 sandbox up").code == 0
        try:
            test_machine.sandbox.timing(**HURRIED)
            test_machine.sandbox.inject("primary-dark")
            rehearsed = test_machine.rehearse(EXECUTE)
            assert rehearsed.code == 0, rehearsed.err
            yield test_machine
        finally:
            test_machine.rehearse("sandbox down")


def test_a_rehearsed_incident_is_not_done_in_the_live_account(machine: Machine) -> None:
    before = machine.run(f"log --incident {INCIDENT}")
    assert (before.code, before.out) == (2, "")
    assert f"Another world has a journal of {INCIDENT}: sandbox {machine.sandbox.world}" in before.err
    shown = machine.run(before.err.partition("dr_cli.py -e sit ")[2].partition("`")[0])
    assert shown.out.startswith(f"SANDBOX REHEARSAL: Incident {INCIDENT} in SIT (sandbox {machine.sandbox.world}")
    assert machine.run("log").code == 2, "the newest journal is another world's"

    machine.live.reset_mutations()
    ran = machine.run(EXECUTE)
    assert (ran.code, ran.report["run"]["outcome"]) == (0, "done"), ran.err
    changed = {mutation["operation"] for mutation in machine.live.mutations()}
    assert {"RestoreDBInstanceToPointInTime", "UpdateService"} <= changed, "it began at the beginning"

    live, rehearsal = machine.run("log --format json"), machine.rehearse("log --format json")
    assert (live.report["rehearsal"], live.report["world"]["kind"]) == (False, "endpoint")
    assert (rehearsal.report["rehearsal"], rehearsal.report["world"]["detail"]) == (True, machine.sandbox.world)
    assert f"Incident {INCIDENT} in SIT (endpoint {machine.live.url}" in machine.run(f"log --incident {INCIDENT}").out
    review = machine.rehearse(f"log --incident {INCIDENT} --review").out
    assert review.startswith("# SANDBOX REHEARSAL: Post-incident review: ")


def test_a_sandbox_keeps_its_id_and_its_own_run_over_a_restart(machine: Machine) -> None:
    world = machine.sandbox.world
    assert machine.rehearse("sandbox down").code == 0
    down = machine.rehearse("log --format json")
    assert (down.code, down.report["world"]["detail"]) == (0, world), "it is read offline"
    up = machine.rehearse("sandbox up --format json")
    assert (up.code, json.loads(up.out)["world"]) == (0, world)
    exported = dr_cli("-e sit log", machine.home, **signed_in(machine.sandbox, "reader"))
    assert exported.out.startswith("SANDBOX REHEARSAL: "), "an endpoint that is the sandbox is no other world"
    again = machine.rehearse(EXECUTE)
    assert (again.code, again.out) == (4, "")
    assert f"The failover for {INCIDENT} is done" in again.err


def test_a_sandbox_made_again_is_another_world_from_its_beginning(machine: Machine) -> None:
    world = machine.sandbox.world
    assert machine.rehearse("--tenants 1 sandbox up --fresh").code == 0
    assert machine.sandbox.world not in ("", world)
    nothing = machine.rehearse(f"log --incident {INCIDENT}")
    assert nothing.code == 2
    assert f"Another world has a journal of {INCIDENT}: sandbox {world}" in nothing.err
