"""Plans made upon recorded estates: those of tests/golden/evidence."""

from __future__ import annotations

import lzma
from dataclasses import replace
from functools import cache

from dr_actions.model.plan import Goal, Plan
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.readers import rds_groups
from dr_estate.snapshot.snapshot import Snapshot, from_json
from tests.dr_actions.plain import ROOT, with_part


@cache
def estate(name: str) -> Snapshot:
    """The estate in a recorded state."""
    path = ROOT / "tests" / "golden" / "evidence" / f"{name}.json.xz"
    return from_json(lzma.decompress(path.read_bytes()), path.name)


def plan_home(name: str, group: tuple[tuple[str, str], ...] = ()) -> tuple[Environment, Plan]:
    """The environment and the plan of a failback of the recorded estate, once the primary's parts are seen again."""
    env = load_environment(ROOT / "environments", name)
    away, healthy = estate(f"{name}-on-dr"), estate(f"{name}-healthy")
    primary = {key: part for key, part in healthy.parts.items() if key[1] is Side.PRIMARY}
    seen = replace(away, parts={**away.parts, **primary})
    groups = tuple(replace(found, parameters=group) for found in seen.get(rds_groups.parameter_groups, Side.DR))
    seen = with_part(seen, rds_groups.parameter_groups, Side.DR, groups)
    return env, make_plan(context_of(env, seen, Goal.FAILBACK), PostureName.ON_DR)
