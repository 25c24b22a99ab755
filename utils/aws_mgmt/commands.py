"""What each command does: pick the world, look once, judge by scenarios, report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dr_checks.model import Area
from dr_estate.environments import Environment, load_environment
from reports import voice
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.next_steps import invocation_of
from utils.aws_mgmt.request import Request

_OF_FAILOVER = ("failover", "approve", "pause", "unpause", "log", "iam")
READINESS = tuple(area for area in Area if area is not Area.VALIDATION)
_TESTED = (Area.INFRASTRUCTURE, Area.REPLICATION, Area.TENANTS, Area.PREREQUISITES)
_DRILLS = frozenset({"full-drill", "restore", "canary"})
_OF_FULL_DRILL = frozenset({"full-drill", "report"})
_SELECTS = {
    ("status", "replication"): (Area.REPLICATION,),
    ("status", "infrastructure"): (Area.INFRASTRUCTURE,),
    ("test", "infra"): _TESTED,
    ("test", "restore"): _TESTED,
    ("test", "dns"): (Area.DNS,),
    ("test", "canary"): (Area.DNS,),
}


class UsageError(Exception):
    """What was asked cannot be asked; the message says what can."""


class Refused(Exception):
    """A guard refused; the message names the rule and what to use instead."""


def run(request: Request) -> Exit:
    """Run the command of ``request``. Raises UsageError, Refused, and what the layers below raise."""
    voice.begin(invocation_of(request))
    if request.command == "report":
        from utils.aws_mgmt.report_command import report_command

        return report_command(request)
    environment = _environment(request)
    if request.command == "sandbox":
        from utils.aws_mgmt.sandbox_command import run_sandbox

        return run_sandbox(request, environment)
    if request.command == "test" and "full-drill" in request.flags and not environment.approvals.full_drill:
        raise Refused(
            f"{environment.name} allows no full drill (approvals.full_drill). Use `dr_cli.py test --infra --dns`, or "
            "rehearse the whole ceremony in the sandbox: `dr_cli.py --sandbox failover`."
        )
    if request.command in _OF_FAILOVER:
        from utils.aws_mgmt.failover_command import run_failover

        return run_failover(request, environment)
    if request.command == "failback":
        from utils.aws_mgmt.failback_command import run_failback

        return run_failback(request, environment)
    if request.command == "schedule":
        from utils.aws_mgmt.schedule_command import schedule_command

        return schedule_command(request, environment)
    if "tabletop" in request.flags:
        from utils.aws_mgmt.tabletop_command import tabletop_command

        return tabletop_command(request, environment)
    if request.command == "drill" or request.flags & _DRILLS:
        return _held(request, environment)
    from utils.aws_mgmt.readiness import judge_readiness

    return judge_readiness(request, environment, areas_of(request))


def _held(request: Request, environment: Environment) -> Exit:
    """A drill of any kind, or what is left of one."""
    if request.from_evidence:
        raise UsageError("A drill changes things: it cannot be held on saved evidence. Leave --from-evidence out.")
    if request.command == "drill":
        from utils.aws_mgmt.cleaning_command import drill_command

        return drill_command(request, environment)
    if "full-drill" in request.flags:
        if request.flags - _OF_FULL_DRILL:
            raise UsageError("--full-drill is held by itself: it judges every scenario before, away and at home.")
        from utils.aws_mgmt.drill_command import full_drill

        return full_drill(request, environment)
    from utils.aws_mgmt.trial_command import test_with_trials

    return test_with_trials(request, environment, areas_of(request))


def disasters() -> dict[str, str]:
    """The sandbox's disasters, name and sentence: what a tabletop exercise talks about."""
    from sandbox.disasters import catalogue

    return {one.name: one.sentence for one in catalogue()}


def areas_of(request: Request) -> tuple[Area, ...]:
    """The areas the selectors choose; selectors add up, and none of them means all areas."""
    chosen = {area for flag in request.flags for area in _SELECTS.get((request.command, flag), ())}
    return tuple(area for area in Area if area in (chosen or READINESS))


def _environment(request: Request) -> Environment:
    environment = load_environment(request.config, request.environment)
    if request.deadline_s is None:
        return environment
    observation = environment.observation.model_copy(update={"deadline_s": request.deadline_s})
    return environment.model_copy(update={"observation": observation})


@contextlib.contextmanager
def run_folder(request: Request) -> Iterator[Path]:
    """A fresh folder for this run's results; runs never share one (a shared Allure folder shows false retries)."""
    stamp = f"{request.environment}-{request.command}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder = request.output / stamp
    folder.mkdir(parents=True)
    yield folder
