"""Load balancers whose target health is true, with all attributes and AWS's page lengths (ELBv2 API reference).

The emulator calls every target healthy, knows two attributes, lets a protected balancer be deleted and pages little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.elbv2.exceptions import LoadBalancerNotFoundError, TargetGroupNotFoundError
from moto.elbv2.models import ELBv2Backend, FakeListener, FakeLoadBalancer, FakeRule, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response

from sandbox.core.aws_regions import load_balancer_zone
from sandbox.core.patching import offset, operation, refused, state, wrap
from sandbox.moto_ext.ecs.targets import GroupTarget, Targets

# What ELB answers at most where PageSize is left out (ELBv2 API, PageSize).
PAGE = 400
APPLICATION_DEFAULTS = {
    "access_logs.s3.enabled": "false",
    # An hour: clients stay with a dead region for so long unless it is lowered (T11).
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
HTTP_LISTENER_DEFAULTS = {"routing.http.response.server.enabled": "true"}
# The least reservation of an Application Load Balancer (ELB guide, capacity unit reservation).
_AT_LEAST = 100


@wrap(FakeLoadBalancer, "__init__")
def _new_balancer(original: Callable[..., Any], self: FakeLoadBalancer, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    region = self.arn.split(":")[3]
    # moto gives every region the same zone id: an ALIAS record must name the region's own.
    self.canonical_hosted_zone_id = load_balancer_zone(region) or self.canonical_hosted_zone_id
    if self.type == "application":
        self.attrs.update(APPLICATION_DEFAULTS)
    if self.type == "network":
        # moto calls it as an application one: NAME-ID.elb.REGION.amazonaws.com (Network Load Balancers guide).
        self.dns_name = f"{self.name}-{self.arn.rpartition('/')[2]}.elb.{region}.amazonaws.com"


@wrap(FakeTargetGroup, "__init__")
def _new_group(original: Callable[..., Any], self: FakeTargetGroup, *args: Any, **kwargs: Any) -> None:
    """A group without a protocol version speaks HTTP/1.1 (API_CreateTargetGroup)."""
    original(self, *args, **kwargs)
    if self.protocol in ("HTTP", "HTTPS"):
        self.protocol_version = self.protocol_version or "HTTP1"


@wrap(FakeListener, "__init__")
def _new_listener(original: Callable[..., Any], self: FakeListener, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    if self.protocol in ("HTTP", "HTTPS"):
        self.attributes = dict(HTTP_LISTENER_DEFAULTS)


@wrap(ELBV2Response, "create_listener", "modify_listener")
def _keep_mutual_authentication(original: Callable[..., Any], self: ELBV2Response) -> Any:
    """A listener keeps whether it demands certificates of its clients (API_MutualAuthenticationAttributes)."""
    answer, wanted = original(self), self.params.get("MutualAuthentication")
    for listener in answer.result["Listeners"] if wanted else ():
        setattr(listener, "mutual_authentication", dict(wanted))  # noqa: B010 - no attribute of the emulator's class
    return answer


@wrap(ELBv2Backend, "delete_load_balancer")
def _delete_balancer(original: Callable[..., Any], self: ELBv2Backend, arn: str) -> None:
    load_balancer = self.load_balancers.get(arn)
    if load_balancer is not None and load_balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise refused("OperationNotPermitted", message)
    original(self, arn)
    # A group that nobody forwards to is unused from now on.
    for group in self.target_groups.values():
        group.load_balancer_arns = [name for name in group.load_balancer_arns if name != arn]


@operation(ELBV2Response, "describe_target_health")
def _target_health(self: ELBV2Response, params: dict[str, Any]) -> dict[str, Any]:
    group = self.elbv2_backend.target_groups.get(params["TargetGroupArn"])
    if group is None:
        raise TargetGroupNotFoundError
    found = Targets(self.current_account, self.region).of(group)
    if targets := params.get("Targets"):
        # Asked for by name the answer has all that were asked for, registered or not (API_DescribeTargetHealth).
        by_address = {target.address: target for target in found}
        found = [by_address.get(target["Id"]) or _unregistered_target(group, target) for target in targets]
    descriptions = [target.describe(str(group.health_check_port or "")) for target in found]
    return {"TargetHealthDescriptions": descriptions}


def _unregistered_target(group: FakeTargetGroup, target: dict[str, Any]) -> GroupTarget:
    """A target that is not, or no longer, registered: an instance that was terminated is still draining."""
    port = int(target.get("Port") or group.port or 0)
    if target["Id"] in group.terminated_targets:
        health = group.health_for({"Id": target["Id"], "Port": port}, group.ec2_backend)
        return GroupTarget(target["Id"], port, "", health.status, health.reason, health.description)
    words = "Target is not registered to the target group"
    return GroupTarget(target["Id"], port, "", "unused", "Target.NotRegistered", words)


@wrap(ELBv2Backend, "deregister_targets")
def _deregister(
    original: Callable[..., Any], self: ELBv2Backend, target_group_arn: str, instances: list[dict[str, Any]]
) -> None:
    """A task's address can be taken out by hand; ECS puts back only a new task (API_DeregisterTargets)."""
    group = self.target_groups.get(target_group_arn)
    if group is None:
        raise TargetGroupNotFoundError
    known = Targets(self.account_id, self.region_name)
    rest = []
    for target in instances:
        task = known.task_at(group, target["Id"])
        # Instances and foreign addresses are moto's own.
        if task is None:
            rest.append(target)
        else:
            state(group, "withdrawn")[task.id] = True
    if rest:
        original(self, target_group_arn, rest)


@wrap(ELBv2Backend, "register_targets")
def _register(
    original: Callable[..., Any], self: ELBv2Backend, target_group_arn: str, instances: list[dict[str, Any]]
) -> None:
    group = self.target_groups.get(target_group_arn)
    known = Targets(self.account_id, self.region_name)
    rest = []
    for target in instances:
        task = known.task_at(group, target["Id"]) if group is not None else None
        if group is None or task is None:
            rest.append(target)
        else:
            state(group, "withdrawn").pop(task.id, None)
    if rest or group is None:
        original(self, target_group_arn, rest)


def _paging(result: str) -> Callable[..., Any]:
    """Answer at most 400 of ``result`` (or PageSize), and a marker: the offset of the next page."""

    def around(original: Callable[..., Any], self: ELBV2Response) -> Any:
        from moto.core.responses import ActionResult

        start = offset(self.params.get("Marker"), "ValidationError", "The marker is not valid.")
        size = int(self.params.get("PageSize") or PAGE)
        self.params.pop("Marker", None)
        # moto pages some of them itself, by markers of its own: it gives all, and the page is cut here.
        self.params["PageSize"] = 1_000_000
        whole: list[Any] = [_with_values(row) if result == "Rules" else row for row in original(self).result[result]]
        end = start + size
        return ActionResult({result: whole[start:end], "NextMarker": str(end) if end < len(whole) else None})

    # wrap knows a repair by its name: four of one name would be taken for one.
    around.__qualname__ = f"paged_{result}"
    return around


def _with_values(rule: FakeRule) -> FakeRule:
    """Return the rule with the values of host and path conditions in the older field too (API_RuleCondition)."""
    for condition in rule.conditions:
        for config in ("HostHeaderConfig", "PathPatternConfig"):
            if values := (condition.get(config) or {}).get("Values"):
                # AWS answers the older field of them too (recordings, elbv2.DescribeRules).
                condition.setdefault("Values", values)
    return rule


@wrap(ELBv2Backend, "create_rule", "create_listener")
def _name_balancers_once(original: Callable[..., Any], self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
    """A group names each of its load balancers once, and those alone that still forward to it."""
    answer = original(self, *args, **kwargs)
    for group in self.target_groups.values():
        if len(group.load_balancer_arns) > 1:
            group.load_balancer_arns = list(dict.fromkeys(group.load_balancer_arns))
    return answer


@wrap(ELBv2Backend, "delete_rule", "delete_listener", "modify_rule", "modify_listener")
def _keep_forwarding_balancers(original: Callable[..., Any], self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
    answer = original(self, *args, **kwargs)
    tied: dict[str, dict[str, None]] = {}
    for balancer in self.load_balancers.values():
        for listener in balancer.listeners.values():
            actions = [action for rule in listener.rules.values() for action in rule.actions]
            # moto adds a load balancer to a group and never takes it off: counted from what forwards now.
            for action in (*listener.default_actions, *actions):
                for arn in self._get_target_group_arns_from(action.data) if action.type == "forward" else ():
                    tied.setdefault(arn, {})[balancer.arn] = None
    for group in self.target_groups.values():
        group.load_balancer_arns = list(tied.get(group.arn, {}))
    return answer


for _operation, _result in (
    ("describe_load_balancers", "LoadBalancers"),
    ("describe_target_groups", "TargetGroups"),
    ("describe_rules", "Rules"),
    ("describe_listeners", "Listeners"),
):
    wrap(ELBV2Response, _operation)(_paging(_result))


def _units(response: ELBV2Response) -> dict[str, int]:
    return state(response.elbv2_backend, "capacity_units")


def _capacity_of(self: ELBV2Response, arn: str) -> dict[str, Any]:
    if arn not in self.elbv2_backend.load_balancers:
        raise LoadBalancerNotFoundError
    units = _units(self).get(arn, 0)
    # Without a reservation the state is empty: moto calls it provisioned.
    if not units:
        return {"DecreaseRequestsRemaining": 2, "CapacityReservationState": []}
    zones = sorted(subnet.availability_zone for subnet in self.elbv2_backend.load_balancers[arn].subnets)
    provisioned = [
        # The units are spread over the load balancer's zones.
        {"AvailabilityZone": zone, "EffectiveCapacityUnits": units / len(zones), "State": {"Code": "provisioned"}}
        for zone in zones
    ]
    return {
        "DecreaseRequestsRemaining": 2,
        "MinimumLoadBalancerCapacity": {"CapacityUnits": units},
        "CapacityReservationState": provisioned,
    }


@operation(ELBV2Response, "describe_capacity_reservation")
def _describe(self: ELBV2Response, params: dict[str, Any]) -> dict[str, Any]:
    return _capacity_of(self, params["LoadBalancerArn"])


@operation(ELBV2Response, "modify_capacity_reservation")
def _modify(self: ELBV2Response, params: dict[str, Any]) -> dict[str, Any]:
    arn = params["LoadBalancerArn"]
    if params.get("ResetCapacityReservation"):
        _units(self).pop(arn, None)
        return _capacity_of(self, arn)
    units = int(params["MinimumLoadBalancerCapacity"]["CapacityUnits"])
    if units < _AT_LEAST:
        raise refused("ValidationError", f"CapacityUnits must be {_AT_LEAST} or more")
    _capacity_of(self, arn)
    _units(self)[arn] = units
    return _capacity_of(self, arn)
