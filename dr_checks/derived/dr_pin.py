"""The pin that is set in the DR region: it holds the primary's record down without a control plane of us-east-1. Pure.

Prepared beforehand: a listener of the DR region's load balancer on a port of its own (traffic.pin_port) that answers
404 to everybody, an INVERTED health check of it, and a calculated check on the primary's record that needs this one and
the one of the primary's own load balancer. While 404 (or nothing) is answered, the inverted check is healthy and the
primary's own health decides; once the listener answers 200 the primary's record is unhealthy, however well the primary
is. So a lost DR region never takes the primary down, and the switch is a call in the DR region alone. Source: AWS
networking blog, "Creating Disaster Recovery Mechanisms Using Amazon Route 53" (standby takes over primary).
"""

from __future__ import annotations

from collections.abc import Mapping

from dr_estate.config.environment import Environment, Side
from dr_estate.model.references import balancer_region
from dr_estate.readers.elbv2 import Listener
from dr_estate.readers.route53_health_checks import HealthCheck

# The check is inverted: what answers well holds the primary down, and a dead DR region holds nothing.
OPEN_STATUS, HELD_STATUS = 404, 200
_HTTP = ("HTTP", "HTTPS")


def is_needed(env: Environment) -> bool:
    """Whether losing the primary region takes Route 53's control plane along."""
    return env.region(Side.PRIMARY) == env.region(Side.GLOBAL)


def switch_of(listeners: tuple[Listener, ...], env: Environment) -> Listener | None:
    """The DR region's listener by which the primary's record is held, None where none was prepared."""
    return next((found for found in listeners if found.port == env.traffic.pin_port), None)


def is_held(switch: Listener) -> bool:
    """Whether the switch says that the primary may not serve."""
    return switch.default.fixed_status == HELD_STATUS


def watches_switch(check: HealthCheck, env: Environment) -> bool:
    """Whether a health check is the inverted one of the switch."""
    there = balancer_region(check.host) == env.region(Side.DR)
    return check.type in _HTTP and check.inverted and there and check.port == env.traffic.pin_port


def obeys_switch(check: HealthCheck, known: Mapping[str, HealthCheck], env: Environment) -> bool:
    """Whether the primary record's ``check`` is unhealthy while the switch is held, and needs all that it looks at."""
    children = [known[child] for child in check.children if child in known]
    # With a lower threshold the primary's own healthy check would outvote the switch.
    whole = check.type == "CALCULATED" and not check.inverted and check.children_needed == len(check.children)
    # A disabled check counts as healthy (T03): the switch would hold nothing.
    enabled = not check.disabled and not any(child.disabled for child in children)
    return whole and enabled and any(watches_switch(child, env) for child in children)
