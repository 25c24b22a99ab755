"""What the operator asked for, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


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
    output: Path = ROOT / "reports" / "out"
    save_evidence: Path | None = None
    from_evidence: Path | None = None
    exceptions: Path | None = None
    deadline_s: int | None = None
    flags: frozenset[str] = frozenset()
    action: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
