"""Which regions the account opted in to, reported alike by Account and by EC2 (T16)."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import Clients

OPT_IN, BUILT_IN = "af-south-1", "eu-west-1"


def _seen(aws: Clients, region: str) -> tuple[str, str]:
    account = aws("account", "us-east-1")
    region_info = aws("ec2", BUILT_IN).describe_regions(RegionNames=[region], AllRegions=True)["Regions"][0]
    return account.get_region_opt_status(RegionName=region)["RegionOptStatus"], region_info["OptInStatus"]


def test_a_region_of_the_estate_is_opted_in_and_can_be_opted_out(aws: Clients) -> None:
    account = aws("account", "us-east-1")
    assert _seen(aws, OPT_IN) == ("ENABLED", "opted-in")
    assert _seen(aws, BUILT_IN) == ("ENABLED_BY_DEFAULT", "opt-in-not-required")
    account.disable_region(RegionName=OPT_IN)
    assert _seen(aws, OPT_IN) == ("DISABLED", "not-opted-in")
    account.enable_region(RegionName=OPT_IN)
    assert _seen(aws, OPT_IN) == ("ENABLED", "opted-in")


def test_a_region_the_environment_does_not_name_is_not_opted_in(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STATE, "environment", {"regions": {"primary": OPT_IN, "dr": BUILT_IN, "others": []}})
    assert _seen(aws, OPT_IN)[0] == "ENABLED"
    assert _seen(aws, "me-south-1") == ("DISABLED", "not-opted-in")


def test_a_built_in_region_cannot_be_opted_out(aws: Clients) -> None:
    with pytest.raises(ClientError) as refused:
        aws("account", "us-east-1").disable_region(RegionName=BUILT_IN)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_regions_are_listed_by_status_over_http(served: Clients) -> None:
    account = served("account", "us-east-1")
    account.disable_region(RegionName=OPT_IN)
    pages = account.get_paginator("list_regions").paginate(
        RegionOptStatusContains=["DISABLED"], PaginationConfig={"PageSize": 5}
    )
    assert [row["RegionName"] for page in pages for row in page["Regions"]] == [OPT_IN]
    assert account.get_region_opt_status(RegionName=BUILT_IN)["RegionOptStatus"] == "ENABLED_BY_DEFAULT"
