"""Gates, overrides of them by name, and refusals. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    """One gate, ignored by name: by whom, why, and until when (UTC)."""

    gate: str
    by: str
    why: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that said no, the reason, and what to do next."""

    rule: str
    message: str
