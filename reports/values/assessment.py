"""A failover's assessment as plain values and as tables; the report carries it beside the checks' results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failback import way_back
from dr_actions.assessment.failover import Assessment
from dr_actions.model.plan import NO_RECOVERY, Danger, Goal, Step, batches
from dr_actions.planning.estimate import PlanGrowth, PlanStage, StageWrites, WritePause
from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration, lost_writes
from dr_estate.model.session_life import Coverage
from reports.values.run_summary import plan_to_dict

_SHOWN_DIGEST, _NAMED = 12, 3
_WRITES = {StageWrites.STOPPED: "nobody writes", StageWrites.RETURN: "then the first visitors write"}


def to_dict(assessment: Assessment, env: Environment) -> dict[str, Any]:
    """The keys that failover and failback add to the JSON report (docs/json.md)."""
    return {
        "recommendation": assessment.advice,
        "reasons": list(assessment.reasons),
        "gates": [asdict(gate) for gate in assessment.gates],
        "data_loss": [_loss(loss) for loss in assessment.losses],
        "plan": plan_to_dict(assessment.plan),
        "rto_estimate_s": assessment.rto_estimate_s,
        "plan_estimate_s": assessment.plan_estimate_s,
        "rto_measured_steps": assessment.rto_measured,
        "growth": [asdict(row) for row in assessment.growth],
        "rto_target_s": env.objectives.rto_minutes * 60,
        "write_pause": asdict(assessment.write_pause) if assessment.write_pause else None,
        "outage": asdict(assessment.outage) if assessment.outage else None,
        "session": _session(assessment),
        "cost": {
            "hourly": round(assessment.hourly_cost, 2),
            "currency": env.costs.currency,
            "prices_as_of": env.costs.as_of,
        },
    }


def _session(assessment: Assessment) -> dict[str, str] | None:
    session = assessment.session
    return None if session is None else {name: getattr(session, name) for name in ("coverage", "says", "remedy")}


def _loss(loss: Loss) -> dict[str, Any]:
    return {name: getattr(loss, name) for name in ("store", "subject", "tenant", "seconds", "items", "basis")}


def loss_rows(assessment: Assessment) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield store, subject, time, items and basis of each loss; tenants with equal losses share a row."""
    groups: dict[tuple[str, str, float | None, int | None, str], list[str]] = {}
    for loss in assessment.losses:
        key = (loss.store, loss.subject, loss.seconds, loss.items, loss.basis)
        groups.setdefault(key, []).append(loss.tenant or "")
    for (store, subject, seconds, items, basis), tenants in groups.items():
        whose = f"{subject}, {len(tenants)} tenants" if len(tenants) > 1 else " ".join([subject, tenants[0]]).strip()
        counted = "not counted" if items is None else str(items)
        yield store, whose, lost_writes(seconds), counted, basis


def loss_rows_by_store(assessment: Assessment) -> Iterator[tuple[str, str, str, str, str]]:
    """As ``loss_rows``; what of one store is alike in time, items and basis is one row."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for store, whose, *cells in loss_rows(assessment):
        written, items, basis = cells
        groups.setdefault((store, written, items, basis), []).append(whose)
    for (store, written, items, basis), subjects in groups.items():
        more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
        yield store, subjects[0] + more, written, items, basis


def step_rows(steps: Sequence[Step]) -> Iterator[tuple[str, str, str, str, str]]:
    """Playbook number, what is done, danger, control plane, time budget; steps that differ by their subject are one."""
    for batch in batches(steps):
        step, more = batch[0], len(batch) - 1
        message = f"BY HAND: {step.says}" if step.manual else step.says
        also = f" And {more} more alike." if more else ""
        planes = ", ".join(step.planes) or "none"
        yield str(step.number), message + also, step.danger, planes, duration(step.budget_s)


def to_mind(stage: PlanStage) -> Iterator[str]:
    """What to know before a stage: that nobody writes meanwhile, what cannot be undone, and what a person does."""
    if stage.writes in _WRITES:
        yield _WRITES[stage.writes]
    final = [step.subject for step in stage.steps if step.danger is Danger.IRREVERSIBLE]
    by_hand = [step.subject for step in stage.steps if step.manual]
    for what, subjects in (("irreversible", final), ("by hand", by_hand)):
        if subjects:
            different = list(dict.fromkeys(subjects))
            more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
            yield f"{len(subjects)} {what}: {', '.join(different[:_NAMED]) + more}"


def estimate(assessment: Assessment, env: Environment, observed_at: datetime) -> str:
    """The recovery time against its objective, by the outage's clock, and what an hour in the DR region costs."""
    target_s = env.objectives.rto_minutes * 60
    # The recovery time runs from the outage's beginning: what has passed of it is gone before the first step.
    lasted_s = (observed_at - assessment.outage.since).total_seconds() if assessment.outage else 0.0
    # In capitals where it is not met: the one word of the line that stops somebody.
    met = "within" if lasted_s + assessment.rto_estimate_s <= target_s else "BEYOND"
    costs = env.costs
    whole, steps = duration(assessment.rto_estimate_s), duration(assessment.plan_estimate_s)
    takes = f"recovery time: about {whole} (the steps {steps}), {met} the objective of {duration(target_s)}"
    if assessment.outage is not None:
        since = f"{assessment.outage.since:%Y-%m-%d %H:%M} UTC ({assessment.outage.source})"
        takes = (
            f"outage since {since}: {duration(lasted_s)}; to go: about {whole} (the steps {steps}, then "
            f"validation and what DNS still remembers): together {met} the objective of {duration(target_s)}"
        )
    # A failback or a drill ends no outage: its time is held against no recovery objective.
    if assessment.plan.goal in NO_RECOVERY | {Goal.FAILBACK}:
        takes = f"the steps take about {duration(assessment.plan_estimate_s)}"
    if assessment.rto_measured:
        takes += f" ({assessment.rto_measured} of {len(assessment.plan.steps)} steps as measured in past runs)"
    return (
        f"{takes}; running in {env.regions.dr}: about {assessment.hourly_cost:.2f} {costs.currency} an hour (list "
        f"prices of {costs.as_of})"
    )


def pause_sentence(pause: WritePause, env: Environment) -> str:
    """For how long nobody writes, by the median and the 90th percentile."""
    first = f"about {duration(pause.first_p50_s)} (90th percentile: {duration(pause.first_p90_s)})"
    last = f"about {duration(pause.last_p50_s)} ({duration(pause.last_p90_s)})"
    away = env.regions.dr
    uploads = f"about {duration(pause.uploads_p50_s)} ({duration(pause.uploads_p90_s)})"
    whose = f"write pause: {first} for the first visitors, {last} for the last ones"
    return f"{whose}; no uploads for {uploads}; {away} serves pages throughout"


def growth_sentence(growth: Sequence[PlanGrowth]) -> str:
    """What AWS's published rates alone make the steps take, with today's tenants and with more."""
    now, *larger = growth
    parts = [f"AWS's published rates alone take {duration(now.floor_s)} of the steps"] if now.floor_s else []
    rows = [(f"{row.tenants:,}", duration(row.estimate_s), duration(row.floor_s)) for row in larger]
    if rows:
        number, whole, rates = rows[0]
        more = [f"with {number} such tenants the steps take about {whole} ({rates} of it by AWS's published rates)"]
        more += [f"with {number} about {whole} ({rates})" for number, whole, rates in rows[1:]]
        parts.append(", ".join(more))
    return "; ".join(parts)


def sentences(assessment: Assessment, env: Environment, observed_at: datetime, *, growth: bool) -> Iterator[str]:
    """What is estimated, with ``growth`` also for more tenants, and whether the credentials in use outlive it."""
    yield estimate(assessment, env, observed_at)
    if assessment.write_pause is not None:
        yield pause_sentence(assessment.write_pause, env)
    if growth and assessment.growth and (sentence := growth_sentence(assessment.growth)):
        yield sentence
    if message := way_back(assessment.plan, env):
        yield message
    if assessment.session is not None and assessment.session.coverage is not Coverage.LASTS:
        yield f"CREDENTIALS: {assessment.session.says}. {assessment.session.remedy}".strip()
    elif assessment.session is not None:
        yield f"credentials: {assessment.session.says}"


def short(digest: str) -> str:
    """A digest as people compare it."""
    return digest[:_SHOWN_DIGEST]
