"""Resources and conditions of each allowed IAM action, from the environment's names. Pure.

Source: AWS Service Authorization Reference, "Resource types". Where AWS makes up the name (a file system, a recovery
point, a hosted zone), the account and the conditions are what narrows it. The generated policies, the simulation of the
operator's role and the sandbox's own role are all made of these scopes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import TAG
from dr_estate.model.stores import KEY

Scope = tuple[list[str], dict[str, Any]]
# The folder of a bucket under which heads of journals are anchored.
ANCHORS_PREFIX = "anchors"
# The folder of the same bucket under which the files of runs that AWS started are kept.
RUNS_PREFIX = "runs"
# The tag of the break-glass role with the name of the operator who may take it.
OPEN_FOR = "dr:open-for"
_ANY: Scope = (["*"], {})
# Only these two services are given a role by a run; the region is no condition, for AWS documents none (T76).
_DELEGATE = {"StringEquals": {"iam:PassedToService": ["backup.amazonaws.com", "ecs-tasks.amazonaws.com"]}}
# A policy holds 6,144 characters (IAM quotas), and a platform may have two roles for each of its services.
_ROLES_BY_NAME = 16
# The role that AWS Backup makes where none is chosen (Developer Guide, "IAM service roles").
_DEFAULT_BACKUP_ROLE = "service-role/AWSBackupDefaultServiceRole"
# Tags by which somebody's file system is known.
WHOSE = (
    *("Name", "Application", "App", "Owner", "Project", "Service", "Team", "Tenant", "Environment", "ManagedBy", "DR"),
    *("Backup", "aws:cloudformation:stack-name", TAG),
)
AS_IT_IS_MADE = {"StringEquals": {"elasticfilesystem:CreateAction": "CreateAccessPoint"}}
# RDS, EFS and ECS grant themselves the key in the caller's name; the caller cannot make a grant of its own.
_FOR_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
LEADING = "dynamodb:LeadingKeys"
CUT_OVER_TYPES = ["A", "AAAA", "CNAME"]


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
            [arn(env, "*", "ssm", f"parameter{_path(env)}{end}") for end in ("", "/*")],
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
    # The file system whose protection may be switched: others are never overwritten (T28). In the primary region
    # alone: a replica that EFS made in the DR region bears no name.
    exact: dict[str, Callable[[], Scope]] = {
        "backup:StartBackupJob": lambda: ([_vault(env, region)], {}),
        "ec2:CreateNetworkInterface": lambda: (_network(env, region), {}),
        "ecs:RunTask": lambda: (run_definitions(env, region), in_cluster(env, region)),
        "elasticfilesystem:CreateAccessPoint": lambda: (_file_systems(env), _restored_condition(env)),
        "elasticfilesystem:CreateMountTarget": lambda: (_file_systems(env), _restored_condition(env)),
        "elasticfilesystem:TagResource": lambda: (_file_systems(env), _naming(env)),
        "ecs:RegisterTaskDefinition": lambda: (task_definitions(env, region), {}),
        "ecs:TagResource": lambda: (task_definitions(env, region), {}),
        "elasticfilesystem:UpdateFileSystemProtection": lambda: (
            _file_systems(env),
            {"StringEquals": {"aws:ResourceTag/Name": [env.named(env.names.file_system)]}} if in_primary else {},
        ),
        "iam:PassRole": lambda: (_roles(env), _DELEGATE),
        "kms:CreateGrant": lambda: ([arn(env, region, "kms", "key/*")], _FOR_AWS),
        "rds:CreateDBSnapshot": lambda: ([] if _vault_name(env, region) else databases(env), {}),
        "kms:Encrypt": lambda: _keys(env, both, "secretsmanager"),
        "kms:GenerateDataKey": lambda: _keys(env, both, "secretsmanager", *(["s3"] if in_primary else [])),
        "route53:ChangeResourceRecordSets": lambda: _records(env),
        "route53:UpdateHealthCheck": lambda: (["arn:aws:route53:::healthcheck/*"], {}),
    }
    if action in exact:
        return exact[action]()
    if service == "ecs" and name.endswith("Service"):
        here = env.in_region(region)
        # Of several clusters the services' names have nothing in common.
        services = _of_any_tenant(here, here.names.service) if len(here.clusters) == 1 else "*"
        return [arn(env, region, "ecs", f"service/{cluster}/{services}") for cluster in here.clusters], {}
    by_service: dict[str, Callable[[], list[str]]] = {
        "application-autoscaling": lambda: [arn(env, region, service, "scalable-target/*")],
        "elasticfilesystem": lambda: _file_systems(env),
        "elasticloadbalancing": lambda: listeners(env, region),
        "rds": lambda: databases(env),
        "s3": lambda: [f"arn:aws:s3:::{bucket}{'/*' if 'Object' in name else ''}" for bucket in _buckets(env, region)],
        "secretsmanager": lambda: _secrets(env, region),
        "sns": lambda: [arn(env, region, "sns", env.named(topic)) for topic in env.names.topics],
    }
    return (by_service[service](), {}) if service in by_service else _ANY


def _tables(env: Environment, region: str) -> list[str]:
    """The platform's tables."""
    return [arn(env, region, "dynamodb", f"table/{env.named(name)}") for name in env.names.tables]


def control_table(env: Environment) -> list[str]:
    """The control table and its indexes, in the DR region."""
    table = arn(env, env.regions.dr, "dynamodb", f"table/{env.named(env.names.control_table)}")
    return [table, f"{table}/index/*"]


def anchors(env: Environment, incidents: str = "") -> list[str]:
    """The log group of the journals' anchors and its streams, in the DR region; of ``incidents`` the streams alone."""
    group = arn(env, env.regions.dr, "logs", f"log-group:{env.named(env.names.anchor_log)}")
    return [f"{group}:log-stream:{incidents}"] if incidents else [f"{group}:*", f"{group}:log-stream:*"]


def anchor_objects(env: Environment, incidents: str = "*") -> list[str]:
    """Anchors and run files of ``incidents`` in the bucket of the environment; none where it names no bucket."""
    bucket, end = env.named(env.names.anchor_bucket), "" if incidents == "*" else "/*"
    folders = [f"{prefix}/{env.name}/{incidents}{end}" for prefix in (ANCHORS_PREFIX, RUNS_PREFIX)]
    return [f"arn:aws:s3:::{bucket}/{folder}" for folder in folders] if bucket else []


def evidence_key(env: Environment) -> Scope:
    """The key that signs evidence, known by its alias: its id is made up by AWS."""
    alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [env.named(env.names.evidence_key)]}}
    return [arn(env, env.regions.dr, "kms", "key/*")], alias


# The document's version that is started: a former one may ask people who are no approvers any more.
DEFAULT_VERSION = "$DEFAULT"


def automation_document(env: Environment) -> Scope:
    """The document that starts a recovery, in its default version alone.

    Source: Systems Manager User Guide, "Setting up identity based policies examples", example 2 (T75).
    """
    document = arn(env, env.regions.dr, "ssm", f"document/{env.named(env.names.recovery_document)}")
    return [document], {"ForAnyValue:StringEquals": {"ssm:DocumentVersion": [DEFAULT_VERSION]}}


def automation_definition(env: Environment) -> list[str]:
    """The same by the ARN that holds the version (Service Authorization Reference), and its executions."""
    name = f"automation-definition/{env.named(env.names.recovery_document)}:{DEFAULT_VERSION}"
    return [arn(env, env.regions.dr, "ssm", name), *executions(env)]


def executions(env: Environment) -> list[str]:
    """Executions of documents in the DR region: their ids are made up by AWS."""
    return [arn(env, env.regions.dr, "ssm", "automation-execution/*")]


def automation_scope(env: Environment) -> Scope:
    """The role that the document runs with."""
    return [_role(env, env.names.automation_role)], {"StringEquals": {"iam:PassedToService": ["ssm.amazonaws.com"]}}


def task_scope(env: Environment) -> Scope:
    """The roles of the recovery's task."""
    roles = [_role(env, name) for name in (env.names.recovery_role, f"{env.names.recovery_role}-execution")]
    return roles, {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com"]}}


def break_glass(env: Environment) -> Scope:
    """The role that an operator may take while its tag names them, and that one tag of it."""
    return [_role(env, env.names.break_glass_role)], {"ForAllValues:StringEquals": {"aws:TagKeys": [OPEN_FOR]}}


def stack_roles(env: Environment) -> list[str]:
    """The roles that may change the estate, or start what may, and that of the function that writes anchors."""
    names = env.names
    patterns = (f"{names.recovery_role}*", names.automation_role, names.break_glass_role, names.stream_function)
    return [_role(env, name) for name in patterns]


def recovery_task(env: Environment) -> Scope:
    """The recovery's task, in every revision, in the DR region's cluster."""
    dr = env.regions.dr
    family = arn(env, dr, "ecs", f"task-definition/{env.named(env.names.recovery_task)}")
    return [family, f"{family}:*"], in_cluster(env, dr)


def topics(env: Environment) -> list[str]:
    """The topics of the DR region."""
    return [arn(env, env.regions.dr, "sns", env.named(topic)) for topic in env.names.topics]


def primary_data(env: Environment) -> dict[str, list[str]]:
    """What holds the primary's data, by the action that would delete it."""
    region, database = env.regions.primary, env.database_on(Side.PRIMARY)
    tables = [env.named(name) for name in env.names.tables]
    return {
        "dynamodb:DeleteTable": [arn(env, region, "dynamodb", f"table/{table}") for table in tables],
        "elasticfilesystem:DeleteFileSystem": [arn(env, region, "elasticfilesystem", "file-system/*")],
        "rds:DeleteDBInstance": [arn(env, region, "rds", f"db:{database}")],
        "s3:DeleteBucket": [f"arn:aws:s3:::{env.named(name)}" for name in env.names.buckets],
    }


def arn(env: Environment, region: str, service: str, resource: str) -> str:
    """The ARN of a resource of the account in ``region``."""
    return f"arn:aws:{service}:{region}:{env.account}:{resource}"


def _role(env: Environment, name: str) -> str:
    return f"arn:aws:iam::{env.account}:role/{env.named(name)}"


def _of_any_tenant(env: Environment, pattern: str) -> str:
    return env.named(pattern, tenant="*")


def _keys(env: Environment, regions: list[str], *services: str) -> Scope:
    """Keys, where a service of AWS uses them for the caller."""
    used_by = sorted(f"{service}.{region}.amazonaws.com" for service in services for region in regions)
    return [arn(env, "*", "kms", "key/*")], {"StringEquals": {"kms:ViaService": used_by}}


def task_definitions(env: Environment, region: str) -> list[str]:
    """The tenants' task definitions, in every revision."""
    here = env.in_region(region)
    return [arn(env, region, "ecs", f"task-definition/{_of_any_tenant(here, here.names.task_family)}:*")]


def run_definitions(env: Environment, region: str) -> list[str]:
    """Those of which a run starts tasks: the tenants', and that by which a database of PostgreSQL is asked."""
    psql = env.named(env.in_region(region).names.psql_task)
    return [*task_definitions(env, region), *([arn(env, region, "ecs", f"task-definition/{psql}:*")] if psql else [])]


def in_cluster(env: Environment, region: str) -> dict[str, Any]:
    """The condition that a task runs in a cluster of the environment."""
    arns = [arn(env, region, "ecs", f"cluster/{name}") for name in env.in_region(region).clusters]
    return {"ArnEquals": {"ecs:cluster": arns[0] if len(arns) == 1 else arns}}


def _network(env: Environment, region: str) -> list[str]:
    """What the network interface of a mount target is made of."""
    return [arn(env, region, "ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")]


def _restored_condition(env: Environment) -> dict[str, Any]:
    """A file system that a recovery restored, by the name that it was given first."""
    return {"StringLike": {"aws:ResourceTag/Name": [f"{env.named(env.names.file_system)}-restored-*"]}}


def _naming(env: Environment) -> dict[str, Any]:
    """Names that what bears one of them already is given: a restored file system, and what it replaces."""
    files = env.named(env.names.file_system)
    return {"StringLike": _given_names(env) | {"aws:ResourceTag/Name": [files, f"{files}-restored-*"]}}


def of_naming(env: Environment, region: str) -> dict[str, Scope]:
    """What bears no name and is given one in a recovery, by the statement that lets it; never a drill's name.

    An access point as it is made, a file system that AWS Backup restored without any tag, and one of the estate's tags.
    """
    files, points = (arn(env, region, "elasticfilesystem", f"{kind}/*") for kind in ("file-system", "access-point"))
    given = {"StringLike": _given_names(env)}
    own = {f"aws:ResourceTag/{key}": env.named(value) for key, value in sorted(env.names.tags.items())}
    unnamed = {"StringEquals": own, "Null": {"aws:ResourceTag/Name": "true"}}
    return {
        "NameAccessPoint": ([points], given | AS_IT_IS_MADE),
        "NameRestored": ([files], given | of_nobody(env)),
        **({"NameOwn": ([files], given | unnamed)} if own else {}),
    }


def of_nobody(env: Environment) -> dict[str, Any]:
    """The condition that a thing bears none of the tags by which somebody's is known."""
    return {"Null": {f"aws:ResourceTag/{key}": "true" for key in sorted({*WHOSE, *env.names.tags})}}


def _given_names(env: Environment) -> dict[str, list[str]]:
    files, points = env.named(env.names.file_system), _of_any_tenant(env, env.names.access_point)
    return {"aws:RequestTag/Name": [files, f"{files}-replaced-*", f"{files}-restored-*", points]}


def _secrets(env: Environment, region: str) -> list[str]:
    """Secrets have six random characters at the end of their ARN."""
    own = [env.named(name) for name in (env.names.master_secret, *env.names.secrets)]
    names = filter(None, (*own[:1], _of_any_tenant(env, env.names.tenant_secret), *own[1:]))
    return [arn(env, region, "secretsmanager", f"secret:{name}-??????") for name in names]


def _vault(env: Environment, region: str) -> str:
    return arn(env, region, "backup", f"backup-vault:{env.named(_vault_name(env, region))}")


def _vault_name(env: Environment, region: str) -> str:
    return env.names.primary_vault if region == env.regions.primary else env.names.dr_vault


def _file_systems(env: Environment) -> list[str]:
    return [arn(env, "*", "elasticfilesystem", kind) for kind in ("access-point/*", "file-system/*")]


def listeners(env: Environment, region: str) -> list[str]:
    """The listeners of each load balancer of the region."""
    own = (env.at(entrance).in_region(region) for entrance in env.entrances)
    names = dict.fromkeys(narrowed.named(narrowed.names.load_balancer) for narrowed in own)
    return [arn(env, region, "elasticloadbalancing", f"listener/app/{name}/*/*") for name in names]


def _roles(env: Environment) -> list[str]:
    """Those of the environment's name, AWS Backup's usual one, and those of the map of another name."""
    any_role = f"arn:aws:iam::{env.account}:role/"
    own = [f"{any_role}{name}" for name in (f"{env.name}-*", _DEFAULT_BACKUP_ROLE)]
    own += [role for role in env.mapped_backup_roles if not fnmatchcase(role, own[0]) and role not in own]
    others = [role for role in env.mapped_roles if not fnmatchcase(role, own[0])]
    start = os.path.commonprefix(others)  # noqa: RUF071 - letters, and no folders
    return [*own, *([f"{start}*"] if len(others) > _ROLES_BY_NAME and len(start) > len(any_role) else others)]


def databases(env: Environment) -> list[str]:
    """Of any region: RDS asks the source's region too, in the caller's name, and the call's own region is a condition.

    Source: RDS User Guide, "Creating a read replica in a different AWS Region" (IAM policies).
    """
    sides = [env.on(side) for side in (Side.PRIMARY, Side.DR)]
    named = [f"db:{env.named(here.names.database)}*" for here in sides]
    named += [f"subgrp:{env.named(here.names.db_subnet_group)}" for here in sides]
    kinds = (*dict.fromkeys(named), "pg:*", "og:*", "snapshot:*", "auto-backup:*")
    return [arn(env, "*", "rds", kind) for kind in kinds]


def _buckets(env: Environment, region: str) -> list[str]:
    """The buckets of tenants' data in ``region``: the originals in the primary region, their copies elsewhere."""
    state = env.named(env.names.state_bucket)
    names = [name for name in map(env.named, env.names.buckets) if name != state]
    copies = (env.named(env.names.bucket_copy, bucket=name) for name in names)
    # The map may know no copy: an ARN without a name would be every bucket's.
    return names if region == env.regions.primary else [copy for copy in copies if copy]


def _of_keys(*keys: str) -> dict[str, Any]:
    """The condition that admits items with these partition keys alone."""
    # ForAllValues holds for a request without the key as well: Null demands one (IAM User Guide, multivalued keys).
    return {"ForAllValues:StringEquals": {LEADING: list(keys)}, "Null": {LEADING: "false"}}


def _lock_tables(env: Environment) -> list[str]:
    """The tables in which Terraform locks its state."""
    return [arn(env, "*", "dynamodb", f"table/{env.named(pattern)}") for pattern in env.names.state_lock_tables]


def _lock_ids(env: Environment) -> list[str]:
    """The keys of the locks on the state and on its copy."""
    state, key = env.named(env.names.state_bucket), env.named(env.names.state_key)
    return [f"{bucket}/{key}" for bucket in (state, env.named(env.names.bucket_copy, bucket=state)) if bucket]


def _read_buckets(env: Environment) -> list[str]:
    state = env.named(env.names.state_bucket)
    runbook = env.named(env.people.runbook).removeprefix("s3://").partition("/")[0]
    files = [env.named(name) for name in env.names.variable_buckets]
    states = list(filter(None, (state, env.named(env.names.bucket_copy, bucket=state)))) if state else []
    run_files = [env.named(env.names.anchor_bucket)] if env.names.anchor_bucket else []
    return [*states, *([runbook] if runbook else []), *files, *run_files]


def _logs(env: Environment) -> list[str]:
    """Return the tenants' log streams, where tasks that a run started write what they found."""
    sides = [env.on(side) for side in (Side.DR, Side.PRIMARY)]
    groups = [_of_any_tenant(here, here.names.log_group) for here in sides]
    regions = (env.regions.dr, env.regions.primary)
    return [
        arn(env, region, "logs", f"log-group:{group}:log-stream:*")
        for region, group in zip(regions, groups, strict=True)
    ]


def _path(env: Environment) -> str:
    return env.named(env.names.parameter_path).rstrip("/")


def _records(env: Environment) -> Scope:
    """Records of the traffic zone and of customers, by name (a hosted zone's id is made up by AWS); no delegation."""
    zone = env.traffic.zone
    hosts = sorted({host for of_tenant in env.traffic.customer_hosts.values() for host in of_tenant})
    key = "route53:ChangeResourceRecordSets"
    condition: dict[str, Any] = {
        # UPSERT alone: no recovery deletes a record, and those it changes are there beforehand (T12).
        "ForAllValues:StringEquals": {f"{key}Actions": ["UPSERT"], f"{key}RecordTypes": CUT_OVER_TYPES},
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": [zone, f"*.{zone}", *hosts]},
    }
    inside = [denied for denied in env.traffic.denied_zones if denied.endswith(f".{zone}")]
    if inside:
        names = [name for denied in inside for name in (denied, f"*.{denied}")]
        condition["ForAllValues:StringNotLike"] = {f"{key}NormalizedRecordNames": names}
    return ["arn:aws:route53:::hostedzone/*"], condition
