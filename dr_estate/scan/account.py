"""What an account holds in a region, read by lists alone: no name is known beforehand.

An answer that could not be had is kept with its reason, and the list that it belongs to is unknown (None), not empty: a
gap is reported only for what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, cast

from dr_estate.aws.read_client import ReadClient
from dr_estate.model.estate_map import Unread
from dr_estate.model.unavailable import DataUnavailable

GLOBAL_REGION = "us-east-1"
READS = frozenset(
    {
        *("route53:ListHostedZones", "route53:ListResourceRecordSets"),
        *("cloudfront:ListDistributions", "sts:GetCallerIdentity"),
        *("elbv2:DescribeLoadBalancers", "elbv2:DescribeListeners"),
        *("elbv2:DescribeRules", "elbv2:DescribeTargetGroups"),
        *("ecs:ListClusters", "ecs:DescribeClusters", "ecs:ListServices", "ecs:DescribeServices"),
        "ecs:DescribeTaskDefinition",
        *("scheduler:ListSchedules", "scheduler:GetSchedule"),
        *("events:ListRuleNamesByTarget", "events:ListRules", "events:ListTargetsByRule"),
        *("rds:DescribeDBInstances", "rds:DescribeDBClusters", "rds:DescribeDBInstanceAutomatedBackups"),
        "ec2:DescribeSecurityGroups",
        *("efs:DescribeFileSystems", "efs:DescribeReplicationConfigurations", "efs:DescribeAccessPoints"),
        *("dynamodb:ListTables", "dynamodb:DescribeTable"),
        *("s3:ListBuckets", "s3:GetBucketLocation", "s3:GetBucketReplication"),
        *("secretsmanager:ListSecrets", "secretsmanager:DescribeSecret"),
        *("ecr:DescribeRegistry", "ecr:DescribeRepositories"),
        *("backup:ListBackupPlans", "backup:GetBackupPlan", "backup:ListBackupSelections", "backup:GetBackupSelection"),
        *("iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"),
        *("iam:GetPolicy", "iam:GetPolicyVersion"),
    }
)
_AT_ONCE = 8
Row = dict[str, Any]
Rows = list[Row] | None
"""None: AWS gave no answer that can be used."""


@dataclass
class AccountCalls:
    """Calls of one read client. ``unread``: each that had no answer."""

    client: ReadClient
    unread: list[Unread] = field(default_factory=list)

    def rows(self, service: str, region: str, operation: str, key: str, **params: Any) -> Rows:
        """All items under ``key``, page by page; None where AWS gave none. A dot descends: CloudFront's are inside."""

        def pages(client: Any) -> list[Any]:
            if client.can_paginate(operation):
                answers = client.get_paginator(operation).paginate(**params)
            else:
                answers = [getattr(client, operation)(**params)]
            *outer, inner = key.split(".")
            inside = (reduce(lambda found, name: found[name], outer, answer) for answer in answers)
            return [row for found in inside for row in found.get(inner) or ()]

        return cast(Rows, self._answer(service, region, operation, pages))

    def row(
        self, service: str, region: str, operation: str, key: str = "", absent: tuple[str, ...] = (), **params: Any
    ) -> Row | None:
        """One answer, or what is under ``key`` of it; {} where AWS says by a code in ``absent`` that there is none."""

        def answer(client: Any) -> Any:
            found = getattr(client, operation)(**params)
            return found.get(key) if key else found

        return cast("Row | None", self._answer(service, region, operation, answer, absent))

    def _answer(
        self, service: str, region: str, operation: str, doing: Callable[[Any], Any], absent: tuple[str, ...] = ()
    ) -> Any:
        try:
            found = self.client.call(service, region, doing, absent)
        except DataUnavailable as error:
            self.unread.append(Unread(service, operation, region, error.unavailable.why))
            return None
        return {} if found is None else found


def together(*asks: Callable[[], Any]) -> list[Any]:
    """The answers of calls that need nothing of one another, in the order of the calls."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [answer.result() for answer in [pool.submit(ask) for ask in asks]]


def answers_for(ask: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """The answer for each of ``items``, in their order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(ask, items))


@dataclass(frozen=True)
class GlobalSide:
    """Route 53's zones with the records of public ones, distributions and buckets with their regions.

    ``inner_records`` are those of private zones, which VPCs resolve and no visitor does.
    """

    zones: Rows
    records: dict[str, Rows]
    distributions: Rows
    buckets: Rows
    inner_records: dict[str, Rows] = field(default_factory=dict)

    @property
    def all_records(self) -> list[Row]:
        """The records of all zones that were read."""
        return [row for rows in (*self.records.values(), *self.inner_records.values()) for row in rows or ()]


def read_global(look: AccountCalls) -> GlobalSide:
    """Read what no region holds."""
    zones, distributions, buckets = together(
        lambda: look.rows("route53", GLOBAL_REGION, "list_hosted_zones", "HostedZones"),
        lambda: look.rows("cloudfront", GLOBAL_REGION, "list_distributions", "DistributionList.Items"),
        lambda: look.rows("s3", GLOBAL_REGION, "list_buckets", "Buckets"),
    )
    ids = [row["Id"].rpartition("/")[2] for row in zones or ()]
    read = answers_for(
        lambda id_: look.rows(
            "route53", GLOBAL_REGION, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=id_
        ),
        ids,
    )
    records: dict[str, Rows] = {}
    inner: dict[str, Rows] = {}
    for zone, rows in zip(zones or (), read, strict=True):  # private zones of two VPCs may bear one name
        of_kind = inner if (zone.get("Config") or {}).get("PrivateZone") else records
        name = zone["Name"].removesuffix(".")
        of_kind[name] = None if rows is None else (of_kind.get(name) or []) + rows
    placed = [{"Name": row["Name"], "Region": _bucket_region(look, row["Name"])} for row in buckets or ()]
    return GlobalSide(zones, records, distributions, None if buckets is None else placed, inner)


def _bucket_region(look: AccountCalls, bucket: str) -> str:
    found = look.row("s3", GLOBAL_REGION, "get_bucket_location", Bucket=bucket)
    # us-east-1 has no location constraint, and the oldest buckets of eu-west-1 are in "EU".
    return (
        ""
        if found is None
        else {None: GLOBAL_REGION, "": GLOBAL_REGION, "EU": "eu-west-1"}.get(
            c := found.get("LocationConstraint"), str(c)
        )
    )


@dataclass(frozen=True)
class RegionSide:
    """What one region holds, as AWS wrote it. ``rules``: by listener ARN; ``definitions``: by task definition ARN."""

    region: str
    balancers: Rows
    listeners: dict[str, Rows]
    rules: dict[str, Rows]
    target_groups: Rows
    services: Rows
    definitions: dict[str, Row | None]
    instances: Rows
    clusters: Rows
    automated_backups: Rows
    file_systems: Rows
    file_replications: Rows
    access_points: Rows
    tables: Rows
    secrets: Rows
    registry: Row | None
    plans: Rows
    security_groups: Rows
    schedules: Rows


def read_region(look: AccountCalls, region: str) -> RegionSide:
    """Read what ``region`` holds."""

    def rows(service: str, operation: str, key: str) -> Callable[[], Rows]:
        return lambda: look.rows(service, region, operation, key)

    asks: dict[str, Callable[[], Any]] = {
        "balancers": rows("elbv2", "describe_load_balancers", "LoadBalancers"),
        "target_groups": rows("elbv2", "describe_target_groups", "TargetGroups"),
        "services": lambda: _services(look, region),
        "instances": rows("rds", "describe_db_instances", "DBInstances"),
        "clusters": rows("rds", "describe_db_clusters", "DBClusters"),
        "automated_backups": rows("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups"),
        "file_systems": rows("efs", "describe_file_systems", "FileSystems"),
        # Without an id the list has all of the account in the region (EFS, DescribeReplicationConfigurations).
        "file_replications": rows("efs", "describe_replication_configurations", "Replications"),
        "access_points": rows("efs", "describe_access_points", "AccessPoints"),
        "tables": lambda: _tables(look, region),
        "secrets": rows("secretsmanager", "list_secrets", "SecretList"),
        "registry": lambda: look.row("ecr", region, "describe_registry"),
        "plans": lambda: _plans(look, region),
        "security_groups": rows("ec2", "describe_security_groups", "SecurityGroups"),
        "schedules": lambda: _schedules(look, region),
    }
    # None of these needs another; definitions and rules are asked for by what they name.
    lists = dict(zip(asks, together(*asks.values()), strict=True))
    # A service that CodeDeploy or an external controller deploys has none: its task sets have.
    named = sorted({row["taskDefinition"] for row in lists["services"] or () if row.get("taskDefinition")})
    ask = partial(look.row, "ecs", region, "describe_task_definition", "taskDefinition")
    definitions = answers_for(lambda arn: ask(taskDefinition=arn), named)
    return RegionSide(
        region=region,
        **lists,
        **_ways(look, region, lists["balancers"]),
        definitions=dict(zip(named, definitions, strict=True)),
    )


def _ways(look: AccountCalls, region: str, balancers: Rows) -> dict[str, Any]:
    """The listeners of each load balancer, and the rules of each listener."""
    # A gateway load balancer has no listener that visitors reach.
    arns = [row["LoadBalancerArn"] for row in balancers or () if row.get("Type", "application") != "gateway"]
    ask = partial(look.rows, "elbv2", region)
    listeners = answers_for(lambda arn: ask("describe_listeners", "Listeners", LoadBalancerArn=arn), arns)
    own = [row["ListenerArn"] for found in listeners for row in found or ()]
    rules = answers_for(lambda arn: ask("describe_rules", "Rules", ListenerArn=arn), own)
    return {"listeners": dict(zip(arns, listeners, strict=True)), "rules": dict(zip(own, rules, strict=True))}


def _services(look: AccountCalls, region: str) -> Rows:
    clusters = look.rows("ecs", region, "list_clusters", "clusterArns")
    if clusters is None:
        return None
    found: list[Row] = []
    for cluster in clusters:
        arns = look.rows("ecs", region, "list_services", "serviceArns", cluster=cluster)
        if arns is None:
            return None
        tens = [arns[start : start + 10] for start in range(0, len(arns), 10)]  # DescribeServices takes ten
        ask = partial(look.rows, "ecs", region, "describe_services", "services", cluster=cluster)
        for rows in (ask(services=ten) for ten in tens):
            if rows is None:
                return None
            found += rows
    return found


def _schedules(look: AccountCalls, region: str) -> Rows:
    """Schedules and rules that start tasks, each with the one ``Target`` that is a cluster."""
    clusters = look.rows("ecs", region, "list_clusters", "clusterArns")
    listed = look.rows("scheduler", region, "list_schedules", "Schedules")
    if clusters is None or listed is None:
        return None
    found: list[Row | None] = []
    for row in listed:
        if row["Target"]["Arn"] in clusters:
            own = {"Name": row["Name"], "GroupName": row["GroupName"]}
            found.append(look.row("scheduler", region, "get_schedule", absent=("ResourceNotFoundException",), **own))
    # Of each cluster alone: an account may have hundreds of rules that call something else.
    for cluster in clusters:
        names = look.rows("events", region, "list_rule_names_by_target", "RuleNames", TargetArn=cluster)
        rules = look.rows("events", region, "list_rules", "Rules") if names else names
        if names is None or rules is None:
            return None
        for rule in (row for row in rules if row["Name"] in names):
            targets = look.rows("events", region, "list_targets_by_rule", "Targets", Rule=rule["Name"])
            if targets is None:
                return None
            found += [{**rule, "Target": target} for target in targets if target["Arn"] == cluster]
    return None if None in found else [row for row in found if row]


def _tables(look: AccountCalls, region: str) -> Rows:
    names = look.rows("dynamodb", region, "list_tables", "TableNames")
    if names is None:
        return None
    read = answers_for(lambda name: look.row("dynamodb", region, "describe_table", "Table", TableName=name), names)
    # One table that was not read makes the list unknown: a list without it would say that there is none.
    return None if None in read else read


def _plans(look: AccountCalls, region: str) -> Rows:
    plans = look.rows("backup", region, "list_backup_plans", "BackupPlansList")
    if plans is None:
        return None
    found: list[Row] = []
    for plan in plans:
        id_ = plan["BackupPlanId"]
        rules = look.row("backup", region, "get_backup_plan", "BackupPlan", BackupPlanId=id_)
        selections = look.rows("backup", region, "list_backup_selections", "BackupSelectionsList", BackupPlanId=id_)
        if rules is None or selections is None:
            return None
        ids = [{"BackupPlanId": id_, "SelectionId": row["SelectionId"]} for row in selections]
        read = [look.row("backup", region, "get_backup_selection", "BackupSelection", **named) for named in ids]
        if None in read:
            return None
        found.append({"plan": rules, "selections": read})
    return found


def role_documents(look: AccountCalls, role: str) -> list[Row] | None:
    """The policy documents of a role, its own and attached ones; None where one could not be read."""
    name = role.rpartition("/")[2]
    own = look.rows("iam", GLOBAL_REGION, "list_role_policies", "PolicyNames", RoleName=name)
    attached = look.rows("iam", GLOBAL_REGION, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    if own is None or attached is None:
        return None
    found = [
        look.row("iam", GLOBAL_REGION, "get_role_policy", "PolicyDocument", RoleName=name, PolicyName=policy)
        for policy in own
    ]
    for policy in attached:
        arn = policy["PolicyArn"]
        if ":iam::aws:policy/" in arn:  # AWS's own names no resource of an estate
            continue
        head = look.row("iam", GLOBAL_REGION, "get_policy", "Policy", PolicyArn=arn)
        if head is None:
            return None
        named = {"PolicyArn": arn, "VersionId": head["DefaultVersionId"]}
        version = look.row("iam", GLOBAL_REGION, "get_policy_version", "PolicyVersion", **named)
        found.append(None if version is None else version.get("Document"))
    return None if None in found else [document for document in found if document is not None]


def bucket_rules(look: AccountCalls, bucket: str, region: str) -> Sequence[Row] | None:
    """The replication rules of a bucket; none where it has no configuration."""
    absent = ("ReplicationConfigurationNotFoundError",)
    found = look.row("s3", region, "get_bucket_replication", absent=absent, Bucket=bucket)
    return None if found is None else (found.get("ReplicationConfiguration") or {}).get("Rules") or ()


def secret_replicas(look: AccountCalls, arn: str, region: str) -> Sequence[Row] | None:
    """The replicas of a secret."""
    found = look.row("secretsmanager", region, "describe_secret", SecretId=arn)
    return None if found is None else found.get("ReplicationStatus") or ()
