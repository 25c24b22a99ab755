"""`sandbox up|down|show|clock|list|break|mend|train|debrief`: the embedded world that lives between commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Command
from reports.render import sandbox
from reports.render import sandbox as render_sandbox
from reports.terminal import console
from sandbox.client import daemon
from sandbox.client.endpoint import Endpoint, to_json
from sandbox.core.errors import SandboxError
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep
from utils.aws_mgmt.app.options import SandboxOptions

# A restore of 40 minutes takes four, and the minutes in which a player thinks count for ten.
TRAINING_SPEED = 10.0
# Until somebody is paged health checks have failed, and their metric shows it.
PAGED_S = 300


def sandbox_command(options: SandboxOptions, environment: Environment) -> Exit:
    """Run the sandbox action of ``options``. Raises SandboxError with a sentence where it cannot be done."""
    if options.action in {"train", "debrief"}:
        return _train(options, environment) if options.action == "train" else _debrief(options, environment)
    if options.action == "down":
        return _down(options, environment)
    actions: dict[str, Callable[[SandboxOptions, Environment], str]] = {
        "up": _up,
        "show": _show,
        "clock": _clock,
        "list": _list,
        "break": _break,
        "mend": _repair,
    }
    console.result(actions[options.action](options, environment), options.format)
    console.conclude(options.format, *_closing_lines(options, environment))
    return Exit.READY


def _closing_lines(options: SandboxOptions, environment: Environment) -> tuple[str, str]:
    """What is so now, and the command that shows it."""
    broken = [row["name"] for row in running_sandbox(environment).disasters() if row["broken"]]
    answer = f"the sandbox of {environment.name} is up, disasters in force: {len(broken)}"
    if options.action == "list":
        return answer, "`dr_cli.py sandbox break primary-dark` plays one of them."
    if options.action == "break":
        return answer, f"`dr_cli.py --sandbox status` shows it; `dr_cli.py sandbox mend {options.name}` takes it back."
    if options.empty:
        return answer, "`dr_cli.py --sandbox scan` shows what was built in it."
    return answer, "`dr_cli.py --sandbox status` shows whether the DR region could take over."


def _up(options: SandboxOptions, environment: Environment) -> str:
    with console.progress() as progress:
        world = daemon.up(
            environment,
            0 if options.empty else options.tenants,
            options.port,
            options.fresh,
            seeded=not options.empty,
            pace=options.pace,
            progress=progress,
            speed=options.speed or 0,
            engine=options.engine,
        )
    world.put_image(options.config)  # tasks that run this tool go by the same rules
    return render_sandbox.endpoint(_description(world), options.format)


def _down(options: SandboxOptions, environment: Environment) -> Exit:
    ended, name = daemon.down(environment), environment.name
    code, answer = Exit.READY, f"the sandbox of {name} is down"
    if ended.lost:
        code = Exit.ACTION_FAILED
        console.complain(
            f"The sandbox of {name} is down, and what changed in it since its last save is lost: {ended.lost}. The "
            "next `dr_cli.py sandbox up` begins with the world as it was saved last."
        )
    elif ended.ran:
        console.result(f"The sandbox of {name} is down; its world is kept for the next `dr_cli.py sandbox up`.\n")
    else:
        answer = f"no sandbox of {name} was up"
        console.result(f"No sandbox of {name} was running.\n")
    console.conclude(options.format, f"{answer}, exit {code}", "`dr_cli.py sandbox up` starts it with its last world.")
    return code


def _show(options: SandboxOptions, environment: Environment) -> str:
    return render_sandbox.endpoint(_description(running_sandbox(environment)), options.format)


def _description(world: Endpoint) -> dict[str, Any]:
    return {**to_json(world), "pace": world.state()["pace"]}


def _clock(options: SandboxOptions, environment: Environment) -> str:
    world = running_sandbox(environment)
    clock = world.clock() if options.speed is None else world.set_speed(options.speed)
    return render_sandbox.clock(clock, environment.name, options.format)


def _list(options: SandboxOptions, environment: Environment) -> str:
    return render_sandbox.disasters(running_sandbox(environment).disasters(), options.format)


def _break(options: SandboxOptions, environment: Environment) -> str:
    from sandbox import disasters

    try:
        disasters.find(options.name)  # as below: a misspelt name first
    except SandboxError as unknown:
        raise UsageError(str(unknown)) from unknown
    running_sandbox(environment).inject(options.name)
    return f"Disaster {options.name} is in force in the sandbox of {environment.name}.\n"


def _repair(options: SandboxOptions, environment: Environment) -> str:
    name, world = options.name, running_sandbox(environment)
    if not name and world.state()["scene"]:
        return sandbox.ended_text(world.end_scenario(), environment.name)
    repaired = world.repair(name)
    return f"Repaired: {', '.join(repaired)}.\n" if repaired else "No disaster was in force.\n"


def _train(options: SandboxOptions, environment: Environment) -> Exit:
    """List the scenes, or set one. Raises UsageError where no sandbox is up, Refused where the world is not ready."""
    from sandbox.training import scenarios

    name = options.name
    if not name:
        console.result(
            sandbox.scenarios_text([scenario.summary() for scenario in scenarios.catalogue()], options.format),
            options.format,
        )
        first = Command(("sandbox", "train", next(iter(scenarios.catalogue())).name))
        console.conclude(options.format, "nothing is being played", str(NextStep(first, "begins the first of them")))
        return Exit.READY
    try:
        scenarios.find(name)  # a misspelt name is reported before anybody is asked to start a sandbox
    except SandboxError as unknown:
        raise UsageError(str(unknown)) from unknown
    world = running_sandbox(environment)
    try:
        briefing = world.train(name)
        briefing["speed"] = _take_time(world, options)
    except SandboxError as unready:
        raise Refused(str(unready)) from unready
    console.result(sandbox.briefing(briefing, options.format), options.format)
    console.conclude(options.format, f"{name} is being played", "`dr_cli.py sandbox debrief` judges how it was played.")
    return Exit.READY


def _take_time(world: Endpoint, options: SandboxOptions) -> float:
    """Let changes take as long as on AWS, by a clock so fast that a session is long enough; return its speed."""
    world.pace(options.pace or "real")
    world.age(PAGED_S)
    if options.speed or (options.pace != "quick" and world.clock()["speed"] == 1):
        world.set_speed(options.speed or TRAINING_SPEED)
    return world.clock()["speed"]


def _debrief(options: SandboxOptions, environment: Environment) -> Exit:
    """Judge the scene that is played: 0 where it is solved, 1 where it is not. Raises UsageError where none is."""
    world = running_sandbox(environment)
    if not world.state()["scene"]:
        raise UsageError(
            "No scene is being played. `dr_cli.py sandbox train` lists them, `dr_cli.py sandbox train NAME` begins one."
        )
    debrief = world.debrief(hint=options.hint)
    console.result(sandbox.debriefing(debrief, options.format), options.format)
    if options.end:
        console.complain(sandbox.ended_text(world.end_scenario(), environment.name).rstrip())
    code = Exit.READY if debrief["solved"] else Exit.NOT_READY
    ended = (
        "`dr_cli.py sandbox train` lists the others." if options.end else "`dr_cli.py sandbox debrief --end` ends it."
    )
    console.conclude(options.format, f"{'solved' if debrief['solved'] else 'not solved yet'}, exit {code}", ended)
    return code


def running_sandbox(environment: Environment) -> Endpoint:
    """The sandbox of ``environment`` that is up. Raises UsageError where none is."""
    found = daemon.find(environment)
    if found is None:
        raise UsageError(f"No sandbox of {environment.name} is up. Start one: `dr_cli.py sandbox up`.")
    return found
