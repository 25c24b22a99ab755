"""The caches that AWS lists."""

from __future__ import annotations

from tests.sandbox.moto_ext.conftest import Clients


def test_an_account_without_serverless_caches_lists_none(aws: Clients) -> None:
    assert aws("elasticache", "eu-west-1").describe_serverless_caches()["ServerlessCaches"] == []
