"""What could not be observed, and why. Unseen is never the same as absent, and never counts as fine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Blindness(StrEnum):
    """Why something could not be seen."""

    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    RESOLVER = "resolver"  # a DNS server cannot be reached from here, which says nothing of any region
    CREDENTIALS = "credentials"
    UNSUPPORTED = "unsupported"
    DEADLINE = "deadline"
    ERROR = "error"
    DEFECT = "defect"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Stands where a value would stand. ``why`` is one sentence that names the call and the region."""

    kind: Blindness
    why: str


class CannotSee(Exception):
    """A call of the eyes got no answer. Carries the Unseen that takes the value's place."""

    def __init__(self, unseen: Unseen) -> None:
        super().__init__(unseen.why)
        self.unseen = unseen
