"""Who reaches a load balancer: whom its security groups let in from outside.

A source is an address, or the name of one of AWS's own prefix lists: CloudFront's servers (VPC User Guide, "Available
AWS-managed prefix lists"; T71). Route 53's checkers call from published ranges.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeLoadBalancer

from sandbox.moto_ext.ecs.targets import covers_port
from sandbox.moto_ext.ecs.task_network import listed_blocks

# An address for documentation (RFC 5737), for somebody on the internet.
VISITOR = "203.0.113.10"
# Within 15.177.0.0/18, one of the ranges of Route 53's health checkers (ip-ranges.json, ROUTE53_HEALTHCHECKS).
HEALTH_CHECKER = "15.177.2.11"
CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"


def lets_in(account: str, region: str, balancer: FakeLoadBalancer, port: int, source: str = VISITOR) -> bool:
    """Whether a security group of the balancer opens the port to the source; one without groups is open."""
    ec2 = ec2_backends[account][region]
    lists = {
        listed.id
        for listed in ec2.managed_prefix_lists.values()
        if listed.prefix_list_name == source
        or any(_covers(str(block), source) for block in listed_blocks(ec2, listed.id) or ())
    }
    groups = [ec2.get_security_group_from_id(name) for name in balancer.security_groups]
    rules = [rule for group in groups if group for rule in group.ingress_rules if covers_port(rule, port)]
    # One rule that covers it is enough: security groups only allow.
    opens = (rule.prefix_list_id in lists or _covers(rule.ip_range.get("CidrIp"), source) for rule in rules)
    return not groups or any(opens)


def _covers(span: Any, source: str) -> bool:
    # CloudFront's servers have thousands of addresses: only its own list or everybody covers them all.
    if source == CLOUDFRONT:
        return bool(span == "0.0.0.0/0")
    return bool(span) and ipaddress.ip_address(source) in ipaddress.ip_network(span)
