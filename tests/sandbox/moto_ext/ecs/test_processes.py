"""Tasks that are processes of this tool know the world that started them by the name its people know."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.core.world_file import home
from sandbox.moto_ext.ecs.processes import environment_of


def test_a_task_finds_the_sandbox_that_started_it_with_another_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it records is of that sandbox: of an endpoint, `log --sandbox` refused it as another world's."""
    monkeypatch.delenv("DR_SANDBOX_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "operator"))
    sandboxes = home()
    for name, value in environment_of({}, str(tmp_path / "task")).items():
        monkeypatch.setenv(name, value)
    assert sandboxes.is_relative_to(tmp_path / "operator")
    assert home() == sandboxes
