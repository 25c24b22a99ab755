"""Website settings are read of the sources, and of the copies of those that have some."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import BucketWebsite
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

(ORIGINAL, COPY), *_ = s3.data_pairs(SIT)
SETTING = '{"IndexDocument": {"Suffix": "index.html"}}'
ANSWER = {"get_bucket_website": {"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": []}}


def _of_copies(source: str | Unavailable) -> tuple[BucketWebsite, ...]:
    """The copies' settings where the first source has these, and no other has any."""
    seen, part = healthy(), (s3_settings.websites.name, Side.PRIMARY)
    rows = (BucketWebsite(ORIGINAL, source), *(BucketWebsite(name, "") for name, _ in s3.pairs(SIT)[1:]))
    return read(
        s3_settings.websites,
        Side.DR,
        ANSWER,
        replace(seen, parts={**seen.parts, part: replace(seen.parts[part], value=rows)}),
    )


def test_every_source_is_asked() -> None:
    found = read(s3_settings.websites, Side.PRIMARY, ANSWER, healthy())
    assert {row.bucket for row in found} == {name for name, _ in s3.pairs(SIT)}
    assert {row.setting for row in found} == {SETTING}


def test_a_copy_is_asked_where_its_source_is_a_website_or_may_be_one() -> None:
    assert _of_copies("") == ()
    assert _of_copies(SETTING) == (BucketWebsite(COPY, SETTING),)
    assert [row.bucket for row in _of_copies(DENIED)] == [COPY]
