"""Route 53's health checks as AWS answers them: every setting kept, versions counted, status judged live (T03, T04).

The emulator always says Success, forgets alarms and loses children and regions with each update. Plain boto3:
``create_health_check`` with a load balancer's DNS name, ``update_health_check``, ``get_health_check_status``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name
from moto.route53.models import HealthCheck
from moto.route53.responses import Route53

from sandbox.core.patching import operation, refused, wrap, wrap_property
from sandbox.core.state import now
from sandbox.moto_ext.route53.health import HealthChecker

# The regions of the checkers (API_HealthCheckConfig, Regions); addresses from their published ranges.
CHECKER_REGIONS = (
    ("us-east-1", "15.177.2.11"),
    ("us-west-1", "15.177.10.11"),
    ("us-west-2", "15.177.14.11"),
    ("ap-southeast-1", "15.177.42.11"),
    ("ap-southeast-2", "15.177.46.11"),
    ("ap-northeast-1", "15.177.54.11"),
    ("sa-east-1", "15.177.62.11"),
)
PAGE = 100
CALCULATED = ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL")
ENDPOINT = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
# Which settings each type has (API_UpdateHealthCheck).
ONLY_OF = {
    **dict.fromkeys(("Port", "IPAddress", "FullyQualifiedDomainName", "ResourcePath", "Regions"), ENDPOINT),
    "SearchString": ("HTTP_STR_MATCH", "HTTPS_STR_MATCH"),
    **dict.fromkeys(("HealthThreshold", "ChildHealthChecks"), ("CALCULATED",)),
    **dict.fromkeys(("AlarmIdentifier", "InsufficientDataHealthStatus"), ("CLOUDWATCH_METRIC",)),
}
MORE_CHECK_SETTINGS = ("AlarmIdentifier", "InsufficientDataHealthStatus", "RoutingControlArn")
RESETTABLE = {
    "FullyQualifiedDomainName": "fqdn",
    "ResourcePath": "resource_path",
    "Regions": "regions",
    "ChildHealthChecks": "children",
}
CHECK_SETTINGS = {
    "IPAddress": "ip_address",
    "Port": "port",
    "ResourcePath": "resource_path",
    "FullyQualifiedDomainName": "fqdn",
    "SearchString": "search_string",
    "FailureThreshold": "failure_threshold",
    "HealthThreshold": "health_threshold",
    "Inverted": "inverted",
    "Disabled": "disabled",
    "EnableSNI": "enable_sni",
    "ChildHealthChecks": "children",
    "Regions": "regions",
}


@wrap(Route53, "create_health_check")
def _create_check(original: Callable[..., Any], self: Route53) -> Any:
    from moto.core.responses import ActionResult

    reference, config = self.params["CallerReference"], self.params["HealthCheckConfig"]
    for standing in self.backend.health_checks.values():
        if standing.caller_reference == reference:
            # The same reference with the same settings gives the same check;
            # with others it is refused (API_CreateHealthCheck).
            if standing.__dict__.get("asked") != config:
                raise refused("HealthCheckAlreadyExists", "A health check with this caller reference exists.")
            return ActionResult({"HealthCheck": standing})
    result = original(self)
    health_check: HealthCheck = result.result["HealthCheck"]
    health_check.__dict__["asked"] = config
    # 443 where no port is named (API_HealthCheckConfig, Port).
    if health_check.type_ in ("HTTPS", "HTTPS_STR_MATCH") and not config.get("Port"):
        health_check.port = 443
    _keep_more(health_check, config)
    result.result["Location"] = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{health_check.id}"
    return result


def _keep_more(check: HealthCheck, params: dict[str, Any]) -> None:
    for name in MORE_CHECK_SETTINGS:
        if params.get(name) is not None:
            check.__dict__[xform_name(name)] = params[name]


@wrap_property(HealthCheck, "health_check_config")
def _config_of(getter: Callable[..., Any], self: HealthCheck) -> dict[str, Any]:
    """The emulator's configuration with the settings it forgets."""
    config: dict[str, Any] = getter(self)
    return config | {
        name: self.__dict__[xform_name(name)] for name in MORE_CHECK_SETTINGS if xform_name(name) in self.__dict__
    }


def _require_own_settings(check: HealthCheck, params: dict[str, Any]) -> None:
    """Each setting belongs to some types of checks alone (API_UpdateHealthCheck)."""
    for name, types in ONLY_OF.items():
        if params.get(name) is not None and (check.type_ not in types):
            raise refused("InvalidInput", f"Invalid parameter : {check.type_} health checks must not have {name}.")


@operation(Route53, "update_health_check")
def _update_check(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    check = self.backend.get_health_check(params["HealthCheckId"])
    _require_own_settings(check, params)
    wanted = params.get("HealthCheckVersion")
    # Two writers: the second one's version is old (API_UpdateHealthCheck).
    if wanted is not None and int(wanted) != check.health_check_version:
        raise refused("HealthCheckVersionMismatch", "The health check was changed meanwhile.")
    if params.get("Inverted") is not None:
        # For as long as the change has not reached the name servers.
        check.__dict__["inverted_before"] = (bool(check.inverted), now())
    for name, attribute in CHECK_SETTINGS.items():
        if params.get(name) is not None:
            setattr(check, attribute, params[name])
    for name in params.get("ResetElements") or ():
        setattr(check, RESETTABLE[name], None)
    _keep_more(check, params)
    check.health_check_version += 1
    # A calculated check counts its children from its last change on.
    check.__dict__["set_at"] = now()
    return {"HealthCheck": check}


@operation(Route53, "list_health_checks")
def _list_checks(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    health_checks = list(self.backend.health_checks.values())
    size = int(params.get("MaxItems") or PAGE)
    ids = [check.id for check in health_checks]
    # The marker is the id of the first check of the page.
    start = ids.index(params["Marker"]) if params.get("Marker") in ids else 0
    following = ids[start + size] if start + size < len(ids) else None
    return {
        "HealthChecks": health_checks[start : start + size],
        "Marker": params.get("Marker") or "",
        "IsTruncated": following is not None,
        "NextMarker": following,
        "MaxItems": size,
    }


@operation(Route53, "get_health_check_status")
def _check_status(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    check = self.backend.get_health_check(params["HealthCheckId"])
    # Calculated checks have no checkers of their own (API_GetHealthCheckStatus).
    if check.type_ in CALCULATED:
        raise refused("InvalidInput", f"The status of a {check.type_} health check cannot be read this way.")
    failure = HealthChecker(self.current_account).observe(check)
    words = f"Failure: {failure}" if failure else "Success: HTTP Status Code 200, OK"
    return {"HealthCheckObservations": _observations(check, words)}


@operation(Route53, "get_health_check_last_failure_reason")
def _last_failure(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    check = self.backend.get_health_check(params["HealthCheckId"])
    failure = HealthChecker(self.current_account).observe(check)
    return {"HealthCheckObservations": _observations(check, f"Failure: {failure}") if failure else []}


def _observations(check: HealthCheck, words: str) -> list[dict[str, Any]]:
    regions = check.regions or ()
    places = [place for place in CHECKER_REGIONS if not regions or place[0] in regions]
    report = {"Status": words, "CheckedTime": now()}
    return [{"Region": region, "IPAddress": address, "StatusReport": report} for region, address in places]
