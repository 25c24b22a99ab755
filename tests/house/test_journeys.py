"""How many files somebody passes through who reads what a command does: see journeys.py for what counts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dr_checks.worlds import SIT
from tests.utils.forking import begin
from tests.utils.running import PATIENCE_S, command_of, signed_in
from tests.worlds import borrowed

EXECUTE = "failover --execute --planned --incident INC-123 --confirm files.sit-efs"


def journey(words: str, until: str, folder: Path, person: str) -> dict[str, list[str]]:
    """What a command of its own process passes through."""
    result = folder / "journey.json"
    with borrowed(SIT, tenants=1) as world:
        world.timing(transition_s=0.1)
        (script, *argv), variables = command_of(f"-e sit {words}", folder, **signed_in(world, person))
        assert script.endswith("dr_cli.py")
        ran = begin(["tests/house/journeys.py", str(result), until, *argv], variables, folder)
        ran.wait(PATIENCE_S)
    assert result.exists(), ran.err
    found: dict[str, list[str]] = json.loads(result.read_text(encoding="utf-8"))
    return found


def test_status_passes_25_files_and_never_returns_to_one_that_waits(tmp_path: Path) -> None:
    found = journey("status", "end", tmp_path, "reader")
    assert found["passed"][0] == "utils.aws_mgmt.dr_cli"
    assert "reports.publish" in found["passed"], "it did not come to its end"
    assert len(found["passed"]) <= 25, found["passed"]
    assert found["back"] == []


def test_a_failover_passes_33_files_before_it_first_changes_the_estate(tmp_path: Path) -> None:
    found = journey(EXECUTE, "first-change", tmp_path, "operator")
    assert "dr_actions.execution.sender" in found["passed"], "it came to no change"
    assert "dr_actions.clients.mutating_client" in found["files"]
    assert len(found["passed"]) <= 33, found["passed"]
