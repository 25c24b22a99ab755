"""The pages' templates, compiled once: their code lies beside this module's compiled form, as trusted as that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import jinja2

from dr_estate.speed.kept_code import are_on, beside_compiled, digest


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Jinja's cache of compiled templates in ``folder``. A full disk is no fault."""

    def __init__(self, folder: Path, engine: bytes) -> None:
        super().__init__(str(folder), "template.%s.code")
        self._engine = engine

    def get_source_checksum(self, source: str) -> str:
        """What the code was compiled from: jinja puts what it can compute of a filter into it."""
        return digest(self._engine, source.encode()).hex()

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep the code for the next process."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates(files: Iterable[str]) -> CompiledTemplates | None:
    """The cache for an engine whose settings and filters are in ``files``; None where nothing is to be kept."""
    place = beside_compiled(__file__, "") if are_on() else None
    engine = digest(jinja2.__version__.encode(), *(Path(file).read_bytes() for file in files))
    return CompiledTemplates(place, engine) if place else None
