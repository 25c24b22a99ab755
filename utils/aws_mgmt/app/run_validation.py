"""Whether what serves after a run is as wanted: its validation, and what was accepted by name before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_actions.assessment.failover import is_hidden_in_us_east_1
from dr_actions.execution.executor import Outcome
from dr_actions.model.gates import PLANES
from dr_actions.model.plan import FENCING, Goal
from dr_checks.core.model import CheckResult, Status
from dr_checks.core.verdict import verdict_of
from dr_checks.dns.dns_choice import stays_away
from dr_checks.posture.posture import BLINDNESS, PostureName
from dr_checks.validation.validation import primary_fenced
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command
from reports.values.report import Report
from utils.aws_mgmt.app.exit_codes import Exit, exit_of


@dataclass(frozen=True)
class RunValidation:
    """``by_health`` states what us-east-1 did not take or show, "" where that is nothing.

    ``not_passed`` are the checks by which it did not pass: the report of AWS's task ends with its disk.
    """

    passed: bool
    by_health: str = ""
    not_passed: tuple[str, ...] = ()


def validation_of(report: Report, outcome: Outcome, goal: Goal, incident: str, gates: frozenset[str]) -> RunValidation:
    """Judge what serves after a run to ``goal``; a fence and its release are proven by the posture alone.

    What was accepted by name (``gates``) is reported and is not a failure by itself: that an unfenced primary may still
    write, and that nothing but health keeps the visitors in the DR region while us-east-1 takes and shows nothing
    (T01). That the visitors are there and served must have been seen all the same.
    """
    env, results = report.environment, report.verdict.results
    if goal in FENCING:
        return RunValidation(report.posture not in (PostureName.SPLIT, *BLINDNESS))
    split, by_health = report.posture is PostureName.SPLIT, ""
    waived = {primary_fenced.id} if outcome.unfenced and split else set[str]()
    if goal is Goal.FAILOVER and PLANES in gates:
        hidden = {result.check for result in results if is_hidden_in_us_east_1(result, env, lost=True)}
        waived |= hidden | ({stays_away.id} if outcome.owed else set())
        by_health = _by_health(env, incident, len(outcome.owed), hidden) if hidden or outcome.owed else ""
    # A split that nobody accepted is never waived: two regions would write, whatever else holds.
    if not waived or (split and not outcome.unfenced):
        return _validation_by_results(report.exit, by_health, results)
    others = [result for result in results if result.check not in waived]
    code = exit_of(verdict_of(others, (), env.objectives.rpo_minutes * 60.0))
    return _validation_by_results(code, by_health, others)


def _validation_by_results(code: Exit | int, by_health: str, results: Sequence[CheckResult]) -> RunValidation:
    failed = (result.check for result in results if result.status in (Status.FAIL, Status.UNKNOWN))
    return RunValidation(code == Exit.READY, by_health, () if code == Exit.READY else tuple(failed))


def _by_health(env: Environment, incident: str, changes: int, hidden: set[str]) -> str:
    """What is owed, why it is urgent, and the command that does it."""
    owed = f"took none of {changes} changes" if changes else "could not be asked for the records"
    unseen = f"; not judged without it: {', '.join(sorted(hidden))}" if hidden else ""
    words = ("failover", "--execute", "--replan", "--incident", incident)
    return (
        f"Visitors reach {env.region(Side.DR)} by health alone: {env.region(Side.GLOBAL)} {owed}{unseen}. As soon as "
        f"it answers, and before {env.region(Side.PRIMARY)} heals (T06): {Command(words)}."
    )
