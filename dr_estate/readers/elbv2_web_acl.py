"""The web ACL of AWS WAF that guards the environment's load balancer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dr_estate.model.regional_names import neutral
from dr_estate.readers import elbv2
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL: ``default`` is Allow or Block; ``rules`` are their names with what they do, in order of priority.

    ``statements`` are what each of them looks for, in words that are alike in every region; ``admits`` is whether one
    of them lets requests in.
    """

    name: str
    default: str
    rules: tuple[str, ...]
    statements: tuple[str, ...] = ()
    admits: bool = False


@dataclass(frozen=True, slots=True)
class GuardedBalancer:
    """A load balancer by name and ARN, and its web ACL, None where it has none."""

    balancer: str
    acl: WebAcl | None
    arn: str = ""


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
    acl = context.understand(lambda: _acl(context, row), balancer.name) if row else None
    return GuardedBalancer(balancer.name, acl, balancer.arn)


def _acl(context: ReadContext, row: dict[str, Any]) -> WebAcl:
    rules = sorted(row.get("Rules") or (), key=lambda rule: rule["Priority"])
    statements = tuple(_statement(context, rule["Statement"]) for rule in rules)
    # What a group of rules does inside is not read: it may let requests in.
    admits = any("Allow" in (rule.get("Action") or ()) or "OverrideAction" in rule for rule in rules)
    names = tuple(_rule(rule) for rule in rules)
    return WebAcl(row["Name"], next(iter(row["DefaultAction"]), ""), names, statements, admits)


def _statement(context: ReadContext, statement: dict[str, Any]) -> str:
    """The statement without ids: sets of addresses and patterns, and groups of rules, are each region's own."""
    text = json.dumps(statement, sort_keys=True, default=str)
    return neutral(text, context.region).replace("-dr/", "/")


def _rule(row: dict[str, Any]) -> str:
    action = next(iter(row.get("Action") or row.get("OverrideAction") or ("None",)))
    return f"{row['Name']}: {action}"
