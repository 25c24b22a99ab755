"""The methods of dataclasses, compiled once: DR_NO_SPEEDUPS=1 leaves dataclasses as they are.

The standard library writes six methods a class as text and compiles them in every process: 0.2 s for the values of a
`status`. Here compiled code is found by its text, beside this module's compiled form and as trusted as that. A text
that differs is another one, so no code is ever stale.
"""

from __future__ import annotations

import atexit
import dataclasses
import marshal
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from dr_estate.model.compiled_files import beside_compiled, digest, read_code, write_code

_FILE = f"generated_methods.{sys.implementation.cache_tag}.code"
_MOST_TEXTS = 10_000  # some 9 MB; a `status` has 2,300


class CompiledTexts:
    """Executes texts by code that an earlier process compiled, where the file at ``path`` has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known, self._used = _code_in(path), dict[bytes, bytes]()

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
            every = {**_code_in(self._path), **self._used}  # another process may have written since
            write_code(self._path, every if len(every) <= _MOST_TEXTS else self._used, b"")


def _code_in(path: Path) -> dict[bytes, bytes]:
    return read_code(path, b"") or {}


@cache
def compile_once() -> None:
    """Let the dataclasses that are defined from now on find the code of their methods. Idempotent."""
    path = beside_compiled(__file__, _FILE)
    if path is not None and not os.environ.get("DR_NO_SPEEDUPS"):
        texts = CompiledTexts(path)
        vars(dataclasses)["exec"] = texts.execute
        atexit.register(texts.save)
