"""What is concluded of a whole estate once a single value of it is another one.

Of each estate only the lines are on record that differ. ``recording.compare`` says how a record is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import pytest

from dr_actions.assessment.data_loss import hourly_cost, leftovers_sentence, missing_items
from dr_actions.assessment.failback import abort_gates, failback_gates, objects_to_copy, stranded_writes, sync_estimate
from dr_actions.assessment.failover import database_is_down, fence_gate, outage_start, targets_gates
from dr_actions.assessment.fence import fence_gates
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.planning.estimate import sizes_of
from dr_actions.planning.planner import context_of
from dr_checks.core.model import View
from dr_checks.core.registry import lags
from dr_checks.derived.leftovers import leftovers
from dr_checks.derived.needs import needs_of
from dr_checks.posture.posture import posture_by
from dr_checks.posture.signals import signals_of
from dr_checks.posture.writers import way_back_sentence, writers_sentence
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.deciding import plan
from tests.dr_checks.estates import healthy
from tests.dr_checks.test_odd_values import Noting
from tests.golden.recording import compare
from tests.golden.test_assessments import SIT, snapshot
from tests.golden.varying import listed, variants_of_parts, with_part

pytestmark = pytest.mark.proof

ESTATES: dict[str, Callable[[], Snapshot]] = {
    "healthy": healthy,
    "primary-dark": lambda: snapshot("sit-primary-dark"),
    "on-dr": lambda: snapshot("sit-on-dr"),
}
NOTHING: Plan = plan(goal=Goal.FAILBACK)


def _posture(found: Snapshot) -> Iterator[str]:
    signals = signals_of(found, SIT)
    yield from (f"{field.name} {getattr(signals, field.name)}" for field in fields(signals))
    posture = posture_by(signals)
    yield f"{posture.name}: {posture.says}"
    yield writers_sentence(found, SIT)
    yield way_back_sentence(found, SIT)


def _lags(found: Snapshot) -> Iterator[str]:
    for lag in lags(found, SIT):
        seen = f"not seen ({lag.unseen.kind})" if lag.unseen else "missing" if lag.missing else f"{lag.seconds} s"
        yield f"{lag.side} {lag.store} {lag.subject} {lag.tenant or 'all'}: {seen}, {lag.basis}"


def _needs(found: Snapshot) -> Iterator[str]:
    needs = needs_of(View("needs", Side.DR, SIT, found), "tenant2")
    yield from (f"{edge.source}: {edge.kind}: {edge.target}" for edge in needs.edges)
    yield from (f"unseen: {unseen.why}" for unseen in needs.unseen)


def _leftovers(found: Snapshot) -> Iterator[str]:
    yield from (f"{row}" for row in leftovers(found, SIT))
    yield leftovers_sentence(found, SIT)


def _gate(gate: Gate) -> str:
    marks = [mark for mark, given in (("stops", gate.stops), ("relaxed", gate.relaxed)) if given]
    return f"{gate.id} {'met' if gate.met else 'UNMET'} {' '.join(marks)}: {gate.says}"


def _weighed(found: Snapshot) -> Iterator[str]:
    """What a recovery weighs, but what depends on its plan."""
    signals = signals_of(found, SIT)
    posture = posture_by(signals)
    away, home = (context_of(SIT, found, goal) for goal in (Goal.FAILOVER, Goal.FAILBACK))
    stopped, freed = (replace(context_of(SIT, found, goal), fence=Side.DR) for goal in (Goal.FENCE, Goal.RELEASE))
    gates = [
        *fence_gate(away, signals.primary_api),
        *targets_gates(away),
        *failback_gates((), NOTHING, posture, signals, home),
        *abort_gates((), replace(home, goal=Goal.ABORT)),
        *fence_gates((), plan(goal=Goal.FENCE), posture, signals, stopped),
        *fence_gates((), plan(goal=Goal.RELEASE), posture, signals, freed),
    ]
    yield from map(_gate, gates)
    yield f"the primary's database is down: {database_is_down(away)}"
    yield f"an hour costs {hourly_cost(found, SIT, 3):.4f}"
    yield from (f"counted: {item}" for item in missing_items(found).items())
    yield f"stranded {stranded_writes(home)}"
    yield f"sync {sync_estimate(home)}. {objects_to_copy(home)}"
    yield f"{sizes_of(found, SIT)}"
    start = outage_start(found, SIT, None)
    yield f"since {start.since - found.taken_at}, {start.source}"


CONCLUSIONS = {
    "posture": _posture, "lags": _lags, "needs": _needs, "leftovers": _leftovers, "weighed": _weighed,
}  # fmt: skip


@pytest.mark.parametrize("estate", ESTATES)
@pytest.mark.parametrize("name", CONCLUSIONS)
def test_what_a_single_other_value_changes_is_as_on_record(name: str, estate: str) -> None:
    base = ESTATES[estate]()
    parts = Noting(base.parts)
    usual = _concluded(name, replace(base, parts=parts))
    outcomes: dict[str, list[str]] = {}
    for key, variant in variants_of_parts(base, parts.asked):
        lines = _concluded(name, with_part(base, key, variant.put(variant.value)))
        new = [line for line in lines if line not in usual]
        gone = [f"no longer {line}" for line in usual if line not in lines]
        if text := " | ".join(new or gone):
            outcomes.setdefault(text, []).append(f"{key[0]} {key[1]}{variant.shown(base.taken_at)}")
    compare(f"single_values_of_estates/{name}-{estate}.golden", [*usual, "", *listed(outcomes)])


def _concluded(name: str, found: Snapshot) -> list[str]:
    try:
        return list(CONCLUSIONS[name](found))
    except DataUnavailable as error:
        return [f"unseen: {error.unavailable.why}"]
