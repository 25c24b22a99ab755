"""The pages' templates, compiled once: their code lies beside this module's compiled form, as trusted as that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket

from dr_estate.speed.kept_code import are_on, cache_path, digest, read_code, write_code


class CompiledTemplates(jinja2.BytecodeCache):
    """Jinja's cache of compiled templates; DR_NO_SPEEDUPS=1 leaves it empty.

    ``files`` are those of the engine's settings and filters: jinja puts what it can compute of a filter into the code.
    """

    def __init__(self, files: Iterable[str]) -> None:
        self._engine = digest(jinja2.__version__.encode(), *(Path(file).read_bytes() for file in files))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give ``bucket`` its code where the file has that of this source, of these settings and of this jinja."""
        path = _path(bucket)
        bucket.code = read_code(path, self._engine + bucket.checksum.encode()) if path else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of ``bucket`` for the next process."""
        if path := _path(bucket):
            write_code(path, bucket.code, self._engine + bucket.checksum.encode())


def _path(bucket: Bucket) -> Path | None:
    return cache_path(__file__, f"template.{bucket.key}.code") if are_on() else None
