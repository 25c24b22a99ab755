"""Resources and conditions of each allowed IAM action, from the environment's names. Pure.

Source: AWS Service Authorization Reference, "Resource types". Where AWS makes up the name (a file system, a recovery
point, a hosted zone), the account and the conditions are what narrows it. The generated policies, the simulation of the
operator's role and the sandbox's own role are all made of these scopes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import TAG
from dr_estate.model.marker_names import KEY

Scope = tuple[list[str], dict[str, Any]]
ANCHORS_PREFIX = "anchors"
"""The folder of a bucket under which heads of journals are anchored."""
OPEN_FOR = "dr:open-for"
"""The tag of the break-glass role with the name of the operator who may take it."""
_ANY: Scope = (["*"], {})
_DELEGATE = {"StringEquals": {"iam:PassedToService": ["backup.amazonaws.com", "ecs-tasks.amazonaws.com"]}}
_DEFAULT_BACKUP_ROLE = "service-role/AWSBackupDefaultServiceRole"
_FOR_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
LEADING = "dynamodb:LeadingKeys"
_CUT_OVER_TYPES = ["A", "AAAA", "CNAME"]


def of_reading(action: str, env: Environment, _region: str) -> Scope:
    """Where ``action`` may look: everywhere, except that contents are read of the environment's own things alone."""
    narrowed: dict[str, Callable[[], Scope]] = {
        "dynamodb:GetItem": lambda: ([*_tables(env, "*"), *_lock_tables(env)], _of_keys(KEY, *_lock_ids(env))),
        "dynamodb:Scan": lambda: (_tables(env, "*"), {}),
        "kms:Decrypt": lambda: _keys(env, [env.regions.primary, env.regions.dr], "secretsmanager", "ssm", "s3"),
        "logs:GetLogEvents": lambda: ([*_logs(env), *anchors(env)], {}),
        "s3:GetObject": lambda: ([f"arn:aws:s3:::{bucket}/*" for bucket in _read_buckets(env)], {}),
        "secretsmanager:GetSecretValue": lambda: (_secrets(env, "*"), {}),
        "ssm:GetParametersByPath": lambda: (
            [_arn(env, "*", "ssm", f"parameter{_path(env)}{end}") for end in ("", "/*")],
            {},
        ),
    }
    return narrowed[action]() if action in narrowed else _ANY


def of_marking(_action: str, env: Environment, region: str) -> Scope:
    """Where a failback writes and removes its marker items: those alone, by their key, in tables of ``region``."""
    return _tables(env, region), _of_keys(KEY)


def of_copying(_action: str, env: Environment, region: str) -> Scope:
    """What may be read of the objects of ``region`` when some are copied to the primary region."""
    return [f"arn:aws:s3:::{bucket}/*" for bucket in _buckets(env, region)], {}


def of_writing(action: str, env: Environment, region: str) -> Scope:
    """Where ``action`` may write in ``region``."""
    service, name = action.split(":")
    both, in_primary = [env.regions.primary, env.regions.dr], region == env.regions.primary
    exact: dict[str, Callable[[], Scope]] = {
        "backup:StartBackupJob": lambda: ([_vault(env, region)], {}),
        "ec2:CreateNetworkInterface": lambda: (_network(env, region), {}),
        "ecs:RunTask": lambda: (_task_definitions(env, region), _in_cluster(env, region)),
        "elasticfilesystem:CreateAccessPoint": lambda: (_file_systems(env), _restored(env)),
        "elasticfilesystem:CreateMountTarget": lambda: (_file_systems(env), _restored(env)),
        "elasticfilesystem:TagResource": lambda: (_file_systems(env), _naming(env)),
        "ecs:RegisterTaskDefinition": lambda: (_task_definitions(env, region), {}),
        "ecs:TagResource": lambda: (_task_definitions(env, region), {}),
        "elasticfilesystem:UpdateFileSystemProtection": lambda: (
            _file_systems(env),
            _by_name(env) if in_primary else {},
        ),
        "iam:PassRole": lambda: (_roles(env), _DELEGATE),
        "kms:CreateGrant": lambda: ([_arn(env, region, "kms", "key/*")], _FOR_AWS),
        "kms:Encrypt": lambda: _keys(env, both, "secretsmanager"),
        "kms:GenerateDataKey": lambda: _keys(env, both, "secretsmanager", *(["s3"] if in_primary else [])),
        "route53:ChangeResourceRecordSets": lambda: _records(env),
        "route53:UpdateHealthCheck": lambda: (["arn:aws:route53:::healthcheck/*"], {}),
    }
    if action in exact:
        return exact[action]()
    if service == "ecs" and name.endswith("Service"):
        cluster = env.named(env.names.cluster)
        return [_arn(env, region, "ecs", f"service/{cluster}/{_of_any_tenant(env, env.names.service)}")], {}
    by_service: dict[str, Callable[[], list[str]]] = {
        "application-autoscaling": lambda: [_arn(env, region, service, "scalable-target/*")],
        "elasticfilesystem": lambda: _file_systems(env),
        "elasticloadbalancing": lambda: [_listener(env, region)],
        "rds": lambda: _databases(env),
        "s3": lambda: [f"arn:aws:s3:::{bucket}{'/*' if 'Object' in name else ''}" for bucket in _buckets(env, region)],
        "secretsmanager": lambda: _secrets(env, region),
        "sns": lambda: [_arn(env, region, "sns", env.named(topic)) for topic in env.names.topics],
    }
    return (by_service[service](), {}) if service in by_service else _ANY


def of_drilling(action: str, env: Environment, region: str) -> Scope:
    """Where ``action`` is a drill's beyond what a recovery may: on what bears a drill's name or tag. Raises KeyError.

    What AWS Backup restored bears no name yet when it is tagged; then it is known by its tag alone.
    """
    files = [_arn(env, region, "elasticfilesystem", "file-system/*")]
    points = [_arn(env, region, "elasticfilesystem", "access-point/*")]
    named, cluster = f"{env.named(env.names.file_system)}-drill-*", env.named(env.names.cluster)
    of_task = [_arn(env, region, "ecs", f"task/{cluster}/*")]
    known: dict[str, Scope] = {
        "ec2:DeleteNetworkInterface": ([_arn(env, region, "ec2", "network-interface/*")], {}),
        "ecs:RunTask": (_task_definitions(env, region), _in_cluster(env, region)),
        "ecs:StopTask": (of_task, _drills("ResourceTag")),
        "ecs:TagResource": (of_task, _drills("RequestTag") | {"StringEquals": {"ecs:CreateAction": "RunTask"}}),
        "elasticfilesystem:CreateAccessPoint": (files, _drills("ResourceTag")),
        "elasticfilesystem:DeleteAccessPoint": (points, _drills("ResourceTag")),
        "elasticfilesystem:DeleteFileSystem": (files, _drills("ResourceTag")),
        "elasticfilesystem:DeleteMountTarget": (files, _drills("ResourceTag")),
        "elasticfilesystem:TagResource": (
            files + points,
            _drills("RequestTag") | {"StringLikeIfExists": {"aws:ResourceTag/Name": named}},
        ),
        "rds:DeleteDBInstance": (drills_databases(env), {}),
        "route53:ChangeResourceRecordSets": _canaries(env),
    }
    return known[action]


def of_trying(action: str, env: Environment, region: str) -> Scope:
    """Where a restore test acts whose driller has no recovery's rights: it restores to names of a drill alone.

    AWS Backup's own recovery points are of files; those of a database are RDS snapshots, which RDS restores by name.
    """
    if action == "backup:StartRestoreJob":
        return [_arn(env, region, "backup", "recovery-point:*")], {}
    if not action.startswith("rds:"):
        return of_writing(action, env, region)
    if not action.startswith("rds:Restore"):
        return drills_databases(env), {}
    beside = [resource for resource in _databases(env) if ":db:" not in resource]
    return [*drills_databases(env), *beside], {}


def drills_databases(env: Environment) -> list[str]:
    """Databases of the DR region that a drill restored, or that a full drill's failback set aside."""
    database, words = env.named(env.names.database), ("before", "drill") if env.approvals.full_drill else ("drill",)
    return [_arn(env, env.regions.dr, "rds", f"db:{database}-{word}-*") for word in words]


def _drills(where: str) -> dict[str, Any]:
    return {"StringLike": {f"aws:{where}/{TAG}": ["DRILL-*", "TRIAL-*"]}}


def _canaries(env: Environment) -> Scope:
    """The canary's records, in the zones that are listed for it: made, changed and deleted."""
    key = "route53:ChangeResourceRecordSets"
    names = [f"canary-*.{env.traffic.test_prefix}.{zone}" for zone in env.traffic.canary_zones]
    condition = {
        "ForAllValues:StringEquals": {f"{key}RecordTypes": _CUT_OVER_TYPES},
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": names},
        "Null": {f"{key}NormalizedRecordNames": "false"},
    }
    return ["arn:aws:route53:::hostedzone/*"], condition


def _tables(env: Environment, region: str) -> list[str]:
    """The platform's tables."""
    return [_arn(env, region, "dynamodb", f"table/{env.named(name)}") for name in env.names.tables]


def control_table(env: Environment) -> list[str]:
    """The control table and its indexes, in the DR region."""
    table = _arn(env, env.regions.dr, "dynamodb", f"table/{env.named(env.names.control_table)}")
    return [table, f"{table}/index/*"]


def anchors(env: Environment, incidents: str = "") -> list[str]:
    """The log group of the journals' anchors and its streams, in the DR region; of ``incidents`` the streams alone."""
    group = _arn(env, env.regions.dr, "logs", f"log-group:{env.named(env.names.anchor_log)}")
    return [f"{group}:log-stream:{incidents}"] if incidents else [f"{group}:*", f"{group}:log-stream:*"]


def anchor_objects(env: Environment, incidents: str = "*") -> list[str]:
    """The anchors of ``incidents`` in the bucket of the environment; none where it names no bucket."""
    bucket = env.named(env.names.anchor_bucket)
    folder = f"{ANCHORS_PREFIX}/{env.name}/{incidents}"
    return [f"arn:aws:s3:::{bucket}/{folder}{'' if incidents == '*' else '/*'}"] if bucket else []


def evidence_key(env: Environment) -> Scope:
    """The key that signs evidence, known by its alias: its id is made up by AWS."""
    alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [env.named(env.names.evidence_key)]}}
    return [_arn(env, env.regions.dr, "kms", "key/*")], alias


def automation(env: Environment) -> list[str]:
    """The document that starts a recovery, and its executions, in the DR region.

    In its default version alone: a former one may ask people who are no approvers any more.
    """
    name = env.named(env.names.recovery_document)
    documents = [_arn(env, env.regions.dr, "ssm", f"{kind}/{name}") for kind in ("automation-definition", "document")]
    return [f"{documents[0]}:$DEFAULT", documents[1], *executions(env)]


def executions(env: Environment) -> list[str]:
    """Executions of documents in the DR region: their ids are made up by AWS."""
    return [_arn(env, env.regions.dr, "ssm", "automation-execution/*")]


def handed_to_automation(env: Environment) -> Scope:
    """The role that the document runs with."""
    return [_role(env, env.names.automation_role)], {"StringEquals": {"iam:PassedToService": ["ssm.amazonaws.com"]}}


def handed_to_the_task(env: Environment) -> Scope:
    """The roles of the recovery's task."""
    roles = [_role(env, name) for name in (env.names.recovery_role, f"{env.names.recovery_role}-execution")]
    return roles, {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}


def break_glass(env: Environment) -> Scope:
    """The role that an operator may take while its tag names them, and that one tag of it."""
    return [_role(env, env.names.break_glass_role)], {"ForAllValues:StringEquals": {"aws:TagKeys": [OPEN_FOR]}}


def stack_roles(env: Environment) -> list[str]:
    """The roles that may change the estate, or start what may."""
    names = env.names
    return [_role(env, name) for name in (f"{names.recovery_role}*", names.automation_role, names.break_glass_role)]


def recovery_task(env: Environment) -> Scope:
    """The recovery's task, in every revision, in the DR region's cluster."""
    dr = env.regions.dr
    family = _arn(env, dr, "ecs", f"task-definition/{env.named(env.names.recovery_task)}")
    return [family, f"{family}:*"], _in_cluster(env, dr)


def topics(env: Environment) -> list[str]:
    """The topics of the DR region."""
    return [_arn(env, env.regions.dr, "sns", env.named(topic)) for topic in env.names.topics]


def primary_data(env: Environment) -> dict[str, list[str]]:
    """What holds the primary's data, by the action that would delete it."""
    region, database = env.regions.primary, env.named(env.names.database)
    tables = [env.named(name) for name in env.names.tables]
    return {
        "dynamodb:DeleteTable": [_arn(env, region, "dynamodb", f"table/{table}") for table in tables],
        "elasticfilesystem:DeleteFileSystem": [_arn(env, region, "elasticfilesystem", "file-system/*")],
        "rds:DeleteDBInstance": [_arn(env, region, "rds", f"db:{database}")],
        "s3:DeleteBucket": [f"arn:aws:s3:::{env.named(name)}" for name in env.names.buckets],
    }


def _arn(env: Environment, region: str, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{region}:{env.account}:{resource}"


def _role(env: Environment, name: str) -> str:
    return f"arn:aws:iam::{env.account}:role/{env.named(name)}"


def _of_any_tenant(env: Environment, pattern: str) -> str:
    return env.named(pattern, tenant="*")


def _keys(env: Environment, regions: list[str], *services: str) -> Scope:
    """Keys, where a service of AWS uses them for the caller."""
    used_by = sorted(f"{service}.{region}.amazonaws.com" for service in services for region in regions)
    return [_arn(env, "*", "kms", "key/*")], {"StringEquals": {"kms:ViaService": used_by}}


def _task_definitions(env: Environment, region: str) -> list[str]:
    return [_arn(env, region, "ecs", f"task-definition/{_of_any_tenant(env, env.names.task_family)}:*")]


def _in_cluster(env: Environment, region: str) -> dict[str, Any]:
    return {"ArnEquals": {"ecs:cluster": _arn(env, region, "ecs", f"cluster/{env.named(env.names.cluster)}")}}


def _network(env: Environment, region: str) -> list[str]:
    """What the network interface of a mount target is made of."""
    return [_arn(env, region, "ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")]


def _restored(env: Environment) -> dict[str, Any]:
    """A file system that a recovery restored, by the name that it was given first."""
    return {"StringLike": {"aws:ResourceTag/Name": [f"{env.named(env.names.file_system)}-restored-*"]}}


def _naming(env: Environment) -> dict[str, Any]:
    """Names that a restored file system, what it replaces, and its access points are given; never a drill's."""
    files, points = env.named(env.names.file_system), _of_any_tenant(env, env.names.access_point)
    given = [files, f"{files}-replaced-*", f"{files}-restored-*", points]
    return {
        "StringLike": {"aws:RequestTag/Name": given},
        "StringLikeIfExists": {"aws:ResourceTag/Name": [files, f"{files}-restored-*"]},
    }


def _secrets(env: Environment, region: str) -> list[str]:
    """Secrets have six random characters at the end of their ARN."""
    names = (env.named(env.names.master_secret), _of_any_tenant(env, env.names.tenant_secret))
    return [_arn(env, region, "secretsmanager", f"secret:{name}-??????") for name in names]


def _vault(env: Environment, region: str) -> str:
    name = env.names.primary_vault if region == env.regions.primary else env.names.dr_vault
    return _arn(env, region, "backup", f"backup-vault:{env.named(name)}")


def _file_systems(env: Environment) -> list[str]:
    return [_arn(env, "*", "elasticfilesystem", kind) for kind in ("access-point/*", "file-system/*")]


def _by_name(env: Environment) -> dict[str, Any]:
    """The file system whose protection may be switched: others are never overwritten (T28).

    In the primary region alone: a replica that EFS made in the DR region bears no name.
    """
    return {"StringEquals": {"aws:ResourceTag/Name": [env.named(env.names.file_system)]}}


def _listener(env: Environment, region: str) -> str:
    return _arn(env, region, "elasticloadbalancing", f"listener/app/{env.named(env.names.load_balancer)}/*/*")


def _roles(env: Environment) -> list[str]:
    return [f"arn:aws:iam::{env.account}:role/{name}" for name in (f"{env.name}-*", _DEFAULT_BACKUP_ROLE)]


def _databases(env: Environment) -> list[str]:
    """Of any region: RDS asks the source's region too, in the caller's name, and the call's own region is a condition.

    Source: RDS User Guide, "Creating a read replica in a different AWS Region" (IAM policies).
    """
    database = env.named(env.names.database)
    groups = f"subgrp:{env.named(env.names.db_subnet_group)}"
    kinds = (f"db:{database}*", groups, "pg:*", "og:*", "snapshot:*", "auto-backup:*")
    return [_arn(env, "*", "rds", kind) for kind in kinds]


def _buckets(env: Environment, region: str) -> list[str]:
    """The buckets of tenants' data in ``region``: the originals in the primary region, their copies elsewhere."""
    state = env.named(env.names.state_bucket)
    names = [name for name in map(env.named, env.names.buckets) if name != state]
    return names if region == env.regions.primary else [env.named(env.names.bucket_copy, bucket=name) for name in names]


def _of_keys(*keys: str) -> dict[str, Any]:
    """The condition that admits items with these partition keys alone."""
    return {"ForAllValues:StringEquals": {LEADING: list(keys)}, "Null": {LEADING: "false"}}


def _lock_tables(env: Environment) -> list[str]:
    """The tables in which Terraform locks its state."""
    return [_arn(env, "*", "dynamodb", f"table/{env.named(pattern)}") for pattern in env.names.state_lock_tables]


def _lock_ids(env: Environment) -> list[str]:
    """The keys of the locks on the state and on its copy."""
    state, key = env.named(env.names.state_bucket), env.named(env.names.state_key)
    return [f"{bucket}/{key}" for bucket in (state, env.named(env.names.bucket_copy, bucket=state))]


def _read_buckets(env: Environment) -> list[str]:
    state = env.named(env.names.state_bucket)
    runbook = env.named(env.people.runbook).removeprefix("s3://").partition("/")[0]
    return [state, env.named(env.names.bucket_copy, bucket=state), runbook]


def _logs(env: Environment) -> list[str]:
    """Return the tenants' log streams, where tasks that a run started write what they found."""
    groups = _of_any_tenant(env, env.names.log_group)
    regions = (env.regions.dr, env.regions.primary)
    return [_arn(env, region, "logs", f"log-group:{groups}:log-stream:*") for region in regions]


def _path(env: Environment) -> str:
    return env.named(env.names.parameter_path).rstrip("/")


def _records(env: Environment) -> Scope:
    """Records of the traffic zone and of customers, by name (a hosted zone's id is made up by AWS); no delegation."""
    zone = env.traffic.zone
    hosts = sorted({host for of_tenant in env.traffic.customer_hosts.values() for host in of_tenant})
    key = "route53:ChangeResourceRecordSets"
    condition: dict[str, Any] = {
        "ForAllValues:StringEquals": {f"{key}Actions": ["UPSERT"], f"{key}RecordTypes": _CUT_OVER_TYPES},
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": [zone, f"*.{zone}", *hosts]},
    }
    inside = [denied for denied in env.traffic.denied_zones if denied.endswith(f".{zone}")]
    if inside:
        names = [name for denied in inside for name in (denied, f"*.{denied}")]
        condition["ForAllValues:StringNotLike"] = {f"{key}NormalizedRecordNames": names}
    return ["arn:aws:route53:::hostedzone/*"], condition
