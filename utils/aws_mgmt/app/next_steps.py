"""The commands that come next, built from the operator's own options. Every printed command of this tool is made here,
or is a literal that a house test parses with the real grammar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dr_actions.model.plan import Goal
from dr_checks.core.readiness_gate import StatusChange
from dr_checks.core.registry import checks
from dr_checks.derived.due import ScheduledTest
from dr_checks.posture.posture import BLINDNESS, PostureName
from dr_estate.model.invocation import Command, Invocation
from dr_estate.model.recovery_document import DRILL
from dr_estate.model.recovery_names import is_full, is_trial
from reports.values.diagnosis import Diagnosis, Standing
from reports.values.drill_summary import DrillSummary
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import (
    ApproveOptions,
    AttachOptions,
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
READINESS = "`dr_cli.py status` shows whether the DR region could take over."
_DEFAULTS = Options()
_GOALS = {
    Goal.FAILOVER: ("failover",),
    Goal.SWITCHOVER: ("failover", "--planned"),
    Goal.FAILBACK: ("failback", "--staged"),
    Goal.FENCE: ("fence",),
    Goal.RELEASE: ("fence", "--release"),
    Goal.ABORT: ("failback", "--abort"),
}


@dataclass(frozen=True)
class NextStep:
    """A command and what it does, as the end of a sentence."""

    command: Command
    does: str

    def __str__(self) -> str:
        return f"{self.command} {self.does}."

    def confirming(self, steps: Sequence[str]) -> NextStep:
        """The same, with a confirmation of each of these irreversible ``steps``."""
        confirmed = (word for step in steps for word in ("--confirm", step))
        return replace(self, command=Command((*self.command.words, *confirmed)))


DIAGNOSIS = NextStep(Command(("doctor",)), "shows what cannot be read, and why")
_WEIGH = NextStep(Command(("failover",)), "weighs a failover; it changes nothing")
_RETURN = NextStep(Command(("failback",)), "weighs the return; it changes nothing")
STANDS_NOW = NextStep(Command(("status",)), "shows how the estate stands now, and what to do")
UNPAUSE = NextStep(Command(("unpause",)), "lets runs go on: until then each is refused")
DUE = NextStep(Command(("schedule",)), "shows which DR test is due")
_ACCEPT = NextStep(
    Command(("drill", "clean", "--reason", "looked at, and left as it is")),
    f"accepts what is left over, or was not compared, and closes the drill; {DRILL_CLEAN} closes it once nothing is",
)
BY_POSTURE: Mapping[PostureName, NextStep] = {
    PostureName.PRIMARY_LOST: _WEIGH,
    PostureName.IMPAIRED: _WEIGH,
    PostureName.ON_DR: _RETURN,
    PostureName.RETURNING: _RETURN,
    **dict.fromkeys(BLINDNESS, DIAGNOSIS),
}


def until_answers(region: str) -> NextStep:
    """What to do while ``region`` is dark, and nothing can begin that needs it."""
    return NextStep(
        Command(("status", "--watch")), f"shows when {region} answers again: no failback begins before that"
    )


def after_diagnosis(diagnosis: Diagnosis) -> str:
    """What to do upon a diagnosis: look at the estate, else grant or set right what is in the way first."""
    if not diagnosis.exit:
        return READINESS
    if diagnosis.grant:
        return f"Grant what is denied (above), then {DIAGNOSIS}"
    urgent = {Standing.FAIL, Standing.UNKNOWN}  # a warning is of what can be prepared on another day
    return next((fact.action for fact in diagnosis.facts if fact.action and fact.state in urgent), READINESS)


def after_schedule(late: Sequence[ScheduledTest]) -> str:
    """What to do upon a schedule: the first test that is late, else nothing but looking."""
    return f"`{late[0].command}` runs the {late[0].test} test." if late else READINESS


def after_difference(worse: Sequence[StatusChange]) -> str:
    """What to do upon a difference: look at what got worse alone, where it is a check of this version, else at all."""
    known = next((change.key.check for change in worse if change.key.check in checks()), "")
    if not known:
        return READINESS
    return str(NextStep(Command(("status", "--check", known)), "judges the first that got worse again"))


def after_verification(incident: str, faults: int, pack: Path | None = None) -> str:
    """What to do once a pack was checked: compare the live record with its mirror, or have the pack made again.

    ``pack`` is one whose key is still to be compared.
    """
    if faults and not incident:
        return str(NextStep(Command(("log",)), "shows the newest incident, and how its pack is made again"))
    if faults:
        return str(NextStep(evidence_of(incident), "makes it again from the record, where that is intact"))
    if pack is not None:
        compares = Command(("evidence", "verify", str(pack), "--public-key", "FILE"))
        return str(
            NextStep(compares, "compares it with the public key that you keep: name its file in the place of FILE")
        )
    if incident:
        return str(NextStep(Command(("log", *_incident(incident), "--verify")), "compares the record with its mirror"))
    return READINESS


def after_log(
    options: Options, incident: str, *, broken: bool, unfinished: Goal | None = None, staged: bool = True
) -> str:
    """What to do upon a log: go on with the run that is not over, keep it as evidence, or compare it with its mirror.

    The mirror is for a record whose chain is ``broken``; ``staged`` is how an unfinished failback goes on.
    """
    if not broken and unfinished in _GOALS and not (is_full(incident) or is_trial(incident)):
        return str(going_on(unfinished, options, incident, staged=staged))
    if not broken:
        return str(NextStep(Command(("evidence", *_incident(incident))), "makes one signed archive of it"))
    return str(NextStep(Command(("log", *_incident(incident), "--verify")), "compares it with its mirror"))


def after_drills(drills: Sequence[DrillSummary], otherwise: str = "", open_incident: str = "") -> str:
    """Return what to do after drills: what a drill still needs, its log where it went wrong, else ``otherwise``.

    ``open_incident`` is a full drill that is not closed: a person is to accept what it left, or remove it.
    """
    for drill in drills:
        is_open = drill.incident == open_incident
        if not drill.is_over or (is_open and drill.residue is not None and not drill.left):
            return str(NextStep(DRILL_CLEAN, "brings the drill to its end"))
        if is_open:
            return str(_ACCEPT)
    wrong = next((drill.incident for drill in drills if drill.verdict != "done"), "")
    return str(NextStep(log_of(wrong), "shows what became of it")) if wrong else otherwise or str(DUE)


def after_watched_run(goal: str, incident: str, code: int, arguments: Sequence[str], *, paused: bool = False) -> str:
    """What to do once a run that AWS started has ended: what comes after it, or the same run where it did not end well.

    ``arguments`` are those that it was started with. ``paused``: all runs are stopped.
    """
    if paused and code != Exit.READY:
        return str(UNPAUSE)
    again = Command((goal, *arguments, "--execute", *_incident(incident)))
    if goal == DRILL:
        again = Command(("test", "--full-drill", "--by-aws", *arguments))
        if code not in (Exit.READY, Exit.REFUSED):
            return str(NextStep(DRILL_CLEAN, "brings the drill to its end"))
    if code == Exit.REFUSED:  # it began nothing: what refused it refuses the same words again
        return str(NextStep(again, "asks for it again, once the reason above is gone"))
    if code != Exit.READY:
        return str(NextStep(again, "goes on from here, once a second person approves it"))
    # After these the incident stays open: nothing is to be reviewed yet.
    if (goal == "fence" and "--release" not in arguments) or "--abort" in arguments:
        return str(STANDS_NOW)
    if goal == "failover":
        return str(NextStep(report_of(goal, incident), "judges it from here, and leaves report.html on this machine"))
    return str(NextStep(Command(("log", "--review", *_incident(incident))), "writes the review of the incident"))


def invocation_of(options: Options) -> Invocation:
    """The options that every command printed for these needs to mean the same world and rules."""
    return Invocation(tuple(_world_options(options)), options.program)


def _world_options(options: Options) -> Iterator[str]:
    if options.environment:
        yield from ("-e", options.environment)
    if options.config != _DEFAULTS.config:
        yield from ("--config", str(options.config))
    if options.profile:
        yield from ("--profile", options.profile)
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
    words += _overrides(options)
    if isinstance(options, FailoverOptions) and options.since:
        words += ["--since", options.since.isoformat()]
    words += ["--as", options.person] if options.person else []
    return Command(tuple(words))


def task_arguments(options: RecoveryOptions) -> tuple[str, ...]:
    """The words that the task of a run is given beside its goal, its incident and its digest."""
    words = same_run(replace(options, person=""), "", *(("--replan",) if options.replan else ())).words[1:]
    deadline = ("--deadline", str(options.deadline_s)) if options.deadline_s else ()
    return (*(word for word in words if word != "--execute"), *deadline)


def after_cool_down(again: Command, ends: datetime) -> NextStep:
    """The refused command, and when it goes through."""
    return NextStep(again, f"can begin at {ends:%Y-%m-%d %H:%M} UTC: the cool-down is over then")


def attach_of(incident: str) -> Command:
    """The command that watches the incident's run, from any machine."""
    return Command(("attach", *_incident(incident)))


def withdrawal_of(incident: str) -> Command:
    """The approver's command by which nothing runs for the incident, not even what waits for an approver."""
    return Command(("approve", "--withdraw", *_incident(incident)))


def run_of(goal: Goal, options: Options, incident: str, *, staged: bool = True) -> Command:
    """The run of another ``goal`` than these options', for the same incident; a failback is ``staged`` or not."""
    words = _GOALS[goal] if staged or goal is not Goal.FAILBACK else _GOALS[goal][:1]
    return Command((*words, "--execute", *_incident(incident), *_tenants(options)))


def in_stages(options: Options) -> bool | None:
    """Whether the failback that these options ask for goes in stages; None where they ask for none."""
    return options.staged if isinstance(options, PlanOptions) and options.failback and not options.abort else None


def going_on(goal: Goal, options: Options, incident: str, *, staged: bool = True) -> NextStep:
    """What goes on with the run of ``goal`` that did not reach it."""
    return NextStep(run_of(goal, options, incident, staged=staged), "goes on with it, where no run is at work")


def execution(options: PlanOptions, incident: str) -> Command:
    """The run that the approval these options ask for is good for. Another person types it."""
    return Command((*_goal(options), "--execute", *_incident(incident), *_tenants(options), *_overrides(options)))


def approval(options: PlanOptions, incident: str, digest: str = "") -> Command:
    """The command by which a second person approves the plan of these options, the one of ``digest`` alone.

    It names the overrides too: the approval is of the plan and of what the run sets aside.
    """
    goal, *flags = _goal(options)
    named = ("--digest", digest) if digest else ()
    chosen = (*((f"--{goal}",) if goal != "failover" else ()), *flags)
    aside = _overrides(options)
    return Command(("approve", *chosen, *_incident(incident), *named, *_tenants(options), *aside))


def proof_of(goal: Goal) -> Command:
    """The command that judges what serves after a run of ``goal``."""
    to_dr = goal in (Goal.FAILOVER, Goal.SWITCHOVER, Goal.ABORT)
    return Command(("failover", "--validate")) if to_dr else Command(("status",))


def report_of(goal: str, incident: str) -> Command:
    """The command that judges here what serves after a run that AWS started, and leaves its report on this machine."""
    return Command(("failover", "--validate", *_incident(incident))) if goal == "failover" else Command(("status",))


def incident_report_of(incident: str) -> Command:
    """The command that makes the incident's report from its record."""
    return Command(("report", *_incident(incident)))


def evidence_of(incident: str) -> Command:
    """The command that packs all of the incident into one archive."""
    return Command(("evidence", *_incident(incident)))


def log_of(incident: str) -> Command:
    """The incident's log."""
    return Command(("log", *_incident(incident)))


def after_interrupt(options: Options) -> str:
    """What an interrupted command may have changed, and what shows it."""
    match options:
        case DrillOptions(action="clean") | DrTestOptions(acts=True):
            return "Interrupted. `dr_cli.py drill show` lists what is left of the drill."
        case AttachOptions():
            return "Interrupted. The run goes on in AWS: the same command watches it, and `dr_cli.py pause` stops it."
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
    if options.abort:
        return ("failback", "--abort")
    if options.failback:
        return ("failback", "--staged") if options.staged else ("failback",)
    return ("failover", "--planned") if options.planned else ("failover",)


def goal_word(options: PlanOptions) -> str:
    """The command of the options' goal."""
    return _goal(options)[0]


def _overrides(options: PlanOptions) -> tuple[str, ...]:
    given = options.overrides if isinstance(options, (ApproveOptions, RecoveryOptions)) else ()
    return tuple(word for override in given for word in override.option)


def _incident(incident: str) -> tuple[str, ...]:
    return ("--incident", incident) if incident else ()


def _tenants(options: Options) -> tuple[str, ...]:
    return tuple(word for tenant in options.only_tenants for word in ("--tenant", tenant))
