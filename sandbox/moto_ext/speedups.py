"""Faster replacements of parts of moto and botocore; DR_NO_SPEEDUPS=1 leaves both as they are.

Each computes once what cannot change while a process runs: models, folders of a package, routes. docs/why.md measures.
"""

from __future__ import annotations

import functools
from typing import Any

from dr_estate.aws.speedups import FastFiles, are_on


def install() -> None:
    """Speed up the emulator and all botocore sessions of this process. Idempotent."""
    if not are_on():
        return
    import botocore.session
    from botocore.loaders import Loader
    from moto.core import utils
    from moto.moto_server import werkzeug_app

    Loader.FILE_LOADER_CLASS = FastFiles
    _cache(botocore.session, "create_loader")
    _cache(utils, "create_loader")
    _cache(werkzeug_app, "create_backend_app")
    _cache(werkzeug_app.DomainDispatcherApplication, "get_backend_for_host")  # else it lists folders at each request


def _cache(owner: Any, name: str) -> None:
    function = getattr(owner, name)
    if not hasattr(function, "cache_clear"):
        setattr(owner, name, functools.cache(function))
