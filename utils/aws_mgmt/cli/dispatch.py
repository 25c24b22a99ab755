"""Which command does what was asked for."""

from __future__ import annotations

from collections.abc import Callable

from dr_estate.config.environment import Environment, load_environment
from reports.terminal import console
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.request import Request

_TRIALS = frozenset({"restore", "canary"})
_OF_FULL_DRILL = frozenset({"full-drill", "report"})
Command = Callable[[Request, Environment], Exit]


def run(request: Request) -> Exit:
    """Run the command of ``request``. Raises UsageError, Refused, and what the layers below raise."""
    console.begin(invocation_of(request))
    if request.command == "report":
        from utils.aws_mgmt.cli.commands.report import report_command

        return report_command(request)
    environment = _environment(request)
    if request.command in {"test", "drill"}:
        command = _drill_of(request, environment)
    elif request.command in {"failover", "failback"}:
        command = _recovery_of(request)
    else:
        command = _command_of(request)
    if command is not None:
        return command(request, environment)
    from utils.aws_mgmt.cli.commands.status import judge_readiness

    return judge_readiness(request, environment, areas_of(request))


def _command_of(request: Request) -> Command | None:
    """The command by its name; None for one that judges scenarios and no more."""
    match request.command:
        case "sandbox":
            from utils.aws_mgmt.cli.commands.sandbox import run_sandbox as command
        case "approve":
            from utils.aws_mgmt.cli.commands.approve import approve_command as command
        case "pause" | "unpause":
            from utils.aws_mgmt.cli.commands.approve import pause_command as command
        case "log":
            from utils.aws_mgmt.cli.commands.log import log_command as command
        case "doctor":
            from utils.aws_mgmt.cli.commands.doctor import doctor_command as command
        case "iam":
            from utils.aws_mgmt.cli.commands.iam import run_iam as command
        case "schedule":
            from utils.aws_mgmt.cli.commands.schedule import schedule_command as command
        case _:
            return None
    return command


def _recovery_of(request: Request) -> Command | None:
    """Failover or failback: executed, validated (None), or assessed."""
    if "execute" in request.flags:
        from utils.aws_mgmt.cli.commands.execute import execute_command as command
    elif "validate" in request.flags:
        return None
    else:
        from utils.aws_mgmt.cli.commands.assess import assess_command as command
    return command


def _drill_of(request: Request, environment: Environment) -> Command | None:
    """A drill of any kind, or what is left of one; None for a test that looks only. Raises Refused and UsageError."""
    if "full-drill" in request.flags and not environment.approvals.full_drill:
        raise Refused(
            f"{environment.name} allows no full drill (approvals.full_drill). Use `dr_cli.py test --infra --dns`, or "
            "rehearse the whole ceremony in the sandbox: `dr_cli.py --sandbox failover`."
        )
    if "tabletop" in request.flags:
        from utils.aws_mgmt.cli.commands.tabletop import tabletop_command

        return tabletop_command
    if request.command == "test" and not request.flags & (_TRIALS | {"full-drill"}):
        return None
    if request.from_evidence:
        raise UsageError("A drill changes things: it cannot be held on saved evidence. Leave --from-evidence out.")
    if request.command == "drill":
        from utils.aws_mgmt.cli.commands.drill import drill_command as command
    elif "full-drill" in request.flags:
        if request.flags - _OF_FULL_DRILL:
            raise UsageError("--full-drill is held by itself: it judges every scenario before, away and at home.")
        from utils.aws_mgmt.cli.commands.drill import full_drill_command as command
    else:
        from utils.aws_mgmt.cli.commands.trial import trial_command as command
    return command


def _environment(request: Request) -> Environment:
    environment = load_environment(request.config, request.environment)
    if request.deadline_s is not None:
        observation = environment.observation.model_copy(update={"deadline_s": request.deadline_s})
        environment = environment.model_copy(update={"observation": observation})
    if request.command != "failback":
        return environment
    from utils.aws_mgmt.app.failback_stages import staged_or_not

    return staged_or_not(request, environment)
