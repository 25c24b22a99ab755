"""The commands that come next, built from the operator's own options. Every printed command of this tool is made here,
or is a literal that a house test parses with the real grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.model.plan import Goal
from dr_estate.model.drill_names import is_full, is_trial
from dr_estate.model.invocation import Command, Invocation
from utils.aws_mgmt.app.options import (
    ApproveOptions,
    DrillOptions,
    DrTestOptions,
    FailoverOptions,
    Options,
    PauseOptions,
    PlanOptions,
    RecoveryOptions,
    SandboxOptions,
    UnpauseOptions,
)

DRILL_CLEAN = Command(("drill", "clean"))
_DEFAULTS = Options()
_TICKET = "TICKET"
_GOALS = {
    Goal.FAILOVER: ("failover",),
    Goal.SWITCHOVER: ("failover", "--planned"),
    Goal.FAILBACK: ("failback", "--staged"),
    Goal.FENCE: ("fence",),
    Goal.RELEASE: ("fence", "--release"),
}


@dataclass(frozen=True)
class NextStep:
    """A command and what it does, as the end of a sentence."""

    command: Command
    does: str

    def __str__(self) -> str:
        return f"{self.command} {self.does}."


def invocation_of(options: Options) -> Invocation:
    """The options that every command printed for these needs to mean the same world and rules."""
    return Invocation(tuple(_world_options(options)), options.program)


def _world_options(options: Options) -> Iterator[str]:
    yield from ("-e", options.environment)
    if options.config != _DEFAULTS.config:
        yield from ("--config", str(options.config))
    if options.sandbox:
        yield "--sandbox"
    if options.tenants:
        yield from ("--tenants", str(options.tenants))
    if options.output != _DEFAULTS.output:
        yield from ("--output", str(options.output))
    if options.exceptions:
        yield from ("--exceptions", str(options.exceptions))
    if options.deadline_s:
        yield from ("--deadline", str(options.deadline_s))


def after_run(options: Options, incident: str) -> NextStep:
    """What continues a run that ended early: the same command, or the clean-up where the run belongs to a drill."""
    if is_full(incident):
        return NextStep(DRILL_CLEAN, "brings the drill to its end")
    if is_trial(incident) or not isinstance(options, RecoveryOptions):
        return NextStep(DRILL_CLEAN, "removes what the test left")
    return NextStep(same_run(options, incident), "goes on from here")


def same_run(options: RecoveryOptions, incident: str, *more: str) -> Command:
    """The same run for ``incident``, with the confirmations and overrides that it was given."""
    words = [*_goal(options), "--execute", *more, *_incident(incident), *_tenants(options)]
    words += [word for step in options.confirm for word in ("--confirm", step)]
    for override in options.overrides:
        words += ["--override", override.gate, override.by, override.until.isoformat(), override.why]
    if isinstance(options, FailoverOptions) and options.since:
        words += ["--since", options.since.isoformat()]
    words += ["--as", options.person] if options.person else []
    return Command(tuple(words))


def run_of(goal: Goal, options: Options, incident: str) -> Command:
    """The run of another ``goal`` than these options', for the same incident."""
    return Command((*_GOALS[goal], "--execute", *_incident(incident), *_tenants(options)))


def execution(options: PlanOptions, incident: str) -> Command:
    """The run that the approval these options ask for is good for. Another person types it."""
    return Command((*_goal(options), "--execute", *_incident(incident), *_tenants(options)))


def approval(options: PlanOptions, incident: str) -> Command:
    """The command by which a second person approves the plan of these options."""
    goal, *flags = _goal(options)
    chosen = (*((f"--{goal}",) if goal != "failover" else ()), *flags)
    return Command(("approve", *chosen, *_incident(incident or _TICKET), *_tenants(options)))


def proof_of(goal: Goal) -> Command:
    """The command that judges what serves after a run of ``goal``."""
    return Command(("failover", "--validate")) if goal in (Goal.FAILOVER, Goal.SWITCHOVER) else Command(("status",))


def log_of(incident: str) -> Command:
    """The incident's log."""
    return Command(("log", *_incident(incident)))


def after_interrupt(options: Options) -> str:
    """What an interrupted command may have changed, and what shows it."""
    match options:
        case DrillOptions(action="clean") | DrTestOptions(acts=True):
            return "Interrupted. `dr_cli.py drill show` lists what is left of the drill."
        case RecoveryOptions(execute=True):
            return f"Interrupted. {log_of(options.incident)} shows what was changed, and by which run."
        case ApproveOptions() | PauseOptions() | UnpauseOptions():
            return "Interrupted. It may have been recorded already: `dr_cli.py status` shows what is in force."
        case SandboxOptions() if options.action not in {"show", "list"}:
            return "Interrupted. `dr_cli.py sandbox show` shows whether the sandbox is up."
    return "Interrupted. Nothing was changed: this command only looks."


def _goal(options: PlanOptions) -> tuple[str, ...]:
    """The command of the goal with the flags that choose its plan."""
    if options.fence:
        side = ("--side", options.side) if options.side else ()
        return ("fence", *side, *(("--release",) if options.release else ()))
    if options.failback:
        return ("failback", "--staged") if options.staged else ("failback",)
    return ("failover", "--planned") if options.planned else ("failover",)


def _incident(incident: str) -> tuple[str, ...]:
    return ("--incident", incident) if incident else ()


def _tenants(options: Options) -> tuple[str, ...]:
    return tuple(word for tenant in options.only_tenants for word in ("--tenant", tenant))
