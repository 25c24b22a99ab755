"""The order a host process is started with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from dr_estate.model.engines import ENGINES, MYSQL
from sandbox.core.errors import SandboxError

# Called with what is being done, and how many parts of how many are done.
Progress = Callable[[str, int, int], None]


def no_progress(_doing: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class LaunchOptions:
    """What the host is to run. ``folder`` "" keeps no world on disk; ``port`` 0 is any, ``last_port`` if it is free.

    A world that is not ``seeded`` holds the people and nothing else. ``speed`` is how many seconds of the world pass in
    a real one; 0: as many as when it was saved, 1 for a new one. ``pace`` "" leaves a kept world at its pace; a new one
    is quick. ``engine`` is that of the seeded database.
    """

    environment: dict[str, Any]
    tenants: int
    port: int = 0
    last_port: int = 0
    latency_s: float = 0.0
    folder: str = ""
    attached: bool = True
    seeded: bool = True
    speed: float = 0.0
    pace: str = ""
    engine: str = MYSQL.name

    # On stdin and not in the arguments: these can be read by every user of the machine.
    def to_line(self) -> bytes:
        """Return the order as the line the host reads."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def about(self) -> dict[str, Any]:
        """Return what a saved world says it was made from."""
        return {"environment": self.environment, "tenants": self.tenants, "engine": self.engine}


def same_world(saved: dict[str, Any], order: LaunchOptions) -> None:
    """Refuse an order for another world than the ``saved`` one. Raises SandboxError."""
    wanted = order.about()
    if saved["tenants"] != wanted["tenants"]:
        raise SandboxError(
            f"The kept sandbox has {saved['tenants']} tenants, {wanted['tenants']} were asked for: "
            "omit --tenants, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if saved.get("engine", MYSQL.name) != wanted["engine"]:
        raise SandboxError(
            f"The database of the kept sandbox is of another engine than {ENGINES[wanted['engine']].title}: "
            "omit --engine, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if saved["environment"] != wanted["environment"]:
        raise SandboxError(
            "The kept sandbox was built from other settings of this environment. Start again: "
            "`dr_cli.py sandbox up --fresh`."
        )
