"""Ids: an action is declared in the folder or file of its id's store; a check's id is its module and function."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from types import ModuleType

import dr_checks
from dr_actions.actions.registry import actions, modules
from dr_actions.model.action import Action
from dr_actions.model.sequence import SEQUENCE
from dr_checks.core.model import Check
from dr_checks.core.registry import checks
from tests.house.sources import sources

SUBJECTS = sorted({name.partition("/")[0] for name in modules()})
NAMED = re.compile(rf"({'|'.join(SUBJECTS)})/([a-z_]+)(\.\w+)?(:.*)?")


def test_an_action_is_declared_in_the_folder_or_file_of_its_id() -> None:
    places = {name: module.__name__.split(".")[2] for name, module in modules().items()}
    assert {name: name.partition("/")[0] for name in places} == places


def test_no_module_takes_the_action_of_another_by_its_name() -> None:
    """It is asked of its module, and so found where it is declared."""
    values = {f"{module.__name__}.{name}" for module in modules().values() for name in _actions_in(module)}
    taken = [
        f"{source.name}:{node.lineno} {name.name}"
        for source in sources("dr_actions")
        for node in source.of(ast.ImportFrom)
        for name in node.names
        if f"{node.module}.{name.name}" in values
    ]
    assert [] == taken


def _actions_in(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, Action)]


def test_whoever_names_an_action_names_one_that_there_is() -> None:
    unknown = [
        f"{source.name}:{node.lineno} {node.value}"
        for source in sources("dr_actions", "utils", "reports")
        for node in source.of(ast.Constant)
        if isinstance(node.value, str)
        and (named := NAMED.fullmatch(node.value))
        and f"{named[1]}/{named[2]}" not in actions()
    ]
    assert [] == unknown


def test_a_rows_part_is_no_name_of_another_action() -> None:
    prefixes = [row.prefix for rows in SEQUENCE.values() for row in rows]
    assert [] == [prefix for prefix in prefixes if not NAMED.fullmatch(prefix)]


def test_a_check_is_named_by_its_module_and_function() -> None:
    found: dict[str, str] = {}
    for info in pkgutil.walk_packages(dr_checks.__path__, "dr_checks."):
        for name, value in vars(importlib.import_module(info.name)).items():
            if isinstance(value, Check) and value.judge.__module__ == info.name:
                path = f"{info.name.rpartition('.')[2]}.{name}".replace("_", "-")
                assert value.id == path
                assert found.setdefault(path, info.name) == info.name, "two modules have one name: the id is of both"
    assert found.keys() == checks().keys()


def test_actions_that_know_their_rollback_by_more_than_ready_are_found() -> None:
    assert {name for name, found in actions().items() if found.rolled_back} == {
        "traffic/shift_to_dr",
        "traffic/shift_to_primary",
    }
