"""How a pipeline's gate came out, as sentences and as plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dr_checks.core.changes import JudgedSubject, StatusChange
from dr_checks.core.model import Status
from dr_checks.core.readiness_gate import GateCause, GateResult


def sentence(gate: GateResult, score: int) -> str:
    """Whether the pipeline goes on, and what stops it."""
    reasons = [_count_text(gate.stopping, "new " if gate.rules.baseline else "")] if gate.stopping else []
    if GateCause.SCORE in gate.causes:
        reasons.append(f"score {score} is below {gate.rules.min_score}")
    if GateCause.POSTURE in gate.causes:
        reasons.append("the posture is a fault by itself")
    if GateCause.NOTHING_JUDGED in gate.causes:
        reasons.append("nothing was judged")
    # Known gaps are counted where the gate passes too: a baseline must not hide them.
    known = [f"{len(gate.known)} known from {gate.rules.baseline.name}"] if gate.rules.baseline and gate.known else []
    return f"{'passed' if gate.passes else 'STOPPED'}: {'; '.join([*reasons, *known]) or 'nothing stops'}"


def _count_text(rows: tuple[JudgedSubject, ...], new: str) -> str:
    counts = Counter(row.status for row in rows)
    words = {Status.FAIL: "failed", Status.UNKNOWN: "not seen", Status.WARN: "warned of"}
    return ", ".join(f"{count} {new}{words[status]}" for status, count in counts.items())


def to_dict(gate: GateResult) -> dict[str, Any]:
    """The gate as plain values, for JSON."""
    rules = gate.rules
    return {
        "passed": gate.passes,
        "fail_on": rules.fail_on,
        "min_score": rules.min_score,
        "baseline": {"file": rules.baseline.name, "observed_at": rules.baseline.observed_at}
        if rules.baseline
        else None,
        "causes": sorted(gate.causes),
        "stopping": [_subject(row) | {"status": row.status} for row in gate.stopping],
        "known": [_subject(row) | {"status": row.status} for row in gate.known],
        "changes": [_subject(change) | {"before": change.before, "after": change.after} for change in gate.changes],
    }


def _subject(row: JudgedSubject | StatusChange) -> dict[str, Any]:
    key = row.key
    return {"check": key.check, "side": key.side, "subject": key.subject, "tenant": key.tenant}
