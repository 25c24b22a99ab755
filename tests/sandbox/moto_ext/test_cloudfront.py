"""Distributions with origin groups, their real certificate, and names of their own (T08, T20)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients

GLOBAL = "us-east-1"


def _origin(name: str) -> dict[str, Any]:
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {"Id": name, "DomainName": f"{name}.shop.example", "CustomOriginConfig": custom}


def _config(reference: str, target: str, **more: Any) -> dict[str, Any]:
    return {
        "CallerReference": reference,
        "Comment": reference,
        "Enabled": True,
        "Origins": {"Quantity": 2, "Items": [_origin("first"), _origin("second")]},
        "DefaultCacheBehavior": {"TargetOriginId": target, "ViewerProtocolPolicy": "redirect-to-https"},
        **more,
    }


def _group(*members: str) -> dict[str, Any]:
    group = {
        "Id": "pair",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [502, 503]}},
        "Members": {"Quantity": len(members), "Items": [{"OriginId": member} for member in members]},
    }
    return {"OriginGroups": {"Quantity": 1, "Items": [group]}}


def _aliases(*names: str) -> dict[str, Any]:
    return {"Aliases": {"Quantity": len(names), "Items": list(names)}}


def _code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def test_a_bucket_is_listed_with_what_it_is_read_under(aws: Clients) -> None:
    cloudfront, named = aws("cloudfront", GLOBAL), "origin-access-identity/cloudfront/E9"
    bucket = {"Id": "first", "DomainName": f"pictures.s3.{DR}.amazonaws.com"}
    signed = bucket | {"OriginAccessControlId": "E1", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    known = bucket | {"Id": "second", "S3OriginConfig": {"OriginAccessIdentity": named}}
    config = _config("buckets", "first", Origins={"Quantity": 2, "Items": [signed, known]})
    cloudfront.create_distribution(DistributionConfig=config)
    first, second = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Origins"]["Items"]
    assert (first["OriginAccessControlId"], first["S3OriginConfig"]) == ("E1", {"OriginAccessIdentity": ""})
    assert (second["OriginAccessControlId"], second["S3OriginConfig"]) == ("", {"OriginAccessIdentity": named})


def test_a_behaviour_may_target_an_origin_group(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)
    config = _config("grouped", "pair", **_group("first", "second"))
    distribution_id = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    distribution_config = cloudfront.get_distribution_config(Id=distribution_id)["DistributionConfig"]
    assert distribution_config["DefaultCacheBehavior"]["TargetOriginId"] == "pair"
    members = distribution_config["OriginGroups"]["Items"][0]["Members"]["Items"]
    assert [member["OriginId"] for member in members] == ["first", "second"]
    assert cloudfront.list_distributions()["DistributionList"]["Items"][0]["OriginGroups"]["Quantity"] == 1


def test_origins_and_groups_must_exist(aws: Clients) -> None:
    create = aws("cloudfront", GLOBAL).create_distribution
    assert _code(create, DistributionConfig=_config("a", "third")) == "NoSuchOrigin"
    assert _code(create, DistributionConfig=_config("b", "pair", **_group("first", "third"))) == "NoSuchOrigin"


@pytest.mark.proof
def test_the_certificate_is_the_one_given_and_comes_from_us_east_1(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)
    arns = {
        region: aws("acm", region).request_certificate(DomainName="*.shop.example")["CertificateArn"]
        for region in (GLOBAL, DR)
    }
    viewer = {"SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}
    wrong = _config("a", "first", ViewerCertificate=viewer | {"ACMCertificateArn": arns[DR]})
    assert _code(cloudfront.create_distribution, DistributionConfig=wrong) == "InvalidViewerCertificate"
    right = _config("b", "first", ViewerCertificate=viewer | {"ACMCertificateArn": arns[GLOBAL]})
    distribution = cloudfront.create_distribution(DistributionConfig=right)["Distribution"]
    viewer_certificate = distribution["DistributionConfig"]["ViewerCertificate"]
    assert (viewer_certificate["CloudFrontDefaultCertificate"], viewer_certificate["ACMCertificateArn"]) == (
        False,
        arns[GLOBAL],
    )
    certificate = aws("acm", GLOBAL).describe_certificate(CertificateArn=arns[GLOBAL])["Certificate"]
    assert certificate["InUseBy"] == [distribution["ARN"]]


def test_a_name_belongs_to_one_distribution(aws: Clients) -> None:
    create = aws("cloudfront", GLOBAL).create_distribution
    create(DistributionConfig=_config("a", "first", **_aliases("*.shop.example")))
    taken = _config("b", "first", **_aliases("*.shop.example"))
    assert _code(create, DistributionConfig=taken) == "CNAMEAlreadyExists"
    create(DistributionConfig=_config("c", "first", **_aliases("*.other.example")))


def test_an_update_needs_the_etag_of_what_it_changes(aws: Clients) -> None:
    cloudfront = aws("cloudfront", GLOBAL)
    response = cloudfront.create_distribution(DistributionConfig=_config("a", "first"))
    changed = {"Id": response["Distribution"]["Id"], "DistributionConfig": _config("a", "second")}
    assert _code(cloudfront.update_distribution, **changed, IfMatch="E0") == "PreconditionFailed"
    cloudfront.update_distribution(**changed, IfMatch=response["ETag"])
    distribution_config = cloudfront.get_distribution(Id=response["Distribution"]["Id"])["Distribution"][
        "DistributionConfig"
    ]
    assert distribution_config["DefaultCacheBehavior"]["TargetOriginId"] == "second"


@pytest.mark.proof
def test_distributions_are_listed_in_pages_over_http(served: Clients) -> None:
    cloudfront = served("cloudfront", GLOBAL)
    for number in range(3):
        cloudfront.create_distribution(DistributionConfig=_config(f"d{number}", "pair", **_group("first", "second")))
    pages = cloudfront.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 2})
    sizes = [page["DistributionList"]["Quantity"] for page in pages]
    assert sizes == [2, 1]


def test_a_distributions_health_is_that_of_its_origin(aws: Clients) -> None:
    there = platform(aws, DR)
    origin = _origin("first") | {"DomainName": there.dns_name}
    config = _config("a", "first") | {"Origins": {"Quantity": 1, "Items": [origin]}}
    distribution = aws("cloudfront", GLOBAL).create_distribution(DistributionConfig=config)["Distribution"]
    route53 = aws("route53", GLOBAL)
    params = {"Type": "HTTPS", "FullyQualifiedDomainName": distribution["DomainName"]}
    check = route53.create_health_check(CallerReference="c", HealthCheckConfig=params)["HealthCheck"]["Id"]

    def words() -> str:
        seen = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return str(seen[0]["StatusReport"]["Status"])

    assert words().startswith("Success")
    there.client("elbv2").delete_listener(ListenerArn=there.listener)
    assert words().startswith("Failure: HTTP Status Code 502")


def test_a_behaviour_with_a_cache_policy_has_no_forwarded_values(aws: Clients) -> None:
    behaviour = {"TargetOriginId": "first", "ViewerProtocolPolicy": "redirect-to-https"}
    for name, more in (("older", {}), ("newer", {"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"})):
        config = _config(name, "first", DefaultCacheBehavior=behaviour | more)
        distribution = aws("cloudfront", GLOBAL).create_distribution(DistributionConfig=config)["Distribution"]
        assert ("ForwardedValues" in distribution["DistributionConfig"]["DefaultCacheBehavior"]) is (name == "older")
