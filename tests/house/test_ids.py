"""The path is the id: an action is named by its folder and file, a check by its module and function."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import pytest

import dr_checks
from dr_actions.actions.registry import actions, modules
from dr_actions.model.action import Action
from dr_actions.model.sequence import SEQUENCE
from dr_checks.core.model import Check
from dr_checks.core.registry import checks
from tests.house.sources import ROOT, sources

ACTIONS = ROOT / "dr_actions" / "actions"
FOLDERS = sorted(path.name for path in ACTIONS.iterdir() if (path / "__init__.py").exists())
NAMED = re.compile(rf"({'|'.join(FOLDERS)})/([a-z_]+)(\.\w+)?(:.*)?")


def test_an_action_is_named_by_its_folder_and_file() -> None:
    for name, module in modules().items():
        path = Path(str(module.__file__)).relative_to(ACTIONS).with_suffix("").as_posix()
        assert (name, module.ACTION.name) == (path, path)


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


@pytest.mark.parametrize("name", sorted(actions()))
def test_the_functions_of_an_action_have_the_types_of_its_fields(name: str) -> None:
    """``action`` takes them by their names, which mypy does not see."""
    types = get_type_hints(Action)
    found = {field.name: vars(modules()[name]).get(field.name) for field in fields(Action)}
    for field, function in found.items():
        if inspect.isfunction(function):
            kinds = (types[field], *get_args(types[field]))  # a field may be None
            arguments, answer = next(get_args(kind) for kind in kinds if get_origin(kind) is Callable)
            *own, returned = get_type_hints(function).values()
            assert (own, returned in (answer or NoneType, *get_args(answer))) == (arguments, True), field


def test_the_actions_that_know_by_more_than_ready_that_they_were_rolled_back_are_found() -> None:
    """A module's function of another name would be no field, and nobody would miss it."""
    assert {name for name, found in actions().items() if found.rolled_back} == {
        "traffic/shift_to_dr",
        "traffic/shift_to_primary",
    }
