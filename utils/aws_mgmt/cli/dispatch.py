"""What each command does: pick the world, look once, judge by scenarios, report."""

from __future__ import annotations

from dr_estate.config.environment import Environment, load_environment
from reports.terminal import console
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.request import Request

_OF_FAILOVER = ("failover", "approve", "pause", "unpause", "log", "iam")
_DRILLS = frozenset({"full-drill", "restore", "canary"})
_OF_FULL_DRILL = frozenset({"full-drill", "report"})


def run(request: Request) -> Exit:
    """Run the command of ``request``. Raises UsageError, Refused, and what the layers below raise."""
    console.begin(invocation_of(request))
    if request.command == "report":
        from utils.aws_mgmt.cli.commands.report import report_command

        return report_command(request)
    environment = _environment(request)
    if request.command == "sandbox":
        from utils.aws_mgmt.cli.commands.sandbox import run_sandbox

        return run_sandbox(request, environment)
    if request.command == "test" and "full-drill" in request.flags and not environment.approvals.full_drill:
        raise Refused(
            f"{environment.name} allows no full drill (approvals.full_drill). Use `dr_cli.py test --infra --dns`, or "
            "rehearse the whole ceremony in the sandbox: `dr_cli.py --sandbox failover`."
        )
    if request.command in _OF_FAILOVER:
        from utils.aws_mgmt.cli.commands.failover import run_failover

        return run_failover(request, environment)
    if request.command == "failback":
        from utils.aws_mgmt.cli.commands.failback import run_failback

        return run_failback(request, environment)
    if request.command == "schedule":
        from utils.aws_mgmt.cli.commands.schedule import schedule_command

        return schedule_command(request, environment)
    if "tabletop" in request.flags:
        from utils.aws_mgmt.cli.commands.tabletop import tabletop_command

        return tabletop_command(request, environment)
    if request.command == "drill" or request.flags & _DRILLS:
        return _held(request, environment)
    from utils.aws_mgmt.cli.commands.status import judge_readiness

    return judge_readiness(request, environment, areas_of(request))


def _held(request: Request, environment: Environment) -> Exit:
    """A drill of any kind, or what is left of one."""
    if request.from_evidence:
        raise UsageError("A drill changes things: it cannot be held on saved evidence. Leave --from-evidence out.")
    if request.command == "drill":
        from utils.aws_mgmt.cli.commands.drill import drill_command

        return drill_command(request, environment)
    if "full-drill" in request.flags:
        if request.flags - _OF_FULL_DRILL:
            raise UsageError("--full-drill is held by itself: it judges every scenario before, away and at home.")
        from utils.aws_mgmt.app.full_drill import full_drill

        return full_drill(request, environment)
    from utils.aws_mgmt.app.trials import test_with_trials

    return test_with_trials(request, environment, areas_of(request))


def _environment(request: Request) -> Environment:
    environment = load_environment(request.config, request.environment)
    if request.deadline_s is None:
        return environment
    observation = environment.observation.model_copy(update={"deadline_s": request.deadline_s})
    return environment.model_copy(update={"observation": observation})
