"""The error boundary: whatever goes wrong becomes one sentence on stderr and the right exit code."""

from __future__ import annotations

import contextlib
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError

from dr_checks.core.exceptions import ExceptionsFileError
from dr_estate.aws.errors import unusable_settings
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import EnvironmentFileError
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.visible import without_credentials
from dr_estate.snapshot.snapshot import EvidenceError
from reports.terminal.console import complain
from sandbox.core.errors import SandboxError
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.interrupts import interruptible
from utils.aws_mgmt.app.next_steps import after_interrupt
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.cli import dispatch, streams

_USAGE = (EnvironmentFileError, ExceptionsFileError, EvidenceError, UsageError)


def run_command(options: Options) -> int:
    """Run the command of ``options``; returns its exit code."""
    try:
        with interruptible():
            return int(dispatch.run(options))
    except _USAGE as wrong:
        return _print_error(Exit.USAGE, str(wrong))
    except (WrongAccount, Refused) as refused:
        return _print_error(Exit.REFUSED, str(refused))
    except (DataUnavailable, SandboxError) as error:
        return _print_error(Exit.COULD_NOT_SEE, str(error))
    except KeyboardInterrupt:
        return _print_error(Exit.INTERRUPTED, after_interrupt(options))
    except BrokenPipeError:
        streams.abandon(sys.stdout)
        return int(Exit.COULD_NOT_SEE)
    except OSError as trouble:
        return _print_error(Exit.COULD_NOT_SEE, _of_the_system(options, trouble))
    except BotoCoreError as settings:
        return _print_error(Exit.COULD_NOT_SEE, unusable_settings(settings))
    except ImportError:
        raise  # the door says how to install what is missing
    except Exception as defect:  # noqa: BLE001 - the last wall: kept in a file, said in a sentence, never green
        return _print_error(Exit.COULD_NOT_SEE, _save_traceback(options, defect))


def _print_error(code: Exit, sentence: str) -> int:
    with contextlib.suppress(OSError):  # the terminal is gone: the exit code still tells
        complain(sentence)
    return int(code)


def _of_the_system(options: Options, trouble: OSError) -> str:
    """What the system refused, and what to do where that was a file of the results' folder."""
    reason = trouble.strerror or str(trouble)
    if trouble.filename is None:
        return f"The system: {reason}."
    if Path(str(trouble.filename)).is_relative_to(options.output):
        return f"{trouble.filename}: {reason}. Results cannot be kept there: name another folder with --output DIR."
    return f"{trouble.filename}: {reason}."


def _save_traceback(options: Options, defect: Exception) -> str:
    path = options.output / f"defect-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    report = f"Please report {path}."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(without_credentials("".join(traceback.format_exception(defect))), encoding="utf-8")
    except OSError as unwritable:
        report = f"Please report it. Its traceback is not in {path} ({unwritable.strerror}): use --output DIR."
    return f"A defect of this tool stopped the command ({type(defect).__name__}: {defect}). {report}"
