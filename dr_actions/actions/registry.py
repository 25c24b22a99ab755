"""Every action by name: a module is found by being in this package and holding a ``VERB``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import dr_actions.actions
from dr_actions.model.action import Verb


@cache
def modules() -> dict[str, ModuleType]:
    """The module of every verb of this package, by the verb's name."""
    names = sorted(info.name for info in pkgutil.walk_packages(dr_actions.actions.__path__, "dr_actions.actions."))
    found = [importlib.import_module(name) for name in names]
    return {module.VERB.name: module for module in found if isinstance(getattr(module, "VERB", None), Verb)}


@cache
def verbs() -> dict[str, Verb]:
    """Every verb of this package by name."""
    return {name: module.VERB for name, module in modules().items()}


def writes() -> frozenset[str]:
    """Every mutating operation any verb may send."""
    return frozenset().union(*(verb.writes for verb in verbs().values()))
