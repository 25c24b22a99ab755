"""What a run made in the account, found by its tag or by the names it gives, and taken away until nothing is left.

A kind is looked for and deleted again and again until none is found, each kind before what it stands on: so an
interrupted run is cleaned like a finished one, and a state in which AWS deletes nothing yet is waited out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from truth_kit.account import TAG, Account, TooLate
from truth_kit.callers import GLOBAL

Found = tuple[str, str]
"""A region, and what the service calls the thing there."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing. ``find`` yields those of this run; ``remove`` takes one away, or raises ClientError."""

    name: str
    find: Callable[[Account], Iterator[Found]]
    remove: Callable[[Account, str, str], Any]


def clean(account: Account) -> list[str]:
    """Take away what the run made. Returns a sentence for each kind of which something is left."""
    left = []
    for kind in KINDS:
        errors: dict[str, str] = {}
        try:
            account.until(f"no {kind.name} of run {account.run} is left", partial(_is_empty, kind, account, errors))
        except TooLate as late:
            left.append(f"{late} ({', '.join(f'{name}: {code}' for name, code in errors.items())})")
        except (ClientError, BotoCoreError) as error:
            left.append(f"{kind.name} of run {account.run} cannot be looked for: {error}")
    return left


def _is_empty(kind: Kind, account: Account, errors: dict[str, str]) -> bool:
    """Whether none is left; else each is deleted once more, and ``errors`` holds AWS's codes by name."""
    found = list(kind.find(account))
    for region, name in found:
        try:
            kind.remove(account, region, name)
        except ClientError as error:
            errors[name] = error.response["Error"]["Code"]
    return not found


def inventory(account: Account) -> list[str]:
    """What of the run stands in the account, one line a thing."""
    return [f"{kind.name} {name} in {region}" for kind in KINDS for region, name in kind.find(account)]


def _own_resources(account: Account, service: str, operation: str, result: str, name: str) -> Iterator[Found]:
    for region in account.regions:
        for row in account.pages(service, region, operation, result):
            if str(row.get(name, "")).startswith(account.prefix):
                yield region, row[name]


def _backup_replications(account: Account) -> Iterator[Found]:
    for row in account.pages("rds", account.dr, "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups"):
        # The DR region lists its own databases' backups too; what is retained replicates no more.
        replicated = row["DBInstanceArn"].split(":")[3] == account.primary
        if row["DBInstanceIdentifier"].startswith(account.prefix) and replicated and row["Status"] != "retained":
            yield account.dr, row["DBInstanceArn"]


def _stop_backup_replication(account: Account, region: str, arn: str) -> None:
    account.client("rds", region).stop_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)


def _instances(account: Account) -> Iterator[Found]:
    yield from _own_resources(account, "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier")


def _delete_instance(account: Account, region: str, name: str) -> None:
    # Else a snapshot and the backups stay, and are billed.
    account.client("rds", region).delete_db_instance(
        DBInstanceIdentifier=name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
    )


def _retained_backups(account: Account) -> Iterator[Found]:
    for region in account.regions:
        rows = account.pages("rds", region, "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups")
        for row in rows:
            if row["DBInstanceIdentifier"].startswith(account.prefix):
                yield region, row["DBInstanceAutomatedBackupsArn"]


def _delete_retained_backup(account: Account, region: str, arn: str) -> None:
    account.client("rds", region).delete_db_instance_automated_backup(DBInstanceAutomatedBackupsArn=arn)


def _vaults(account: Account) -> Iterator[Found]:
    yield from _own_resources(account, "backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName")


def _jobs(account: Account) -> Iterator[Found]:
    """Jobs under way: what they make is not yet there to be deleted."""
    kinds = (("list_backup_jobs", "BackupJobs", "State"), ("list_copy_jobs", "CopyJobs", "State"))
    for region in account.regions:
        vaults = {arn for place, arn in _vault_arns(account) if place == region}
        for operation, result, state in (*kinds, ("list_restore_jobs", "RestoreJobs", "Status")):
            for row in account.pages("backup", region, operation, result):
                mine = {row.get("BackupVaultArn"), row.get("SourceBackupVaultArn")} & vaults
                if mine and row[state] in ("CREATED", "PENDING", "RUNNING", "ABORTING"):
                    yield region, row.get("BackupJobId") or row.get("CopyJobId") or row["RestoreJobId"]


def _vault_arns(account: Account) -> Iterator[Found]:
    for region, name in _vaults(account):
        yield region, account.client("backup", region).describe_backup_vault(BackupVaultName=name)["BackupVaultArn"]


def _points(account: Account) -> Iterator[Found]:
    for region, vault in _vaults(account):
        listed = "list_recovery_points_by_backup_vault"
        for row in account.pages("backup", region, listed, "RecoveryPoints", BackupVaultName=vault):
            yield region, f"{vault} {row['RecoveryPointArn']}"


def _delete_point(account: Account, region: str, name: str) -> None:
    vault, arn = name.split(" ")
    account.client("backup", region).delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)


def _file_systems(account: Account) -> Iterator[Found]:
    """Those with our token or tag, and those that a restore from our vault made: they bear neither."""
    vaults = {arn for _, arn in _vault_arns(account)}
    for region in account.regions:
        jobs = account.pages("backup", region, "list_restore_jobs", "RestoreJobs")
        restored = {job.get("CreatedResourceArn") for job in jobs if job.get("BackupVaultArn") in vaults} - {None}
        for row in account.pages("efs", region, "describe_file_systems", "FileSystems"):
            tagged = {"Key": TAG, "Value": account.run} in row.get("Tags", [])
            if tagged or row["CreationToken"].startswith(account.prefix) or row["FileSystemArn"] in restored:
                yield region, row["FileSystemId"]


def _replications(account: Account) -> Iterator[Found]:
    for region, name in _file_systems(account):
        try:
            found = account.client("efs", region).describe_replication_configurations(FileSystemId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ReplicationNotFound", "FileSystemNotFound"):
                continue
            raise
        for row in found["Replications"]:
            yield region, row["SourceFileSystemId"]


def _delete_replication(account: Account, region: str, source: str) -> None:
    account.client("efs", region).delete_replication_configuration(SourceFileSystemId=source)


def _delete_file_system(account: Account, region: str, name: str) -> None:
    account.client("efs", region).delete_file_system(FileSystemId=name)


def _secrets(account: Account) -> Iterator[Found]:
    yield from _own_resources(account, "secretsmanager", "list_secrets", "SecretList", "Name")


def _delete_secret(account: Account, region: str, name: str) -> None:
    client = account.client("secretsmanager", region)
    secret = client.describe_secret(SecretId=name)
    # A secret that has replicas cannot be deleted (API_DeleteSecret): each is made one of its own first.
    if secret.get("PrimaryRegion", region) != region:
        client.stop_replication_to_replica(SecretId=secret["ARN"])
    # A recovery window keeps the name taken for seven days at least.
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _buckets(account: Account) -> Iterator[Found]:
    for row in account.client("s3", account.primary).list_buckets()["Buckets"]:
        if row["Name"].startswith(account.prefix):
            yield account.primary, row["Name"]


def _delete_bucket(account: Account, region: str, name: str) -> None:
    client = account.client("s3", region)
    for row in account.pages("s3", region, "list_objects_v2", "Contents", Bucket=name):
        client.delete_object(Bucket=name, Key=row["Key"])
    client.delete_bucket(Bucket=name)


def _documents(account: Account) -> Iterator[Found]:
    own = [{"Key": "Owner", "Values": ["Self"]}]
    for region in account.regions:
        for row in account.pages("ssm", region, "list_documents", "DocumentIdentifiers", Filters=own):
            if row["Name"].startswith(account.prefix):
                yield region, row["Name"]


def _delete_document(account: Account, region: str, name: str) -> None:
    account.client("ssm", region).delete_document(Name=name)


def _schedules(account: Account) -> Iterator[Found]:
    for row in account.pages("scheduler", account.dr, "list_schedules", "Schedules", NamePrefix=account.prefix):
        yield account.dr, row["Name"]


def _delete_schedule(account: Account, region: str, name: str) -> None:
    account.client("scheduler", region).delete_schedule(Name=name)


def _machines(account: Account) -> Iterator[Found]:
    for row in account.pages("stepfunctions", account.dr, "list_state_machines", "stateMachines"):
        if row["name"].startswith(account.prefix):
            yield account.dr, row["stateMachineArn"]


def _delete_machine(account: Account, region: str, arn: str) -> None:
    account.client("stepfunctions", region).delete_state_machine(stateMachineArn=arn)


def _clusters(account: Account) -> Iterator[Found]:
    ecs = account.client("ecs", account.dr)
    found = ecs.describe_clusters(clusters=[account.prefix + "tasks"])["clusters"]
    yield from ((account.dr, row["clusterName"]) for row in found if row["status"] != "INACTIVE")


def _delete_cluster(account: Account, region: str, name: str) -> None:
    ecs = account.client("ecs", region)
    # ECS deletes no cluster in which a task is left (API_DeleteCluster).
    for task in ecs.list_tasks(cluster=name)["taskArns"]:
        ecs.stop_task(cluster=name, task=task)
    ecs.delete_cluster(cluster=name)


def _definitions(account: Account) -> Iterator[Found]:
    family = account.prefix + "tasks"
    listed = account.client("ecs", account.dr).list_task_definitions(familyPrefix=family, status="ACTIVE")
    yield from ((account.dr, arn) for arn in listed["taskDefinitionArns"])


def _deregister_definition(account: Account, region: str, arn: str) -> None:
    account.client("ecs", region).deregister_task_definition(taskDefinition=arn)


def _roles(account: Account) -> Iterator[Found]:
    for row in account.pages("iam", GLOBAL, "list_roles", "Roles"):
        if row["RoleName"].startswith(account.prefix) and row["RoleName"] != account.prefix + "backup":  # Terraform's
            yield GLOBAL, row["RoleName"]


def _delete_role(account: Account, region: str, name: str) -> None:
    client = account.client("iam", region)
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    client.delete_role(RoleName=name)


def _zones(account: Account) -> Iterator[Found]:
    for row in account.pages("route53", GLOBAL, "list_hosted_zones", "HostedZones"):
        if row["Name"] == f"{account.prefix.rstrip('-')}.test.":
            yield GLOBAL, row["Id"]


def _delete_zone(account: Account, region: str, name: str) -> None:
    client = account.client("route53", region)
    rows = account.pages("route53", region, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=name)
    # Route 53 takes these two away with the zone, and deletes none that has others (API_DeleteHostedZone).
    changes = [{"Action": "DELETE", "ResourceRecordSet": row} for row in rows if row["Type"] not in ("NS", "SOA")]
    if changes:
        client.change_resource_record_sets(HostedZoneId=name, ChangeBatch={"Changes": changes})
    client.delete_hosted_zone(Id=name)


def _checks(account: Account) -> Iterator[Found]:
    for row in account.pages("route53", GLOBAL, "list_health_checks", "HealthChecks"):
        if row["CallerReference"].startswith(account.prefix):
            yield GLOBAL, row["Id"]


def _delete_check(account: Account, region: str, name: str) -> None:
    account.client("route53", region).delete_health_check(HealthCheckId=name)


# The order counts: AWS deletes no file system that is replicated, and a job under way makes what is deleted after it.
KINDS = (
    Kind("replications of automated backups", _backup_replications, _stop_backup_replication),
    Kind("database instances", _instances, _delete_instance),
    Kind("retained automated backups", _retained_backups, _delete_retained_backup),
    Kind("jobs of AWS Backup", _jobs, lambda *_: None),
    Kind("replications of file systems", _replications, _delete_replication),
    Kind("file systems", _file_systems, _delete_file_system),
    Kind("recovery points", _points, _delete_point),
    Kind("secrets", _secrets, _delete_secret),
    Kind("buckets", _buckets, _delete_bucket),
    Kind("documents", _documents, _delete_document),
    Kind("schedules", _schedules, _delete_schedule),
    Kind("state machines", _machines, _delete_machine),
    Kind("clusters", _clusters, _delete_cluster),
    Kind("task definitions", _definitions, _deregister_definition),
    Kind("roles", _roles, _delete_role),
    Kind("hosted zones", _zones, _delete_zone),
    Kind("health checks", _checks, _delete_check),
)
