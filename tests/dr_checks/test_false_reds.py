"""What AWS may answer of a sound estate: in the healthy one it turns nothing, or UNKNOWN where it proves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.kept_values import header_digest
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import (
    application_autoscaling,
    backup_plan,
    cloudfront,
    dns_answers,
    dynamodb,
    ecs,
    elbv2,
    iam_copy_roles,
    kms,
    vpc,
)
from dr_estate.readers.route53 import Record
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.aws_answers import read
from tests.dr_checks.edges import HOSTS, PRIMARY, SECONDARY, traffic
from tests.dr_checks.estates import altered, healthy, turned
from tests.dr_checks.worlds import DENIED, SIT, Values, world

FAIL, UNKNOWN = Status.FAIL, Status.UNKNOWN


def part(reader: Reader[Any], side: Side = Side.DR) -> Any:
    """The healthy estate's part."""
    return healthy().parts[reader.name, side].value


def network(side: Side, four: tuple[tuple[str, str], ...] = (), six: tuple[tuple[str, str], ...] = ()) -> Any:
    """The healthy VPC of a side, with these blocks beside its own, each with its state."""
    base = part(vpc.vpc, side)
    blocks = [{"CidrBlock": block, "CidrBlockState": {"State": state}} for block, state in (*base.cidrs, *four)]
    others = [{"Ipv6CidrBlock": block, "Ipv6CidrBlockState": {"State": state}} for block, state in six]
    row = {
        "VpcId": base.id,
        "State": base.state,
        "InstanceTenancy": base.tenancy,
        "IsDefault": base.is_default,
        "CidrBlockAssociationSet": blocks,
        "Ipv6CidrBlockAssociationSet": others,
    }
    return read(vpc.vpc, side, {"describe_vpcs": {"Vpcs": [row]}})


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("associated", None),
        ("associating", None),
        ("disassociated", None),
        ("disassociating", None),
        ("failed", FAIL),
        ("a-new-word", UNKNOWN),
    ],
)
def test_a_block_that_comes_or_went_is_no_gap(state: str, expected: Status | None) -> None:
    wanted = {"vpc.available": expected} if expected else {}
    assert turned({(vpc.vpc, Side.DR): network(Side.DR, four=(("10.99.0.0/16", state),))}) == wanted
    assert turned({(vpc.vpc, Side.DR): network(Side.DR, six=(("2001:db8::/56", state),))}) == wanted


def test_a_former_block_of_the_primary_is_not_missing_in_the_dr_region() -> None:
    former = network(Side.PRIMARY, (("10.98.0.0/15", "disassociated"),), (("2001:db8::/56", "disassociated"),))
    assert turned({(vpc.vpc, Side.PRIMARY): former}) == {}
    real = network(Side.PRIMARY, (("10.98.0.0/15", "associated"),))
    assert turned({(vpc.vpc, Side.PRIMARY): real}) == {"vpc.shape": FAIL}


def forward(*groups: tuple[str, int]) -> tuple[Any, ...]:
    """The rules of the healthy estate, those of the first tenant forwarding by weight."""
    rules, first = part(elbv2.rules), part(elbv2.rules)[0]
    mine = [rule for rule in rules if rule.hosts == first.hosts]
    config = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]}
    rows = [
        {
            "Priority": str(rule.priority),
            "IsDefault": False,
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": list(rule.hosts)}}],
            "Actions": [{"Type": "forward", "ForwardConfig": config}],
        }
        for rule in mine
    ]
    answer = read(elbv2.rules, Side.DR, {"describe_rules": {"Rules": rows}})
    own = tuple(row for row in answer if (row.listener, row.priority) in {(m.listener, m.priority) for m in mine})
    return (*own, *(rule for rule in rules if rule not in mine))


def test_a_group_of_weight_nought_beside_the_real_one_gets_no_request() -> None:
    real, other = (part(elbv2.rules)[n].action.target_groups[0] for n in (0, 1))
    assert turned({(elbv2.rules, Side.DR): forward((real, 100), (other, 0))}) == {}
    assert turned({(elbv2.rules, Side.DR): forward((real, 0), (other, 100))}) == {"elbv2-routing.host-rules": FAIL}
    assert turned({(elbv2.rules, Side.DR): forward((real, 50), (other, 50))}) == {"elbv2-routing.host-rules": FAIL}


def by_regex(priority: str) -> tuple[Any, ...]:
    """The healthy rules without the first tenant's, and one that chooses hosts by a regular expression."""
    rules = part(elbv2.rules)
    pattern = {"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["^tenant-?1\\..*"]}}
    action = {"Type": "forward", "TargetGroupArn": rules[0].action.target_groups[0]}
    row = {"Priority": priority, "IsDefault": False, "Conditions": [pattern], "Actions": [action]}
    return read(elbv2.rules, Side.DR, {"describe_rules": {"Rules": [row]}})


def test_hosts_by_a_regular_expression_are_unknown_where_it_comes_first() -> None:
    rules = part(elbv2.rules)
    others = tuple(rule for rule in rules if rule.hosts != rules[0].hosts)
    assert turned({(elbv2.rules, Side.DR): (*by_regex("900"), *others)}) == {"elbv2-routing.host-rules": UNKNOWN}
    assert turned({(elbv2.rules, Side.DR): (*by_regex("900"), *rules)}) == {}


def with_condition(condition: dict[str, Any], *sides: Side, upon: Snapshot | None = None) -> dict[Any, Any]:
    """The healthy rules of these sides, each with this condition beside its own, in the estate of ``upon``."""
    changes = {}
    for side in sides:
        rows = [
            {
                "RuleArn": f"arn:rule/{n}",
                "Priority": str(rule.priority),
                "IsDefault": False,
                "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": list(rule.hosts)}}, condition],
                "Actions": [{"Type": "forward", "TargetGroupArn": rule.action.target_groups[0]}],
            }
            for n, rule in enumerate(part(elbv2.rules, side))
        ]
        changes[elbv2.rules, side] = read(elbv2.rules, side, {"describe_rules": {"Rules": rows}}, upon)
    return changes


def test_rules_with_a_header_of_the_distribution_are_compared_by_region() -> None:
    secret = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Origin-Verify", "Values": ["s3cret"]}}
    both, sent = with_condition(secret, Side.PRIMARY, Side.DR), sending("x-origin-verify", "s3cret")
    assert turned({**both, **sent}) == {"cloudfront-routing.header-sent": Status.PASS}
    assert "s3cret" not in repr((both, sent))
    assert turned(both) == {"cloudfront-routing.header-sent": FAIL}
    alone = turned({**with_condition(secret, Side.DR), **sent})
    assert alone == {"cloudfront-routing.header-sent": Status.PASS}
    unsent = turned(with_condition(secret, Side.DR))
    assert unsent == {"cloudfront-routing.header-sent": FAIL, "elbv2-routing.host-rules": FAIL}


def sending(header: str, value: str) -> dict[Any, Any]:
    """The healthy distribution, which adds a header for each of its origins."""
    added = ((header, header_digest(value)),)
    rows = part(cloudfront.distributions, Side.GLOBAL)
    changed = (replace(row, origins=tuple(replace(o, headers=added) for o in row.origins)) for row in rows)
    return {(cloudfront.distributions, Side.GLOBAL): tuple(changed)}


def test_a_path_and_an_address_that_every_request_has_are_no_condition() -> None:
    assert turned(with_condition({"Field": "path-pattern", "Values": ["/*"]}, Side.DR)) == {}
    for address, expected in (("0.0.0.0/0", {}), ("10.0.0.0/8", {"elbv2-routing.host-rules": FAIL})):
        condition = {"Field": "source-ip", "SourceIpConfig": {"Values": [address]}}
        assert turned(with_condition(condition, Side.DR)) == expected


@pytest.mark.parametrize(("addresses", "expected"), [(["0.0.0.0/0"], FAIL), (["0.0.0.0/0", "::/0"], None)])
def test_where_visitors_come_by_ipv6_too_an_address_of_ipv4_is_a_condition(
    addresses: list[str], expected: Status | None
) -> None:
    balancers = {
        (elbv2.load_balancer, side): replace(part(elbv2.load_balancer, side), address_type="dualstack")
        for side in (Side.PRIMARY, Side.DR)
    }
    condition = {"Field": "source-ip", "SourceIpConfig": {"Values": addresses}}
    rules = with_condition(
        condition, Side.DR, upon=altered({(row.name, side): value for (row, side), value in balancers.items()})
    )
    wanted = {"elbv2-routing.host-rules": expected} if expected else {}
    assert turned({**balancers, **rules}) == turned(balancers) | wanted


def routes(target: dict[str, str], side: Side = Side.DR) -> tuple[Any, ...]:
    """The healthy route tables, each default route leading to ``target``."""
    rows = [
        {
            "RouteTableId": table.id,
            "Associations": [{"Main": table.main}, *({"SubnetId": name} for name in table.subnets)],
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}] if table.default else [],
        }
        for table in part(vpc.route_tables, side)
    ]
    return read(vpc.route_tables, side, {"describe_route_tables": {"RouteTables": rows}})


OF_ANOTHER_NETWORK: list[dict[str, str]] = [
    {"CoreNetworkArn": "arn:aws:networkmanager::1:core-network/core-network-1"},
    {"TransitGatewayId": "tgw-1"},
]


@pytest.mark.parametrize("target", OF_ANOTHER_NETWORK, ids=lambda target: next(iter(target)))
def test_a_route_by_another_network_is_a_warning_if_the_primary_has_none(target: dict[str, str]) -> None:
    here, there = ((vpc.route_tables, side) for side in (Side.DR, Side.PRIMARY))
    assert turned({here: routes(target)}) == {"vpc-reach.way-out": Status.WARN}
    assert turned({here: routes(target), there: routes(target, Side.PRIMARY)}) == {}


@pytest.mark.parametrize(
    "target",
    [
        {"LocalGatewayId": "lgw-1"},
        {"CarrierGatewayId": "cagw-1"},
        {"GatewayId": "vpce-1"},
        {"OdbNetworkArn": "arn:aws:odb:eu-west-1:1:odb-network/1"},
    ],
    ids=lambda target: next(iter(target)),
)
def test_every_kind_of_route_leads_somewhere(target: dict[str, str]) -> None:
    assert turned({(vpc.route_tables, Side.DR): routes(target)}) == {}


@pytest.mark.parametrize("target", [{"IpAddress": "10.0.0.1"}, {"GatewayId": "igw-1", "State": "filtered"}])
def test_a_route_of_another_kind_or_state_is_unknown(target: dict[str, str]) -> None:
    assert turned({(vpc.route_tables, Side.DR): routes(target)}) == {"vpc-reach.way-out": UNKNOWN}


def test_a_key_that_is_being_updated_is_usable() -> None:
    (first, *others) = part(kms.keys)
    metadata = {"KeyId": "k", "Arn": first.arn, "KeyState": "Updating", "KeyManager": "AWS"}
    answer = {"describe_key": {"KeyMetadata": metadata}}
    seen = next(key for key in read(kms.keys, Side.DR, answer) if isinstance(key, kms.KmsKey) and key.ref == first.ref)
    updating = replace(first, state=seen.state)
    assert (seen.state, turned({(kms.keys, Side.DR): (updating, *others)})) == ("Updating", {})


def replica(status: str) -> Any:
    """The primary's tables, the first with a replica in this state."""
    first, *others = part(dynamodb.tables, Side.PRIMARY)
    keys = [key.split(":") for key in first.keys]
    row = {
        "TableName": first.name,
        "TableStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"} for name, _ in keys],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in keys],
        "Replicas": [{"RegionName": SIT.regions.dr, "ReplicaStatus": status}],
    }
    answers = {
        "describe_table": {"Table": row},
        "describe_continuous_backups": {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}},
        "describe_time_to_live": {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
    }
    seen = read(dynamodb.tables, Side.PRIMARY, answers)[0]
    assert isinstance(seen, dynamodb.Table)
    return (replace(first, replicas=seen.replicas), *others)


@pytest.mark.parametrize(
    ("status", "hours"),
    [
        *((word, False) for word in ("CREATING", "CREATION_FAILED", "DELETING", "ARCHIVED")),
        *((word, True) for word in ("REGION_DISABLED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS")),
    ],
)
def test_a_replica_is_dropped_after_hours_in_two_states_alone(status: str, hours: bool) -> None:
    tables = replica(status)
    assert turned({(dynamodb.tables, Side.PRIMARY): tables}) == {"dynamodb.replica-status": FAIL}
    seen = altered({(dynamodb.tables.name, Side.PRIMARY): tables})
    findings = judge(checks()["dynamodb.replica-status"], seen, SIT).findings
    assert [hours] == ["20 hours" in finding.because for finding in findings if finding.status is FAIL]


@pytest.mark.parametrize(("days", "expected"), [(-1, None), (1, FAIL)])
def test_a_scheduled_action_that_has_ended_scales_nothing_down(days: int, expected: Status | None) -> None:
    row = {
        "ServiceNamespace": "ecs",
        "ScheduledActionName": "christmas",
        "ScheduledActionARN": "arn:christmas",
        "ResourceId": f"service/{SIT.named(SIT.names.cluster)}/{part(ecs.services)[0].name}",
        "Schedule": "cron(0 1 * * ? *)",
        "EndTime": healthy().taken_at + timedelta(days=days),
        "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 0},
        "CreationTime": healthy().taken_at,
    }
    always_on = SIT.model_copy(update={"scaling_schedule": None})
    answers = {"describe_scheduled_actions": {"ScheduledActions": [row]}}
    actions = read(application_autoscaling.scheduled_actions, Side.DR, answers, env=always_on)
    wanted = {"autoscaling.no-scheduled-shrink": expected} if expected else {}
    assert turned({(application_autoscaling.scheduled_actions, Side.DR): actions}) == wanted


@pytest.mark.parametrize(
    ("resource", "expected"),
    [("arn:aws:ec2:*:*:volume/*", Status.PASS), ("arn:aws:rds:*:*:db:*", FAIL)],
)
def test_the_role_of_a_selection_matters_if_it_selects_the_platform(resource: str, expected: Status) -> None:
    (plan,) = part(backup_plan.plans, Side.PRIMARY)
    role = "arn:aws:iam::1:role/nobody"
    more = replace(plan.selections[0], name="more", role=role, resources=(resource,), tags=(), conditions=())
    absent = iam_copy_roles.CopyRole(role, iam_copy_roles.BACKUPS, exists=False, trusted=None, decisions=())
    changes: dict[Any, Any] = {
        (backup_plan.plans, Side.PRIMARY): (replace(plan, selections=(*plan.selections, more)),),
        (iam_copy_roles.roles, Side.GLOBAL): (*part(iam_copy_roles.roles, Side.GLOBAL), absent),
    }
    assert turned(changes) == {"copy-roles.may-copy": expected}
    unseen = {**changes, (backup_plan.tagged, Side.PRIMARY): DENIED}
    assert turned(unseen)["copy-roles.may-copy"] is FAIL, "what was not seen excuses nobody"


def test_of_many_hosts_only_those_without_an_answer_are_unknown() -> None:
    ids = tuple(f"tenant{number}" for number in range(500))
    hosts = tuple(replace(HOSTS[0], name=f"{tenant}.{SIT.traffic.tenant_domain}") for tenant in ids)
    names = dns_answers.asked_hosts(hosts, SIT)
    silent = [replace(DENIED, why=f"{name} was not answered.") for name in names]
    answers = [DnsAnswer("ns", name, "A", "NOERROR", ("203.0.113.1",), (), 60, True) for name in names]
    assert {names[0]: silent[0].why} == _unknown_hosts(ids, hosts, (silent[0], *answers[1:]))
    reasons = {name: unseen.why for name, unseen in zip(names, silent, strict=True)}
    assert reasons | {"the others": silent[0].why} == _unknown_hosts(ids, hosts, tuple(silent))


def _unknown_hosts(ids: tuple[str, ...], hosts: tuple[Record, ...], answers: tuple[object, ...]) -> dict[str, str]:
    """The hosts that are UNKNOWN, each with its reason."""
    values: Values = {**traffic(records=(PRIMARY, SECONDARY, *hosts)), (dns_answers.hosts, Side.GLOBAL): answers}
    found = judge(checks()["answers.hosts-answer"], world(values, ids), SIT).findings
    return {row.subject: row.because for row in found if row.status is UNKNOWN}
