"""status, test and failover --validate: one observation, the chosen scenarios, one report, the gate of a pipeline."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Area, Severity, Status
from dr_checks.core.readiness_gate import Baseline, FailOn, GateCause, GateResult, GateRules, subjects_of, weigh_gate
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from dr_estate.model.world_id import WorldKind, is_sandbox
from reports.terminal import console
from reports.values.report import Report
from reports.values.stored_report import StoredReportError, read_report
from utils.aws_mgmt.app.after_look import after_look, with_decision
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, judge, read
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import DrTestOptions, FailoverOptions, JudgingOptions, StatusOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.target import configured_world
from utils.aws_mgmt.cli.terminal import Terminal

_BLIND = frozenset({GateCause.NOT_SEEN, GateCause.NOTHING_JUDGED})


def status_command(options: StatusOptions | DrTestOptions | FailoverOptions, environment: Environment) -> Exit:
    """Look (or load evidence), judge the scenarios of the chosen areas, write and print the report.

    Returns its exit code, by the gate's rules where some were given; where only the validation was judged and found
    fault, 6.
    """
    clock, areas = WorldClock(), areas_of(options)
    rules = gate_rules(options, environment) if isinstance(options, JudgingOptions) else None
    began_s = clock.monotonic()
    with run_folder(options) as folder, console.progress() as advance:
        run = CommandRun(folder, Terminal(), advance, clock=clock)
        snapshot = read(options, environment, run)
        report = with_decision(judge(options, environment, areas, snapshot, run), snapshot)
    if isinstance(options, DrTestOptions):  # what status needs not is not imported: it answers a second sooner
        from utils.aws_mgmt.app.run_history import RunEvidence, record_tests

        recorded = record_tests(options, environment, report, areas, RunEvidence(folder, clock, began_s))
        report = replace(report, notes=(*report.notes, *recorded))
    if areas == (Area.VALIDATION,) and report.exit == Exit.NOT_READY:
        report = replace(report, exit=Exit.VALIDATION_FAILED)
    report = with_gate(report, rules)
    report = replace(report, next_step=after_look(report))
    from reports.publish import publish  # a page is drawn last, and --help draws none

    publish(report, folder, options.format, html=options.html)
    if isinstance(options, JudgingOptions) and options.metrics:
        from reports.render.openmetrics import write_metrics

        write_metrics(report, options.metrics)
    return Exit(report.exit)


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


def trial_command(options: DrTestOptions, environment: Environment) -> Exit:
    """Judge, hold the trials (--restore, --start, --canary), and publish. Returns the gravest exit code of both."""
    from reports.publish import publish  # none of it for --help, nor what trials need for status
    from utils.aws_mgmt.app.trials import judge_and_run_trials

    with run_folder(options) as folder:
        report = judge_and_run_trials(options, environment, areas_of(options), CommandRun(folder, Terminal()))
    publish(report, folder, options.format, html=options.html)
    return Exit(report.exit)
