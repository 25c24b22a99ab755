"""What functions, rules, buses, schedules, queues, caches and metric filters are, comparable across regions.

Names stand without their region, ids are left out, and what may be secret is a digest: two of them are compared, and
neither is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.model.kept_values import DIGEST, is_secret, pointer_or_digest
from dr_estate.model.references import arn_region, neutral, resource_of, unregional
from dr_estate.reading.reader import ReadContext

Shape = tuple[tuple[str, str], ...]
READS = frozenset(
    {
        *("lambda:GetFunctionConcurrency", "lambda:GetFunctionUrlConfig", "lambda:GetPolicy"),
        *("events:ListRules", "events:ListTargetsByRule", "scheduler:GetSchedule", "sqs:GetQueueAttributes"),
    }
)
GROUPS = "security groups"
"""The part of a function's shape that holds ids, which each region makes up: names are compared."""
RESERVED = "concurrency"
"""The part of a function's shape that limits how often it runs at once, "" where only the account's limit does."""
BETWEEN = "; "
"""What stands between the members of a part that is a list."""
_ABSENT = ("ResourceNotFoundException",)
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DIGITS, _ACCOUNT = 8, 4
# How names of copies end. Source: names.bucket_copy of the environment file.
_COPY = re.compile(r"-dr(?![\w-])")
# The state of a rule or schedule that does nothing. Source: EventBridge API, Rule; Scheduler API, ScheduleSummary.
OFF = "DISABLED"
# Services whose ARNs hold a name, and no id that each region makes up.
_NAMED = frozenset({"dynamodb", "events", "lambda", "logs", "s3", "scheduler", "sns", "sqs", "states"})
# A variable of such a name may hold another region than the function's own.
_OF_ANOTHER = re.compile(r"PRIMARY|SECONDARY|MAIN|HOME|SOURCE|ORIGIN|TARGET|REPLICA|PEER|REMOTE|OTHER|FAILOVER|DR(_|$)")


@dataclass(frozen=True, slots=True)
class Details:
    """What a call about one resource says: its shape, what it calls by ARN, when it starts, whether it is off, and the
    roles that it calls as.
    """

    shape: Shape = ()
    leads: tuple[str, ...] = ()
    times: str = ""
    off: bool = False
    roles: tuple[str, ...] = ()


def shape_of(region: str, row: Mapping[str, Any]) -> Shape:
    """What a function, a cache or an image repository is by the row that lists it; of others nothing.

    Source: Lambda API, FunctionConfiguration; ElastiCache API, ReplicationGroup, CacheCluster; CloudWatch Logs API,
    MetricFilter; ECR API, Repository.
    """
    if mutability := row.get("imageTagMutability"):
        return (("tags", str(mutability)),)
    if node := row.get("CacheNodeType"):
        nodes = row.get("NumCacheNodes") or len(row.get("MemberClusters") or ())
        return (("node type", str(node)), ("nodes", str(nodes)))
    if counted := row.get("metricTransformations"):
        metrics = " ".join(sorted(f"{to['metricNamespace']}/{to['metricName']}={to['metricValue']}" for to in counted))
        return (("pattern", str(row.get("filterPattern") or "")), ("metric", metrics))
    if pattern := row.get("EventPattern"):
        return _event_sources(str(pattern))
    return _function_shape(region, row) if row.get("CodeSha256") else ()


def _function_shape(region: str, row: Mapping[str, Any]) -> Shape:
    members = {"code": "CodeSha256", "runtime": "Runtime", "handler": "Handler", "memory": "MemorySize"}
    found = {name: str(row.get(member) or "") for name, member in members.items()}
    variables = (row.get("Environment") or {}).get("Variables") or {}
    network = row.get("VpcConfig") or {}
    # Versions are counted in each region for itself.
    layers = sorted(str(layer.get("Arn")).rpartition(":")[0].rpartition(":")[2] for layer in row.get("Layers") or ())
    return (
        *found.items(),
        ("timeout", str(row.get("Timeout") or "")),
        ("role", neutral(_last(row.get("Role")), region)),
        ("architecture", " ".join(row.get("Architectures") or ())),
        ("disk", str((row.get("EphemeralStorage") or {}).get("Size") or "")),
        ("network", "the VPC" if network.get("SubnetIds") else "none"),
        *((GROUPS, groups) for groups in [" ".join(sorted(network.get("SecurityGroupIds") or ()))] if groups),
        ("layers", " ".join(layers)),
        ("dead letters", _name(region, str((row.get("DeadLetterConfig") or {}).get("TargetArn") or ""))),
        ("variables", " ".join(sorted(variables))),
        *((f"variable {key}", _value(region, key, str(value))) for key, value in sorted(variables.items())),
    )


def _value(region: str, name: str, value: str) -> str:
    """A variable's value without what differs between regions; of one that is a secret or a region's name, nothing."""
    if is_secret(name) or re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", value):
        return ""
    text = pointer_or_digest(name, value, region)
    if text.startswith(DIGEST):
        return text[: len(DIGEST) + _DIGITS]
    return _COPY.sub("", unregional(text, region))


def variables_astray(regions: Iterable[str], row: Mapping[str, Any]) -> list[str]:
    """Which variables of a function lead to a region (``NAME=region``): their values stay here.

    The bare name of a region leads nowhere where the variable says that it is another's: a function may know which one
    is the primary.
    """
    variables = ((row.get("Environment") or {}).get("Variables") or {}).items()
    return [
        f"{name}={region}"
        for name, value in sorted(variables)
        for region in regions
        if region in str(value) and not (region == value and _OF_ANOTHER.search(name.upper()))
    ]


def function_details(context: ReadContext, arn: str) -> Details:
    """Whether it may run at all, who may call it, and whether a URL does.

    Source: Lambda API, GetFunctionConcurrency, GetPolicy, GetFunctionUrlConfig.
    """
    reserved = context.find("lambda", "get_function_concurrency", _ABSENT, FunctionName=arn) or {}
    policy = str((context.find("lambda", "get_policy", _ABSENT, FunctionName=arn) or {}).get("Policy") or "{}")
    url = context.find("lambda", "get_function_url_config", _ABSENT, FunctionName=arn) or {}
    callers = sorted(_admission(context.region, row) for row in json.loads(policy).get("Statement") or ())
    number = reserved.get("ReservedConcurrentExecutions")
    shape = (
        ("called by", BETWEEN.join(callers)),
        ("URL", str(url.get("AuthType") or "none")),
        (RESERVED, str(number or "")),  # none of 0: it is off
    )
    return Details(shape, off=number == 0)


def _admission(region: str, statement: Mapping[str, Any]) -> str:
    """Who a statement lets call the function, with what of whose conditions is alike in every region."""
    principal = statement.get("Principal")
    named = principal if isinstance(principal, str) else json.dumps(principal, sort_keys=True)
    if isinstance(principal, dict) and len(principal) == 1:
        named = " ".join(map(str, principal.values()))
    conditions = [
        (key, str(value))
        for pairs in (statement.get("Condition") or {}).values()
        for key, values in pairs.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    sources = [
        _name(region, value) if value.startswith("arn:") else f"{key}={value}" for key, value in sorted(conditions)
    ]
    return " ".join([str(statement.get("Effect")), named, *sources])


def rule_details(context: ReadContext, arn: str) -> Details:
    """What a rule of the default bus calls. Source: EventBridge API, ListTargetsByRule."""
    return _target_details(context, _targets(context, Rule=resource_of(arn)[1]))


def bus_details(context: ReadContext, arn: str) -> Details:
    """The rules of a bus of its own and what they call: a list of rules is one bus's, without a name the default's."""
    bus, shape, leads, roles = resource_of(arn)[1], list[tuple[str, str]](), list[str](), list[str]()
    rules = context.pages("events", "list_rules", "Rules", EventBusName=bus)
    for rule in sorted((row for row in rules if not row.get("ManagedBy")), key=lambda row: str(row["Name"])):
        found = _target_details(context, _targets(context, Rule=rule["Name"], EventBusName=bus))
        listened = [text for _, text in _event_sources(str(rule.get("EventPattern") or "{}")) if text != "null"]
        texts = [str(rule.get("State") or ""), str(rule.get("ScheduleExpression") or ""), *listened]
        called = " ".join(text for _, text in found.shape)
        shape.append((f"rule {_plain(context.region, str(rule['Name']))}", " ".join(filter(None, [*texts, called]))))
        leads += found.leads
        roles += found.roles
    return Details(tuple(shape), tuple(leads), roles=tuple(roles))


def _targets(context: ReadContext, **of_rule: str) -> list[Mapping[str, Any]]:
    return context.pages("events", "list_targets_by_rule", "Targets", **of_rule)


def _target_details(context: ReadContext, rows: Sequence[Mapping[str, Any]]) -> Details:
    called = context.rows(rows, lambda row: (str(row["Arn"]), _target(context, row)), "Id")
    shape = (("calls", BETWEEN.join(sorted(text for _, text in called))),) if called else ()
    return Details(shape, tuple(arn for arn, _ in called), roles=_roles(rows))


def _roles(targets: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(filter(None, (str(target.get("RoleArn") or "") for target in targets)))


def schedule_details(context: ReadContext, arn: str) -> Details:
    """When a schedule starts, until when, and what it calls with which words. Source: Scheduler API, GetSchedule."""
    group, _, name = arn.partition(":schedule/")[2].partition("/")
    row = context.find("scheduler", "get_schedule", _ABSENT, Name=name, GroupName=group)
    if row is None:  # deleted since it was listed
        return Details()
    zone = str(row.get("ScheduleExpressionTimezone") or "UTC")
    times = str(row.get("ScheduleExpression") or "") + (f" {zone}" if zone != "UTC" else "")
    target = row.get("Target") or {}
    shape = (("calls", _target(context, target)), ("ends", str(row.get("EndDate") or "")))
    leads = (str(target["Arn"]),) if target.get("Arn") else ()
    return Details(shape, leads, times, row.get("State") == OFF, _roles([target]))


def _target(context: ReadContext, target: Mapping[str, Any]) -> str:
    """What a target is, with a digest of the words it is called with."""
    more = {key: _normal(value) for key, value in target.items() if key not in ("Id", "Arn")}
    role = _last(more.pop("RoleArn", ""))
    words = pointer_or_digest("", unregional(json.dumps(more, sort_keys=True, default=str), context.region))
    text = _name(context.region, str(target.get("Arn") or ""), context.env.account)
    by = f" as {neutral(role, context.region)}" if role else ""
    return text + by + (f" with {words.removeprefix(DIGEST)[:_DIGITS]}" if more else "")


def _normal(value: Any) -> Any:
    """Words as such: how their JSON is set out says nothing."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def queue_details(context: ReadContext, arn: str) -> Details:
    """How long a queue hides, keeps and holds back its messages, and where those go that nobody can read."""
    url = f"https://sqs.{context.region}.amazonaws.com/{context.env.account}/{resource_of(arn)[1]}"
    wanted = ["VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "RedrivePolicy"]
    answer = context.find("sqs", "get_queue_attributes", _NO_QUEUE, QueueUrl=url, AttributeNames=wanted) or {}
    found = answer.get("Attributes") or {}
    redrive = json.loads(found.get("RedrivePolicy") or "{}")
    dead = _name(context.region, str(redrive.get("deadLetterTargetArn") or ""))
    names = ("visibility timeout", "retention", "delay")
    return Details(
        (
            *((name, str(found.get(key) or "")) for name, key in zip(names, wanted, strict=False)),
            ("dead letters", f"{dead} after {redrive.get('maxReceiveCount')}" if dead else ""),
        )
    )


def _event_sources(pattern: str) -> Shape:
    """The sources and kinds of the events that a pattern takes: what else it says names buckets and ids of a region."""
    try:
        found = json.loads(pattern)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return (("pattern", pattern),)
    return tuple((key, json.dumps(found.get(key), sort_keys=True)) for key in ("source", "detail-type"))


def _name(region: str, arn: str, account: str = "") -> str:
    """Type and name in an ARN, with its region where that is another; of a service that makes up ids, its name alone.

    With ``account``, that of the ARN too where it is another.
    """
    if not arn.startswith("arn:"):
        return arn
    service, of_account = arn.split(":")[2], arn.split(":")[_ACCOUNT]
    text = " ".join((resource_of(arn)[0], _plain(region, resource_of(arn)[1]))) if service in _NAMED else service
    foreign = [word for word in (arn_region(arn),) if word not in ("", region)]
    foreign += [of_account] if account and of_account not in ("", account) else []
    return " ".join([text, *(f"of {word}" for word in foreign)])


def _plain(region: str, name: str) -> str:
    return _COPY.sub("", neutral(name, region))


def _last(arn: Any) -> str:
    return str(arn or "").rpartition("/")[2]
