"""What must still hold right before a call is sent: the lock, the stop switch, the digest, the posture, fresh evidence.

The plan was made upon a posture; a primary that comes back halfway changes everything (T43). Evidence that is older
than execution.evidence_age_s is read again before the next change.
"""

from __future__ import annotations

from dr_actions.execution.run import Cause, Run, StepFailed
from dr_actions.model.expected_postures import EXPECTED
from dr_actions.model.plan import Goal
from dr_checks.posture.posture import WITNESSES, posture_of
from dr_estate.readers import route53, route53_health_checks

WITNESSED = frozenset(reader.name for reader in WITNESSES) | {
    route53.records.name,
    route53_health_checks.checks.name,
    route53_health_checks.statuses.name,
}
_ANYHOW = (Goal.CLEAN_UP,)  # what a drill left is taken away whatever has happened to the estate meanwhile
_POSTURE_GATE = "posture.expected"


def before_a_change(run: Run, step_id: str) -> None:
    """Check all of it. Raises Stopped, LockLost, Fenced, or StepFailed with the reason."""
    run.stop_if_asked()
    paused = run.standing_order()
    if paused:
        raise StepFailed(step_id, f"authority.paused: all runs are stopped: {paused}", Cause.HALTED)
    ends = run.stop_condition()
    if ends:
        raise StepFailed(step_id, f"drill.alarms: {ends}")
    if run.plan.digest != run.clearance.digest:
        raise StepFailed(step_id, "the plan is not the one that was cleared: its digest differs", Cause.HALTED)
    if run.plan.goal in _ANYHOW:
        return
    _witness_again(run)
    posture = posture_of(run.snapshot, run.env)
    overrides = run.clearance.overrides
    overridden = any(one.gate == _POSTURE_GATE and one.until > run.clock() for one in overrides)
    if posture.name not in EXPECTED[run.plan.goal] and not overridden:
        raise StepFailed(
            step_id,
            f"the posture is {posture.name} now ({posture.says}), the plan was made upon {run.plan.posture}: assess "
            f"again, or override {_POSTURE_GATE} by name",
            Cause.HALTED,
        )


def _witness_again(run: Run) -> None:
    now = run.clock()
    seen_at = run.witnessed_at or run.snapshot.taken_at
    if (now - seen_at).total_seconds() > run.env.execution.evidence_age_s:
        run.sight_after(WITNESSED)
        seen_at = now
    run.witnessed_at = seen_at
