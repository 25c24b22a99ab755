"""From a wish to a clearance: which incident, whose approvals, which overrides, and whether an earlier run goes on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dr_actions import plan as plans
from dr_actions.assessing import Advice, Assessment
from dr_actions.authority import Case, Clearance, Override, decide, ticket_is_well_formed
from dr_actions.entries import Entry, Kind, read_chain
from dr_actions.hands import Guarded, SendFailed
from dr_actions.journal import journal_path, read
from dr_actions.messages import WRITES, critical, refused_while_dark
from dr_actions.mirror import TableMirror
from dr_actions.people import same_person
from dr_actions.plan import Plan
from dr_estate.environments import Environment
from dr_estate.facts.control import InForce
from dr_estate.snapshot import Snapshot
from reports import voice
from reports.report import Report
from utils.aws_mgmt import judging
from utils.aws_mgmt.assessing_command import assess
from utils.aws_mgmt.commands import Refused, UsageError
from utils.aws_mgmt.reaching import Reach, clock
from utils.aws_mgmt.request import Request

_PROMPT = "Enter confirmation code (incident ticket): "
_COOL_DOWN = "lock.cool-down"


@dataclass(frozen=True)
class Start:
    """What a run starts from. ``report`` is the assessment it was cleared upon, None where an earlier run goes on."""

    plan: Plan
    clearance: Clearance
    snapshot: Snapshot
    report: Report | None
    confirmed: frozenset[str]
    overrides: tuple[Override, ...]

    @property
    def waives_cool_down(self) -> bool:
        """Whether the cool-down after another incident's run was overridden by name."""
        return any(override.gate == _COOL_DOWN for override in self.overrides)


def at_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def journals(request: Request) -> Path:
    """The folder of the journals."""
    return request.output / "incidents"


def authorise(request: Request, env: Environment, reach: Reach, run: judging.Run) -> Start:
    """Assess and decide. Raises Refused with every rule that says no, UsageError for what cannot be read."""
    standing = reach.control.in_force()
    incident = incident_of(request, env, standing)
    overrides = tuple(_override(words) for words in request.arguments.get("override", []))
    past = past_of(request, env, incident, reach)
    snapshot = judging.look_at(reach.world, env, run)
    reach.zones.learn(snapshot, env)
    confirmed = frozenset(request.arguments.get("confirm", []))
    unfinished = None if "replan" in request.flags else _unfinished(past)
    if unfinished is None and past and "replan" not in request.flags:
        raise Refused(
            f"The run for {incident} is done ({past[-1].at:%Y-%m-%d %H:%M} UTC): `failover --validate` proves it, `log "
            f"--incident {incident}` tells it. Another run for the same incident begins with --replan."
        )
    if unfinished is not None:
        plan, clearance = _go_on(unfinished, env, reach, standing)
        return Start(plan, clearance, snapshot, None, confirmed, overrides)
    report = assess(request, env, snapshot, run)
    assessment = report.assessment
    if assessment is None:
        raise UsageError("There is nothing to decide upon.")
    _known_steps(confirmed, assessment.plan)
    case = Case(
        plan=assessment.plan,
        incident=incident,
        operator=reach.caller.arn,
        operator_userid=reach.caller.userid,
        approvals=reach.approvals.of(incident) if env.approvals.people > 1 and incident else (),
        gates=assessment.gates,
        overrides=overrides,
        now=clock(),
        paused=paused_by(standing),
        confirmed=confirmed,
        at_terminal=at_terminal(),
    )
    decided = decide(case, env)
    if not isinstance(decided, Clearance):
        _warn_of_a_dark_primary(reach, env, incident, assessment)
        raise Refused("Refused.\n" + "\n".join(f"  {refusal.rule}: {refusal.says}" for refusal in decided))
    return Start(assessment.plan, decided, snapshot, report, confirmed, overrides)


def _warn_of_a_dark_primary(reach: Reach, env: Environment, incident: str, assessment: Assessment) -> None:
    """Tell the critical topic that the primary is lost and the answer is no all the same; best effort (T40)."""
    if assessment.posture.name != "PRIMARY_LOST" or assessment.advice is not Advice.DO_NOT_FAILOVER:
        return
    message = refused_while_dark(env, incident, " ".join(assessment.reasons[:3]))
    for call in critical(env, message):
        try:
            with reach.hands.permitting(WRITES):
                reach.hands.send(call)
        except (SendFailed, Guarded) as failed:
            voice.complain(f"The alarm could not be sent to {call.params['TopicArn']}: {failed}")


def incident_of(request: Request, env: Environment, standing: InForce) -> str:
    """The incident: the one given, the one that is open, asked for at a terminal, or named by its day in a drill."""
    given = str(request.arguments.get("incident", ""))
    if not given and standing.incident is not None:
        return standing.incident.id
    if not given and env.approvals.ticket and at_terminal():
        given = voice.ask(_PROMPT).strip()
    if given and not ticket_is_well_formed(given, env):
        raise Refused(f"authority.ticket: '{given}' is no incident ticket. Give one such as INC-123.")
    return given or ("" if env.approvals.ticket else f"RUN-{clock():%Y%m%d-%H%M%S}")


def past_of(request: Request, env: Environment, incident: str, reach: Reach) -> tuple[Entry, ...]:
    """What is recorded of the incident: the local journal, or its mirror where that knows more. Broken ones raise."""
    if not incident:
        return ()
    path = journal_path(journals(request), env.name, incident)
    local = read(path, env.name, incident).entries if path.exists() else ()
    lines = "".join(line + "\n" for line in TableMirror(reach.control).fetch(incident))
    kept = read_chain(lines.encode(), env.name, incident).entries
    return max(local, kept, key=len)


def paused_by(standing: InForce) -> str:
    """Who paused all runs, when and why; "" where nobody did."""
    pause = standing.pause
    return f"{pause.who} at {pause.at:%Y-%m-%d %H:%M} UTC: {pause.why}" if pause else ""


def clearance_to_json(clearance: Clearance) -> dict[str, Any]:
    """The clearance as the journal keeps it."""
    told = asdict(clearance) | {"expires_at": clearance.expires_at.isoformat() if clearance.expires_at else None}
    return told | {"overrides": [asdict(o) | {"until": o.until.isoformat()} for o in clearance.overrides]}


def clearance_from_json(data: dict[str, Any]) -> Clearance:
    """The clearance ``clearance_to_json`` told."""
    expires = data["expires_at"]
    overrides = tuple(Override(**{**o, "until": datetime.fromisoformat(o["until"])}) for o in data["overrides"])
    expires_at = datetime.fromisoformat(expires) if expires else None
    return Clearance(**{**data, "expires_at": expires_at, "overrides": overrides})


def _unfinished(past: Sequence[Entry]) -> Entry | None:
    """The beginning of a run that was not finished; None where there is none."""
    begun = [entry for entry in past if entry.kind is Kind.BEGIN]
    if not begun:
        return None
    done = any(e.kind is Kind.END and e.data.get("outcome") == "done" for e in past if e.seq > begun[-1].seq)
    return None if done else begun[-1]


def _go_on(begun: Entry, env: Environment, reach: Reach, standing: InForce) -> tuple[Plan, Clearance]:
    """The plan and clearance of the run that is gone on with; its approval counted when it began."""
    paused = paused_by(standing)
    if paused:
        raise Refused(f"authority.paused: all runs are stopped: {paused}. `unpause` lets them run again.")
    clearance = clearance_from_json(dict(begun.data["clearance"]))
    if env.approvals.people > 1 and same_person(reach.caller.arn, clearance.approver, env):
        raise Refused(
            f"authority.two-people: {clearance.approver} approved this run, and cannot go on with it alone. Another "
            "person runs the same command."
        )
    plan = plans.from_json(begun.data["plan"])
    if plan.digest != clearance.digest:
        raise Refused("The recorded plan is not the one that was cleared: its digest differs. Start with --replan.")
    return plan, clearance


def _override(words: Sequence[str]) -> Override:
    gate, who, until, why = words
    try:
        moment = datetime.fromisoformat(until)
    except ValueError as wrong:
        raise UsageError(f"--override {gate}: '{until}' is no time such as 2026-01-07T18:00Z.") from wrong
    return Override(gate, who, why, moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _known_steps(confirmed: frozenset[str], plan: Plan) -> None:
    unknown = sorted(confirmed - {step.id for step in plan.steps})
    if unknown:
        known = ", ".join(s.id for s in plan.steps if s.danger == "irreversible") or "none"
        raise UsageError(f"--confirm {unknown[0]}: the plan has no such step (irreversible are: {known}).")
