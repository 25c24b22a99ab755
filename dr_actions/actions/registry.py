"""Every action by its id: a value of ``Action`` in a module of this package, which declares it.

Nothing lists them: what a file declares is found. Two that have one id are refused, for a journal could not distinguish
them.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import dr_actions.actions
from dr_actions.model.action import Action


@cache
def _declared_actions() -> dict[str, tuple[Action, ModuleType]]:
    names = sorted(info.name for info in pkgutil.walk_packages(dr_actions.actions.__path__, "dr_actions.actions."))
    found: dict[str, tuple[Action, ModuleType]] = {}
    for module in map(importlib.import_module, names):
        for value in vars(module).values():
            if isinstance(value, Action) and found.setdefault(value.name, (value, module))[0] is not value:
                raise ValueError(f"two actions are called {value.name}")
    return dict(sorted(found.items()))


def actions() -> dict[str, Action]:
    """Every action of this package by name."""
    return {name: action for name, (action, _) in _declared_actions().items()}


def modules() -> dict[str, ModuleType]:
    """The module of every action of this package, by the action's name."""
    return {name: module for name, (_, module) in _declared_actions().items()}


def writes() -> frozenset[str]:
    """Every mutating operation any action may send."""
    return frozenset().union(*(action.writes for action in actions().values()))
