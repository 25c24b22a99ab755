"""Buckets and their copies, as S3 answers for them."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from dr_estate.config.map_names import COPY_BY_MAP
from dr_estate.readers import s3
from dr_estate.readers.s3 import Bucket
from tests.dr_checks.aws_answers import read
from tests.dr_checks.worlds import SIT


def test_a_bucket_without_a_counterpart_is_absent_without_a_call() -> None:
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"bucket_copy": COPY_BY_MAP})})

    def refused(**params: Any) -> dict[str, Any]:
        raise AssertionError(params)

    found = read(s3.buckets, Side.DR, {"head_bucket": refused}, env=env)
    assert {Bucket("", "", "", "", "", (), ())} == set(found)
