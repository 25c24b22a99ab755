"""The parts of an observation that is still being made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dr_estate.config.environment import Side

if TYPE_CHECKING:
    from dr_estate.snapshot.snapshot import SnapshotPart

Key = tuple[str, Side]


class NotReadYet(BaseException):
    """A part was asked for that is still being read; ``key`` None: all parts. Nothing may take it for one not seen."""

    def __init__(self, key: Key | None) -> None:
        super().__init__(key)
        self.key = key


class PartsSoFar(Mapping[Key, "SnapshotPart"]):
    """The parts that were read, each as it will stay. Raises NotReadYet where another is asked for, or all of them."""

    def __init__(self, read: Mapping[Key, SnapshotPart]) -> None:
        self._read = read

    def __getitem__(self, key: Key) -> SnapshotPart:
        try:
            return self._read[key]
        except KeyError:
            raise NotReadYet(key) from None

    def __iter__(self) -> Iterator[Key]:
        raise NotReadYet(None)

    def __len__(self) -> int:
        raise NotReadYet(None)


def is_read(parts: Mapping[Key, SnapshotPart], key: Key | None) -> bool:
    """Whether the part of ``key`` is among ``parts``, which may be those so far."""
    try:
        return key in parts
    except NotReadYet:
        return False
