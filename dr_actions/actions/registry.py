"""Every action by name: a module is found by being in this package and holding a ``VERB``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import dr_actions.actions
from dr_actions.model.action import Verb


@cache
def verbs() -> dict[str, Verb]:
    """Every verb of this package by name."""
    found: dict[str, Verb] = {}
    for module in sorted(
        info.name for info in pkgutil.walk_packages(dr_actions.actions.__path__, "dr_actions.actions.")
    ):
        verb = getattr(importlib.import_module(module), "VERB", None)
        if isinstance(verb, Verb):
            found[verb.name] = verb
    return found


def writes() -> frozenset[str]:
    """Every mutating operation any verb may send."""
    return frozenset().union(*(verb.writes for verb in verbs().values()))
