"""The commands that come next, built from the request's own flags. Every printed command of this tool is made here,
or is a literal that a house test parses with the real grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.model.plan import Goal
from dr_estate.model.drill_names import is_full, is_trial
from dr_estate.model.invocation import Command, Invocation
from utils.aws_mgmt.app.request import Request

DRILL_CLEAN = Command(("drill", "clean"))
_DEFAULTS = Request("", "")
_TRIALS = frozenset({"full-drill", "restore", "canary"})
_TICKET = "TICKET"
_GOALS = {
    Goal.FAILOVER: ("failover",),
    Goal.SWITCHOVER: ("failover", "--planned"),
    Goal.FAILBACK: ("failback", "--staged"),
}


@dataclass(frozen=True)
class NextStep:
    """A command and what it does, as the end of a sentence."""

    command: Command
    does: str

    def __str__(self) -> str:
        return f"{self.command} {self.does}."


def invocation_of(request: Request) -> Invocation:
    """The options of ``request`` that every command printed for it needs to mean the same world and rules."""
    return Invocation(tuple(_world_options(request)), request.program)


def _world_options(request: Request) -> Iterator[str]:
    yield from ("-e", request.environment)
    if request.config != _DEFAULTS.config:
        yield from ("--config", str(request.config))
    if request.sandbox:
        yield "--sandbox"
    if request.tenants:
        yield from ("--tenants", str(request.tenants))
    if request.output != _DEFAULTS.output:
        yield from ("--output", str(request.output))
    if request.exceptions:
        yield from ("--exceptions", str(request.exceptions))
    if request.deadline_s:
        yield from ("--deadline", str(request.deadline_s))


def after_run(request: Request, incident: str) -> NextStep:
    """What continues a run that ended early: the same command, or the clean-up where the run belongs to a drill."""
    if is_full(incident):
        return NextStep(DRILL_CLEAN, "brings the drill to its end")
    if is_trial(incident):
        return NextStep(DRILL_CLEAN, "removes what the test left")
    return NextStep(same_run(request, incident), "goes on from here")


def same_run(request: Request, incident: str, *more: str) -> Command:
    """The run of ``request``'s goal for ``incident``, with the confirmations and overrides that it was given."""
    given = request.arguments
    words = [*_goal(request), "--execute", *more, *_incident(incident), *_tenants(request)]
    words += [word for step in given.get("confirm", ()) for word in ("--confirm", str(step))]
    words += [word for override in given.get("override", ()) for word in ("--override", *map(str, override))]
    words += ["--as", request.person] if request.person else []
    return Command(tuple(words))


def run_of(goal: Goal, request: Request, incident: str) -> Command:
    """The run of another ``goal`` than the request's, for the same incident."""
    return Command((*_GOALS[goal], "--execute", *_incident(incident), *_tenants(request)))


def execution(request: Request, incident: str) -> Command:
    """The run that the approval which ``request`` asks for is good for. Another person types it."""
    return Command((*_goal(request), "--execute", *_incident(incident), *_tenants(request)))


def approval(request: Request, incident: str) -> Command:
    """The command by which a second person approves the plan of ``request``."""
    goal, *flags = _goal(request)
    chosen = ("--failback", *flags) if goal == "failback" else tuple(flags)
    return Command(("approve", *chosen, *_incident(incident or _TICKET), *_tenants(request)))


def proof_of(goal: Goal) -> Command:
    """The command that judges what serves after a run of ``goal``."""
    return Command(("status",)) if goal is Goal.FAILBACK else Command(("failover", "--validate"))


def log_of(incident: str) -> Command:
    """The incident's log."""
    return Command(("log", *_incident(incident)))


def after_interrupt(request: Request) -> str:
    """What an interrupted command may have changed, and what shows it."""
    if (request.command == "drill" and request.action == "clean") or request.flags & _TRIALS:
        return "Interrupted. `dr_cli.py drill show` lists what is left of the drill."
    if "execute" in request.flags:
        incident = str(request.arguments.get("incident", ""))
        return f"Interrupted. {log_of(incident)} shows what was changed, and by which run."
    if request.command in {"approve", "pause", "unpause"}:
        return "Interrupted. It may have been recorded already: `dr_cli.py status` shows what is in force."
    if request.command == "sandbox" and request.action not in {"show", "list"}:
        return "Interrupted. `dr_cli.py sandbox show` shows whether the sandbox is up."
    return "Interrupted. Nothing was changed: this command only looks."


def _goal(request: Request) -> tuple[str, ...]:
    """The command of the request's goal with the flags that choose its plan."""
    if request.command == "failback" or "failback" in request.flags:
        return ("failback", "--staged") if "staged" in request.flags else ("failback",)
    return ("failover", "--planned") if "planned" in request.flags else ("failover",)


def _incident(incident: str) -> tuple[str, ...]:
    return ("--incident", incident) if incident else ()


def _tenants(request: Request) -> tuple[str, ...]:
    return tuple(word for tenant in request.only_tenants for word in ("--tenant", tenant))
