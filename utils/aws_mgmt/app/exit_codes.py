"""The exit codes, all in one place. They are a contract with CI and never change meaning."""

from __future__ import annotations

from enum import IntEnum

from dr_checks.core.verdict import Recommendation, Verdict


class Exit(IntEnum):
    """The exit code of the process. UNDER_WAY: AWS still works on a step, and the run no longer waits."""

    READY = 0
    NOT_READY = 1
    USAGE = 2
    COULD_NOT_SEE = 3
    REFUSED = 4
    ACTION_FAILED = 5
    VALIDATION_FAILED = 6
    UNDER_WAY = 7
    INTERRUPTED = 130


# What each code means, as the README's table has it.
MEANINGS = {
    Exit.READY: "ready, or done",
    Exit.NOT_READY: "not ready: a check failed",
    Exit.USAGE: "usage: the command line or a file is wrong",
    Exit.COULD_NOT_SEE: (
        "could not see: no blocker failed, but something is UNKNOWN; nothing was judged; or there are no credentials"
    ),
    Exit.REFUSED: "refused by a guard, or the wrong account",
    Exit.ACTION_FAILED: "an action failed",
    Exit.VALIDATION_FAILED: "done, but validation failed",
    Exit.UNDER_WAY: "AWS is still working on a step and the run stopped waiting; the same command goes on",
    Exit.INTERRUPTED: "interrupted",
}
# The exit code of a look, by what it found.
EXITS = {
    Recommendation.READY: Exit.READY,
    Recommendation.AT_RISK: Exit.READY,
    Recommendation.UNPROTECTED: Exit.NOT_READY,
    Recommendation.NOT_READY: Exit.NOT_READY,
    Recommendation.CANNOT_SAY: Exit.COULD_NOT_SEE,
}


def exit_of(verdict: Verdict) -> Exit:
    """The exit code of a verdict: an UNKNOWN, or nothing judged, is never green; a failed blocker is 1 beside it."""
    return EXITS[verdict.recommendation]
