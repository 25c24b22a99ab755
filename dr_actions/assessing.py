"""Weighs whether to go: gates from the scenarios' results, the posture and the plan; data loss; cost an hour. Pure.

In an emergency the primary region cannot be seen, and what only it could have shown is relaxed, and listed (T45). A
healthy primary, and a DR region that cannot bring the service back, are DO_NOT_FAILOVER; anything else unmet is RISKY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dr_actions.authority import Gate
from dr_actions.losing import Loss
from dr_actions.plan import Goal, Plan
from dr_actions.posture import Posture
from dr_checks.model import CheckResult, Finding, Severity, Status
from dr_estate.environments import Environment, Side

_GRAVE = (Severity.BLOCKER, Severity.CRITICAL)
_DATABASE, _SERVICES, _TRAFFIC = 40, 46, 50  # the stages without which nobody is served
_MEASURED_IN_DR = ("database", "files")
_EXPECTED = {Goal.FAILOVER: ("PRIMARY_LOST",), Goal.SWITCHOVER: ("NORMAL",)}
_SAYS = {
    "NORMAL": "the primary region is healthy: there is nothing to fail over from (a switchover is --planned)",
    "DEGRADED": "the primary region answers: a partial degradation is mended there; a database alone down is given "
    "15 minutes first",
    "ON_DR": "the DR region serves already: `failover --validate` proves it, `failback` goes home",
    "PRIMARY_LOST": "the primary region is lost: that is no planned switchover, leave --planned out",
}
BLINDNESS = ("BLIND", "DR_UNSEEN")


class Advice(StrEnum):
    """What the evidence says about going ahead."""

    PROCEED = "PROCEED"
    RISKY = "RISKY"
    DO_NOT_FAILOVER = "DO_NOT_FAILOVER"
    WAIT = "WAIT"


@dataclass(frozen=True)
class Assessment:
    """The answer to "shall we?", with everything it was weighed from. ``blind``: too little was seen for any answer.

    ``rto_measured`` is how many of the plan's steps are reckoned by what past runs took; the others by their budgets.
    """

    advice: Advice
    blind: bool
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]
    losses: tuple[Loss, ...]
    plan: Plan
    posture: Posture
    rto_estimate_s: int
    hourly_cost: float
    rto_measured: int = 0


def weigh_gates(gates: Sequence[Gate]) -> tuple[Advice, tuple[str, ...]]:
    """The advice that ``gates`` mean, and each reason, the gravest first."""
    unmet = sorted((g for g in gates if not g.met and not g.relaxed), key=lambda g: (not g.stops, g.id))
    advice = Advice.RISKY if unmet else Advice.PROCEED
    advice = Advice.DO_NOT_FAILOVER if any(gate.stops for gate in unmet) else advice
    relaxed = sum(gate.relaxed for gate in gates)
    good = [f"Every gate is met ({sum(g.met for g in gates)})."] if not unmet else []
    told = "1 gate is" if relaxed == 1 else f"{relaxed} gates are"
    also = [f"{told} relaxed: only the primary region could have shown it (T45)."] if relaxed else []
    return advice, (*(f"{gate.id}: {gate.says}" for gate in unmet), *good, *also)


def gates_of(
    results: Sequence[CheckResult], losses: Sequence[Loss], plan: Plan, posture: Posture, env: Environment
) -> tuple[Gate, ...]:
    """Every gate of going ahead with ``plan``."""
    return (
        _posture_gate(plan, posture),
        *_plan_gates(plan),
        *(_check_gate(result, plan.goal, env) for result in results if result.severity in _GRAVE),
        *_loss_gates(losses, plan.goal, env),
    )


def _posture_gate(plan: Plan, posture: Posture) -> Gate:
    expected = _EXPECTED[plan.goal]
    if posture.name in expected:
        return Gate("posture.expected", met=True, says=posture.says)
    return Gate("posture.expected", met=False, says=_SAYS.get(posture.name, posture.says).rstrip(".") + ".", stops=True)


def _plan_gates(plan: Plan) -> Iterator[Gate]:
    stages = {step.stage for step in plan.steps}
    database = _DATABASE in stages
    says = "the plan brings the database up in the DR region." if database else "no copy of the database can be used."
    yield Gate("plan.database", met=database, says=says, stops=True)
    moves, by_health = _TRAFFIC in stages, plan.goal is Goal.FAILOVER
    says = "traffic reaches the DR region." if moves else "no step moves the traffic: us-east-1 cannot be reached."
    says = says if moves or not by_health else "the traffic records move by the health of the primary region (T05)."
    yield Gate("plan.traffic", met=moves or by_health, says=says)
    serves = _SERVICES in stages
    says = "tenants' services run in the DR region." if serves else "no tenant's service is there to be scaled."
    yield Gate("plan.services", met=serves, says=says, stops=True)


def _check_gate(result: CheckResult, goal: Goal, env: Environment) -> Gate:
    """A grave check: unmet where a finding fails or is unseen; relaxed where only the lost primary could answer."""
    bad = [f for f in result.findings if f.status in (Status.FAIL, Status.UNKNOWN)]
    if result.status is Status.UNKNOWN and not result.findings:
        return Gate(f"check.{result.check}", met=False, says=result.reason)
    if not bad:
        return Gate(f"check.{result.check}", met=True, says=f"{result.status}.")
    grave = [f for f in bad if not (goal is Goal.FAILOVER and is_the_primarys(f, env))]
    worst = (grave or bad)[0]
    says = f"{worst.subject}: {worst.measured}, wanted {worst.wanted}: {worst.because}"
    return Gate(f"check.{result.check}", met=False, says=says.rstrip(".") + ".", relaxed=not grave)


def is_the_primarys(finding: Finding, env: Environment) -> bool:
    """Whether a finding says of the lost primary region alone, or could have been seen there alone."""
    if finding.side is Side.PRIMARY or env.traffic.primary_set_identifier in finding.subject:
        return True
    region = env.region(Side.PRIMARY)
    return finding.status is Status.UNKNOWN and (f"in {region}" in finding.because or f"{region} is" in finding.because)


def _loss_gates(losses: Sequence[Loss], goal: Goal, env: Environment) -> Iterator[Gate]:
    target_s = env.objectives.rpo_minutes * 60
    for store in dict.fromkeys(loss.store for loss in losses):
        own = [loss for loss in losses if loss.store == store]
        blind = next((loss for loss in own if loss.seconds is None), None)
        worst = max((loss.seconds for loss in own if loss.seconds is not None), default=0.0)
        if blind is not None:
            relaxed = goal is Goal.FAILOVER and store not in _MEASURED_IN_DR and not blind.missing
            yield Gate(f"data.{store}", met=False, says=f"the loss is not known: {blind.basis}.", relaxed=relaxed)
        elif goal is Goal.SWITCHOVER:
            yield Gate(f"data.{store}", met=True, says="writers are stopped, and zero loss proven, before promotion.")
        else:
            says = f"at most {worst:.0f} s are lost, the objective is {target_s} s."
            yield Gate(f"data.{store}", met=worst <= target_s, says=says)
