"""Every action by name: a module is found by being in this package and holding a ``ACTION``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import dr_actions.actions
from dr_actions.model.action import Action


@cache
def modules() -> dict[str, ModuleType]:
    """The module of every action of this package, by the action's name."""
    names = sorted(info.name for info in pkgutil.walk_packages(dr_actions.actions.__path__, "dr_actions.actions."))
    found = [importlib.import_module(name) for name in names]
    return {module.ACTION.name: module for module in found if isinstance(getattr(module, "ACTION", None), Action)}


@cache
def actions() -> dict[str, Action]:
    """Every action of this package by name."""
    return {name: module.ACTION for name, module in modules().items()}


def writes() -> frozenset[str]:
    """Every mutating operation any action may send."""
    return frozenset().union(*(action.writes for action in actions().values()))
