"""The gate of a pipeline: its rules by the options, and the exit code by how it came out."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.changes import subjects_of
from dr_checks.core.model import Severity, Status
from dr_checks.core.readiness_gate import Baseline, FailOn, GateCause, GateResult, GateRules, weigh_gate
from dr_estate.config.environment import Environment
from dr_estate.model.world_id import WorldKind, is_sandbox
from reports.values.report import Report
from reports.values.stored_report import StoredReportError, read_report
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import JudgingOptions
from utils.aws_mgmt.app.target import configured_world

_BLIND = frozenset({GateCause.NOT_SEEN, GateCause.NOTHING_JUDGED})


def gate_rules(options: JudgingOptions, environment: Environment) -> GateRules | None:
    """The rules that were asked for, None where none were. Raises UsageError for a baseline that cannot be one."""
    if not options.has_gate:
        return None
    # Who names no limit: what was not seen stops a pipeline too, and a warning does not.
    fail_on = FailOn(options.fail_on) if options.fail_on else FailOn.UNKNOWN
    return GateRules(fail_on, options.min_score, _baseline(options, environment))


def _baseline(options: JudgingOptions, environment: Environment) -> Baseline | None:
    if options.baseline is None:
        return None
    try:
        stored = read_report(options.baseline)
    except StoredReportError as wrong:
        raise UsageError(f"{wrong} Correct --baseline.") from wrong
    if (stored.environment, stored.account) != (environment.name, environment.account):
        raise UsageError(
            f"{options.baseline} is a report of {stored.environment} (account {stored.account}), not of "
            f"{environment.name} (account {environment.account}). Correct --baseline."
        )
    # A rehearsal's report as baseline would hide the gaps of the account behind those of the sandbox.
    rehearses = options.sandbox or configured_world(environment).kind is WorldKind.SANDBOX
    if is_sandbox(stored.world) and not rehearses and not options.from_evidence:
        raise UsageError(f"{options.baseline} is a rehearsal's report, of {stored.world}. Correct --baseline.")
    return Baseline(str(options.baseline), stored.observed_at, subjects_of(stored.results))


def with_gate(report: Report, rules: GateRules | None) -> Report:
    """The report with how it came out by ``rules``, and the exit code of that."""
    if rules is None:
        return report
    result = weigh_gate(report.verdict, rules, faulty_posture=report.posture_severity is Severity.BLOCKER)
    return replace(report, gate=result, exit=exit_of_gate(result))


def exit_of_gate(result: GateResult) -> Exit:
    """The exit code of a gate: a failed blocker that stops it is NOT_READY, whatever else was not seen."""
    blocked = any(row.status is Status.FAIL and row.severity is Severity.BLOCKER for row in result.stopping)
    if result.causes & _BLIND and not blocked:
        return Exit.COULD_NOT_SEE
    return Exit.READY if result.passes else Exit.NOT_READY
