"""The whole world in one file: every backend of the emulator and STATE, in one pickle, so that identities survive.

A pickle is code. Files are written 0600 and only our own are read; the first line is JSON and says who wrote it.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import platform
import stat
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cloudpickle
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate
from moto.core.base_backend import AccountSpecificBackend, BackendDict

from sandbox.errors import SandboxError
from sandbox.state import STATE, WorldState

FORMAT = "aws-dr-manager sandbox world 1"
PRIVATE = 0o600
_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
_PRIVATE_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)


def stamp() -> dict[str, str]:
    """What a world file is bound to: our format, the emulator's version and Python's."""
    return {"format": FORMAT, "moto": version("moto"), "python": ".".join(platform.python_version_tuple()[:2])}


def dump() -> bytes:
    """Return the world as bytes. The caller holds the world's lock. Raises SandboxError where a part will not pickle."""
    out = io.BytesIO()
    try:
        _Pickler(out).dump({"backends": _backends(), "state": STATE.__dict__})
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as stubborn:
        raise SandboxError(f"The world cannot be saved: {stubborn}") from stubborn
    return out.getvalue()


def write(path: Path, world: bytes, about: dict[str, Any]) -> None:
    """Write ``world`` to ``path``, whole or not at all, readable by its owner alone; ``about`` is kept beside it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as out:
        out.write(json.dumps({**stamp(), **about}).encode() + b"\n")
        out.write(world)
    part.replace(path)


def about(path: Path) -> dict[str, Any]:
    """Return what the file says of itself. Raises SandboxError where it is not ours, foreign or of another version."""
    with path.open("rb") as file:
        _own(file.fileno(), path)
        return _header(file.readline(1 << 16), path)


def load(path: Path) -> dict[str, Any]:
    """Make the world of ``path`` the world of this process; return what the file says of itself.

    Raises SandboxError where the file is not ours, of another version, or broken.
    """
    with path.open("rb") as file:
        _own(file.fileno(), path)
        said = _header(file.readline(1 << 16), path)
        try:
            world = cloudpickle.load(file)
        except Exception as broken:
            raise SandboxError(f"{path} is broken ({broken}): start anew with --fresh.") from broken
    _restore(world["backends"])
    STATE.__dict__.update({**WorldState().__dict__, **world["state"]})
    return said


def _own(handle: int, path: Path) -> None:
    status = os.fstat(handle)
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise SandboxError(f"{path} is not a private file of yours (0600): the sandbox will not load it.")


def _header(line: bytes, path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(line)
        written = {key: said.get(key) for key in stamp()}
    except (ValueError, AttributeError) as foreign:
        raise SandboxError(f"{path} is not a world of the sandbox: move it away, or start anew with --fresh.") from (
            foreign
        )
    if written != stamp():
        raise SandboxError(f"{path} was written by {written}, this is {stamp()}: start anew with --fresh.")
    return said


def _backends() -> list[tuple[BackendDict[Any], dict[str, Any], dict[str, dict[str, Any]]]]:
    """Each backend dictionary in use: itself (by name), what else it knows, and its backends by account and region."""
    return [(held, _beside(held), {account: dict(regions) for account, regions in held.items()}) for held in _in_use()]


def _in_use() -> list[BackendDict[Any]]:
    """The dictionaries that hold a backend; the emulator offers no public list of them."""
    return list(vars(BackendDict)["_instances"])


def _beside(held: BackendDict[Any]) -> dict[str, Any]:
    """What a special dictionary keeps beside its backends: S3's owners of names, the organisations' members."""
    return {k: v for k, v in vars(held).items() if isinstance(v, dict)}


def _restore(backends: list[tuple[BackendDict[Any], dict[str, Any], dict[str, dict[str, Any]]]]) -> None:
    BackendDict.reset()
    for held, beside, accounts in backends:
        vars(held).update(beside)
        for account, regions in accounts.items():
            held[account].update(regions)


class _Pickler(cloudpickle.Pickler):
    """Pickles what plain pickle cannot: locks afresh, keys and certificates as PEM, backend dictionaries by name."""

    def reducer_override(self, obj: Any) -> Any:
        """Return how to rebuild ``obj``, or leave it to cloudpickle."""
        for kinds, reduce in _REDUCERS:
            if isinstance(obj, kinds):
                return reduce(obj)
        return super().reducer_override(obj)


def _reduced_key(key: Any) -> Any:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _key_from, (key.private_bytes(*form),)


_REDUCERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (_RLOCK, lambda _: (threading.RLock, ())),
    (_LOCK, lambda _: (threading.Lock, ())),
    (BackendDict, lambda held: (_held_by, _name_of(held))),
    (AccountSpecificBackend, lambda regions: (_account_of, (*_name_of(_parent_of(regions)), regions.account_id))),
    (_PRIVATE_KEYS, _reduced_key),
    (Certificate, lambda c: (_certificate_from, (c.public_bytes(serialization.Encoding.PEM),))),
)


def _key_from(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, password=None)


def _certificate_from(pem: bytes) -> Certificate:
    return load_pem_x509_certificate(pem)


def _name_of(held: BackendDict[Any]) -> tuple[str, str]:
    """Module and attribute under which the emulator (or a repair of ours) holds a backend dictionary."""
    for name in (held.backend.__module__, *sorted(n for n in sys.modules if n.startswith(("moto.", "sandbox.")))):
        module = sys.modules.get(name)
        for attribute, value in list(vars(module).items()) if module else ():
            if value is held:
                return name, attribute
    raise SandboxError(f"The backends of {held.service_name} are held by no module: they cannot be saved.")


def _held_by(module: str, attribute: str) -> BackendDict[Any]:
    held: BackendDict[Any] = getattr(__import__(module, fromlist=[attribute]), attribute)
    return held


def _parent_of(regions: AccountSpecificBackend[Any]) -> BackendDict[Any]:
    for held in _in_use():
        if dict.get(held, regions.account_id) is regions:
            return held
    raise SandboxError(f"The {regions.service_name} backends of {regions.account_id} belong to nobody.")


def _account_of(module: str, attribute: str, account: str) -> AccountSpecificBackend[Any]:
    found: AccountSpecificBackend[Any] = _held_by(module, attribute)[account]
    return found
