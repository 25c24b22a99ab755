"""A private file is its owner's alone before anything is in it, whatever stood in its place."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.run_folder import private_file


@contextmanager
def disk_full_after(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("before", [None, "what was there"])
def test_a_file_that_was_half_written_is_the_owners_alone(tmp_path: Path, before: str | None) -> None:
    path, umask = tmp_path / "evidence.json", os.umask(0)
    try:
        if before:
            path.write_text(before)
        with pytest.raises(OSError, match="too large"), disk_full_after(10), private_file(path) as file:
            file.write(b"host " * 100_000)
    finally:
        os.umask(umask)
    assert (0o600, 10) == (path.stat().st_mode & 0o777, path.stat().st_size)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_way_is_not_followed(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "another", tmp_path / "evidence.json"
    if there:
        target.write_text("what was there")
    link.symlink_to(target)
    with pytest.raises(UsageError, match=r"evidence\.json is a link"):
        private_file(link)
    assert [there and "what was there"] == [target.exists() and target.read_text()]


def test_a_device_behind_a_link_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(os.devnull)
    with private_file(tmp_path / "out") as file:
        assert 3 == file.write(b"all")
