"""Object ownership is read of the sources, and of the copies of those that take access control lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import ENFORCED, WRITER, BucketOwnership
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

(ORIGINAL, COPY), *_ = s3.data_pairs(SIT)


def _answer(setting: str) -> dict[str, Any]:
    return {"get_bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": setting}]}}}


def _of_copies(source: str | Unavailable) -> tuple[BucketOwnership, ...]:
    """The copies' settings where the first source has this one, and every other takes no list."""
    seen, part = healthy(), (s3_settings.ownership.name, Side.PRIMARY)
    others = tuple(replace(row, setting=ENFORCED) for row in seen.parts[part].value[1:])
    rows = (BucketOwnership(ORIGINAL, source), *others)
    seen = replace(seen, parts={**seen.parts, part: replace(seen.parts[part], value=rows)})
    return read(s3_settings.ownership, Side.DR, _answer(ENFORCED), seen)


@pytest.mark.parametrize(
    ("given", "setting"), [(_answer(ENFORCED), ENFORCED), ({"get_bucket_ownership_controls": lambda **_: None}, WRITER)]
)
def test_every_source_is_asked_and_a_bucket_without_a_setting_takes_lists(given: dict[str, Any], setting: str) -> None:
    found = read(s3_settings.ownership, Side.PRIMARY, given, healthy())
    assert {row.bucket for row in found} == {name for name, _ in s3.pairs(SIT)}
    assert {row.setting for row in found} == {setting}


def test_a_copy_is_asked_where_its_source_takes_lists_or_may_take_some() -> None:
    assert _of_copies(ENFORCED) == ()
    assert _of_copies(WRITER) == (BucketOwnership(COPY, ENFORCED),)
    assert [row.bucket for row in _of_copies(DENIED)] == [COPY]
