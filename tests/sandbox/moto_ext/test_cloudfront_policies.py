"""Origin request and cache policies (API_CreateOriginRequestPolicy, API_CreateCachePolicy and their Get and Delete)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudfront.models import DefaultCacheBehaviour

from sandbox.moto_ext.cloudfront import forwards_host
from tests.sandbox.moto_ext.conftest import Clients

GLOBAL, ACCOUNT = "us-east-1", "123456789012"
NOTHING = {"CookiesConfig": {"CookieBehavior": "none"}, "QueryStringsConfig": {"QueryStringBehavior": "none"}}
ALL_VIEWER, EXCEPT_HOST = "216adef6-5c7f-47e4-b989-5492eafa07d3", "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def _headers(kind: str, *names: str) -> dict[str, Any]:
    listed = {"Headers": {"Quantity": len(names), "Items": list(names)}} if names else {}
    return {"HeaderBehavior": kind, **listed}


def _request_policy(cloudfront: Any, name: str, kind: str, *names: str) -> str:
    config = {"Name": name, "HeadersConfig": _headers(kind, *names), **NOTHING}
    answer = cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=config)
    return str(answer["OriginRequestPolicy"]["Id"])


def _cache_policy(cloudfront: Any, name: str, kind: str, *names: str) -> str:
    key = {"EnableAcceptEncodingGzip": True, "HeadersConfig": _headers(kind, *names), **NOTHING}
    config = {"Name": name, "MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": key}
    return str(cloudfront.create_cache_policy(CachePolicyConfig=config)["CachePolicy"]["Id"])


def _code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def test_a_policy_is_read_as_it_was_made_until_it_is_deleted(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)
    policy = _request_policy(cloudfront, "tenants", "whitelist", "Host")
    read = cloudfront.get_origin_request_policy(Id=policy)
    config = read["OriginRequestPolicy"]["OriginRequestPolicyConfig"]
    assert (config["Name"], config["HeadersConfig"]["Headers"]["Items"]) == ("tenants", ["Host"])
    same = {"OriginRequestPolicyConfig": config}
    assert _code(cloudfront.create_origin_request_policy, **same) == "OriginRequestPolicyAlreadyExists"
    cloudfront.delete_origin_request_policy(Id=policy, IfMatch=read["ETag"])
    assert _code(cloudfront.get_origin_request_policy, Id=policy) == "NoSuchOriginRequestPolicy"
    assert _code(cloudfront.delete_origin_request_policy, Id=policy) == "NoSuchOriginRequestPolicy"


def test_a_cache_policy_is_read_as_it_was_made_until_it_is_deleted(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)
    policy = _cache_policy(cloudfront, "keyed", "whitelist", "Host")
    read = cloudfront.get_cache_policy(Id=policy)["CachePolicy"]["CachePolicyConfig"]
    keyed = read["ParametersInCacheKeyAndForwardedToOrigin"]
    assert (read["Name"], keyed["HeadersConfig"]["Headers"]["Items"]) == ("keyed", ["Host"])
    cloudfront.delete_cache_policy(Id=policy)
    assert _code(cloudfront.get_cache_policy, Id=policy) == "NoSuchCachePolicy"


def test_host_goes_to_the_origin_by_either_policy_or_by_forwarded_values(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)

    def forwards(**settings: Any) -> bool:
        behaviour = {"TargetOriginId": "first", "ViewerProtocolPolicy": "allow-all", **settings}
        return forwards_host(ACCOUNT, DefaultCacheBehaviour(behaviour))

    some, but = (_request_policy(cloudfront, kind, kind, "Host") for kind in ("whitelist", "allExcept"))
    every, none = (_request_policy(cloudfront, kind, kind) for kind in ("allViewer", "none"))
    keyed = _cache_policy(cloudfront, "keyed", "whitelist", "host")
    assert [forwards(OriginRequestPolicyId=policy) for policy in (some, every, ALL_VIEWER)] == [True] * 3
    assert [forwards(OriginRequestPolicyId=policy) for policy in (but, none, EXCEPT_HOST)] == [False] * 3
    assert forwards(OriginRequestPolicyId=EXCEPT_HOST, CachePolicyId=keyed)
    assert forwards(ForwardedValues={"Headers": {"Quantity": 1, "Items": ["*"]}})
    assert not forwards()
