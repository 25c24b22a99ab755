"""Gates, overrides of them by name, and refusals. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# The old primary is stopped from writing. Judged when a failover is assessed, and again once it tried.
FENCE = "fence.primary"
# What stands in the control table can be read: its lock and its open incident. What cannot be read holds.
ITEM = "control.item"
# The control planes of the global services answer. Set aside, health alone moves the visitors and keeps them.
PLANES = "planes.us-east-1"
# A tenant has healthy targets before traffic moves: ``traffic.targets.<tenant>``. Judged right before that.
TARGETS = "traffic.targets"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of going ahead. ``stops``: unmet, the answer is DO_NOT_FAILOVER; else RISKY.

    ``relaxed`` gates could not be met in the emergency itself and do not count (T45); they are listed all the same.
    """

    id: str
    met: bool
    says: str
    stops: bool = False
    relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """One gate, ignored by name: by whom, why, and until when (UTC). ``arn`` is the caller's, regardless of ``by``."""

    gate: str
    by: str
    why: str
    until: datetime
    arn: str = ""

    @property
    def words(self) -> tuple[str, str, datetime, str]:
        """What was typed of it: gate, name, end and reason. Whose keys typed it is left out."""
        return (self.gate, self.by, self.until, self.why)

    @property
    def option(self) -> tuple[str, str, str, str, str]:
        """The words of a command line that give it."""
        return ("--override", self.gate, self.by, self.until.isoformat(), self.why)


def targets_gate(tenant: str) -> str:
    """The id of the gate of one tenant's targets."""
    return f"{TARGETS}.{tenant}"


def is_judged_in_run(gate: str) -> bool:
    """Whether a run judges the gate once more while it goes: an override of it is kept, met or not beforehand."""
    return gate == FENCE or gate.startswith(f"{TARGETS}.")


def accepted_gates(overrides: Iterable[Override], now: datetime) -> frozenset[str]:
    """The gates that are set aside by name now."""
    return frozenset(override.gate for override in overrides if override.until > now)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that said no, the reason, and what to do next."""

    rule: str
    message: str
