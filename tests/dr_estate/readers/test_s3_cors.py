"""CORS rules are read of the sources, and of the copies of those that have some."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import BucketCors, CorsRule
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

(ORIGINAL, COPY), *_ = s3.data_pairs(SIT)
ROW = {"AllowedOrigins": ["https://*.example.org"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 60}
RULE = CorsRule(("https://*.example.org",), ("GET",), age_s=60)
ANSWER = {"get_bucket_cors": {"CORSRules": [ROW]}}


def _of_copies(sources: tuple[CorsRule, ...] | Unavailable) -> tuple[BucketCors, ...]:
    """The copies' rules where the first source has these, and no other has any."""
    seen, part = healthy(), (s3_settings.cors.name, Side.PRIMARY)
    rows = (BucketCors(ORIGINAL, sources), *seen.parts[part].value[1:])
    return read(
        s3_settings.cors,
        Side.DR,
        ANSWER,
        replace(seen, parts={**seen.parts, part: replace(seen.parts[part], value=rows)}),
    )


def test_every_source_is_asked() -> None:
    found = read(s3_settings.cors, Side.PRIMARY, ANSWER, healthy())
    assert {row.bucket for row in found} == {name for name, _ in s3.pairs(SIT)}
    assert {row.rules for row in found} == {(RULE,)}


def test_a_copy_is_asked_where_its_source_has_rules_or_may_have_some() -> None:
    assert _of_copies(()) == ()
    assert _of_copies((RULE,)) == (BucketCors(COPY, (RULE,)),)
    assert [row.bucket for row in _of_copies(DENIED)] == [COPY]
