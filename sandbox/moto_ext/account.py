"""Account: regions to opt in to (API_GetRegionOptStatus, API_ListRegions, API_EnableRegion; T16).

Regions the environment names are opted in from the start; ``disable_region`` and ``enable_region`` change that at
once. State: ``account_backends[account]["aws"].regions_opted`` as {region: bool}.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from moto.account import urls
from moto.account.models import account_backends
from moto.account.responses import AccountResponse

from sandbox.core.aws_regions import opt_in_regions
from sandbox.core.patching import catch_all, operation, page, refused, state
from sandbox.core.state import STATE


def opt_status(account: str, region: str) -> str:
    """ENABLED_BY_DEFAULT, ENABLED or DISABLED."""
    if region not in opt_in_regions():
        return "ENABLED_BY_DEFAULT"
    chosen = state(account_backends[account]["aws"], "regions_opted")
    # Enabling takes minutes to hours on AWS (ENABLING); here it is done at once.
    return "ENABLED" if chosen.get(region, region in _of_the_estate()) else "DISABLED"


def opt_in_word(account: str, region: str) -> str:
    """The same as EC2's DescribeRegions words it."""
    words = {"ENABLED": "opted-in", "DISABLED": "not-opted-in"}
    return words.get(opt_status(account, region), "opt-in-not-required")


def _of_the_estate() -> set[str]:
    regions = STATE.environment.get("regions", {})
    # A world without a seeded environment has every opt-in region: plain boto3 programs expect them.
    return {regions.get("primary", ""), regions.get("dr", ""), *regions.get("others", ())} - {""} or set(
        opt_in_regions()
    )


def _account(self: AccountResponse, params: dict[str, Any]) -> str:
    return str(params.get("AccountId") or self.current_account)


@operation(AccountResponse, "get_region_opt_status")
def _get(self: AccountResponse, params: dict[str, Any]) -> dict[str, Any]:
    region = _known_region(params["RegionName"])
    return {"RegionName": region, "RegionOptStatus": opt_status(_account(self, params), region)}


@operation(AccountResponse, "list_regions")
def _list(self: AccountResponse, params: dict[str, Any]) -> dict[str, Any]:
    wanted, account = params.get("RegionOptStatusContains") or (), _account(self, params)
    regions = [{"RegionName": name, "RegionOptStatus": opt_status(account, name)} for name in _regions()]
    found = [region for region in regions if not wanted or region["RegionOptStatus"] in wanted]
    # At most 50 regions a page (API_ListRegions).
    shown, token = page(found, params, 50, "ValidationException")
    return {"Regions": shown, "NextToken": token}


@operation(AccountResponse, "enable_region")
def _enable(self: AccountResponse, params: dict[str, Any]) -> None:
    _choose(_account(self, params), params["RegionName"], True)


@operation(AccountResponse, "disable_region")
def _disable(self: AccountResponse, params: dict[str, Any]) -> None:
    _choose(_account(self, params), params["RegionName"], False)


def _choose(account: str, region: str, enabled: bool) -> None:
    # AWS refuses to disable a region that was enabled by default (API_DisableRegion).
    if _known_region(region) not in opt_in_regions():
        raise refused("ValidationException", f"Region {region} is enabled by default and cannot be changed.")
    state(account_backends[account]["aws"], "regions_opted")[region] = enabled


@cache
def _regions() -> tuple[str, ...]:
    return tuple(sorted(boto3.Session().get_available_regions("ec2")))


def _known_region(region: str) -> str:
    if region not in _regions():
        raise refused("ValidationException", f"Invalid Region: {region}")
    return region


catch_all(urls.url_paths, AccountResponse.dispatch)
