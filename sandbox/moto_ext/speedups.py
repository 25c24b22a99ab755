"""Faster replacements of parts of moto and botocore; DR_NO_SPEEDUPS=1 leaves both as they are.

Each computes once what cannot change while a process runs: models, folders of a package, routes. docs/why.md measures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dr_estate.aws.speedups import FastFiles, are_on


@functools.cache
def install() -> None:
    """Speed up the emulator and all botocore sessions of this process. Idempotent."""
    if not are_on():
        return
    import botocore.session
    from botocore.loaders import Loader
    from moto.core import loaders, utils
    from moto.kms import models as kms
    from moto.moto_server import werkzeug_app

    Loader.FILE_LOADER_CLASS = FastFiles
    _replace(botocore.session, "create_loader", functools.cache)
    _replace(loaders, "create_loader", functools.cache)
    _replace(utils, "create_loader", lambda _: loaders.create_loader)
    _replace(werkzeug_app.DomainDispatcherApplication, "get_backend_for_host", functools.cache)  # it lists folders
    _replace(werkzeug_app, "create_backend_app", functools.cache)
    _replace(kms, "generate_private_key", _share_symmetric)


def _replace(owner: Any, name: str, by: Callable[[Any], Any]) -> None:
    setattr(owner, name, by(getattr(owner, name)))


def _share_symmetric(new_pair: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let all symmetric keys have one key pair: KMS signs nothing with it."""
    shared = functools.cache(new_pair)
    return lambda key_spec: (shared if key_spec == "SYMMETRIC_DEFAULT" else new_pair)(key_spec)
