"""Files beside a module's compiled form: what was computed once, as trusted and as easy to delete as that."""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Any

_DIGEST_BYTES = 16
_HEAD_BYTES = len(MAGIC_NUMBER) + _DIGEST_BYTES


def beside_compiled(module: str, name: str) -> Path | None:
    """Return where ``name`` lies beside the compiled form of the file ``module``; None where nothing may be written."""
    folder = Path(cache_from_source(module)).parent
    if not sys.dont_write_bytecode:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
    return folder / name if os.access(folder, os.W_OK) else None


def write_beside(path: Path, content: bytes) -> None:
    """Write for the next process, which reads the whole file or none. A full disk is no fault."""
    partial = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        partial.write_bytes(content)
        partial.replace(path)


def write_code(path: Path, code: Any, source: bytes) -> None:
    """Write compiled ``code`` of ``source`` for the next process of this Python."""
    body = marshal.dumps(code)
    write_beside(path, _head(source, body) + body)


def read_code(path: Path, source: bytes) -> Any:
    """The compiled code of ``source`` in the file; None where it is missing, damaged, another source's or Python's."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[_HEAD_BYTES:]
    whole = content[:_HEAD_BYTES] == _head(source, body)
    return marshal.loads(body) if whole else None  # noqa: S302 - as trusted as the compiled modules beside it


def digest(*parts: bytes) -> bytes:
    """A short name of ``parts`` that no others have."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=_DIGEST_BYTES).digest()


def _head(source: bytes, body: bytes) -> bytes:
    return MAGIC_NUMBER + digest(source, body)
