"""The name of a database that a failback kept beside the one that took its place, until people delete it."""

from __future__ import annotations

ASIDE = "-before-"


def is_set_aside(identifier: str, name: str) -> bool:
    """Whether it is a former database of ``name``."""
    return identifier.startswith(f"{name}{ASIDE}")
