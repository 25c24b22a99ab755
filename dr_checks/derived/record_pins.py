"""How a health check is made unhealthy permanently, without being disabled: the pin of T06. Pure.

Inverting is no pin: an inverted check of a dead primary is healthy. What is wanted is unhealthy while the region is
dead AND after it heals, and nothing that anyone else's change could turn:

- an endpoint check (HTTP, HTTPS, with or without string match, TCP) is pointed at a port on which nothing listens: no
  connection within its time-out is a failure (Developer Guide, "How Amazon Route 53 determines whether a health check
  is healthy"), of a dead region and of a well one;
- a calculated check gets a threshold above the number of its children: "If you specify a number greater than the
  number of child health checks, Route 53 always considers this health check to be unhealthy" (API_UpdateHealthCheck).

Both are set upright (``Inverted`` false) in the same update. A check of a CloudWatch alarm follows the alarm, whose
every state is healthy either upright or inverted; the type cannot be changed by an update, and disabling it (then
inverting) would count as healthy as soon as one of the two is taken back (T03): such a check cannot be pinned, and
neither can a routing control, which is turned in its own cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.references import balancer_region
from dr_estate.readers.elbv2 import Listener
from dr_estate.readers.route53_health_checks import HealthCheck

ENDPOINT = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
CALCULATED = "CALCULATED"
MOST_CHILDREN = 256
# Of the ports below 20 none is a listener's: a load balancer's are checked all the same.
CLOSED_PORTS = range(1, 20)
_USUAL_PORTS = {"HTTPS": 443, "HTTPS_STR_MATCH": 443}


def pin(check: HealthCheck, listening: Collection[int]) -> dict[str, Any] | None:
    """The settings of UpdateHealthCheck that hold ``check`` down, None where none can; ``listening`` are open ports."""
    if check.type in ENDPOINT:
        # On a port that answers, the pin would turn into a health check of something else.
        closed = next((port for port in CLOSED_PORTS if port not in listening), None)
        change: dict[str, Any] = {"Port": closed} if closed else {}
    else:
        # The threshold is at most 256 (API_HealthCheckConfig), so with 256 children none lies above them.
        fits = check.type == CALCULATED and len(check.children) < MOST_CHILDREN
        change = {"HealthThreshold": len(check.children) + 1} if fits else {}
    if not change:
        return None
    return change | {"Inverted": False} | ({"Disabled": False} if check.disabled else {})


def is_pinned(check: HealthCheck) -> bool:
    """Whether ``check`` is held down in one of the two forms."""
    # Either turns "always unhealthy" into always healthy (T03).
    if check.inverted or check.disabled:
        return False
    if check.type in ENDPOINT:
        return check.port in CLOSED_PORTS
    return check.type == CALCULATED and check.children_needed > len(check.children)


def as_set(check: HealthCheck, names: Collection[str]) -> dict[str, Any]:
    """Return the settings ``names`` of ``check``, in the form that UpdateHealthCheck accepts.

    A port that AWS does not report is the usual port of its type: ``Port`` is not an element that can be reset.
    """
    usual = _USUAL_PORTS.get(check.type, 80)
    values = {
        "Port": check.port or usual,
        "HealthThreshold": check.children_needed,
        "Inverted": check.inverted,
        "Disabled": check.disabled,
    }
    return {name: values[name] for name in names}


# The pin that is set in the DR region: it holds the primary's record down without a control plane of us-east-1.
#
# Prepared beforehand: a listener of the DR region's load balancer on a port of its own (traffic.pin_port) that answers
# 404 to everybody, an INVERTED health check of it, and a calculated check on the primary's record that needs this one
# and the one of the primary's own load balancer. While 404 (or nothing) is answered, the inverted check is healthy and
# the primary's own health decides; once the listener answers 200 the primary's record is unhealthy, however well the
# primary is. So a lost DR region never takes the primary down, and the switch is a call in the DR region alone. Source:
# AWS networking blog, "Creating Disaster Recovery Mechanisms Using Amazon Route 53" (standby takes over primary).

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
