"""Checks of the web ACL in front of the DR region's load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2_web_acl


@check(
    "the load balancer of the DR region is guarded by a web ACL as the primary region's is",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("ALB_WAF_ENABLED", "REL13-BP04", "NIST CP-7"),
)
def alike(view: View) -> Iterator[Finding]:
    """The default action and the names and actions of the rules are the primary's; an ACL here alone is a gap too.

    What a rule looks for is not compared. Source: WAF GetWebACLForResource.
    """
    name = view.env.named(view.env.names.load_balancer)
    here, there = view.get(elbv2_web_acl.guarded), view.get(elbv2_web_acl.guarded, Side.PRIMARY)
    if here is None or there is None or here.acl is there.acl is None:
        yield view.none_expected(name, "no load balancer on both sides, or none of them has a web ACL")
        return
    measured, wanted = _acl_text(here.acl), _acl_text(there.acl)
    remedy = f"aws_wafv2_web_acl and aws_wafv2_web_acl_association of '{name}' in {view.region}, as the primary's."
    if here.acl is None:
        reason = "after the failover nothing stops what the primary region's web ACL stops today"
        yield view.gap(name, measured, wanted, reason, remedy)
    # In their order: WAF evaluates rules by priority (API_Rule). An ACL here alone refuses whom nobody refuses today.
    elif there.acl is None or (here.acl.default, here.acl.rules) != (there.acl.default, there.acl.rules):
        reason = "visitors would be let in or turned away otherwise than today"
        yield view.gap(name, measured, wanted, reason, remedy)
    else:
        yield view.ok(name, measured, wanted, "requests are judged alike in both regions")


def _acl_text(acl: elbv2_web_acl.WebAcl | None) -> str:
    return f"{acl.default}; {', '.join(acl.rules) or 'no rules'}" if acl else "no web ACL"
