"""diff RUN RUN: what changed between two runs of one environment, from the reports they kept. Offline."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.readiness_gate import changes_between, subjects_of
from dr_estate.model.world_id import is_sandbox
from reports.render import diff
from reports.terminal import console
from reports.values.stored_report import StoredReport, StoredReportError, read_report
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import after_difference, invocation_of
from utils.aws_mgmt.app.options import DiffOptions

_FORMS = ("terminal", "markdown", "json")


def diff_command(options: DiffOptions) -> Exit:
    """Print what changed from the first run to the second. Returns 0, or 1 where something got worse.

    Raises UsageError for what is no report, and for runs of two environments.
    """
    if options.format not in _FORMS:
        raise UsageError(f"A difference is not written as {options.format}: use {', '.join(_FORMS)}.")
    before, after = _read(options, 0), _read(options, 1)
    if (before.environment, before.account) != (after.environment, after.account):
        raise UsageError(
            f"The runs are of {before.environment} ({before.account}) and of {after.environment} ({after.account}): "
            "name two of one environment."
        )
    changes = changes_between(subjects_of(before.results), subjects_of(after.results))
    difference = diff.RunDifference(before, after, changes)
    there = replace(options, environment=after.environment, sandbox=options.sandbox or is_sandbox(after.world))
    console.begin(invocation_of(there))
    shown = diff.render(difference, options.format, every=options.every_finding)
    console.result(shown, options.format)
    code = Exit.NOT_READY if difference.worse else Exit.READY
    answer = f"{len(difference.worse)} worse, {len(difference.better)} better, exit {code}"
    console.conclude(options.format, answer, after_difference(difference.worse))
    return code


def _read(options: DiffOptions, which: int) -> StoredReport:
    try:
        return read_report((options.before, options.after)[which])
    except StoredReportError as wrong:
        raise UsageError(str(wrong)) from wrong
