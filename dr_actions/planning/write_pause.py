"""How long a failback lets nobody write: from the database's freeze on, for the first visitors and for the last. Pure.

Uploads are refused for longer, from the files' freeze on: AWS takes minutes to enforce it, and the last sync some more.

Who is led to the primary writes from the first stage on. Who is still led to the DR region reads until the last stage:
one region alone writes. Steps are taken to be independent, so that their spreads add up as squares do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dr_actions.model.plan import Plan, Step, batches
from dr_actions.model.sequence import FREEZES, Role, role_of
from dr_actions.planning.estimate import Sizes, batch_s
from dr_actions.run_history.durations import StepDurations
from dr_estate.config.environment import Environment
from dr_estate.model.aws_durations import MEDIAN

_P90, _MINUTE_S = 0.9, 60


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
    """The pause of a plan that freezes and then leads visitors home; None for any other."""
    roles = [role_of(plan.goal, step.id) for step in plan.steps]
    freezes = [number for number, role in enumerate(roles) if role in FREEZES]
    moves = [number for number, role in enumerate(roles) if role is Role.TRAFFIC]
    if not freezes or not moves:
        return None
    settles_s = env.thresholds.record_ttl_s - round(env.failback.bake_minutes * _MINUTE_S)  # the bake follows the move

    def between(frozen: int, moved: int) -> tuple[int, int]:
        typical_s, most_s = _seconds(plan.steps[frozen : moved + 1], env, measured, sizes)
        return typical_s + settles_s, most_s + settles_s

    first, last = moves[0], moves[-1]
    return WritePause(*between(freezes[-1], first), *between(freezes[-1], last), *between(freezes[0], first))


def _seconds(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes
) -> tuple[int, int]:
    """Seconds that the steps take by the median, and in nine of ten cases."""
    pairs = [[batch_s(batch, env, measured, sizes, level) for level in (MEDIAN, _P90)] for batch in batches(steps)]
    typical_s = sum(typical for typical, _ in pairs)
    spread_s = sum((most - typical) ** 2 for typical, most in pairs) ** 0.5
    return round(typical_s), round(typical_s + spread_s)
