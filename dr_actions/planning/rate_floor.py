"""How long AWS's published rates alone make a plan take, for these tenants or for more of them. Pure.

Rates are of an account and a region (``dr_estate/aws/pace.py``). Calls, launches and registrations of one batch
overlap, so its slowest counts; batches run one after another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dr_actions.actions.compute.services import UPDATE, launch_s
from dr_actions.model.plan import Step, batches
from dr_estate.aws.pace import shortest_s
from dr_estate.config.environment import Environment


def count_of(step: Step, times: float = 1.0) -> float:
    """How many steps stand for this one where the plan has ``times`` as many tenants."""
    return times if step.tenant else 1.0


def queue_s(batch: Sequence[Step], env: Environment, times: float = 1.0) -> float:
    """Seconds until the last call of a batch may leave and, where tasks start, the last task and its target (T35)."""
    calls: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    tasks = 0.0
    for step in batch:
        if step.call is not None and not step.manual:
            calls[step.call.region][step.call.name] += count_of(step, times)
        tasks += count_of(step, times) * _more_tasks(step)
    whole = ({name: round(count) for name, count in of_region.items()} for of_region in calls.values())
    return max((launch_s(env, round(tasks)), *map(shortest_s, whole)))


def floor_s(steps: Iterable[Step], env: Environment, times: float = 1.0) -> float:
    """Seconds that the rates alone make the steps take: no tool is faster."""
    return sum(queue_s(batch, env, times) for batch in batches(steps))


def _more_tasks(step: Step) -> int:
    """How many tasks more the step lets run."""
    if step.call is None or step.call.name != UPDATE:
        return 0
    before = step.before.get("desiredCount")
    return max(0, int(step.call.params.get("desiredCount") or 0) - (before if isinstance(before, int) else 0))
