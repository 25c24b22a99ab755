"""What the emulator lacks or gets wrong, repaired. Call :func:`install` before a mock or a server is started.

One module a service (or a part of one); each repair is declared above the function that does it.
State lives in attributes of the emulator's own backends, so that reset, account and region keep working and the
whole world can be saved and loaded.
"""

from __future__ import annotations

import importlib
import pkgutil


def install() -> None:
    """Repair the emulator in this process. Idempotent; needed once a process, before any client or server is made."""
    # Not above: moto reads its settings when it is imported, and who imports this package may set them yet.
    from sandbox.core import patching
    from sandbox.moto_ext import speedups

    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    speedups.install()
    patching.install()
