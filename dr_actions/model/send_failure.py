"""Why a call that changes AWS did not come back with success."""

from __future__ import annotations

from enum import StrEnum


class FailureKind(StrEnum):
    """Why a call did not come back with success. UNCERTAIN: it may have taken effect all the same.

    BUSY: its subject is in a state that passes by itself, so the call may be sent again.
    """

    THROTTLED = "throttled"
    BUSY = "busy"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"


class SendFailed(Exception):
    """A call failed. ``code`` is AWS's error code, "" where there was no answer."""

    def __init__(self, trouble: FailureKind, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.trouble, self.code = trouble, code
