"""What the emulator lacks or gets wrong, repaired. Call :func:`install` before a mock or a server is started.

One module a service (or a part of one); each has an ``install()`` of its own, which may be called again and again.
State lives in attributes of the emulator's own backends, so that reset, account and region keep working and the
whole world can be saved and loaded.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def repairs() -> list[ModuleType]:
    """The modules of this package that repair something, in the order of their names."""
    found = [importlib.import_module(info.name) for info in pkgutil.walk_packages(__path__, f"{__name__}.")]
    return [module for module in found if hasattr(module, "install")]


def install() -> None:
    """Repair the emulator in this process. Idempotent; needed once a process, before any client or server is made."""
    for module in repairs():
        module.install()
