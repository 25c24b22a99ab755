"""sandbox up, down, show, list, break, mend: the embedded world that lives between commands."""

from __future__ import annotations

from collections.abc import Callable

from dr_estate.environments import Environment
from reports import sandbox_report, voice
from sandbox import daemon
from sandbox.endpoint import Endpoint, to_json
from utils.aws_mgmt.commands import UsageError
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.request import Request


def run_sandbox(request: Request, environment: Environment) -> Exit:
    """Run the sandbox action of ``request``. Raises SandboxError with a sentence where it cannot be done."""
    actions: dict[str, Callable[[Request, Environment], str]] = {
        "up": _up,
        "down": _down,
        "show": _show,
        "list": _list,
        "break": _break,
        "mend": _mend,
    }
    voice.result(actions[request.action](request, environment))
    return Exit.READY


def _up(request: Request, environment: Environment) -> str:
    given = request.arguments
    endpoint = daemon.up(environment, request.tenants, given.get("port", 0), given.get("fresh", False))
    return sandbox_report.endpoint(to_json(endpoint), request.format)


def _down(_: Request, environment: Environment) -> str:
    if daemon.down(environment):
        return f"The sandbox of {environment.name} is down; its world is kept for the next `sandbox up`.\n"
    return f"No sandbox of {environment.name} was running.\n"


def _show(request: Request, environment: Environment) -> str:
    return sandbox_report.endpoint(to_json(_running(environment)), request.format)


def _list(request: Request, environment: Environment) -> str:
    return sandbox_report.disasters(_running(environment).disasters(), request.format)


def _break(request: Request, environment: Environment) -> str:
    name = request.arguments["name"]
    _running(environment).break_(name)
    return f"Disaster {name} is in force in the sandbox of {environment.name}. Take it back: sandbox mend {name}\n"


def _mend(request: Request, environment: Environment) -> str:
    mended = _running(environment).mend(request.arguments.get("name", ""))
    return f"Mended: {', '.join(mended)}.\n" if mended else "No disaster was in force.\n"


def _running(environment: Environment) -> Endpoint:
    found = daemon.find(environment)
    if found is None:
        raise UsageError(
            f"No sandbox of {environment.name} is up. Start one: dr_cli.py -e {environment.name} sandbox up"
        )
    return found
