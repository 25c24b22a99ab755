"""status, test and failover --validate: one observation, the chosen scenarios, one report."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Area
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from reports.terminal import console
from utils.aws_mgmt.app.after_look import after_look, with_decision
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.evaluation import CommandRun, judge, read
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.gate import gate_rules, with_gate
from utils.aws_mgmt.app.options import DrTestOptions, FailoverOptions, JudgingOptions, StatusOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.terminal import Terminal


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
