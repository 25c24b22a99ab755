"""Quotas of the estate's services: AWS's defaults, changed at once and in one region alone."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients

FARGATE = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}


@pytest.mark.parametrize(
    ("service", "code", "value"),
    [
        ("fargate", "L-3032A538", 6),
        ("ecs", "L-9EF96962", 5000),
        ("ec2", "L-0263D0A3", 5),
        ("vpc", "L-DF5E4CA3", 5000),
        ("elasticloadbalancing", "L-7EED9B64", 100),
        ("rds", "L-7B6409FD", 40),
        ("acm", "L-F141DD1D", 2500),
        ("secretsmanager", "L-2F66C23C", 500_000),
        ("elasticfilesystem", "L-848C634D", 1000),
        ("s3", "L-DC2B2D3D", 10_000),
        ("sns", "L-61103206", 100_000),
    ],
)
def test_a_service_has_awss_default(aws: Clients, service: str, code: str, value: float) -> None:
    quotas = aws("service-quotas", DR)
    quota = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    assert quota["Value"] == value
    assert code in {row["QuotaCode"] for row in quotas.list_service_quotas(ServiceCode=service)["Quotas"]}


@pytest.mark.parametrize("wanted", [100.0, 1.0], ids=["raised", "lowered"])
def test_a_request_is_approved_at_once_in_its_region_alone(aws: Clients, wanted: float) -> None:
    quotas = aws("service-quotas", DR)
    requested_quota = quotas.request_service_quota_increase(**FARGATE, DesiredValue=wanted)["RequestedQuota"]
    assert requested_quota["Status"] == "APPROVED"
    assert quotas.get_service_quota(**FARGATE)["Quota"]["Value"] == wanted
    assert quotas.get_aws_default_service_quota(**FARGATE)["Quota"]["Value"] == 6
    assert aws("service-quotas", PRIMARY).get_service_quota(**FARGATE)["Quota"]["Value"] == 6
    history = quotas.list_requested_service_quota_change_history(ServiceCode="fargate")["RequestedQuotas"]
    assert [change["DesiredValue"] for change in history] == [wanted]


def test_a_quota_names_the_metric_of_its_use(aws: Clients) -> None:
    metric = aws("service-quotas", DR).get_service_quota(**FARGATE)["Quota"]["UsageMetric"]
    assert (metric["MetricNamespace"], metric["MetricName"]) == ("AWS/Usage", "ResourceCount")
    assert metric["MetricDimensions"]["Service"] == "Fargate"


def test_an_unknown_quota_or_service_is_refused(aws: Clients) -> None:
    quotas = aws("service-quotas", DR)
    for service, code in (("fargate", "L-00000000"), ("nothing", "L-3032A538")):
        with pytest.raises(ClientError) as refused:
            quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
        assert refused.value.response["Error"]["Code"] == "NoSuchResourceException"
    assert len(quotas.list_services()["Services"]) > 5


def test_quotas_come_in_pages(aws: Clients) -> None:
    pages = aws("service-quotas", DR).get_paginator("list_service_quotas")
    found = list(pages.paginate(ServiceCode="vpc", PaginationConfig={"PageSize": 10}))
    assert len(found) == 3
    assert len({quota["QuotaCode"] for page in found for quota in page["Quotas"]}) == 25
