"""Tables of an environment file, one frozen model each. Unknown keys are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError) as unknown:
        raise ValueError(f"'{value}' is not an IANA time zone, such as Africa/Johannesburg") from unknown
    return value


_SATURDAY = 5
Positive = Annotated[int, Field(gt=0)]
Mapped = dict[str, tuple[str, ...]]
Timezone = Annotated[str, AfterValidator(_known_timezone)]


class Settings(BaseModel):
    """A table of the environment file: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(StrEnum):
    """Whether data must be replicated to the DR region."""

    NONE = "none"
    EXPECTED = "expected"
    MANDATORY = "mandatory"


class Regions(Settings):
    """The two regions, and others in which the estate might be found by mistake."""

    primary: str
    dr: str
    others: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _two_regions(self) -> Self:
        if self.primary == self.dr:
            raise ValueError(
                f"primary and DR region are both '{self.primary}': a region cannot be its own standby. Change one"
            )
        return self


class Objectives(Settings):
    """Recovery objectives, in minutes."""

    rpo_minutes: Positive = 60
    rto_minutes: Positive = 240


class ReplicationSettings(Settings):
    """What data replication is expected, and which mechanisms count for a store (first listed is preferred)."""

    expectation: Expectation
    reason: str = ""
    database: tuple[Literal["automated-backup", "read-replica", "backup-copy"], ...] = (
        "automated-backup",
        "read-replica",
        "backup-copy",
    )
    files: tuple[Literal["replication", "backup-copy"], ...] = ("replication", "backup-copy")

    @model_validator(mode="after")
    def _no_replication_has_a_reason(self) -> Self:
        if self.expectation is Expectation.NONE and not self.reason:
            raise ValueError("expectation is 'none': say why in replication.reason, which reports quote")
        return self


class Standby(Settings):
    """How the DR region stands while the primary serves.

    Under ``pilot-light`` no task runs there until a failover has brought the database up. Under ``warm`` each tenant's
    service runs ``tasks_per_service`` tasks (1 unless given) on a readable replica: WordPress answers 500 without a
    database, and ECS gives its deployment up (T54). ``tasks`` are those of single tenants that run another number.
    """

    mode: Literal["pilot-light", "warm"] = "pilot-light"
    tasks_per_service: Annotated[int, Field(ge=0)] = 0
    tasks: dict[str, Annotated[int, Field(ge=0)]] = {}

    @model_validator(mode="before")
    @classmethod
    def _warm_runs_a_task(cls, value: Any) -> Any:
        is_warm = isinstance(value, dict) and value.get("mode") == "warm"
        return {"tasks_per_service": 1, **value} if is_warm else value

    @model_validator(mode="after")
    def _tasks_are_as_the_mode(self) -> Self:
        if self.mode == "pilot-light" and self.tasks_per_service:
            raise ValueError(
                f"tasks_per_service is {self.tasks_per_service}, but a pilot light runs no task: "
                "set it to 0, or mode to 'warm' with 'read-replica' first in replication.database"
            )
        if self.mode == "warm" and not self.tasks_per_service:
            raise ValueError(
                "mode is 'warm', but tasks_per_service is 0: set it to 1 or more, or mode to 'pilot-light'"
            )
        return self


class DatabaseChoice(Settings):
    """How the database is restored in the DR region.

    ``classes`` are instance classes to try in order where RDS has no capacity for the primary database's own class.
    ``resource_id`` (``db-...``) chooses the database whose copies are used, where several of one name have copies.
    """

    classes: tuple[str, ...] = ()
    resource_id: str = ""


class Capacity(Settings):
    """What the DR region must be able to run after a failover.

    ``tasks`` are those of single tenants that run another number than ``tasks_per_service``.
    """

    tasks_per_service: Positive = 2
    tasks: dict[str, Positive] = {}
    # Fargate launches about 100 tasks at once, then 20 a second (T35).
    launch_burst: Positive = 100
    launch_per_s: Positive = 20
    headroom_percent: Annotated[int, Field(ge=0)] = 20


class ResourceNames(Settings):
    """Name patterns of the estate's resources. One that is "" or empty: the estate has none of it.

    Those that are required are said by the file itself, by its base or by its map.
    ``vpc`` that is "" is the load balancer's. ``secrets`` are those that containers read beside the tenants' own.
    ``variable_buckets`` are the buckets of the files that containers get variables from: readers may read them.
    ``psql_task`` is the family of a task definition of both regions by which a database of PostgreSQL is asked: psql in
    its first container, PGUSER and PGPASSWORD of a user of each names.tenant_schema (a database there), and a log group
    of names.log_group. Without it a planned move writes no marker there, and a restore test counts nothing.
    ``anchor_bucket`` is a bucket of the DR region with Object Lock, to which heads of journals go too, and the files of
    runs that AWS started; "" is none.
    ``recovery_subnets`` are the ids of subnets of the DR region's VPC in which AWS starts the task of a recovery;
    without any it starts in those of the first service that ECS lists, whose security groups it has in any case.
    ``stream_bucket`` is one in which AWS itself anchors each change of the control table, by the function
    ``stream_function``, whose role bears the same name; "" is none.
    """

    cluster: str = ""
    service: str = ""
    task_family: str = ""
    container: str = ""
    container_port: Positive = 80
    log_group: str = ""
    load_balancer: str = ""
    target_group: str = ""
    security_group: str = ""
    vpc: str = ""
    database: str = ""
    db_subnet_group: str = ""
    db_parameter_group: str = ""
    db_security_group: str = ""
    db_copy_key_alias: str = "alias/aws/rds"
    tenant_schema: str = "{tenant}_db"
    psql_task: str = ""
    file_system: str = ""
    access_point: str = ""
    access_point_path: str = "/{tenant}"
    # www-data of the WordPress image (Debian).
    access_point_uid: int = 33
    repository: str = ""
    master_secret: str = ""
    tenant_secret: str = ""
    secrets: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    variable_buckets: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    bucket_copy: str = "{bucket}-dr"
    backup_plan: str = ""
    primary_vault: str = ""
    dr_vault: str = ""
    state_bucket: str = ""
    state_key: str = "{env}/terraform.tfstate"
    state_lock_tables: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    control_table: str = "{env}-dr-control"
    evidence_key: str = "alias/{env}-dr-evidence"
    anchor_log: str = "/dr/{env}/anchors"
    recovery_subnets: tuple[str, ...] = ()
    anchor_bucket: str = ""
    stream_bucket: str = ""
    stream_function: str = "{env}-dr-anchors"
    operator_role: str = "{env}-dr-operator"
    recovery_role: str = "{env}-dr-recovery"
    automation_role: str = "{env}-dr-automation"
    break_glass_role: str = "{env}-dr-break-glass"
    recovery_document: str = "{env}-dr-recovery"
    recovery_task: str = "dr-recovery-{env}"
    parameter_path: str = "/{env}/"
    alarms: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("{env}-",)
    tags: dict[str, str] = {}


WITHOUT_DEFAULT = frozenset(
    {
        *("cluster", "service", "task_family", "container", "log_group", "load_balancer", "target_group", "vpc"),
        *("database", "file_system", "repository", "master_secret", "tenant_secret", "tables", "buckets"),
        *("backup_plan", "state_bucket", "topics", "alarms", "tags"),
    }
)
"""The names of [names] that no file leaves unsaid: what is not judged is none by somebody's word, never by silence."""

WITH_A_PART: Mapping[str, tuple[str, ...]] = {
    "database": ("db_subnet_group", "db_parameter_group", "db_security_group"),
    "file_system": ("access_point",),
    "backup_plan": ("primary_vault", "dr_vault"),
    "state_bucket": ("state_lock_tables",),
}
"""The names that are said where the estate has the part."""


def missing_names(names: Mapping[str, Any]) -> list[str]:
    """The names that are to be said and are not among these."""
    of_parts = (key for part, keys in WITH_A_PART.items() if names.get(part) for key in keys)
    return [key for key in (*sorted(WITHOUT_DEFAULT), *of_parts) if key not in names]


class NamesInDr(Settings):
    """Names in the DR region of what is called otherwise there; None is what ``[names]`` says.

    ``database`` is the read replica's; a copy that is restored there takes it too, and the groups ``db_...``. Where
    ``psql_task`` lacks something, checks warn.
    """

    load_balancer: str | None = None
    cluster: str | None = None
    database: str | None = None
    db_subnet_group: str | None = None
    db_parameter_group: str | None = None
    db_security_group: str | None = None
    psql_task: str | None = None


class TrafficSettings(Settings):
    """The cut-over point and the names that reach it. ``zone`` is the hosted zone that holds the traffic records.

    ``pin_port`` is the listener of the DR region's load balancer by which the primary's record is held down without
    Route 53's control plane; None where none was prepared. A move of traffic is to be confirmed within
    ``confirm_minutes`` by requests that arrive in the DR region; 0 where nobody visits, and none are waited for.
    ``probe_path`` is that of the profile where it is "".
    """

    zone: str
    tenant_domain: str
    origin_record: str
    primary_set_identifier: str
    secondary_set_identifier: str
    policy: Literal["failover", "weighted"] = "failover"
    parent_zone: str | None = None
    denied_zones: tuple[str, ...] = ()
    distribution_alias: str
    test_prefix: str = "wpdr"
    canary_zones: tuple[str, ...] = ()
    customer_hosts: Mapped = {}
    dns_step: Literal["manual", "automatic"] = "manual"
    probe_path: str = ""
    expected_probe_statuses: tuple[int, ...] = (200,)
    resolvers: tuple[str, ...] = ()
    pin_port: int | None = Field(default=None, ge=1, le=65535)
    confirm_minutes: Annotated[float, Field(ge=0)] = 10


class Thresholds(Settings):
    """Limits that checks compare with."""

    # A longer TTL keeps visitors in a dark region for as long (T11).
    record_ttl_s: Positive = 60
    # Route 53's own SOA record has a TTL of 900 s (Developer Guide, "SOA and NS records").
    soa_negative_ttl_s: Positive = 900
    alb_keep_alive_s: Positive = 120
    # Long enough to renew one in the region that will serve (T20).
    certificate_days: Positive = 30
    metric_age_minutes: Positive = 15
    failed_job_hours: Positive = 24
    # S3 Replication Time Control promises 15 minutes (S3 User Guide).
    s3_latency_s: Positive = 900
    document_age_days: Positive = 90
    restore_test_age_days: Positive = 90
    start_test_age_days: Positive = 10
    backup_retention_days: Positive = 7
    store_skew_minutes: Positive = 60
    site_answer_s: Positive = 5
    impaired_percent: int = Field(default=50, ge=1, le=99)


class ReadLimits(Settings):
    """Time limits and concurrency of reading.

    Where AWS's published rates make the reading of a large estate longer than ``deadline_s``, it is given that time,
    and so is an emulator, unless ``firm_deadline``; ``--deadline`` is firm. Two buckets are compared for
    ``compare_minutes`` at most.
    """

    deadline_s: Positive = 90
    firm_deadline: bool = False
    connect_timeout_s: Positive = 3
    read_timeout_s: Positive = 10
    compare_minutes: Positive = 30
    attempts: Positive = 3
    workers: Positive = 32


class ScalingSchedule(Settings):
    """Hours in which services are scaled to 0 on purpose: that is not an outage."""

    timezone: Timezone
    off_from: time
    off_until: time
    weekends_off: bool = True

    def off(self, now: datetime) -> bool:
        """Whether ``now`` (aware) lies in the off hours."""
        local = now.astimezone(ZoneInfo(self.timezone))
        if self.weekends_off and local.weekday() >= _SATURDAY:
            return True
        starts, ends, clock = self.off_from, self.off_until, local.time()
        # Hours over midnight begin on one day and end on the next.
        return starts <= clock < ends if starts <= ends else clock >= starts or clock < ends


class People(Settings):
    """Contacts and documents that a recovery needs.

    ``runbook`` is where the recovery steps are written down (``s3://BUCKET/KEY``), "" for nowhere.
    ``break_glass`` is the ARN of an IAM user or role by which somebody signs in where the identity provider or the
    primary region is lost, "" where there is none.
    """

    runbook: str = ""
    roles: tuple[str, ...] = ("Platform Admin", "DR Manager", "Backup Manager", "Monitoring Agent")
    contacts: dict[str, str] = {}
    break_glass: Annotated[str, Field(pattern=r"^(arn:aws[a-z-]*:iam::\d{12}:(user|role)/\S+)?$")] = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an application.

    ``probe_path`` is asked of a workload that has a host of its own. ``names_host``: its pages speak of the host that
    they were asked for. ``variables`` begin the names of those that its containers get: by them `init` knows it.
    ``posts`` are paths, below the site's own, to which people send what they write. ``own_schema``: each workload has a
    schema of its own, while those of others may share one. ``php``: its image has PHP with mysqli, in which markers and
    restore tests ask its database and its files.
    """

    probe_path: str
    names_host: bool
    variables: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    own_schema: bool = False
    php: bool = False


# The login page has the site's own host in each of its links, and reads the database.
WORDPRESS = Profile(
    probe_path="/wp-login.php",
    names_host=True,
    variables=("WORDPRESS_",),
    posts=("wp-login.php", "wp-admin/post.php"),
    own_schema=True,
    php=True,
)
# A plain HTTP service: an answer of an expected status is its own unless a stranger's host gets the same.
HTTP = Profile(probe_path="/", names_host=False)

# Each profile by its name in an environment file.
PROFILES: Mapping[str, Profile] = {"wordpress": WORDPRESS, "http": HTTP}
