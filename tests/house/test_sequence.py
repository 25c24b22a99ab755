"""The order of every plan stands in one table a goal, and nobody else holds a stage number or matches a step's id."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_actions.model.plan import Goal, prefix_of
from dr_actions.model.sequence import SEQUENCE, goals_of
from tests.house.sources import ROOT, sources

PLANS = sorted((ROOT / "tests" / "golden" / "plans").glob("*.json"))
ROOMS = ("dr_actions", "utils", "reports")
TABLE = "dr_actions/model/sequence.py"
FACTORY = "dr_actions/model/action.py"
ORDERING = (TABLE, FACTORY, "dr_actions/planning/planner.py")
_NUMBERS = re.compile(r"_?(STAGE|OWNERS)")
OF_A_STEP = re.compile(r"(\bstep|\.step|\bstep_id|\.action|step\.id|\baction)\)?$|verbs\.get\(")


def _nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, Any]]:
    return ((source.name, node) for source in sources(*ROOMS) for node in source.of(*kinds))


def test_every_action_has_a_place_and_every_place_an_action() -> None:
    assert {row.action for rows in SEQUENCE.values() for row in rows} == set(actions())
    assert all(action.goals == goals_of(name) != frozenset() for name, action in actions().items())


@pytest.mark.parametrize("goal", Goal)
def test_a_table_reads_from_top_to_bottom_and_names_each_place_once(goal: Goal) -> None:
    rows = SEQUENCE[goal]
    assert [row.stage for row in rows] == sorted(row.stage for row in rows)
    for key in (Counter((row.action, row.role) for row in rows if row.role), Counter(row.prefix for row in rows)):
        assert {} == {name: times for name, times in key.items() if times > 1}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: str(path.stem))
def test_a_plan_keeps_to_the_table(path: Path) -> None:
    plan = json.loads(path.read_text(encoding="utf-8"))
    rows = {row.prefix: row for row in SEQUENCE[Goal(plan["goal"])]}
    for step in plan["steps"]:
        row = rows[prefix_of(step["id"])]
        assert (row.action, row.stage <= step["stage"] < row.stage + row.most) == (step["action"], True), step["id"]


def test_nobody_else_holds_a_stage_number() -> None:
    found = []
    for name, node in _nodes(ast.Compare, ast.keyword, ast.Name, ast.Call):
        if name not in ORDERING and isinstance(node, ast.Compare):
            if any(
                isinstance(operand, ast.Attribute) and operand.attr == "stage"
                for operand in (node.left, *node.comparators)
            ):
                found.append(f"{name}:{node.lineno} compares a stage")
        elif isinstance(node, ast.keyword) and node.arg == "stage" and isinstance(node.value, ast.Constant):
            found.append(f"{name}:{node.value.lineno} gives a stage")
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and re.fullmatch(r"_?(STAGE|OWNERS)", node.id)
        ):
            found.append(f"{name}:{node.lineno} names {node.id}")
        elif (
            name != FACTORY
            and isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Step"
        ):
            found.append(f"{name}:{node.lineno} makes a step without the table: use sight.step")
    assert [] == found


def test_nobody_matches_the_beginning_of_a_steps_id() -> None:
    found = [
        f"{name}:{node.lineno} {ast.unparse(node)}: ask role_of or prefix_of"
        for name, node in _nodes(ast.Call)
        if name != TABLE
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "startswith"
        and OF_A_STEP.search(ast.unparse(node.func.value))
    ]
    assert [] == found
