"""Requests to IAM's simulator for the operator's role: action, region, resource and context. Pure.

An action is asked for as a recovery sends it: in its region, on a resource of a type that AWS judges it on, with the
condition keys that the generated policies test. The resources need not exist. Source: API_SimulatePrincipalPolicy;
Service Authorization Reference, "Resource types" (a test compares the types with the published table).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.iam.moments import CURRENT, moment_keys
from dr_estate.iam.statements import LEADING
from dr_estate.model import playbook

REGION = "aws:RequestedRegion"
_BY_TLS = "aws:SecureTransport"
_ALWAYS = frozenset({REGION, _BY_TLS, "aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount"})
ANY = "any"  # a name that AWS makes up, or that of any tenant
_RECORD = ("JOURNAL#any",)
_CHARACTERS = "AbCdEf"  # the end of a secret's ARN

# Where an action, or a service's every action, is judged on some of the scope's resources only.
_TYPES: Mapping[str, frozenset[str]] = {
    "elasticfilesystem": frozenset({"file-system"}),
    "rds:AddTagsToResource": frozenset({"db"}),
    "rds:CreateDBInstanceReadReplica": frozenset({"db", "og", "pg", "subgrp"}),
    "rds:CreateDBParameterGroup": frozenset({"pg"}),
    "rds:CreateDBSnapshot": frozenset({"db", "snapshot"}),
    "rds:ModifyDBInstance": frozenset({"db", "og", "pg"}),
    "rds:ModifyDBParameterGroup": frozenset({"pg"}),
    "rds:PromoteReadReplica": frozenset({"db"}),
    "rds:RebootDBInstance": frozenset({"db"}),
    "rds:RestoreDBInstanceFromDBSnapshot": frozenset({"db", "og", "pg", "snapshot", "subgrp"}),
    "rds:RestoreDBInstanceToPointInTime": frozenset({"auto-backup", "db", "og", "pg", "subgrp"}),
    "rds:StartDBInstanceAutomatedBackupsReplication": frozenset({"auto-backup", "db"}),
    "rds:StopDBInstanceAutomatedBackupsReplication": frozenset({"db"}),
}
# Where the scope is everything, and yet AWS judges the action on a resource.
_ON: Mapping[str, tuple[str, ...]] = {
    "backup:StartRestoreJob": ("arn:aws:backup:{region}:{account}:recovery-point:any",),
    "ecs:DescribeServices": ("arn:aws:ecs:{region}:{account}:service/{cluster}/any",),
    "s3:ListBucketVersions": ("arn:aws:s3:::any",),
    "route53:GetChange": ("arn:aws:route53:::change/any",),
}

_WITH_EACH = frozenset({"ecs:RegisterTaskDefinition", "ecs:UpdateService", "secretsmanager:PutSecretValue"})
# What a service's resources are named after, where a name is that of any tenant.
_OF_TENANTS: Mapping[str, tuple[str, ...]] = {"ecs": ("service", "task_family"), "secretsmanager": ("tenant_secret",)}


@dataclass(frozen=True, order=True)
class ContextKey:
    """A condition key of the call's context. ``kind`` is one of IAM's ContextKeyTypeEnum."""

    name: str
    kind: str
    values: tuple[str, ...]


Context = tuple[ContextKey, ...]


def keys_of_time(now: datetime) -> Context:
    """The time of a request, which IAM's simulator does not fill in: without it a condition on it is not met."""
    return tuple(
        ContextKey(name, "date" if name == CURRENT else "numeric", (value,)) for name, value in moment_keys(now)
    )


@dataclass(frozen=True)
class SimulationRequest:
    """One question: ``actions`` in ``region`` on each of ``resources`` (none: on everything) in ``context``."""

    region: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: Context

    def context_text(self) -> list[str]:
        """The context in words, without what is so of every request: ``iam:PassedToService=backup.amazonaws.com``."""
        return [f"{key.name}={' '.join(key.values)}" for key in self.context if key.name not in _ALWAYS]


def is_of_tenants(env: Environment, demand: SimulationRequest) -> bool:
    """Whether ``demand`` is of what a failover does with each tenant's things by their names."""
    before_failback = demand.region != env.regions.primary or not playbook.FENCING.isdisjoint(demand.actions)
    return before_failback and not _WITH_EACH.isdisjoint(demand.actions)


def of_each_tenant(env: Environment, demand: SimulationRequest, tenants: Sequence[str]) -> tuple[str, ...]:
    """The resources of ``demand``, and after one that stands for any tenant's that of each of ``tenants``.

    A policy may name one tenant's alone, which no name of any tenant fits.
    """
    found, env = list[str](), env.in_region(demand.region)
    for arn in demand.resources:
        found += _in_its_cluster(env, arn, tenants)
        parts = arn.split(":", 5)
        patterns = [getattr(env.names, name) for name in _OF_TENANTS.get(parts[2], ())]
        words = [word.removesuffix(f"-{_CHARACTERS}") for word in re.split("[:/]", parts[5])]
        pattern = next((pattern for pattern in patterns if env.named(pattern, tenant=ANY) in words), "")
        names = [env.named(pattern, tenant=tenant) for tenant in tenants] if pattern else []
        found += [arn, *(_arn_with_name(arn, env.named(pattern, tenant=ANY), name) for name in names)]
    return tuple(found)


def _in_its_cluster(env: Environment, arn: str, tenants: Sequence[str]) -> Iterator[str]:
    """The tenants' services in the cluster of ``arn``, where that is any service of one of several clusters."""
    head, mark, service = arn.partition(":service/")
    cluster = service.removesuffix(f"/{ANY}")
    if mark and len(env.clusters) > 1 and cluster != service:
        keys = [env.named(env.names.service, tenant=tenant) for tenant in tenants]
        yield from (f"{head}{mark}{key}" for key in keys if env.ecs_names(key)["cluster"] == cluster)


def _arn_with_name(arn: str, name: str, other: str) -> str:
    """The ARN with the other name in the place of ``name``, which may be a part of another word."""
    return re.sub(rf"(?<=[:/]){re.escape(name)}(?=[:/]|(?:-{_CHARACTERS})?$)", lambda _: other, arn)


def example_arn(secret: str) -> str:
    """The ARN of a secret as ``of_each_tenant`` names it: with made-up characters at its end."""
    return f"{secret.rpartition('-')[0]}-{_CHARACTERS}"


def of_the_account(account: str, region: str, action: str) -> Context:
    """What is so of every request of a role, in ``region``: the account's own, by TLS, as services and SDKs send it.

    Without it a condition that holds on the day would count as not met, or a deny of others as one of the account.
    ``action`` is one of those asked for: S3 has a key of its own, which no other service's request has.
    """
    of_s3 = ("s3:ResourceAccount",) if action.startswith("s3:") else ()
    own = ("aws:PrincipalAccount", "aws:ResourceAccount", *of_s3)
    named = (ContextKey(key, "string", (account,)) for key in own)
    return (ContextKey(REGION, "string", (region,)), ContextKey(_BY_TLS, "boolean", ("true",)), *named)


def via_service(service: str, region: str) -> ContextKey:
    """That a key of KMS is asked for by ``service``, in the role's name: policies often let a role through it alone."""
    return ContextKey("kms:ViaService", "string", (f"{service}.{region}.amazonaws.com",))


def demands(env: Environment) -> tuple[SimulationRequest, ...]:
    """Every question about the operator's role, alike ones together: one call of the simulator each."""
    grouped: dict[tuple[str, tuple[str, ...], Context], list[str]] = defaultdict(list)
    for side, action, scope in _action_scopes(env):
        region = env.region(side)
        if not scope[0]:
            continue  # the estate has none of it
        resources = _resources(action, env, region, scope[0])
        for context in _contexts(action, of_the_account(env.account, region, action), scope[1]):
            grouped[region, resources, context].append(action)
    return tuple(
        SimulationRequest(key[0], tuple(sorted(actions)), *key[1:]) for key, actions in sorted(grouped.items())
    )


def _action_scopes(env: Environment) -> Iterator[tuple[Side, str, scopes.Scope]]:
    record = (scopes.control_table(env)[:1], dict[str, Any]())
    for action in (*playbook.changing_actions(), *playbook.read_actions()):
        side = Side.GLOBAL if action.startswith("route53:") else Side.DR
        scope = scopes.of_writing if action in playbook.changing_actions() else scopes.of_reading
        # Markers alone are deleted: MARKING asks for that below, in its own scope.
        if action != "dynamodb:DeleteItem":
            yield side, action, record if action.startswith("dynamodb:") else scope(action, env, env.region(side))
    for action in sorted(playbook.MARKING):
        yield Side.DR, action, scopes.of_marking(action, env, env.region(Side.DR))
    for side in (Side.PRIMARY, Side.DR):
        yield side, "dynamodb:GetItem", scopes.of_marking("dynamodb:GetItem", env, env.region(side))
    for action in sorted(playbook.FENCING | playbook.FAILBACK_WRITES):
        yield Side.PRIMARY, action, scopes.of_writing(action, env, env.region(Side.PRIMARY))
    for action in sorted(playbook.COPIED):
        yield Side.PRIMARY, action, scopes.of_copying(action, env, env.region(Side.DR))
    for action in playbook.FORBIDDEN:
        yield Side.PRIMARY, action, (scopes.primary_data(env)[action], {})


def _resources(action: str, env: Environment, region: str, patterns: list[str]) -> tuple[str, ...]:
    if action in _ON:
        names, clusters = {"region": region, "account": env.account}, env.in_region(region).clusters
        return tuple(dict.fromkeys(arn.format(**names, cluster=name) for arn in _ON[action] for name in clusters))
    kinds = _TYPES.get(action) or _TYPES.get(action.partition(":")[0])
    return tuple(
        _example_arn(arn, region) for arn in patterns if arn != "*" and (kinds is None or kind_of(arn) in kinds)
    )


def kind_of(arn: str) -> str:
    """The type of resource that an ARN names: ``db`` of ``arn:aws:rds:r:1:db:sit-mysql``."""
    return re.split("[:/]", arn.split(":", 5)[5])[0]


def _example_arn(pattern: str, region: str) -> str:
    """One ARN that fits ``pattern``."""
    arn, partition, service, where, rest = pattern.split(":", 4)
    named = re.sub(r"(?<=\w)\*$", "", rest.replace("??????", _CHARACTERS)).replace("*", ANY)
    return ":".join((arn, partition, service, region if where == "*" else where, named))


def _contexts(action: str, always: Context, condition: Mapping[str, Mapping[str, Any]]) -> Iterator[Context]:
    """The context of ``action``; several where a key has one value at a time, and the scope allows several."""
    fixed, region = list(always), next(key.values[0] for key in always if key.name == REGION)
    single: list[list[ContextKey]] = []
    if action.startswith("dynamodb:") and not any(LEADING in pairs for pairs in condition.values()):
        fixed.append(ContextKey(LEADING, "stringList", _RECORD))
    for operator, name, wanted in (
        (op, name, wanted) for op, pairs in condition.items() for name, wanted in pairs.items()
    ):
        if operator.startswith("ForAllValues:") and "Not" not in operator:
            fixed.append(ContextKey(name, "stringList", tuple(value.replace("*", ANY) for value in wanted)))
        elif operator in ("ArnEquals", "StringLike"):
            first = wanted if isinstance(wanted, str) else wanted[0]
            fixed.append(ContextKey(name, "string", (first.replace("*", ANY),)))
        elif operator == "Bool":
            fixed.append(ContextKey(name, "boolean", (wanted,)))
        elif operator == "StringEquals":
            # kms:ViaService names a service of one region: those of another never ask in this one.
            values = [value for value in wanted if not _of_another_region(value, region)]
            single.append([ContextKey(name, "string", (value,)) for value in values])
    for chosen in product(*single):
        yield tuple(sorted([*fixed, *chosen]))


def _of_another_region(service: str, region: str) -> bool:
    """Whether a service's name is that of a regional one, and of a region other than ``region``."""
    found = re.fullmatch(r"\w+\.([\w-]+)\.amazonaws\.com", service)
    return found is not None and found.group(1) != region
