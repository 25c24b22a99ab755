"""The exit codes, all in one place. They are a contract with CI and never change meaning."""

from __future__ import annotations

from enum import IntEnum

from dr_checks.core.verdict import Recommendation, Verdict


class Exit(IntEnum):
    """What the process tells its caller. UNDER_WAY: AWS works on a step still, and the run waits no longer."""

    READY = 0
    NOT_READY = 1
    USAGE = 2
    COULD_NOT_SEE = 3
    REFUSED = 4
    ACTION_FAILED = 5
    VALIDATION_FAILED = 6
    UNDER_WAY = 7
    INTERRUPTED = 130


def exit_of(verdict: Verdict) -> Exit:
    """The exit code of a verdict: an UNKNOWN, or nothing judged, is never green, and outranks a FAIL."""
    return {
        Recommendation.READY: Exit.READY,
        Recommendation.AT_RISK: Exit.READY,
        Recommendation.NOT_READY: Exit.NOT_READY,
        Recommendation.CANNOT_SAY: Exit.COULD_NOT_SEE,
    }[verdict.recommendation]
