"""The plans that saved evidence gives: equal to those on record, whatever becomes of the code that makes them.

Where a plan is to change, delete its file and run this test twice: the first run writes it again, and fails.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal, Plan, from_json, to_json
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import load_environment
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.snapshot import from_json as snapshot_from_json

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INCIDENT = "INC-1"  # of a drill: what it makes bears a name made of it
STATES = ("healthy", "primary-dark", "on-dr")
RECOVERIES = (Goal.FAILOVER, Goal.SWITCHOVER, Goal.FAILBACK)


@cache
def _snapshot(name: str) -> Snapshot:
    path = HERE / "evidence" / f"{name}.json.xz"
    return snapshot_from_json(lzma.decompress(path.read_bytes()), str(path))


def _sight(environment: str, state: str, goal: Goal) -> PlanContext:
    env = load_environment(ROOT / "environments", environment)
    drill = goal not in RECOVERIES
    return context_of(env, _snapshot(f"{environment}-{state}"), goal, incident=INCIDENT if drill else "")


def _plan(context: PlanContext) -> Plan:
    return make_plan(context, posture_of(context.snapshot, context.env).name)


def _check(plan: Plan, name: str) -> None:
    path = HERE / "plans" / f"{name}.json"
    plan_json = json.dumps(to_json(plan), indent=1, sort_keys=True) + "\n"
    if not path.exists():
        path.write_text(plan_json, encoding="utf-8")
        pytest.fail(f"{path.name} was not there and has been written: read it, then commit it")
    on_record = json.loads(path.read_text(encoding="utf-8"))
    assert json.loads(plan_json) == to_json(from_json(on_record))
    text = json.dumps(on_record, sort_keys=True, separators=(",", ":"))
    assert plan.digest == hashlib.sha256(text.encode()).hexdigest(), "an approval is bound to what is on record"


@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("environment", ["sit", "prod"])
def test_a_plan_is_as_on_record(environment: str, state: str, goal: Goal) -> None:
    _check(_plan(_sight(environment, state, goal)), f"{environment}-{state}-{goal.replace(' ', '-')}")


@pytest.mark.parametrize("environment", ["sit", "prod"])
def test_a_failback_that_knows_its_failover_is_as_on_record(environment: str) -> None:
    failover = _plan(_sight(environment, "healthy", Goal.SWITCHOVER))
    context = _sight(environment, "on-dr", Goal.FAILBACK)
    recorded = replace(context, recorded={step.id: step.before for step in failover.steps})
    _check(_plan(recorded), f"{environment}-on-dr-failback-recorded")
