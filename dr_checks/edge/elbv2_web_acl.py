"""Checks of the web ACL in front of the DR region's load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import WebAcl

_BLOCK = "Block"


@check("the load balancer of the DR region is guarded by a web ACL as the primary region's is")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("ALB_WAF_ENABLED", "REL13-BP04", "NIST CP-7")
def alike(view: View) -> Iterator[Finding]:
    """The default action and the names and actions of the rules are the primary's; an ACL here alone is a gap too.

    What a rule looks for is compared too, and what its sets of addresses and patterns hold. Source: WAF
    GetWebACLForResource, GetIPSet, GetRegexPatternSet.
    """
    name = view.env.named(view.env.names.load_balancer)
    here, there = view.get(elbv2.guarded), view.get(elbv2.guarded, Side.PRIMARY)
    if here is None or there is None or here.acl is there.acl is None:
        raise NothingToJudge(name, "no load balancer on both sides, or none of them has a web ACL")
    measured, wanted = _acl_text(here.acl), _acl_text(there.acl)
    remedy = f"aws_wafv2_web_acl and aws_wafv2_web_acl_association of '{name}' in {view.region}, as the primary's."
    if here.acl is None:
        reason = "after the failover nothing stops what the primary region's web ACL stops today"
        yield view.gap(name, measured, wanted, reason, remedy)
    # In their order: WAF evaluates rules by priority (API_Rule). An ACL here alone refuses whom nobody refuses today.
    elif there.acl is None or (here.acl.default, here.acl.rules) != (there.acl.default, there.acl.rules):
        reason = "visitors would be let in or turned away otherwise than today"
        yield view.gap(name, measured, wanted, reason, remedy)
    elif unlike := _unlike(here.acl, there.acl):
        reason = "visitors would be let in or turned away otherwise than today"
        yield view.gap(name, f"{', '.join(unlike)}: look for something else", "as the primary's", reason, remedy)
    else:
        yield view.ok(name, measured, wanted, "requests are judged alike in both regions")


@check("no web ACL of the DR region turns all visitors away while the primary region's lets them in")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP04", "NIST CP-7")
def admits(view: View) -> Iterator[Finding]:
    """Block by default, and no rule that may let a request in, or a rule that blocks every address: each visitor gets
    403. Source: WAF API_WebACL.

    One that blocks in the primary region too is the platform's own decision, and one with an Allow rule may be right.
    """
    name = view.env.named(view.env.names.load_balancer)
    here = view.get(elbv2.guarded)
    if here is None or here.acl is None:
        raise NothingToJudge(name, "no web ACL guards a load balancer of this region")
    measured, wanted = _acl_text(here.acl), "visitors are let in, as by the primary's"
    by_default = here.acl.default == _BLOCK and not here.acl.admits
    if not (by_default or here.acl.blocking) or _primary_blocks(view):
        yield view.ok(name, measured, wanted, "it turns nobody away whom the primary's lets in")
        return
    if here.acl.blocking:
        measured += f"; {here.acl.blocking} blocks every address"
    disassociation = view.command("wafv2", "DisassociateWebACL", ResourceArn=here.arn)
    sentence = f"aws_wafv2_web_acl '{here.acl.name}' in {view.region}: default_action as the primary's; until then:"
    reason = "after the failover every visitor gets 403"
    yield view.gap(name, measured, wanted, reason, Remedy(sentence, (disassociation,)))


def _primary_blocks(view: View) -> bool:
    """Whether the primary's turns all away too; no where it is not seen: what is here turns everybody away."""
    try:
        there = view.get(elbv2.guarded, Side.PRIMARY)
    except DataUnavailable:
        return False
    return there is not None and there.acl is not None and (there.acl.default == _BLOCK or bool(there.acl.blocking))


def _unlike(here: WebAcl, there: WebAcl) -> list[str]:
    """The names of the rules that look for something else than the primary's of their name."""
    rows = zip(here.rules, here.statements, there.statements, strict=False)
    return [rule.partition(":")[0] for rule, mine, theirs in rows if mine != theirs]


def _acl_text(acl: WebAcl | None) -> str:
    return f"{acl.default}; {', '.join(acl.rules) or 'no rules'}" if acl else "no web ACL"
