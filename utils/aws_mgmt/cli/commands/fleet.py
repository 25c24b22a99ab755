"""status of several environments, and report --merge: one page for all of them, and the worst exit code."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from reports import publish_fleet
from reports.terminal import console
from reports.values.fleet import Fleet, FleetMember
from reports.values.stored_report import StoredReport, StoredReportError, read_report
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.fleet import Look, expected_names, look_at, looks_of, member_of_file
from utils.aws_mgmt.app.interrupts import interruptible
from utils.aws_mgmt.app.options import Options, ReportOptions, StatusOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli import streams
from utils.aws_mgmt.cli.failures import failure_of

Run = Callable[[Options], Exit]
_NAME = "fleet"
REPORT = "report.json"


def fleet_command(options: Options, run: Run) -> Exit:
    """Look at each environment by ``run`` in a process of its own, and print them on one page.

    Returns the worst exit code. Raises UsageError for what does not look, and for a format that has no merged form.
    """
    if not isinstance(options, StatusOptions):
        raise UsageError(f"Only `status` looks at several environments: name one with -e for {options.command}.")
    if options.watch_s:
        raise UsageError("One environment is watched at a time: name one with -e, or omit --watch.")
    _refuse_form(options)
    with tempfile.TemporaryDirectory(prefix="aws-dr-manager-") as folder, console.progress() as advance:
        looks = looks_of(options, Path(folder))
        advance("Environments", 0, len(looks))
        members = look_at(looks, partial(_look, run), advance, options.workers)
    return _publish(Fleet.of(members), options)


def merge_command(options: ReportOptions) -> Exit:
    """Print the runs that are named on one page. An expected environment of which there is no run is UNKNOWN.

    Returns the worst exit code. Raises UsageError for what is no run's, and for two runs of one environment.
    """
    _refuse_form(options)
    names = expected_names(options)
    paths = [run for path in options.folders for run in _runs_of(path, bool(names))]
    members = [_member_and_report(path) for path in paths]
    found: dict[tuple[str, str], FleetMember] = {}
    for path, (member, report) in zip(paths, members, strict=True):
        other = found.setdefault((report.environment, report.account), member)
        if other is not member:
            raise UsageError(f"{path} and {other.folder} are both runs of {report.environment}: name one of them.")
    merged = list(found.values())
    there = {member.environment for member in merged}
    reason = "No run of it is among those that were merged."
    missing = [name for name in names if name not in there]
    merged += [FleetMember(name, int(Exit.COULD_NOT_SEE), reason=reason) for name in missing]
    return _publish(Fleet.of(merged), options)


def _runs_of(path: Path, may_be_empty: bool) -> list[Path]:
    """The run that ``path`` is, or those that lie in that folder: none of them, where it is known what is missing."""
    if not path.is_dir() or (path / REPORT).exists():
        return [path]
    return sorted(report.parent for report in path.rglob(REPORT)) or ([] if may_be_empty else [path])


def _member_and_report(path: Path) -> tuple[FleetMember, StoredReport]:
    try:
        report = read_report(path)
    except StoredReportError as wrong:
        raise UsageError(str(wrong)) from wrong
    return member_of_file(path, report), report


def _refuse_form(options: Options) -> None:
    if options.format not in publish_fleet.FORMS:
        forms = ", ".join(publish_fleet.FORMS)
        raise UsageError(f"Several environments are not written as {options.format}: use {forms}.")


def _publish(fleet: Fleet, options: Options) -> Exit:
    with run_folder(replace(options, environment=_NAME)) as folder:
        publish_fleet.publish(fleet, folder, options.format)
    return Exit(fleet.exit)


def _look(run: Run, look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """In its own process: run the look as it would run by itself, with its own variables and streams."""
    os.environ.clear()
    os.environ.update(look.variables)
    for stream, file in ((1, look.report), (2, look.log)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))
    streams.prepare()
    try:
        with interruptible():
            code, reason = int(run(look.options)), ""
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - as the error boundary: never green, and reported
        failure = failure_of(look.options, error)
        code, reason = int(failure.exit), failure.sentence
    answers.send((streams.finish(code), reason))
    answers.close()
