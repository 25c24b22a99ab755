"""Stores of the primary region, what uses them, and what stands for them elsewhere: by relations that AWS keeps.

A store is one of the platform where a task definition, a task role, a replication or (databases and file systems) the
region itself lists it; other buckets, tables and secrets are counted, not judged. A list that could not be read (None)
gives no counterpart and no gap: ``is_unread``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from operator import eq, ne
from typing import Any

from dr_estate.config.map_file import BACKUP_ROLE
from dr_estate.model.estate_map import Counterpart, MappedKind, PartKind, Relation, Store, Thing, Workload
from dr_estate.scan.account import GlobalSide, RegionSide, Row, Rows
from dr_estate.scan.ways import plain
from dr_estate.scan.workloads import family_of, texts_of


@dataclass(frozen=True)
class ScannedEstate:
    """What stores are found in: the primary region's side, all sides by region, and the calls that need a name first.

    ``documents``: the policy documents of a role by its ARN; None where they could not be read.
    """

    account: str
    primary: RegionSide
    sides: Mapping[str, RegionSide]
    world: GlobalSide
    workloads: Sequence[Workload]
    documents: Mapping[str, Rows]
    bucket_rules: Callable[[str, str], Sequence[Row] | None]
    secret_replicas: Callable[[str, str], Sequence[Row] | None]

    @property
    def other_sides(self) -> list[RegionSide]:
        """The sides of the other regions."""
        return [side for side in self.sides.values() if side is not self.primary]

    def users(
        self, names: Callable[[str], bool], resources: Callable[[str], bool] = lambda _: False
    ) -> tuple[str, ...]:
        """The workloads of which a variable, a secret or a role's policy names it."""
        found = []
        for workload in self.workloads:
            definitions = self.primary.definitions.items()
            definition = next((row for arn, row in definitions if row and family_of(arn) == workload.family), None)
            roles = (part.id for part in workload.parts if part.kind == PartKind.TASK_ROLE)
            statements = (
                row for role in roles for document in self.documents.get(role) or () for row in _resources(document)
            )
            if any(names(text) for text in texts_of(definition or {})) or any(resources(arn) for arn in statements):
                found.append(workload.service.name)
        return tuple(found)

    def thing(self, kind: str, id_: str, name: str, found: str, state: str = "", region: str | None = None) -> Thing:
        """A resource of the account, in the primary region unless another is given."""
        return Thing(kind, id_, name, self.primary.region if region is None else region, self.account, found, state)


def _resources(document: Row) -> Iterator[str]:
    statements = document.get("Statement", ())
    for statement in [statements] if isinstance(statements, dict) else statements:
        if statement.get("Effect") == "Allow":
            found = statement.get("Resource", ())
            yield from [found] if isinstance(found, str) else found


def stores_of(estate: ScannedEstate) -> tuple[tuple[Store, ...], dict[str, int]]:
    """The stores of the platform, and how many others stand beside it, by kind."""
    stores = [*_databases(estate), *_clusters(estate), *_files(estate)]
    beside: dict[str, int] = {}
    for kind, found in (
        (MappedKind.OBJECTS, _buckets(estate)),
        (MappedKind.TABLE, _tables(estate)),
        (MappedKind.SECRET, _secrets(estate)),
    ):
        rows = list(found)
        stores += [store for store in rows if store.used_by or store.counterparts]
        if others := sum(not (store.used_by or store.counterparts) for store in rows):
            beside[kind.value] = others
    return tuple(replace(store, unread=is_unread(store.kind, estate)) for store in (*stores, *_images(estate))), beside


def _databases(estate: ScannedEstate) -> Iterator[Store]:
    for row in estate.primary.instances or ():
        if row.get("DBClusterIdentifier") or row.get("ReadReplicaSourceDBInstanceIdentifier"):
            continue  # a member is its cluster's, and a replica is its source's
        arn, host = row["DBInstanceArn"], plain((row.get("Endpoint") or {}).get("Address", ""))
        names = {host, *_names_leading_to(host, estate.world)} - {""}
        used = estate.users(lambda text, names=names: any(name in text.lower() for name in names))  # type: ignore[misc]
        how = "named by a variable" if used else ""
        if not used:
            used = _let_in(estate, row)
            how = (
                "its security group lets their tasks in"
                if used
                else "no workload names it; its host may stand in a secret"
            )
        state = f"{row['Engine']} {row.get('EngineVersion', '')}, {row.get('DBInstanceStatus', '')}"
        thing = estate.thing("RDS instance", arn, row["DBInstanceIdentifier"], "rds DescribeDBInstances", state)
        yield Store(MappedKind.DATABASE, thing, tuple(_database_counterparts(estate, row)), used, how)


def _names_leading_to(host: str, world: GlobalSide) -> set[str]:
    return {
        plain(row["Name"])
        for row in world.all_records
        if host and any(plain(value["Value"]) == host for value in row.get("ResourceRecords", ()))
    }


def _let_in(estate: ScannedEstate, instance: Row) -> tuple[str, ...]:
    """The workloads whose tasks the instance's security groups let in."""
    own = {group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups", ())}
    rules = [
        rule
        for group in estate.primary.security_groups or ()
        if group["GroupId"] in own
        for rule in group.get("IpPermissions", ())
    ]
    admitted = {pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", ()) if "GroupId" in pair}
    return tuple(
        row["serviceName"]
        for row in estate.primary.services or ()
        if admitted
        & set(((row.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}).get("securityGroups") or ())
    )


def _database_counterparts(estate: ScannedEstate, row: Row) -> Iterator[Counterpart]:
    arn = row["DBInstanceArn"]
    for side in estate.other_sides:
        for other in side.instances or ():
            if other.get("ReadReplicaSourceDBInstanceIdentifier") == arn:
                id_, name, state = other["DBInstanceArn"], other["DBInstanceIdentifier"], other.get("DBInstanceStatus")
                thing = estate.thing(
                    "RDS instance", id_, name, "rds DescribeDBInstances", state or "", region=side.region
                )
                yield Counterpart(thing, Relation.READ_REPLICA)
        for backup in side.automated_backups or ():
            if backup.get("DBInstanceArn") == arn:
                name, state = backup["DBInstanceIdentifier"], backup.get("Status", "")
                id_ = backup.get("DBInstanceAutomatedBackupsArn", "")
                thing = estate.thing(
                    "automated backup", id_, name, "rds DescribeDBInstanceAutomatedBackups", state, region=side.region
                )
                yield Counterpart(thing, Relation.BACKUP_REPLICATION)
    yield from _copies(estate, arn, {tag["Key"]: tag["Value"] for tag in row.get("TagList", ())})


def _clusters(estate: ScannedEstate) -> Iterator[Store]:
    for row in estate.primary.clusters or ():
        arn, name = row["DBClusterArn"], row["DBClusterIdentifier"]
        thing = estate.thing("DB cluster", arn, name, "rds DescribeDBClusters", row.get("Engine", ""))
        reason = "a DB cluster (Aurora, or Multi-AZ with two readers): this tool moves RDS instances alone"
        yield Store(MappedKind.DATABASE, thing, unsupported=reason)


def _files(estate: ScannedEstate) -> Iterator[Store]:
    for row in estate.primary.file_systems or ():
        id_, arn = row["FileSystemId"], row.get("FileSystemArn", "")
        used = tuple(
            w.service.name for w in estate.workloads if any(p.kind == PartKind.VOLUME and p.id == id_ for p in w.parts)
        )
        name, state = row.get("Name") or id_, row.get("LifeCycleState", "")
        thing = estate.thing("file system", id_, name, "efs DescribeFileSystems", state)
        found = "efs DescribeReplicationConfigurations"
        replicas = [
            estate.thing("file system", copy, copy, found, to.get("Status", ""), region=to["Region"])
            for replication in estate.primary.file_replications or ()
            if replication.get("SourceFileSystemId") == id_
            for to in replication.get("Destinations", ())
            for copy in [to["FileSystemId"]]
        ]
        tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}
        copies = [Counterpart(replica, Relation.FILE_REPLICATION) for replica in replicas]
        copies += _copies(estate, arn, tags)
        how = "a volume of their task definitions" if used else "no workload mounts it"
        yield Store(MappedKind.FILES, thing, tuple(copies), used, how)


def _buckets(estate: ScannedEstate) -> Iterator[Store]:
    regions = {row["Name"]: row["Region"] for row in estate.world.buckets or ()}
    for name, region in regions.items():
        if region != estate.primary.region:
            continue
        used = estate.users(lambda text, name=name: _is_named(text, name), lambda arn, name=name: _bucket_of(arn, name))  # type: ignore[misc]
        copies = []
        for rule in estate.bucket_rules(name, region) or ():
            to = (rule.get("Destination") or {}).get("Bucket", "").rpartition(":")[2]
            # A copy within the region is lost with it.
            if rule.get("Status") == "Enabled" and regions.get(to, "") != region:
                thing = estate.thing("bucket", to, to, "s3 GetBucketReplication", "Enabled", region=regions.get(to, ""))
                copies.append(Counterpart(thing, Relation.BUCKET_REPLICATION))
        how = "named by a variable or a task role's policy" if used else "it is replicated"
        thing = estate.thing("bucket", name, name, "s3 ListBuckets", region=region)
        yield Store(MappedKind.OBJECTS, thing, tuple(copies), used, how)


def _is_named(text: str, name: str) -> bool:
    """Whether a value names it: as it stands, or in an ARN or URL."""
    return text == name or any(part == name for part in text.replace("/", ":").replace(".", ":").split(":"))


def _bucket_of(arn: str, name: str) -> bool:
    own = arn.removeprefix("arn:aws:s3:::").partition("/")[0] if arn.startswith("arn:aws:s3:::") else ""
    # A policy on every bucket names none in particular.
    return bool(own.strip("*")) and fnmatchcase(name, own)


def _tables(estate: ScannedEstate) -> Iterator[Store]:
    for row in estate.primary.tables or ():
        name, arn = row["TableName"], row["TableArn"]
        used = estate.users(
            lambda text, name=name: _is_named(text, name),  # type: ignore[misc]
            lambda pattern, arn=arn: (
                ":table/" in pattern
                and bool(pattern.rpartition(":table/")[2].strip("*/"))
                and fnmatchcase(arn, pattern)
            ),  # type: ignore[misc]
        )
        found = "dynamodb DescribeTable"
        replicas = (
            estate.thing("table", name, name, found, to.get("ReplicaStatus", ""), region=to["RegionName"])
            for to in row.get("Replicas", ())
            if to["RegionName"] != estate.primary.region
        )
        copies = tuple(Counterpart(replica, Relation.GLOBAL_TABLE) for replica in replicas)
        thing = estate.thing("table", arn, name, found, row.get("TableStatus", ""))
        how = "named by a variable or a task role's policy" if used else "a global table"
        yield Store(MappedKind.TABLE, thing, copies, used, how)


def _secrets(estate: ScannedEstate) -> Iterator[Store]:
    for row in estate.primary.secrets or ():
        if row.get("PrimaryRegion") not in (None, estate.primary.region):
            continue  # a replica here of another region's
        arn, name = row["ARN"], row["Name"]
        used = estate.users(lambda text, arn=arn, name=name: arn in text or _is_named(text, name))  # type: ignore[misc]
        replicas = (
            (estate.secret_replicas(arn, estate.primary.region) or ()) if used or row.get("PrimaryRegion") else ()
        )
        found = "secretsmanager DescribeSecret"
        things = (
            estate.thing("secret", name, name, found, to.get("Status", ""), region=to["Region"]) for to in replicas
        )
        copies = tuple(Counterpart(replica, Relation.SECRET_REPLICA) for replica in things)
        thing = estate.thing("secret", arn, name, "secretsmanager ListSecrets")
        how = "a secret of their task definitions" if used else "it is replicated"
        yield Store(MappedKind.SECRET, thing, copies, used, how)


def _images(estate: ScannedEstate) -> Iterator[Store]:
    """One store a repository of ECR; another registry's images are the same from every region."""
    users: dict[str, list[str]] = {}
    for workload in estate.workloads:
        for part in workload.parts:
            if part.kind == PartKind.IMAGE and ".dkr.ecr." in part.id:
                users.setdefault(part.id.partition("@")[0].rsplit(":", 1)[0], []).append(workload.service.name)
    for repository, used in sorted(users.items()):
        host, _, name = repository.partition("/")
        account, region = host.split(".")[0], host.split(".")[3]
        thing = Thing("repository", repository, name, region, account, "ecs DescribeTaskDefinition: image")
        copies = tuple(_registry_copies(estate, name, account, region))
        yield Store(MappedKind.IMAGES, thing, copies, tuple(used), "the image of their containers")


def _registry_copies(estate: ScannedEstate, name: str, account: str, region: str) -> Iterator[Counterpart]:
    side = estate.sides.get(region)
    configuration = (side.registry if side else None) or {}
    for rule in (configuration.get("replicationConfiguration") or {}).get("rules", ()):
        filters = rule.get("repositoryFilters") or ()
        # Filters are beginnings of names (ECR API, RepositoryFilter: PREFIX_MATCH).
        if filters and not any(name.startswith(entry["filter"]) for entry in filters):
            continue
        for to in rule.get("destinations", ()):
            thing = Thing(
                "repository", name, name, to["region"], to.get("registryId", account), "ecr DescribeRegistry", "rule"
            )
            yield Counterpart(thing, Relation.REGISTRY_REPLICATION)


def _copies(estate: ScannedEstate, arn: str, tags: Mapping[str, str]) -> Iterator[Counterpart]:
    """Vaults of other regions that a backup plan copies the resource to: the plan selects it by ARN or by tags."""
    for plan in estate.primary.plans or ():
        selection = next((row for row in plan["selections"] if _selects(row, arn, tags)), None)
        if selection is None:
            continue
        for rule in plan["plan"].get("Rules", ()):
            for copy in rule.get("CopyActions", ()):
                vault = copy["DestinationBackupVaultArn"]
                region, name = vault.split(":")[3], vault.rpartition(":")[2]
                if region != estate.primary.region:
                    thing = Thing(
                        "backup vault",
                        vault,
                        name,
                        region,
                        vault.split(":")[4],
                        "backup GetBackupPlan",
                        rule.get("ScheduleExpression", ""),
                        {
                            "backup_plan": plan["plan"]["BackupPlanName"],
                            "primary_vault": rule["TargetBackupVaultName"],
                            BACKUP_ROLE: selection["IamRoleArn"],
                        },
                    )
                    yield Counterpart(thing, Relation.BACKUP_COPY)


def _selects(selection: Row, arn: str, tags: Mapping[str, str]) -> bool:
    """Whether a selection of AWS Backup takes the resource: all of its conditions, or one of its tags."""
    if any(fnmatchcase(arn, pattern) for pattern in selection.get("NotResources") or ()):
        return False
    tagged = selection.get("ListOfTags") or ()
    by_tag = any(tags.get(entry["ConditionKey"]) == entry["ConditionValue"] for entry in tagged)
    named = any(fnmatchcase(arn, pattern) for pattern in selection.get("Resources") or ())
    conditions: dict[str, Any] = selection.get("Conditions") or {}
    met = all(
        _TAG_TESTS[operator](
            tags.get(entry["ConditionKey"].removeprefix("aws:ResourceTag/"), ""), entry["ConditionValue"]
        )
        for operator, entries in conditions.items()
        for entry in entries or ()
    )
    return (named and met) or by_tag


# Source: AWS Backup API, "Conditions".
_TAG_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": eq,
    "StringNotEquals": ne,
    "StringLike": fnmatchcase,
    "StringNotLike": lambda value, pattern: not fnmatchcase(value, pattern),
}


def is_unread(kind: MappedKind, estate: ScannedEstate) -> bool:
    """Whether a list that a counterpart of this kind would stand in could not be read."""
    here, elsewhere = estate.primary, estate.other_sides
    lists: Mapping[MappedKind, Iterable[Any]] = {
        MappedKind.DATABASE: (
            here.plans,
            *(found for side in elsewhere for found in (side.instances, side.automated_backups)),
        ),
        MappedKind.FILES: (here.file_replications, here.plans),
        MappedKind.OBJECTS: (estate.world.buckets,),
        MappedKind.TABLE: (here.tables,),
        MappedKind.SECRET: (here.secrets,),
        MappedKind.IMAGES: (here.registry,),
    }
    return any(found is None for found in lists[kind])
