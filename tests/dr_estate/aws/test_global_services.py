"""A dark us-east-1 as one of the estate's regions is not a dark Route 53: neither is taken for the other."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import load_environment
from dr_estate.model.unavailable import DataUnavailable
from tests.utils.running import ROOT

OREGON = load_environment(ROOT / "tests" / "environments", "oregon")
READS = ("ecs:ListServices", "route53:ListHostedZones", "iam:GetRole", "cloudwatch:GetMetricData")
KEYS = Credentials("http://127.0.0.1:9", "key", "secret")


def silent(_client: Any) -> NoReturn:
    raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


@pytest.mark.parametrize(("dark", "other"), [("ecs", "route53"), ("route53", "ecs"), ("iam", "cloudwatch")])
def test_a_silent_region_says_nothing_of_global_services_and_the_reverse(dark: str, other: str) -> None:
    client = ReadClient(OREGON, READS, KEYS)
    for _ in range(5):
        with pytest.raises(DataUnavailable):
            client.call(dark, "us-east-1", silent)
    with pytest.raises(DataUnavailable, match="4 calls in a row failed"):
        client.call(dark, "us-east-1", lambda _: "not asked any more")
    assert client.call(other, "us-east-1", lambda _: "an answer") == "an answer"
