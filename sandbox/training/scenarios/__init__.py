"""Training scenes, one module each, found by being there: its ``SCENARIO`` is data."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from sandbox.core.errors import SandboxError
from sandbox.training.scenarios.scenario import Scenario


@functools.cache
def _scenarios() -> dict[str, Scenario]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    # Modules without one hold what scenes share.
    scenes = [module.SCENARIO for module in modules if hasattr(module, "SCENARIO")]
    return {scenario.name: scenario for scenario in sorted(scenes, key=lambda scenario: str(scenario.name))}


def catalogue() -> list[Scenario]:
    """Return all scenarios, by name."""
    return list(_scenarios().values())


def find(name: str) -> Scenario:
    """Return the scenario ``name``. Raises SandboxError with the nearest names for an unknown one."""
    if name not in _scenarios():
        near = difflib.get_close_matches(name, _scenarios(), n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`dr_cli.py sandbox train` lists them all."
        raise SandboxError(f"There is no scenario '{name}'. {hint}")
    return _scenarios()[name]
