"""The one door to speed: clients of an account that take a fraction of botocore's processor time.

Nothing else of this folder is imported from outside it. README.md says what each piece saves, and what holds it against
the library whose work it does. DR_NO_SPEEDUPS=1 leaves that to the libraries. Imports are late: a command that asks
nothing of AWS loads no botocore.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

    from dr_estate.speed.accounts import (
        AccountClients as AccountClients,  # the name of the type, for who annotates with it
    )

__all__ = ["account", "client", "compile_dataclasses_once", "template_cache"]


def client(service: str, region: str, account: AccountClients) -> Any:
    """Return a client with boto3's methods for the declared operations of ``service``. Thread-safe, made once."""
    return account.client(service, region)


def account(declared: Iterable[str], **settings: Any) -> AccountClients:
    """Return what the clients of one account share; they know the ``declared`` operations alone."""
    from dr_estate.speed.accounts import AccountClients

    return AccountClients(declared, **settings)


def compile_dataclasses_once() -> None:
    """Let the dataclasses that are defined from now on find methods that an earlier process compiled. Idempotent."""
    from dr_estate.speed.kept_code import compile_once

    compile_once()


def template_cache(files: Iterable[str]) -> jinja2.BytecodeCache:
    """Return jinja's cache of templates that an earlier process compiled; ``files`` are those of engine and filters."""
    from dr_estate.speed.compiled_templates import CompiledTemplates

    return CompiledTemplates(files)
