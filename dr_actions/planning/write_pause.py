"""How long a failback lets nobody write: from the database's freeze on, for the first visitors and for the last. Pure.

Uploads are refused for longer, from the files' freeze on: AWS takes minutes to enforce it, and the last sync some more.

Who is led to the primary writes from the first stage on. Who is still led to the DR region reads until the last stage:
one region alone writes. Steps are taken to be independent, so that their spreads add up as squares do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_actions.actions.database.promotion import FREEZE_SEEN
from dr_actions.model.plan import Plan, Step, batches
from dr_actions.model.sequence import FREEZES, Role, announced_step, role_of
from dr_actions.planning.estimate import BY_HAND, CHECKED, Sizes, batch_s, look_s
from dr_actions.run_history.durations import StepDurations
from dr_estate.config.environment import Environment
from dr_estate.model.aws_durations import MEDIAN

_P90, _MINUTE_S = 0.9, 60
_LAG = "database/verify_primary_in_sync"


@dataclass(frozen=True, slots=True)
class WritePause:
    """Seconds without writes, at the median and in nine of ten cases, for the primary's first visitors and its last.

    ``uploads_p50_s`` and ``uploads_p90_s`` are the seconds without uploads, for its first visitors.
    """

    first_p50_s: int
    first_p90_s: int
    last_p50_s: int
    last_p90_s: int
    uploads_p50_s: int
    uploads_p90_s: int


def write_pause(plan: Plan, env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes) -> WritePause | None:
    """Return the pause of a plan that freezes and then routes visitors to the primary region; None for any other."""
    freezes, moves = _places(plan)
    if not freezes or not moves:
        return None
    # Who holds the former address writes nowhere until the TTL is over.
    settles_s = env.thresholds.record_ttl_s - round(env.failback.bake_minutes * _MINUTE_S)  # the bake follows the move

    ready = any(announced_step(plan, step.id) is not None for step in plan.steps)

    def between(frozen: int, moved: int) -> tuple[int, int]:
        typical_s, most_s = _seconds(plan.steps[frozen : moved + 1], env, measured, sizes, ready)
        return typical_s + settles_s, most_s + settles_s

    first, last = moves[0], moves[-1]
    return WritePause(*between(freezes[-1], first), *between(freezes[-1], last), *between(freezes[0], first))


def without_writes(plan: Plan) -> range:
    """The places of the steps, from the database's freeze to the first move, between which nobody writes; or none."""
    freezes, moves = _places(plan)
    return range(freezes[-1], moves[0] + 1) if freezes and moves else range(0)


def lasting_s(plan: Plan, sent_at: Mapping[str, datetime], now: datetime) -> float | None:
    """Return the seconds for which not everybody can write, at ``now``; None outside that time.

    It lasts from the freeze until all visitors are led back to the primary region. ``sent_at`` is when each step took
    effect, by its id.
    """
    freezes, moves = _places(plan)
    # The last freeze is the database's: the files' comes before it.
    frozen = sent_at.get(plan.steps[freezes[-1]].id) if freezes and moves else None
    return None if frozen is None or is_over(plan, sent_at) else (now - frozen).total_seconds()


def is_over(plan: Plan, sent_at: Mapping[str, datetime]) -> bool:
    """Whether every visitor was led to the region that takes writes: the last move took effect."""
    _, moves = _places(plan)
    last_batch = batches(plan.steps[place] for place in moves)[-1:]
    return bool(moves) and all(step.id in sent_at for batch in last_batch for step in batch)


def _places(plan: Plan) -> tuple[list[int], list[int]]:
    """The places of the steps that freeze, and of those that lead visitors."""
    roles = [role_of(plan.goal, step.id) for step in plan.steps]
    freezes = [place for place, role in enumerate(roles) if role in FREEZES]
    return freezes, [place for place, role in enumerate(roles) if role is Role.TRAFFIC]


def _seconds(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes, ready: bool
) -> tuple[int, int]:
    """Seconds that the steps take by the median, and in nine of ten cases.

    ``ready``: the person whose change comes first has seen it before. The lag of the replica is published while the
    other proofs go on: it is waited for from the moment on at which the freeze was seen.
    """
    typical_s = spread_s = 0.0
    seen_s: float | None = None
    for batch in batches(steps):
        by_hand = CHECKED if ready and any(step.manual for step in batch) else BY_HAND
        ready = ready and by_hand == BY_HAND
        usual_s, most_s = (batch_s(batch, env, measured, sizes, level, by_hand) for level in (MEDIAN, _P90))
        if batch[0].action == _LAG and seen_s is not None:
            # Published meanwhile: what the proofs before it took is not waited for a second time.
            usual_s, most_s = (max(look_s(), seconds - (typical_s - seen_s)) for seconds in (usual_s, most_s))
        typical_s, spread_s = typical_s + usual_s, spread_s + (most_s - usual_s) ** 2
        seen_s = typical_s if batch[0].action == FREEZE_SEEN else seen_s
    return round(typical_s), round(typical_s + spread_s**0.5)
