"""The stores: each kind of tenants' data that a failover must bring along, declared once.

Who says something of a store asks its value here and keeps no list of names: lags and the recovery point, loss and its
gates, the guard's backups, keys, the estimate, pages. Records hold ``id``: it never changes. STORES is the order of
pages. docs/add-a-store.md says what follows from each field.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Environment

# Names of a failback's markers: the table in a database, the file, and the item's key and attribute in a table.

TABLE, FILE = "dr_marker", ".dr-marker.json"
KEY, ATTRIBUTE = "dr-marker", "dr_marker"
# The condition by which nothing but a marker is replaced or removed (DynamoDB, ConditionExpression).
ONLY_A_MARKER = f"attribute_exists({ATTRIBUTE})"


@dataclass(frozen=True, slots=True)
class AwsBackup:
    """How AWS Backup holds a store: its word for the type, a part of every ARN of it, and the budget of a job.

    Its rows in aws_durations.toml are ``backup.back-up-<id>`` and ``backup.restore-<id>``.
    """

    type: str
    arn_part: str
    budget_s: int


@dataclass(frozen=True, slots=True)
class DataStore:
    """A store. ``counted`` is what a person counts of it, "" where no action moves it.

    ``checked_by`` begins the ids of the checks that are about it alone. ``shared``: tenants share one copy, so its loss
    is everybody's. ``measured_in_dr``: the DR region alone shows its age, so an unseen age is never relaxed.
    ``same_time``: its copy must be of the database's time. ``stale_with_source`` are the checks that fail merely
    because its source is lost: the loss says it. ``backup``: a failback overwrites it, so it is backed up before.
    ``compared`` are the types of resources that its checks compare by themselves, each with the environment file's
    names of them. ``marker`` is what a failback writes into it ({}: where) and looks for on the other side.
    ``key_grant`` is the service that holds a grant of its key; ``reencrypted``: its copies get a key of the DR region.
    ``has_room``: dr_checks has a folder of its name, which is a column of the tenants' table.
    """

    id: str
    counted: str = ""
    checked_by: str = ""
    shared: bool = False
    measured_in_dr: bool = False
    same_time: bool = False
    stale_with_source: tuple[str, ...] = ()
    backup: AwsBackup | None = None
    compared: tuple[tuple[str, tuple[str, ...]], ...] = ()
    marker: str = ""
    key_grant: str = ""
    reencrypted: bool = False
    has_room: bool = False


DATABASE = DataStore(
    "database",
    counted="databases",
    checked_by="rds",
    shared=True,
    measured_in_dr=True,
    same_time=True,
    stale_with_source=("rds-copy.age", "rds-replica.state"),
    backup=AwsBackup("RDS", ":db:", 18000),
    compared=(("rds:db", ("database",)),),
    marker=f"the table {TABLE} in {{}}",
    key_grant="rds",
    reencrypted=True,
    has_room=True,
)
FILES = DataStore(
    "files",
    counted="file systems",
    checked_by="efs",
    shared=True,
    measured_in_dr=True,
    same_time=True,
    stale_with_source=("efs.last-replicated",),
    backup=AwsBackup("EFS", ":file-system/", 14400),
    compared=(("elasticfilesystem:file-system", ("file_system",)),),
    marker=f"{FILE} in the folder of {{}}",
    key_grant="elasticfilesystem",
    has_room=True,
)
OBJECTS = DataStore(
    "objects",
    counted="buckets",
    checked_by="s3",
    same_time=True,
    stale_with_source=("s3-lag.latency",),
    compared=(("s3", ("buckets", "state_bucket")),),
    has_room=True,
)
TABLES = DataStore(
    "tables",
    counted="tables",
    checked_by="dynamodb",
    shared=True,
    same_time=True,
    compared=(("dynamodb:table", ("tables", "control_table", "state_lock_tables")),),
    marker=f"the item {KEY} in {{}}",
    key_grant="dynamodb",
    has_room=True,
)
SECRETS = DataStore("secrets", counted="secrets", checked_by="secrets")
IMAGES = DataStore("images", checked_by="ecr", compared=(("ecr:repository", ("repository",)),), key_grant="ecr")


def lacks(env: Environment, store: str) -> bool:
    """Whether the settings say that the estate has none of the store of that id: the first of its names is empty."""
    names = [row.compared[0][1][0] for row in STORES if row.id == store and row.has_room]
    return any(not getattr(env.names, name) for name in names)


STORES = (DATABASE, FILES, OBJECTS, TABLES, SECRETS, IMAGES)
