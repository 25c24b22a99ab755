"""What each error means for the caller of the command: an exit code and one sentence."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from dr_checks.core.exceptions import ExceptionsFileError
from dr_estate.aws.errors import unusable_settings
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import EnvironmentFileError
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.model.visible import without_credentials
from dr_estate.snapshot.snapshot import EvidenceError
from reports.values.escaping import holds_command
from sandbox.core.errors import SandboxError
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DIAGNOSIS, after_interrupt
from utils.aws_mgmt.app.options import DoctorOptions, DrTestOptions, InitOptions, Options, RecoveryOptions

if TYPE_CHECKING:  # a refusal needs no clients
    from utils.aws_mgmt.app.connections import AppContext


@dataclass(frozen=True)
class CommandFailure:
    """How a command ended that could not be done."""

    exit: Exit
    sentence: str
    next_step: str = ""


def failure_of(options: Options, error: BaseException) -> CommandFailure:
    """The failure that ``error`` was for the command of ``options``. A defect's traceback is kept in a file."""
    match error:
        case EnvironmentFileError() | ExceptionsFileError() | EvidenceError() | UsageError():
            return CommandFailure(Exit.USAGE, str(error))
        case Refused() as refused:
            return CommandFailure(Exit.REFUSED, str(refused), refused.next_step)
        case WrongAccount():
            return CommandFailure(Exit.REFUSED, str(error))
        case DataUnavailable() as unread:
            return CommandFailure(Exit.COULD_NOT_SEE, f"{unread}{_diagnosis(options, unread.unavailable)}")
        case SandboxError():
            return CommandFailure(Exit.COULD_NOT_SEE, str(error))
        case KeyboardInterrupt():
            return CommandFailure(Exit.INTERRUPTED, after_interrupt(options))
        case OSError():
            return CommandFailure(Exit.COULD_NOT_SEE, _of_the_system(options, error))
        case BotoCoreError():
            return CommandFailure(Exit.COULD_NOT_SEE, unusable_settings(error))
    return CommandFailure(Exit.COULD_NOT_SEE, _save_traceback(options, error))


@contextmanager
def record_refusals(options: RecoveryOptions | DrTestOptions, reached: AppContext) -> Iterator[None]:
    """Write to the control table why a task of AWS began or ended without a word of its own: nobody sees its screen."""
    try:
        yield
    except Exception as error:
        # Only for a task of AWS: a person sees why the command ended.
        if options.automation:
            with suppress(Exception):  # its log in CloudWatch has it all the same
                says = without_credentials(failure_of(options, error).sentence)
                reached.control.record_refusal(options.incident, options.automation, says, reached.caller.arn)
        raise


def _diagnosis(options: Options, unavailable: Unavailable) -> str:
    """What shows why something could not be read, where the sentence about it leads nowhere yet."""
    # A sentence with a command in it leads somewhere already, and two remedies leave the reader to choose.
    if holds_command(unavailable.why):
        return ""
    if unavailable.kind is UnavailableKind.CREDENTIALS:
        from dr_estate.aws.sign_in import login_command  # a refusal of another kind needs no botocore

        return "" if options.sandbox else f" `{login_command()}` logs in."
    return "" if not options.environment or isinstance(options, DoctorOptions | InitOptions) else f" {DIAGNOSIS}"


def _of_the_system(options: Options, trouble: OSError) -> str:
    """What the system refused, and what to do where that was a file of the results' folder."""
    reason = trouble.strerror or str(trouble)
    # A full disk raises without a file's name: the place must be guessed, and named as a guess.
    if trouble.filename is None and trouble.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{reason}, where results or temporary files are written: name another folder with --output DIR."
    if trouble.filename is None:
        return f"The system: {reason}."
    refused = Path(str(trouble.filename))
    if refused.is_relative_to(options.output) or options.output.is_relative_to(refused):
        return f"{trouble.filename}: {reason}. Results cannot be kept there: name another folder with --output DIR."
    return f"{trouble.filename}: {reason}."


def _save_traceback(options: Options, defect: BaseException) -> str:
    path = options.output / f"defect-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    report = f"Please report {path}."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A traceback may quote a call with its keys, and this file is meant to be sent to others.
        path.write_text(without_credentials("".join(traceback.format_exception(defect))), encoding="utf-8")
    except OSError as unwritable:
        report = f"Please report it. Its traceback is not in {path} ({unwritable.strerror}): use --output DIR."
    return f"A defect of this tool stopped the command ({type(defect).__name__}: {defect}). {report}"
