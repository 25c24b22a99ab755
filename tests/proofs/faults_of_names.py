"""Faults of the rules by which the resolver of the DR region's VPC asks other name servers."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults_of_network import _network, _subnets

_OWN, _GONE, _PRIMARY, _INTERNET = "10.20.9.9", "10.20.9.8", "10.10.0.2", "9.9.9.9"


def forwarding(domain: str, *servers: str) -> Callable[[Aws], object]:
    """Associate a rule with the VPC that sends a domain to these servers; ``_OWN`` is borne by an interface."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        resolver, subnets = aws.client("route53resolver", Side.DR), _subnets(aws, "private")
        rows = ec2.describe_subnets(SubnetIds=subnets[:2])["Subnets"]
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        group = ec2.describe_security_groups(Filters=inside)["SecurityGroups"][0]["GroupId"]
        if _OWN in servers:
            ec2.create_network_interface(SubnetId=subnets[0], PrivateIpAddress=_OWN)
        out = resolver.create_resolver_endpoint(
            CreatorRequestId=domain,
            SecurityGroupIds=[group],
            Direction="OUTBOUND",
            IpAddresses=[{"SubnetId": row["SubnetId"], "Ip": str(ip_network(row["CidrBlock"])[-2])} for row in rows],
        )["ResolverEndpoint"]["Id"]
        rule = resolver.create_resolver_rule(
            CreatorRequestId=domain,
            Name="rule",
            RuleType="FORWARD",
            DomainName=aws.env.named(domain.replace("{dr}", aws.env.regions.dr)),
            TargetIps=[{"Ip": server, "Port": 53} for server in servers],
            ResolverEndpointId=out,
        )["ResolverRule"]["Id"]
        return resolver.associate_resolver_rule(ResolverRuleId=rule, Name="rule", VPCId=vpc)

    return make


_AWS = "{dr}.amazonaws.com"
_RULES: dict[str, Callable[[Aws], object]] = {
    "rule of all names to the primary": forwarding(".", _PRIMARY),
    "rule of all names to nobody": forwarding(".", _GONE, _PRIMARY),
    "rule of all names to one's own": forwarding(".", _GONE, _OWN),
    "rule of AWS to the internet": forwarding("amazonaws.com", _INTERNET),
    "rule of the registry to the internet": forwarding(f"ecr.{_AWS}", _INTERNET),
    "rule of files to the internet": forwarding(f"efs.{_AWS}", _INTERNET),
    "rule of secrets to the primary": forwarding(f"secretsmanager.{_AWS}", _PRIMARY),
    "rule of queues to the primary": forwarding(f"sqs.{_AWS}", _PRIMARY),
    "rule of another region": forwarding("af-south-1.amazonaws.com", _PRIMARY),
    "rule of an office": forwarding("corp.example", _PRIMARY),
    "rule of the database to the primary": forwarding("{env}.internal", _PRIMARY),
    "rule above the private zone": forwarding("internal", _PRIMARY),
}
NAMES = tuple(Fault(name, NeedKind.RESOLVER, ("route53resolver", "ec2"), make) for name, make in _RULES.items())
