"""Resources of the platform by tag and by name, of services that no other reader reads.

The Resource Groups Tagging API lists what bears the platform's tags; a list call of each type in ``LISTED`` finds what
bears its names and no tag, or is of a type that the tagging API does not know. What belongs to another team by its tags
is left out, whatever its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.references import resource_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import platform_shapes
from dr_estate.reading.reader import REGIONAL, ReadContext, part

# Types that are asked for by tag, the most used first. None of them is a tenant's own, so their number stays small.
#
# Left out, as other readers follow them to their end: task definitions, services, target groups, secrets, log groups;
# and groups of Auto Scaling, which the tagging API does not know. DocumentDB's clusters are of the service rds.
TAGGED_TYPES = (
    *("lambda:function", "events:rule", "scheduler", "sqs", "elasticache", "ses", "wafv2", "states", "apigateway"),
    *("cognito-idp", "kinesis", "firehose", "es", "aoss", "memorydb", "dax", "mq", "kafka", "appsync", "batch"),
    *("rds:db", "rds:cluster", "dynamodb:table", "s3", "elasticfilesystem:file-system", "fsx", "redshift"),
    *("sns", "ecr:repository", "ecs:cluster", "eks:cluster", "elasticloadbalancing:loadbalancer", "apprunner"),
    *("elasticbeanstalk", "ec2:instance", "ec2:vpn-connection", "ec2:vpc-peering-connection"),
    *("network-firewall", "servicediscovery", "route53resolver", "transfer", "datasync", "dms", "pipes", "codebuild"),
    *("codepipeline", "codedeploy", "synthetics", "cloudwatch:alarm", "cloudwatch:dashboard", "ssm:document"),
    *("cloudformation:stack", "glue", "athena", "appconfig", "imagebuilder", "workspaces", "amplify"),
    "globalaccelerator",
)


@dataclass(frozen=True, slots=True)
class ServiceListing:
    """What a service or API listed: ARNs with their Name tag ("" where none), or why it was not read.

    ``off`` are the ARNs of what is switched off: rules, schedules, and functions that may not run. ``times`` are
    ARNs of rules and schedules with when they start. ``leads`` are ARNs of rules, buses and schedules with an ARN that
    they call, and of functions with each variable that leads to a region of the environment file (``NAME=region``).
    ``refused`` are types that the tagging API does not know there. ``shapes`` are ARNs with what makes them comparable:
    see ``platform_shapes``. ``roles`` are ARNs of functions, rules, buses and schedules with a role that they act as.
    """

    service: str
    resources: tuple[tuple[str, str], ...] | Unavailable
    off: tuple[str, ...] = ()
    times: tuple[tuple[str, str], ...] = ()
    leads: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    shapes: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    roles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _ListCall:
    service: str
    operation: str
    key: str
    name: str
    arn: Callable[[ReadContext, Any], str]
    params: tuple[tuple[str, Any], ...] = ()
    taggable: bool = True

    @property
    def title(self) -> str:
        """Service and operation as the command line of AWS names them."""
        return f"{self.service} {self.operation.replace('_', '-')}"


def _member(name: str) -> Callable[[ReadContext, Any], str]:
    return lambda _context, row: str(row[name])


def _arn(context: ReadContext, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{context.region}:{context.env.account}:{resource}"


def _rule(_context: ReadContext, row: Any) -> str:
    """A rule's ARN, "" of one that an AWS service manages for itself."""
    return "" if row.get("ManagedBy") else str(row["Arn"])


def _bus(_context: ReadContext, row: Any) -> str:
    """A bus's ARN, "" of the default one, which every region has."""
    return "" if row["Name"] == "default" else str(row["Arn"])


def _filter(context: ReadContext, row: Any) -> str:
    return _arn(context, "logs", f"metric-filter/{row['logGroupName']}/{row['filterName']}")


def _queue(context: ReadContext, row: Any) -> str:
    return _arn(context, "sqs", str(row["QueueUrl"]).rpartition("/")[2])


def _table(context: ReadContext, row: Any) -> str:
    return _arn(context, "dynamodb", f"table/{row['TableName']}")


def _identity(context: ReadContext, row: Any) -> str:
    return _arn(context, "ses", f"identity/{row['IdentityName']}")


_ALL = (("MaxResults", 1000),)  # without it ListQueues returns no token
_STANDALONE = (("ShowCacheClustersNotInReplicationGroups", True),)
_REGIONAL_ACLS = (("Scope", "REGIONAL"), ("Limit", 100))  # an account has a hundred at most, those of CloudFront apart
LISTED = (
    _ListCall("lambda", "list_functions", "Functions", "FunctionName", _member("FunctionArn")),
    _ListCall("events", "list_rules", "Rules", "Name", _rule),
    _ListCall("events", "list_event_buses", "EventBuses", "Name", _bus),
    _ListCall("scheduler", "list_schedules", "Schedules", "Name", _member("Arn"), taggable=False),
    _ListCall("sqs", "list_queues", "QueueUrls", "QueueUrl", _queue, _ALL),
    _ListCall("elasticache", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId", _member("ARN")),
    _ListCall("elasticache", "describe_cache_clusters", "CacheClusters", "CacheClusterId", _member("ARN"), _STANDALONE),
    _ListCall("sesv2", "list_email_identities", "EmailIdentities", "IdentityName", _identity, (("PageSize", 1000),)),
    _ListCall("wafv2", "list_web_acls", "WebACLs", "Name", _member("ARN"), _REGIONAL_ACLS),
    _ListCall(
        "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName", _member("DashboardArn"), taggable=False
    ),
    _ListCall("dynamodb", "list_tables", "TableNames", "TableName", _table),
    _ListCall("sns", "list_topics", "Topics", "TopicArn", _member("TopicArn")),
    _ListCall("ecr", "describe_repositories", "repositories", "repositoryName", _member("repositoryArn")),
    _ListCall("logs", "describe_metric_filters", "metricFilters", "filterName", _filter, taggable=False),
)

TAGS = "resourcegroupstaggingapi"
READS = frozenset(
    {
        f"{TAGS}:GetResources",
        *("lambda:ListEventSourceMappings", "lambda:ListFunctions", "events:ListEventBuses", "events:ListRules"),
        *("scheduler:ListSchedules", *platform_shapes.READS),
        *("sqs:ListQueues", "dynamodb:ListTables", "sns:ListTopics", "ecr:DescribeRepositories"),
        *("elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters", "sesv2:ListEmailIdentities"),
        *("wafv2:ListWebACLs", "cloudwatch:ListDashboards", "logs:DescribeMetricFilters"),
    }
)
_OF_FUNCTIONS = "lambda list-functions"
_POLLING = frozenset({_OF_FUNCTIONS})
_ARNS_A_CALL = 100
_ROWS = "ResourceTagMappingList"
# What is asked about each resource of a list, by what listed it.
_DETAILS: Mapping[str, Callable[[ReadContext, str], platform_shapes.Details]] = {
    _OF_FUNCTIONS: platform_shapes.function_details,
    "events list-rules": platform_shapes.rule_details,
    "events list-event-buses": platform_shapes.bus_details,
    "scheduler list-schedules": platform_shapes.schedule_details,
    "sqs list-queues": platform_shapes.queue_details,
}


@part(*REGIONAL, reads=READS)
def listings(context: ReadContext) -> tuple[ServiceListing, ...]:
    """The platform's resources by what listed them, the tagging API first; a service that fails hides no other."""
    found = context.maybe(lambda source: source(context), [_tagged_listing, *(_lister(call) for call in LISTED)])
    names = [TAGS, *(call.title for call in LISTED)]
    called = [_with_event_sources(context, _with_details(context, rows)) for rows in found]
    return tuple(
        ServiceListing(name, rows) if isinstance(rows, Unavailable) else replace(rows, service=name)
        for name, rows in zip(names, called, strict=True)
    )


def _tagged_listing(context: ReadContext) -> ServiceListing:
    wanted = [{"Key": key, "Values": [context.env.named(value)]} for key, value in context.env.names.tags.items()]
    if not wanted:
        return ServiceListing(TAGS, ())
    query = {"TagFilters": wanted, "ResourcesPerPage": _ARNS_A_CALL}
    refused: list[str] = []
    rows = known_rows(lambda types: _rows_of(context, query, types), TAGGED_TYPES, refused)
    if rows is None:  # it is not the types that are refused
        refused.clear()
        rows = context.pages(TAGS, "get_resources", _ROWS, **query, ResourceTypeFilters=list(TAGGED_TYPES))
    pairs = context.rows(rows, lambda row: (_read(row["ResourceARN"]), _tags(row).get("Name", "")), "ResourceARN")
    return ServiceListing(TAGS, pairs, refused=tuple(refused))


def _rows_of(context: ReadContext, query: Mapping[str, Any], types: Sequence[str]) -> list[Any] | None:
    """What bears the tags and is of ``types``, None where the answer is that a parameter is not valid."""

    def pages(client: Any) -> list[Any]:
        rows: list[Any] = []
        for page in client.get_paginator("get_resources").paginate(**query, ResourceTypeFilters=list(types)):
            context.workers.calling()  # the next page's
            rows += page.get(_ROWS) or []
        return rows

    context.workers.calling()
    found: list[Any] | None = context.client.call(TAGS, context.region, pages, ("InvalidParameterException",))
    return found


def known_rows(
    rows_of: Callable[[Sequence[str]], list[Any] | None], types: Sequence[str], refused: list[str]
) -> list[Any] | None:
    """The rows of those ``types`` that the tagging API knows, None where it knows none; adds others to ``refused``.

    It refuses a whole call for one type that it does not know in that region, so a refused call is halved.
    Source: github.com/boto/botocore/issues/1843.
    """
    rows = rows_of(types)
    if rows is None and len(types) == 1:
        refused += types
    if rows is not None or len(types) == 1:
        return rows
    middle = len(types) // 2
    halves = [known_rows(rows_of, half, refused) for half in (types[:middle], types[middle:])]
    known = [half for half in halves if half is not None]
    return [row for half in known for row in half] if known else None


def _read(arn: str) -> str:
    """Return the ARN itself. Raises ValueError where it does not contain a type and a name."""
    resource_of(arn)
    return arn


def _lister(call: _ListCall) -> Callable[[ReadContext], ServiceListing]:
    def listing(context: ReadContext) -> ServiceListing:
        rows = context.pages(call.service, call.operation, call.key, **dict(call.params))
        # Queues are listed as bare addresses, tables as bare names.
        named = [row if isinstance(row, Mapping) else {call.name: row} for row in rows]
        # The state of a rule or schedule and when it starts what it starts; "" of what has none.
        ours = context.rows(
            named,
            lambda row: (
                _own_arn(context.env, call.arn(context, row)),
                (str(row.get("State") or ""), str(row.get("ScheduleExpression") or "")),
                _leads(context, row),
                platform_shapes.shape_of(context.region, row),
                str(row.get("Role") or ""),
            ),
            call.name,
        )
        runs = {arn: how for arn, how, _, _, _ in ours if arn}
        arns = sorted(runs.keys() - (_foreign_arns(context, sorted(runs)) if call.taggable else set()))
        off = tuple(arn for arn in arns if runs[arn][0] == platform_shapes.OFF)
        times = tuple((arn, runs[arn][1]) for arn in arns if runs[arn][1])
        leads = tuple((arn, word) for arn, _, words, _, _ in sorted(ours) if arn in arns for word in words)
        shapes = tuple((arn, shape) for arn, _, _, shape, _ in sorted(ours) if arn in arns and shape)
        roles = tuple((arn, role) for arn, _, _, _, role in sorted(ours) if arn in arns and role)
        return ServiceListing(call.title, tuple((arn, "") for arn in arns), off, times, leads, (), shapes, roles)

    return listing


def _leads(context: ReadContext, row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a schedule calls, and which variables of a function lead to a region."""
    target = (row.get("Target") or {}).get("Arn")
    regions = (context.env.regions.primary, context.env.regions.dr)
    return (*((str(target),) if target else ()), *platform_shapes.variables_astray(regions, row))


def _with_details(context: ReadContext, found: ServiceListing | Unavailable) -> ServiceListing | Unavailable:
    """A listing with what calls about each of its resources say of it: they are few, whatever the number of tenants."""
    if isinstance(found, Unavailable) or isinstance(found.resources, Unavailable) or found.service not in _DETAILS:
        return found
    arns = [arn for arn, _ in found.resources]
    rows = context.maybe(lambda arn: _DETAILS[found.service](context, arn), arns)
    shapes, times, off, leads = dict(found.shapes), dict(found.times), set(found.off), list(found.leads)
    roles = list(found.roles)
    for arn, details in zip(arns, rows, strict=True):
        if isinstance(details, Unavailable):
            return details
        if shape := (*shapes.get(arn, ()), *details.shape):
            shapes[arn] = shape
        leads += [(arn, word) for word in details.leads if (arn, word) not in leads]
        roles += [(arn, role) for role in dict.fromkeys(details.roles)]
        if details.times:
            times[arn] = details.times
        if details.off:
            off.add(arn)
    pairs = (tuple(sorted(shapes.items())), tuple(sorted(times.items())))
    found = replace(found, shapes=pairs[0], times=pairs[1], off=tuple(sorted(off)))
    return replace(found, leads=tuple(leads), roles=tuple(roles))


def _with_event_sources(context: ReadContext, found: ServiceListing | Unavailable) -> ServiceListing | Unavailable:
    """Functions with the queues and streams that Lambda polls for them, in their shapes. All else as it is.

    One call for all functions. Source: Lambda API, ListEventSourceMappings.
    """
    if isinstance(found, Unavailable) or found.service not in _POLLING or not found.shapes:
        return found
    rows = context.pages("lambda", "list_event_source_mappings", "EventSourceMappings")
    # The ARN without a version or alias.
    polled = context.rows(rows, lambda row: (":".join(row["FunctionArn"].split(":")[:7]), _source(row)), "UUID")
    shapes = tuple(
        (arn, (*shape, ("polls", " ".join(sorted({source for of, source in polled if of == arn and source})))))
        for arn, shape in found.shapes
    )
    return replace(found, shapes=shapes)


def _source(row: Mapping[str, Any]) -> str:
    """What a mapping polls, by service and name; "" of one that is switched off or is no part of AWS."""
    arn = str(row.get("EventSourceArn") or "")
    if not arn or row.get("State") in ("Disabled", "Disabling", "Deleting"):
        return ""
    # A stream's ARN ends with the moment at which it was made.
    kind, name = resource_of(arn.partition("/stream/")[0])
    return f"{kind}/{name.removesuffix('-dr')}"


def _own_arn(env: Environment, arn: str) -> str:
    return arn if arn and is_named(env, arn) else ""


def is_named(env: Environment, arn: str) -> bool:
    """Whether a resource bears a name of the platform: a prefix of its names, or a domain that its mail comes from."""
    kind, name = resource_of(arn)
    if kind == "ses:identity":
        domain = name.rpartition("@")[2]
        ours = (env.traffic.zone, env.traffic.tenant_domain, env.traffic.parent_zone or "")
        return any(domain == zone or domain.endswith(f".{zone}") for zone in ours if zone)
    prefixes = tuple(env.named(prefix) for prefix in env.names.prefixes)
    return any(element.startswith(prefixes) for element in name.split("/") if prefixes)


def _foreign_arns(context: ReadContext, arns: Sequence[str]) -> set[str]:
    """Those whose tags name another environment or project: the names are alike, the team is not."""
    wanted = {key: context.env.named(value) for key, value in context.env.names.tags.items()}
    others: set[str] = set()
    for start in range(0, len(arns), _ARNS_A_CALL) if wanted else ():
        batch = list(arns[start : start + _ARNS_A_CALL])
        for row in context.call(TAGS, "get_resources", ResourceARNList=batch).get(_ROWS, []):
            tags = _tags(row)
            if any(tags.get(key, value) != value for key, value in wanted.items()):
                others.add(row["ResourceARN"])
    return others


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in row.get("Tags") or []}
