"""Texts on record: what is said is compared line by line with a file that people read before they commit it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def compare(name: str, lines: Iterable[str]) -> None:
    """Compare with the record, or write it and fail where there is none: delete the file to have it written again."""
    path, found = HERE / name, "\n".join(lines).lstrip() + "\n"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
        pytest.fail(f"{name} was not there and has been written: read it, then commit it")
    assert path.read_text(encoding="utf-8").splitlines() == found.splitlines()
