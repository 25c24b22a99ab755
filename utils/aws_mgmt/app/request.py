"""What the operator asked for, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dr_estate.model.invocation import Program

ROOT = Path(__file__).parents[3]
INSTALLED = (ROOT / "__main__.py").is_file()
"""Whether this is a wheel's copy: that has its launcher beside the rooms, a checkout has it in a folder of its own."""


def state_folder() -> Path:
    """Return the folder of this user's state: below XDG_STATE_HOME, else below ~/.local/state."""
    from platformdirs import user_state_path

    return user_state_path("aws-dr-manager")


def results_folder() -> Path:
    """Return where results and journals lie without --output. It is the same from whatever folder a command is run."""
    return state_folder() / "reports" if INSTALLED else ROOT / "reports" / "out"


@dataclass(frozen=True)
class Request:
    """The parsed command line. ``flags`` are the command's own selectors; ``action`` a subcommand's word."""

    command: str
    environment: str
    config: Path = ROOT / "environments"
    sandbox: bool = False
    person: str = ""
    tenants: int | None = None
    only_tenants: tuple[str, ...] = ()
    format: str = "terminal"
    workers: int = 0
    output: Path = field(default_factory=results_folder)
    save_evidence: Path | None = None
    from_evidence: Path | None = None
    exceptions: Path | None = None
    record: Path | None = None
    deadline_s: int | None = None
    flags: frozenset[str] = frozenset()
    action: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    program: Program = Program.CHECKOUT
