"""The whole world in one pickle: every backend of the emulator and STATE, so that identities survive.

Worlds are kept in files and in memory, so that one process can return to the same world in milliseconds. It is then as
old as it was when it was kept: every moment in it is moved by the time that passed, whole seconds alone.
"""

from __future__ import annotations

import copyreg
import gc
import io
import math
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import GeneratorType
from typing import Any
from weakref import WeakValueDictionary

import cloudpickle
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate
from moto.core.base_backend import AccountSpecificBackend, BackendDict

from sandbox.core import world_file
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE, WorldState, now
from sandbox.core.world_lock import WORLD_LOCK

# The types have no public names: threading.Lock and RLock are functions.
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
_later = timedelta(0)
_SECRETS_MOMENTS = ("created_date", "deleted_date", "last_changed_date", "last_rotation_date", "next_rotation_date")
_PRIVATE_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)
_returns = [0]


def dump() -> bytes:
    """Return the world as bytes. The caller holds the world's lock. Raises SandboxError where a part cannot."""
    out = io.BytesIO()
    try:
        _Pickler(out).dump({"backends": _backends(), "state": STATE.__dict__})
    except Exception as stubborn:
        raise SandboxError(f"The world cannot be saved: {stubborn}") from stubborn
    return out.getvalue()


def load(path: Path) -> dict[str, Any]:
    """Make the world of ``path`` the world of this process; return what the file says of itself.

    Where it says when the world was built (``built_at``), no part has aged since. Raises SandboxError where the file is
    not ours, of another version, or broken.
    """
    with world_file.open_world(path) as (header, file):
        try:
            take(file.read(), math.floor(time.time() - header.get("built_at", time.time())))
        except Exception as broken:
            raise SandboxError(f"{path} is broken ({broken}): start again: `dr_cli.py sandbox up --fresh`.") from broken
    return header


def take(world: bytes, older_s: int = 0) -> None:
    """Make the dumped ``world`` that of this process, each moment in it ``older_s`` seconds later: no part has aged.

    The caller holds the world's lock.
    """
    global _later  # noqa: PLW0603 - how moments are rebuilt is known to the pickle by name alone
    _later = timedelta(seconds=older_s)
    BackendDict.reset()  # before the world is read: it closes the contents of S3 objects of every world there is
    try:
        _take(cloudpickle.loads(world))
        # moto's secrets hold numbers where other services hold datetimes: only those six fields are times.
        for backends in (found for found in _in_use() if found.service_name == "secretsmanager"):
            for backend in (backend for regions in backends.values() for backend in regions.values()):
                for secret in (vars(secret) for secret in dict.values(backend.secrets)):
                    secret.update({name: secret[name] + older_s for name in _SECRETS_MOMENTS if secret.get(name)})
    finally:
        _later = timedelta(0)


def _take(world: dict[str, Any]) -> None:
    for service_backends, beside, accounts in world["backends"]:
        vars(service_backends).update(beside)
        for account, regions in accounts.items():
            service_backends[account].update(regions)
    STATE.__dict__.update({**WorldState().__dict__, **world["state"]})


def _backends() -> list[tuple[BackendDict[Any], dict[str, Any], dict[str, dict[str, Any]]]]:
    """Each backend dictionary in use: itself (by name), what else it knows, and its backends by account and region."""
    return [
        (backends, _beside(backends), {account: dict(regions) for account, regions in backends.items()})
        for backends in _in_use()
    ]


def _in_use() -> list[BackendDict[Any]]:
    """The dictionaries that hold a backend; the emulator offers no public list of them."""
    return list(vars(BackendDict)["_instances"])


def _beside(backends: BackendDict[Any]) -> dict[str, Any]:
    """What a special dictionary keeps beside its backends: S3's owners of names, the organisations' members."""
    return {k: v for k, v in vars(backends).items() if isinstance(v, dict)}


class _Pickler(cloudpickle.Pickler):
    """Pickles what plain pickle cannot: locks afresh, keys and certificates as PEM, backend dictionaries by name.

    A generator is the rest of a listing that a client left half read: its token is expired in a world that was loaded.
    """

    def reducer_override(self, obj: Any) -> Any:
        """Return how to rebuild ``obj``, or leave it to cloudpickle."""
        for kinds, reduce in _REDUCERS:
            if isinstance(obj, kinds) and (reduced := reduce(obj)) is not NotImplemented:
                return reduced
        return super().reducer_override(obj)


def _reduced_dict(mapping: dict[Any, Any]) -> Any:
    """A dictionary of the emulator's own kind: its items and attributes as they lie, past its own methods."""
    # Dictionaries of other libraries keep cloudpickle's own way.
    if type(mapping).__module__.partition(".")[0] not in ("moto", "sandbox"):
        return NotImplemented
    state = (list(dict.items(mapping)), dict(vars(mapping)), getattr(mapping, "default_factory", None))
    return copyreg.__newobj__, (type(mapping),), state, None, None, _fill_dict  # type: ignore[attr-defined]


def _fill_dict(mapping: dict[Any, Any], state: tuple[list[tuple[Any, Any]], dict[str, Any], Any]) -> None:
    # Past __setitem__: S3's keys of moto do more there than set, and DynamoDB's items measure their size.
    items, attributes, factory = state
    if isinstance(mapping, defaultdict):
        mapping.default_factory = factory
    vars(mapping).update(attributes)
    for key, value in items:
        dict.__setitem__(mapping, key, value)


def _reduced_moment(moment: datetime) -> Any:
    return (_moment, moment.__reduce__()[1]) if type(moment) is datetime else NotImplemented


def _moment(*parts: Any) -> datetime:
    return datetime(*parts) + _later  # noqa: DTZ001 - the parts hold the zone, where there is one


def _reduced_key(key: Any) -> Any:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _key_from, (key.private_bytes(*form),)


_REDUCERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    # By the first that fits: a BackendDict is a dict too and must not be pickled as one.
    (_RLOCK, lambda _: (threading.RLock, ())),
    (_LOCK, lambda _: (threading.Lock, ())),
    (GeneratorType, lambda _: (_expired_listing, ())),
    (BackendDict, lambda mapping: (_held_by, _name_of(mapping))),
    # Regions of an account by the name of the whole: each is found again in the process that loads the world.
    (AccountSpecificBackend, lambda regions: (_account_of, (*_name_of(_parent_of(regions)), regions.account_id))),
    (WeakValueDictionary, lambda mapping: (WeakValueDictionary, (dict(mapping),))),
    (dict, _reduced_dict),
    (datetime, _reduced_moment),
    (_PRIVATE_KEYS, _reduced_key),
    (Certificate, lambda c: (_certificate_from, (c.public_bytes(serialization.Encoding.PEM),))),
)


def _expired_listing() -> Iterator[Any]:
    from moto.resourcegroupstaggingapi.exceptions import ResourceGroupsTaggingAPIError  # the one that keeps generators

    yield from ()
    raise ResourceGroupsTaggingAPIError("PaginationTokenExpiredException", "The token is of another run.")


def _key_from(pem: bytes) -> Any:
    # validating a key takes 30 ms; ours were made here and lie in a private file
    return serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)


def _certificate_from(pem: bytes) -> Certificate:
    return load_pem_x509_certificate(pem)


def _name_of(backends: BackendDict[Any]) -> tuple[str, str]:
    """Module and attribute under which the emulator (or a repair of ours) holds a backend dictionary."""
    # The module of the backend first: the search through all modules takes
    # long, and is for repairs with backends of their own.
    for name in (backends.backend.__module__, *sorted(n for n in sys.modules if n.startswith(("moto.", "sandbox.")))):
        module = sys.modules.get(name)
        for attribute, value in list(vars(module).items()) if module else ():
            if value is backends:
                return name, attribute
    raise SandboxError(f"The backends of {backends.service_name} are held by no module: they cannot be saved.")


def _held_by(module: str, attribute: str) -> BackendDict[Any]:
    backends: BackendDict[Any] = getattr(__import__(module, fromlist=[attribute]), attribute)
    return backends


def _parent_of(regions: AccountSpecificBackend[Any]) -> BackendDict[Any]:
    for backends in _in_use():
        if dict.get(backends, regions.account_id) is regions:
            return backends
    raise SandboxError(f"The {regions.service_name} backends of {regions.account_id} belong to nobody.")


def _account_of(module: str, attribute: str, account: str) -> AccountSpecificBackend[Any]:
    found: AccountSpecificBackend[Any] = _held_by(module, attribute)[account]
    return found


def age() -> int:
    """How often a world was returned to: a call that began under another number belongs to a world that is gone."""
    return _returns[0]


class WorldStore:
    """The worlds kept by name."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}

    def keep(self, name: str) -> None:
        """Remember the world as it is now. Raises SandboxError where a part of it cannot be kept."""
        with WORLD_LOCK:
            self._kept[name] = (now().timestamp(), dump())

    def return_to(self, name: str) -> None:
        """Make the kept world that of this process. Raises SandboxError for a name that was never kept."""
        if name not in self._kept:
            known = ", ".join(sorted(self._kept)) or "none"
            raise SandboxError(f"No world was kept as '{name}' (kept: {known}).")
        exchange(*self._kept[name])


def grow_older(seconds: int) -> None:
    """Move every moment of this process's world ``seconds`` back, as if that time had passed."""
    with WORLD_LOCK:
        exchange(now().timestamp() + seconds, dump())


def exchange(kept_at: float, world: bytes) -> None:
    """Make ``world`` that of this process, as old as it was at ``kept_at`` (seconds since 1970)."""
    with WORLD_LOCK:
        # Before the exchange: a call that waits for the lock sees the new number and is dropped.
        _returns[0] += 1
        collecting = gc.isenabled()
        # What is made here stays: a collection in the middle would look through a half-built world in vain.
        gc.disable()
        try:
            # floor: a moment moved too far would lie in the future.
            take(world, math.floor(now().timestamp() - kept_at))
        finally:
            if collecting:
                gc.enable()
