"""The error boundary: whatever goes wrong becomes one sentence on stderr and the right exit code."""

from __future__ import annotations

import contextlib
import sys

from reports.terminal.console import complain, conclude
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.interrupts import interruptible
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.cli import dispatch, streams
from utils.aws_mgmt.cli.failures import failure_of


def run_command(options: Options) -> int:
    """Run the command of ``options``; returns its exit code."""
    try:
        with interruptible():
            return int(dispatch.run(options))
    # Who reads left (`| head`): the rest was seen by nobody, so it is not 0.
    except BrokenPipeError:
        streams.abandon(sys.stdout)
        return int(Exit.COULD_NOT_SEE)
    except ImportError:
        raise  # the door says how to install what is missing
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last wall: said in a sentence, never green
        failure = failure_of(options, error)
    with contextlib.suppress(OSError):  # the terminal is gone: the exit code still reports it
        complain(failure.sentence)
        if failure.next_step:
            conclude("terminal", f"refused, exit {failure.exit}", failure.next_step, beside=True)
    return int(failure.exit)
