"""Service Quotas for the services of the estate (API_Operations_Service Quotas; T33).

``request_service_quota_increase`` is approved at once, for any value: a test lowers a quota by asking for less. State:
``servicequotas_backends[account][region].__dict__["quotas_applied"]`` as {(service code, quota code): value}.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.servicequotas.models import servicequotas_backends
from moto.servicequotas.responses import ServiceQuotasResponse

from sandbox.core.patching import operation, page, refused, state
from sandbox.core.state import now
from sandbox.moto_ext.ecs import services as ecs_services
from sandbox.moto_ext.quotas.quota_table import DEFAULTS, SERVICES, QuotaDefinition, _default, limit

PAGE, NOT_GIVEN = 100, "InvalidPaginationTokenException"


def _quota_description(
    self: ServiceQuotasResponse, quota: QuotaDefinition, value: float, account: str = ""
) -> dict[str, Any]:
    """A quota as the API names its parts. AWS's default belongs to no account, and applies at none."""
    where = f"{self.region}:{account}:{quota.service}/{quota.code}"
    description = {
        "ServiceCode": quota.service,
        "ServiceName": SERVICES[quota.service],
        "QuotaArn": f"arn:{self.partition}:servicequotas:{where}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": quota.adjustable,
        "GlobalQuota": False,
    }
    # GetAWSDefaultServiceQuota answers without a level (recordings, service-quotas.GetAWSDefaultServiceQuota).
    if account:
        description["QuotaAppliedAtLevel"] = "ACCOUNT"
    if quota.usage:
        description["UsageMetric"] = {
            "MetricNamespace": "AWS/Usage",
            "MetricName": "ResourceCount",
            "MetricDimensions": quota.usage_dimensions,
            # Of a usage metric the highest value in a period is what the quota stops.
            "MetricStatisticRecommendation": "Maximum",
        }
    return description


def _applied_quota(self: ServiceQuotasResponse, quota: QuotaDefinition) -> dict[str, Any]:
    return _quota_description(
        self, quota, limit(self.current_account, self.region, quota.service, quota.code), self.current_account
    )


def _of_service(params: dict[str, Any]) -> list[QuotaDefinition]:
    # A service that the table lacks is refused as AWS refuses an unknown one: never an empty list.
    if params["ServiceCode"] not in SERVICES:
        raise refused(
            "NoSuchResourceException",
            "This service is not available in the current Region. Choose a different Region or a different service.",
        )
    wanted = params.get("QuotaCode")
    service = params["ServiceCode"]
    return [q for q in DEFAULTS.values() if q.service == service and wanted in (None, q.code)]


@operation(ServiceQuotasResponse, "list_service_quotas")
def _list(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    found, token = page([_applied_quota(self, quota) for quota in _of_service(params)], params, PAGE, NOT_GIVEN)
    return {"Quotas": found, "NextToken": token}


@operation(ServiceQuotasResponse, "list_aws_default_service_quotas")
def _list_defaults(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    found, token = page(
        [_quota_description(self, quota, quota.value) for quota in _of_service(params)], params, PAGE, NOT_GIVEN
    )
    return {"Quotas": found, "NextToken": token}


@operation(ServiceQuotasResponse, "get_service_quota")
def _get(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    return {"Quota": _applied_quota(self, _default(params["ServiceCode"], params["QuotaCode"]))}


@operation(ServiceQuotasResponse, "get_aws_default_service_quota")
def _get_default(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    quota = _default(params["ServiceCode"], params["QuotaCode"])
    return {"Quota": _quota_description(self, quota, quota.value)}


@operation(ServiceQuotasResponse, "list_services")
def _services(_: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    known = [{"ServiceCode": code, "ServiceName": name} for code, name in SERVICES.items()]
    found, token = page(known, params, PAGE, NOT_GIVEN)
    return {"Services": found, "NextToken": token}


@operation(ServiceQuotasResponse, "request_service_quota_increase")
def _request(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    quota = _default(params["ServiceCode"], params["QuotaCode"])
    service_quotas_backend = servicequotas_backends[self.current_account][self.region]
    state(service_quotas_backend, "quotas_applied")[quota.service, quota.code] = float(params["DesiredValue"])
    request = _quota_description(self, quota, float(params["DesiredValue"]), self.current_account)
    change = {key: request[key] for key in ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn", "Unit")}
    change |= {
        "Id": uuid.uuid4().hex,
        "DesiredValue": float(params["DesiredValue"]),
        # On AWS an increase may wait for hours or days (T33); a run never asks for one.
        "Status": "APPROVED",
        "Created": now(),
        "LastUpdated": now(),
        "GlobalQuota": False,
    }
    state(service_quotas_backend, "quota_changes")[change["Id"]] = change
    # Services start what they could not place before.
    ecs_services.settle_all(self.current_account, self.region)
    return {"RequestedQuota": change}


@operation(
    ServiceQuotasResponse,
    "list_requested_service_quota_change_history",
    "list_requested_service_quota_change_history_by_quota",
)
def _history(self: ServiceQuotasResponse, params: dict[str, Any]) -> dict[str, Any]:
    changes = state(servicequotas_backends[self.current_account][self.region], "quota_changes").values()
    wanted = ("ServiceCode", "QuotaCode", "Status")
    retained = [c for c in changes if all(params.get(key) in (None, c[key]) for key in wanted)]
    found, token = page(retained, params, PAGE, NOT_GIVEN)
    return {"RequestedQuotas": found, "NextToken": token}
