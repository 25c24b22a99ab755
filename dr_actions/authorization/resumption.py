"""Whether a run may be resumed. Pure. The journal records what was begun; it proves nothing of who allowed it.

Anyone who may run a plan may write its journal, in the file and in the control table. So a resumed run is allowed by
what its operator cannot write: the approver's own item in the control table (dynamodb:LeadingKeys), made before the run
began and in force then. Its gates are evaluated again; once the run has changed something they are those that its
remaining steps need, because the run itself changes what the others look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dr_actions.authorization.clearance import (
    Approval,
    AuthorizationRequest,
    Clearance,
    extended_clearance,
    fault_of,
    gate_refusals,
    mismatch_of,
    missing_overrides,
    pause_refusal,
    people_refusals,
    rules_refusals,
    unusable_overrides,
)
from dr_actions.authorization.people import person_of, same_person
from dr_actions.model.gates import Gate, Override, Refusal
from dr_actions.model.plan import Goal, Plan
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Command

RULE = "authority.approval"
_POSTURE = "posture.expected"
_NEEDED = frozenset(
    f"check.prerequisites.{name}" for name in ("control-table", "credentials-work", "operator-allowed", "opted-in")
) | {"primary.answers"}
# A run under way does not stop because the primary's tasks cannot be counted at this moment.
_PRIMARY_ANSWERS = (PostureName.NORMAL, PostureName.DEGRADED, PostureName.PRIMARY_UNSEEN)
# What a plan itself leads to on its way: a fenced primary serves nobody, and health moves visitors before records do.
_ON_THE_WAY = (PostureName.IMPAIRED, PostureName.ON_DR_UNPLANNED, PostureName.ON_DR)
# The postures in which a plan of each goal may make a change.
EXPECTED = {
    Goal.FAILOVER: (PostureName.PRIMARY_LOST, *_ON_THE_WAY),
    Goal.SWITCHOVER: (*_PRIMARY_ANSWERS, *_ON_THE_WAY),
    Goal.FAILBACK: (*_PRIMARY_ANSWERS, *_ON_THE_WAY, PostureName.SPLIT, PostureName.RETURNING),
    Goal.FENCE: (*_PRIMARY_ANSWERS, *_ON_THE_WAY, PostureName.SPLIT, PostureName.RETURNING),
    Goal.RELEASE: (*_PRIMARY_ANSWERS, *_ON_THE_WAY),
    Goal.ABORT: (*_PRIMARY_ANSWERS, *_ON_THE_WAY, PostureName.PRIMARY_LOST, PostureName.SPLIT, PostureName.RETURNING),
    Goal.RESTORE_TEST: _PRIMARY_ANSWERS,
    Goal.START_TEST: _PRIMARY_ANSWERS,
    Goal.CANARY: _PRIMARY_ANSWERS,
}


@dataclass(frozen=True)
class Resumption:
    """What a decision to go on is made upon. ``recorded`` and ``begun_at`` are the journal's word alone.

    ``request`` is of the caller who resumes, now: the recorded plan, the incident, and the approvals in the control
    table.
    """

    recorded: Clearance
    begun_at: datetime
    request: AuthorizationRequest


def resume(resumption: Resumption, env: Environment) -> Clearance | tuple[Refusal, ...]:
    """The recorded clearance with what is overridden now, or every refusal there is. Gates are ``recheck_gates``'s."""
    if refusals := tuple(_refusals(resumption, env)):
        return refusals
    return extended_clearance(resumption.recorded, resumption.request.overrides, resumption.request.now)


def recheck_gates(clearance: Clearance, gates: Sequence[Gate], now: datetime) -> tuple[Refusal, ...]:
    """A refusal of each gate that is not met and not overridden by name."""
    return tuple(gate_refusals(gates, clearance.overrides, now))


def gates_to_go_on(
    gates: Sequence[Gate], posture: Posture, plan: Plan, changed: bool, unseen: Set[str]
) -> tuple[Gate, ...]:
    """Those of the ``gates`` of today that count for a run of ``plan`` that goes on.

    A run that has ``changed`` nothing yet is weighed as a new one. Of another the posture must be one that the plan
    itself can have led to, and what its calls need must not be seen to fail; ``unseen`` checks are no reason to stop.
    """
    if not changed:
        return tuple(gates)
    needed = (gate for gate in gates if gate.id in _NEEDED and gate.id not in unseen)
    # The run itself changes the posture: it is weighed against where its plan leads, and not where it began.
    led_to = posture.name in EXPECTED[plan.goal]
    return (Gate(_POSTURE, met=led_to, says=posture.says, stops=True), *needed)


def _refusals(resumption: Resumption, env: Environment) -> Iterator[Refusal]:
    request, recorded = resumption.request, resumption.recorded
    if request.paused:
        yield pause_refusal(request.paused)
    if (recorded.environment, recorded.incident, recorded.digest) != (env.name, request.incident, request.plan.digest):
        yield Refusal("authority.digest", "the recorded plan is not the one that was cleared. Begin with --replan.")
    yield from rules_refusals(request, env)
    yield from people_refusals(request, env)
    if env.approvals.people > 1:
        yield from _approval_refusals(resumption, env)


def _approval_refusals(resumption: Resumption, env: Environment) -> Iterator[Refusal]:
    request, begun_at = resumption.request, resumption.begun_at
    instead = f"Begin with --replan and a new approval: {request.approve_with}."
    # The journal's own time is its writer's word: an approval of then must not open a run for ever.
    until = begun_at + timedelta(hours=env.approvals.resume_hours)
    if not begun_at <= request.now <= until:
        message = f"the record says that the run began at {begun_at:%Y-%m-%d %H:%M} UTC: it may be gone on with until "
        yield Refusal(RULE, f"{message}{until:%Y-%m-%d %H:%M} UTC (approvals.resume_hours). {instead}")
    faults = [_fault(approval, resumption, env) for approval in request.approvals]
    if all(faults):
        text = f" ({'; '.join(faults)})" if faults else ""
        message = "the journal says that this run was approved, and the control table holds no approval that allows it"
        yield Refusal(RULE, f"{message}{text}. {instead}")
    # A refusal where a gate is set aside, now or by the record, and no approver of this plan agreed to that. It counts
    # whenever it was given, also while the run was under way: the override's own end is its end.
    request, recorded = resumption.request, resumption.recorded
    if any(unusable_overrides(request.overrides, request.now)):
        return  # nobody can agree to it
    overrides = [o for o in (*recorded.overrides, *request.overrides) if o.until > request.now]
    approvals = [
        approval
        for approval in request.approvals
        if not mismatch_of(approval, request, env) and not same_person(approval.arn, recorded.operator, env)
    ]
    unagreed = [override for override in overrides if missing_overrides([override], approvals)]
    if approvals and unagreed:
        who = ", ".join(dict.fromkeys(person_of(approval.arn, env) for approval in approvals))
        gates = dict.fromkeys(override.gate for override in unagreed)
        yield Refusal(
            RULE,
            f"{who} approved this plan without the override of {', '.join(gates)}. The approver runs: "
            f"{_agreement(request, unagreed)}; then the same command goes on.",
        )


def _agreement(request: AuthorizationRequest, unagreed: Sequence[Override]) -> Command:
    """The command by which an approver agrees to them. It names the plan: another may be today's, or wait in AWS."""
    typed = {override.words for override in request.overrides}
    more = [word for override in unagreed if override.words not in typed for word in override.option]
    return Command((*request.approve_with.words, "--digest", request.plan.digest[:12], *more))


def _fault(approval: Approval, resumption: Resumption, env: Environment) -> str:
    """Why an approval does not allow the run to be gone on with; "" where it does."""
    who = person_of(approval.arn, env)
    if reason := fault_of(approval, replace(resumption.request, now=resumption.begun_at), env):
        return f"{who}: {reason}"
    if same_person(approval.arn, resumption.recorded.operator, env):
        return f"{who}: the approval of the operator who began the run does not count as a second person's"
    if not same_person(approval.arn, resumption.recorded.approver, env):
        return f"{who}: the journal names another approver"
    return ""
