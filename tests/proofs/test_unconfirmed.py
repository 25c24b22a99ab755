"""A run that meets an irreversible step where nobody can be asked prints the command that goes on from there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from tests.house.commands import commands_of
from tests.utils.pseudo_terminal import CTRL_C, at_terminal
from tests.utils.running import dr_cli, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

INCIDENT = "INC-20260107-001"
CONFIRMED = "--confirm files/restore_dr:sit-efs"
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"


def test_in_a_pipe_the_printed_command_goes_past_the_irreversible_step(tmp_path: Path) -> None:
    config = rules(tmp_path, "sit", QUICK)
    words = f"-e sit --config {config} failover --execute --incident {INCIDENT}"
    with borrowed(load_environment(config, "sit"), tenants=1) as world:
        world.inject("primary-dark")
        variables = signed_in(world, "operator")
        with at_terminal(words, tmp_path, variables) as terminal:
            terminal.until("step 2 of")
            terminal.press(CTRL_C)
            assert terminal.wait() == 130, terminal.shown
        piped = dr_cli(words, tmp_path, **variables)
        assert piped.code == 5, piped.err
        printed = [command for command in commands_of(piped.out) if f"--execute --incident {INCIDENT}" in command]
        assert printed, piped.out
        assert [] == [command for command in printed if CONFIRMED not in command], piped.out
        report = json.loads(max((tmp_path / "out").glob("sit-failover-*/report.json")).read_text(encoding="utf-8"))
        assert report["run"]["to_confirm"] == ["files/restore_dr:sit-efs"]
        went_on = dr_cli(printed[0], tmp_path, **variables)
    assert went_on.code == 0, went_on.out + went_on.err
