"""Answers made from botocore's models: a full one with every member, or one that Hypothesis draws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import strategies as st

from dr_estate.config.environment import Side
from dr_estate.model.replication_job import of_failbacks
from tests.dr_checks.worlds import SIT
from tests.dr_estate.contracts.paging import tokens

WHEN = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
_DEEP = 8
_NAMES = SIT.names
NAMED: Mapping[tuple[str, str], str] = {
    ("acm:ListCertificates", "DomainName"): f"*.{SIT.traffic.tenant_domain}",
    ("application-autoscaling:DescribeScalableTargets", "ResourceId"): "",
    ("application-autoscaling:DescribeScalingPolicies", "ResourceId"): "",
    ("application-autoscaling:DescribeScheduledActions", "ResourceId"): "",
    ("backup:ListBackupPlans", "BackupPlanName"): SIT.named(_NAMES.backup_plan),
    ("backup:ListBackupVaults", "BackupVaultName"): SIT.named(_NAMES.dr_vault),
    ("backup:ListProtectedResources", "ResourceType"): "RDS",
    ("cloudwatch:GetMetricData", "Id"): "m0",
    ("ecs:DescribeServices", "serviceName"): SIT.named(_NAMES.service, tenant="tenant1"),
    ("ecs:DescribeTasks", "group"): "service:" + SIT.named(_NAMES.service, tenant="tenant1"),
    ("ecs:DescribeTasks", "startedBy"): "TRIAL-20260107-101500",
    ("efs:DescribeFileSystems", "Name"): SIT.named(_NAMES.file_system),
    ("efs:DescribeReplicationConfigurations", "Region"): SIT.region(Side.DR),
    ("efs:DescribeReplicationConfigurations", "SourceFileSystemRegion"): SIT.region(Side.PRIMARY),
    ("elbv2:DescribeTargetGroups", "TargetGroupName"): SIT.named(_NAMES.target_group, tenant="tenant1"),
    ("lambda:ListFunctions", "FunctionArn"): f"arn:aws:lambda:xx:1:function:{SIT.name}-mail",
    ("scheduler:ListSchedules", "Arn"): f"arn:aws:scheduler:xx:1:schedule/default/{SIT.name}-hourly",
    ("wafv2:GetWebACLForResource", "ARN"): "arn:aws:wafv2:xx:1:regional/ipset/office/1",
    ("events:ListRules", "Arn"): f"arn:aws:events:xx:1:rule/{SIT.name}-nightly",
    ("rds:DescribeDBInstances", "DBInstanceIdentifier"): SIT.named(_NAMES.database),
    ("rds:DescribeDBSubnetGroups", "DBSubnetGroupName"): SIT.named(_NAMES.db_subnet_group),
    ("rds:DescribeOptionGroups", "OptionGroupName"): SIT.named(_NAMES.database),
    ("rds:DescribeDBInstanceAutomatedBackups", "DBInstanceIdentifier"): SIT.named(_NAMES.database),
    ("route53resolver:ListFirewallDomainLists", "Id"): "of AWS",
    ("route53resolver:ListFirewallRules", "Qtype"): "A",
    ("route53:ListHostedZones", "Name"): f"{SIT.traffic.zone}.",
    ("s3control:ListJobs", "Description"): f"{of_failbacks(SIT)}INC-1: x",
    ("s3control:ListJobs", "Status"): "Failed",
    ("secretsmanager:ListSecrets", "Name"): SIT.named(_NAMES.master_secret),
    ("ssm:DescribeAutomationExecutions", "AutomationExecutionId"): "00000000-0000-4000-8000-000000000000",
    ("ssm:DescribeAutomationExecutions", "DocumentName"): SIT.named(_NAMES.recovery_document),
    ("sns:ListSubscriptionsByTopic", "SubscriptionArn"): "arn:aws:sns:xx:1:t:1",
    ("sts:GetCallerIdentity", "Account"): SIT.account,
}
"""Members by which a reader chooses: an answer that has other values there would not be read on."""
_SPOKEN: Mapping[str, str] = {
    "Policy": '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "x:*"}]}',
    "CertificateArn": "arn:aws:acm:xx:1:certificate/1",
    "KeyManager": "CUSTOMER",
    "ManagedBy": "",
    "Priority": "1",
    "cpu": "256",
    "memory": "512",
    "ARN": "arn:aws:secretsmanager:xx-north-1:1:secret:x",
    "containerPortRange": "8000-8010",
}
_SCALED = "application-autoscaling:"
_RESOURCES = {
    "ecs": f"service/{SIT.named(_NAMES.cluster)}/{SIT.named(_NAMES.service, tenant='tenant1')}",
    "dynamodb": f"table/{SIT.named(_NAMES.tables[0])}",
}


def named(operation: str, value: Any, namespace: str = "ecs") -> Any:
    """The answer with the names by which its reader chooses, wherever they stand."""
    if isinstance(value, list):
        return [named(operation, item, namespace) for item in value]
    if not isinstance(value, dict):
        return value
    chosen = {
        key: NAMED[operation, key] or _RESOURCES[namespace]
        for key, inner in value.items()
        if isinstance(inner, str) and (operation, key) in NAMED
    }
    if operation == "sns:GetTopicAttributes" and "Attributes" in value:  # a map: the model does not know its keys
        return {**value, "Attributes": {"SubscriptionsConfirmed": "1", "SubscriptionsPending": "0"}}
    if operation == "dynamodb:Query" and "Items" in value:  # keys that the model cannot know
        return {**value, "Items": [{**item, "pk": {"S": "x"}, "sk": {"S": "x"}} for item in value["Items"]]}
    return {key: named(operation, inner, namespace) for key, inner in value.items()} | chosen


@cache
def full(operation: str, shape: Shape | None) -> dict[str, Any]:
    """An answer with every member of the shape, once."""
    whole = _full(shape, "", _DEEP, tokens(operation)) if shape else {}
    return dict(named(operation, whole))


def _full(shape: Shape, name: str, deep: int, skipped: frozenset[str]) -> Any:
    if isinstance(shape, StructureShape):
        members = shape.members if deep else {key: shape.members[key] for key in shape.required_members}
        chosen = {key: member for key, member in members.items() if key not in skipped}
        chosen = dict([*chosen.items()][:1]) if is_union(shape) else chosen
        return {key: _full(member, key, max(deep - 1, 0), skipped) for key, member in chosen.items()}
    if isinstance(shape, ListShape):
        return [_full(shape.member, name, max(deep - 1, 0), skipped)] if deep else []
    if isinstance(shape, MapShape):
        return {_full(shape.key, "key", deep, skipped): _full(shape.value, name, max(deep - 1, 0), skipped)}
    return _SIMPLE[shape.type_name](shape, name)


_SIMPLE: Mapping[str, Callable[[Any, str], Any]] = {
    "string": lambda shape, name: _SPOKEN.get(name, shape.enum[0] if shape.enum else f"x-{name}"),
    "timestamp": lambda _shape, _name: WHEN,
    "blob": lambda _shape, _name: b"{}",
    "boolean": lambda _shape, _name: True,
    **dict.fromkeys(("integer", "long"), lambda _shape, _name: 1),
    **dict.fromkeys(("float", "double"), lambda _shape, _name: 1.5),
}


@cache
def drawn(operation: str, shape: Shape | None) -> st.SearchStrategy[dict[str, Any]]:
    """Answers of the shape: optional members left out at random, words that nobody knows, empty lists and texts."""
    if shape is None:
        return st.just({})
    return _drawn(shape, "", _DEEP, tokens(operation)).map(lambda value: dict(named(operation, value)))


def _drawn(shape: Shape, name: str, deep: int, skipped: frozenset[str]) -> st.SearchStrategy[Any]:
    inner = max(deep - 1, 0)
    if isinstance(shape, StructureShape):
        members = {key: _drawn(member, key, inner, skipped) for key, member in _members(shape, deep, skipped).items()}
        if is_union(shape):
            return st.one_of([st.fixed_dictionaries({key: member}) for key, member in members.items()])
        required = {key: member for key, member in members.items() if key in shape.required_members}
        optional = {key: member for key, member in members.items() if key not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(_drawn(shape.member, name, inner, skipped), max_size=2 if deep else 0)
    if isinstance(shape, MapShape):
        key, value = _drawn(shape.key, "key", inner, skipped), _drawn(shape.value, name, inner, skipped)
        return st.dictionaries(key, value, max_size=2 if deep else 0)
    simple: st.SearchStrategy[Any] = _DRAWN[shape.type_name](shape, name)
    return simple


def is_union(shape: StructureShape) -> bool:
    """Whether one member alone is there; the model of DynamoDB does not say so of its values."""
    return bool(shape.is_tagged_union) or shape.name == "AttributeValue"


def _members(shape: StructureShape, deep: int, skipped: frozenset[str]) -> dict[str, Shape]:
    """The members that a value of so many levels has: of the last, what is required, and a union's plain ones."""
    last = shape.required_members
    if is_union(shape):
        nesting = (ListShape, MapShape, StructureShape)
        last = [key for key, member in shape.members.items() if not isinstance(member, nesting)]
    return {key: member for key, member in shape.members.items() if key not in skipped and (deep or key in last)}


def _words(shape: StringShape, name: str) -> st.SearchStrategy[str]:
    if name in _SPOKEN:
        return st.sampled_from(["", _SPOKEN[name], "ünknown"])
    return st.sampled_from([*shape.enum, "A_NEW_WORD"]) if shape.enum else st.sampled_from(["", f"x-{name}", "ünicøde"])


_DRAWN: Mapping[str, Callable[[Any, str], st.SearchStrategy[Any]]] = {
    "string": _words,
    "timestamp": lambda _shape, _name: st.sampled_from([WHEN, datetime(1970, 1, 1, tzinfo=UTC)]),
    "blob": lambda _shape, _name: st.sampled_from([b"", b"{}", b"\xff"]),
    "boolean": lambda _shape, _name: st.booleans(),
    **dict.fromkeys(("integer", "long"), lambda _shape, _name: st.sampled_from([-1, 0, 1, 86400])),
    **dict.fromkeys(("float", "double"), lambda _shape, _name: st.sampled_from([-1.0, 0.0, 1.5])),
}


class Watched(dict[str, Any]):
    """A structure that notes which of its members are demanded although the model calls them optional."""

    def __init__(self, shape: StructureShape, path: str, values: Mapping[str, Any], demanded: set[str]) -> None:
        members = shape.members
        watched = {
            key: watch(members[key], f"{path}.{key}", value, demanded) if key in members else value
            for key, value in values.items()
        }
        super().__init__(watched)
        self._optional, self._path, self._demanded = set(members) - set(shape.required_members), path, demanded

    def __getitem__(self, key: str) -> Any:
        if key in self._optional and sys._getframe(1).f_globals["__name__"].startswith("dr_estate."):
            self._demanded.add(f"{self._path}.{key}")
        return super().__getitem__(key)

    def __or__(self, other: Any) -> Any:
        merged = copy(self)  # a reader that changes a member goes on being watched
        merged.update(other)
        return merged


def watch(shape: Shape, path: str, value: Any, demanded: set[str]) -> Any:
    """The value with each of its structures watched; ``path`` is where it stands, such as ``.Rules[].Priority``."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return Watched(shape, path, value, demanded)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [watch(shape.member, f"{path}[]", item, demanded) for item in value]
    return value
