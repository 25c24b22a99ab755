"""sandbox train and debrief: scenes that are played with the real commands, and judged by the world they leave."""

from __future__ import annotations

from dr_estate.config.environment import Environment
from reports.render import training
from reports.terminal import console
from sandbox.core.errors import SandboxError
from sandbox.training import scenarios
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.request import Request
from utils.aws_mgmt.cli.commands.sandbox import running_sandbox


def train_command(request: Request, environment: Environment) -> Exit:
    """List the scenes, set one, or judge the one that is played: 0 where it is solved, 1 where it is not.

    Raises UsageError where no sandbox is up or no scene is played, Refused where the world is not ready for one.
    """
    if request.action == "debrief":
        return _debrief(request, environment)
    name, machine = request.arguments["name"], request.format == "json"
    if not name:
        console.result(
            training.scenes([scene.listed() for scene in scenarios.catalogue()], request.format), machine=machine
        )
        return Exit.READY
    try:
        scenarios.find(name)  # a misspelt name is told before anybody is asked to start a sandbox
    except SandboxError as unknown:
        raise UsageError(str(unknown)) from unknown
    world = running_sandbox(environment)
    try:
        briefing = world.train(name)
    except SandboxError as unready:
        raise Refused(str(unready)) from unready
    console.result(training.briefing(briefing, request.format), machine=machine)
    return Exit.READY


def _debrief(request: Request, environment: Environment) -> Exit:
    world = running_sandbox(environment)
    if not world.state()["scene"]:
        raise UsageError(
            "No scene is being played. `dr_cli.py sandbox train` lists them, `dr_cli.py sandbox train NAME` begins one."
        )
    told = world.debrief(hint=request.arguments["hint"])
    console.result(training.debriefing(told, request.format), machine=request.format == "json")
    if request.arguments["end"]:
        console.complain(training.ended(world.end_scene(), environment.name).rstrip())
    return Exit.READY if told["solved"] else Exit.NOT_READY
