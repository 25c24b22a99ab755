"""The web ACL of AWS WAF that guards the environment's load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.readers import elbv2
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL: ``default`` is Allow or Block; ``rules`` are their names with what they do, in order of priority."""

    name: str
    default: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuardedBalancer:
    """A load balancer by name, and its web ACL, None where it has none."""

    balancer: str
    acl: WebAcl | None


@part(*REGIONAL, reads=frozenset({"wafv2:GetWebACLForResource"}), of_entrance=True)
def guarded(context: ReadContext) -> GuardedBalancer | None:
    """The load balancer with its web ACL: one call. Source: GetWebACLForResource."""
    balancer = context.part(elbv2.load_balancer)
    if balancer is None:
        return None
    answer = context.find(
        "wafv2", "get_web_acl_for_resource", ("WAFNonexistentItemException",), ResourceArn=balancer.arn
    )
    row = (answer or {}).get("WebACL")
    return GuardedBalancer(balancer.name, context.understand(lambda: _acl(row), balancer.name) if row else None)


def _acl(row: dict[str, Any]) -> WebAcl:
    rules = sorted(row.get("Rules") or (), key=lambda rule: rule["Priority"])
    return WebAcl(row["Name"], next(iter(row["DefaultAction"]), ""), tuple(_rule(rule) for rule in rules))


def _rule(row: dict[str, Any]) -> str:
    action = next(iter(row.get("Action") or row.get("OverrideAction") or ("None",)))
    return f"{row['Name']}: {action}"
