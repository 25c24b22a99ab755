"""What was computed once, beside a module's compiled form: as trusted as that, and as easy to delete.

The standard library writes six methods a dataclass as text and compiles them in every process. Here compiled code is
found by its text: one that differs is another one, so no code is ever stale. DR_NO_SPEEDUPS=1 is the folder's switch.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import hashlib
import marshal
import os
import sys
from functools import cache
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Any

_FILE = f"generated_methods.{sys.implementation.cache_tag}.code"
_MOST_TEXTS = 10_000  # some 9 MB; a `status` has 2,300
_DIGEST_BYTES = 16
_HEAD_BYTES = len(MAGIC_NUMBER) + _DIGEST_BYTES


def are_on() -> bool:
    """Return whether this process may do a library's work in another way."""
    return not os.environ.get("DR_NO_SPEEDUPS")


def cache_path(module: str, name: str) -> Path | None:
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


class CompiledTexts:
    """Executes texts by code that an earlier process compiled, where the file at ``path`` has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[bytes, bytes] = read_code(path, b"") or {}
        self._used = dict[bytes, bytes]()

    def execute(self, text: str, names: dict[str, Any], local: dict[str, Any]) -> None:
        """Execute ``text`` as the function ``exec`` does."""
        name = digest(text.encode())
        if name not in self._used:
            self._used[name] = self._known.get(name) or marshal.dumps(
                compile(text, "<string>", "exec", dont_inherit=True)
            )
        exec(marshal.loads(self._used[name]), names, local)  # noqa: S102, S302 - the text is dataclasses' own

    def save(self) -> None:
        """Write the code that the file lacks; where it would hold too much, that of this process alone."""
        if not self._used.keys() <= self._known.keys():
            every = {**(read_code(self._path, b"") or {}), **self._used}  # another process may have written since
            write_code(self._path, every if len(every) <= _MOST_TEXTS else self._used, b"")


@cache
def compile_once() -> None:
    """Let the dataclasses that are defined from now on find the code of their methods. Idempotent."""
    path = cache_path(__file__, _FILE)
    if path is not None and are_on():
        texts = CompiledTexts(path)
        vars(dataclasses)["exec"] = texts.execute
        atexit.register(texts.save)
