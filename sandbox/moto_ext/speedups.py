"""Faster replacements of parts of moto and botocore; DR_NO_SPEEDUPS=1 leaves both as they are.

Each computes once what cannot change while a process runs: models, folders of a package, routes. docs/why.md measures.
"""

from __future__ import annotations

import functools

from dr_estate.aws.speedups import FastFiles, are_on


@functools.cache
def install() -> None:
    """Speed up the emulator and all botocore sessions of this process. Idempotent."""
    if not are_on():
        return
    import botocore.session
    from botocore.loaders import Loader
    from moto.core import utils
    from moto.kms import models as kms
    from moto.moto_server import werkzeug_app

    Loader.FILE_LOADER_CLASS = FastFiles
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    utils.create_loader = functools.cache(utils.create_loader)
    application = werkzeug_app.DomainDispatcherApplication
    application.get_backend_for_host = functools.cache(application.get_backend_for_host)  # lists folders otherwise
    werkzeug_app.create_backend_app = functools.cache(werkzeug_app.create_backend_app)
    new_pair, shared_pair = kms.generate_private_key, functools.cache(kms.generate_private_key)
    kms.generate_private_key = lambda spec: (shared_pair if spec == "SYMMETRIC_DEFAULT" else new_pair)(spec)
