"""Tables of an environment file about changes: approvals, execution, drills, Terraform and prices."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from dr_estate.config.settings import Mapped, Positive, Settings, Timezone

MOST_STAGES = 5


PEOPLE_TAG = "dr:people"
"""The control table's tag: how many people a plan needs. deploy/ writes it, and no operator may."""


class ApprovalSettings(Settings):
    """Who may order a failover: ``people`` distinct persons, and a ticket where ``ticket`` is true.

    ``identities`` names persons and the patterns of their ARNs (``*`` matches any text); ``approvers`` are those
    persons who may approve. An approval is valid for ``valid_minutes``; a run that began in that time may be
    continued for ``resume_hours`` from its beginning, and after that needs ``--replan`` and a new approval.
    """

    people: Literal[1, 2] = 1
    ticket: bool = False
    # As INC-123 and INC-20260107-001: incidents of the platform are spelled in both ways.
    ticket_pattern: str = r"INC-\d{1,12}(-\d{3})?"
    approvers: tuple[str, ...] = ()
    identities: Mapped = Field(default_factory=dict)
    valid_minutes: Positive = 60
    resume_hours: Positive = 24
    full_drill: bool = True

    @model_validator(mode="after")
    def _require_two_roles(self) -> Self:
        unknown = sorted(set(self.approvers) - set(self.identities))
        if unknown:
            raise ValueError(f"approvers names {unknown[0]}, whose identities are not given: add them to identities")
        if self.people > 1 and not self.approvers:
            raise ValueError("people is 2: name in approvers who may approve, and their ARNs in identities")
        return self


class AutomationSettings(Settings):
    """Whether AWS starts the runs: with ``enabled``, people request a run, and AWS starts it after an approval.

    The control stack then holds the Systems Manager document names.recovery_document, the task names.recovery_task and
    their roles, and no person's role may change the estate. An approver has ``approve_hours`` to approve, and a run
    ``run_hours`` to end.
    """

    enabled: bool = False
    approve_hours: Annotated[int, Field(ge=1, le=168)] = 4
    run_hours: Annotated[int, Field(ge=1, le=168)] = 24


class Execution(Settings):
    """How a run is executed: its lock and clock, how long it waits, and how much it does at once.

    The lock expires ``lease_s`` after its owner's last heartbeat; a run that observed it for that time without one may
    take it over. Evidence older than ``evidence_age_s`` is looked at again before a change. ``manual_wait_minutes`` is
    how long a run waits for a step done by a person, and ``sign_in_wait_minutes`` for new credentials where it lost its
    own; in a failback's write pause it waits until they come, for nobody else ends that. A failover tries for
    ``primary_minutes`` what the primary region has to do, and then goes on without it;
    ``assess_minutes`` and ``verify_minutes`` are what the estimate of the recovery time allows people for both. With
    ``markers`` a planned move writes a marker by a task of a tenant's own (PHP in its image), and waits until it has
    arrived; a failback one into each tenant's folder and each replicated table too.
    """

    lease_s: Positive = 120
    cool_down_minutes: Annotated[int, Field(ge=0)] = 30
    evidence_age_s: Positive = 120
    manual_wait_minutes: Positive = 60
    sign_in_wait_minutes: Annotated[float, Field(gt=0)] = 60
    primary_minutes: Annotated[float, Field(gt=0)] = 3
    # The time boxes of the platform's own runbooks: 15 min to assess, 30 min to verify.
    assess_minutes: Positive = 15
    verify_minutes: Positive = 30
    poll_s: Annotated[float, Field(gt=0)] = 5.0
    attempts: Positive = 5
    at_once: Positive = 16
    markers: bool = True


class Failback(Settings):
    """Failback of traffic: ``stages`` are the primary's percentages, rising to 100; ``staged`` makes them mandatory.

    The primary must have answered without a gap for ``stable_minutes``. Each stage holds for ``bake_minutes`` while its
    gates are watched: server errors not above ``error_rate_percent`` of the requests, and ``dns_samples`` queries to
    the zone's own name servers answered as weighted. ``canary_tenants`` are those whose own records change first.
    ``sync_mib_s`` is the rate that the estimate of the sync's time assumes, in MiB a second. A changed file system
    policy holds after ``files_freeze_minutes`` (EFS: "can take several minutes to take effect"). Writes are stopped
    once the primary region's database trails by ``database_lag_s`` seconds at most, and its files were synced at most
    ``files_lag_minutes`` ago (EFS: most within 15). No failback starts while the write pause, until the last visitor
    can write again, may last longer than ``max_write_pause_minutes`` in one of ten cases. ``objects_at_once`` are
    copied between buckets. ``objects_batch_role`` is the ARN of the role that S3 Batch Replication takes where the DR
    region's buckets are replicated back, "" where no job is to be started; the run's own copies continue
    ``objects_batch_minutes`` later.
    """

    staged: bool = False
    stages: tuple[Positive, ...] = (10, 50, 100)
    bake_minutes: Annotated[float, Field(ge=0)] = 10
    stable_minutes: Annotated[int, Field(ge=0)] = 30
    error_rate_percent: Annotated[float, Field(ge=0, le=100)] = 2.0
    dns_samples: Annotated[int, Field(ge=20, le=1000)] = 200
    canary_tenants: tuple[str, ...] = ()
    sync_mib_s: Positive = 50
    files_freeze_minutes: Annotated[float, Field(ge=0)] = 5
    database_lag_s: Positive = 60
    files_lag_minutes: Positive = 20
    max_write_pause_minutes: Positive = 90
    objects_at_once: Annotated[int, Field(ge=1, le=256)] = 32
    objects_batch_role: Annotated[str, Field(pattern=r"^(arn:aws[a-z-]*:iam::\d{12}:role/\S+)?$")] = ""
    objects_batch_minutes: Annotated[float, Field(gt=0)] = 360

    @field_validator("stages")
    @classmethod
    def _stages_rise_to_all(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)) or value[-1:] != (100,) or len(value) > MOST_STAGES:
            raise ValueError(f"must rise, end at 100 and be {MOST_STAGES} at most: write for example [10, 50, 100]")
        return value


class DrillSettings(Settings):
    """How drills are held. A drill does not begin, and a full one stops on its way out, while a stop alarm is on.

    ``stop_alarms`` are names of CloudWatch alarms in either region; without any, those of names.alarms. The
    failback of a full drill holds each stage for ``bake_minutes``, where given, in place of failback.bake_minutes. A
    restore test opens the restored database as ``sample_tenants`` tenants. Alarms are read every ``alarms_every_s``.
    """

    stop_alarms: tuple[str, ...] = ()
    alarms_every_s: Annotated[int, Field(ge=0)] = 30
    bake_minutes: Annotated[float, Field(ge=0)] | None = None
    sample_tenants: Positive = 3


class Provision(Settings):
    """Terraform of the DR region: ``folder`` of its root module ("" where nothing is provisioned), and the program."""

    folder: str = ""
    program: Literal["terraform", "tofu"] = "terraform"
    timeout_minutes: Positive = 60
    protected: tuple[str, ...] = ("aws_db_instance", "aws_efs_file_system", "aws_s3_bucket", "aws_dynamodb_table")


class Costs(Settings):
    """List prices in the DR region, in ``currency`` an hour, as of ``as_of``: for the estimate of running there."""

    currency: str = "USD"
    as_of: str = "2026-01"
    vcpu: Annotated[float, Field(ge=0)] = 0.04048
    memory_gib: Annotated[float, Field(ge=0)] = 0.004445
    database_instance: Annotated[float, Field(ge=0)] = 0.48
    database_gib: Annotated[float, Field(ge=0)] = 0.000348
    files_gib: Annotated[float, Field(ge=0)] = 0.000452


class Period(StrEnum):
    """How often a test is due."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUALLY = "annually"
    AS_NEEDED = "as needed"


class Schedule(Settings):
    """How often each test is due, counted from its last run in days of ``timezone``.

    No drill runs in ``blocked``, windows of whole days such as "2026-12-20..2027-01-05": a test due in one is due on
    the day after it. A test is at risk from ``at_risk_days`` before it is due, but not before half its period is over.
    """

    tabletop: Period = Period.MONTHLY
    infrastructure: Period = Period.MONTHLY
    full_drill: Period = Period.QUARTERLY
    timezone: Timezone = "UTC"
    blocked: tuple[str, ...] = ()
    at_risk_days: Positive = 7

    @field_validator("blocked")
    @classmethod
    def _windows_are_two_dates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for window in value:
            first, last = _window(window)
            if first > last:
                raise ValueError(f"the window {window} ends before it begins")
        return value

    @property
    def windows(self) -> tuple[tuple[date, date], ...]:
        """The first and the last day of each blocked window, the earliest first."""
        return tuple(sorted(map(_window, self.blocked)))


def _window(text: str) -> tuple[date, date]:
    first, between, last = text.partition("..")
    try:
        found = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        found = None
    if found is None or not between:
        raise ValueError(f"'{text}' is no window of days: write for example 2026-12-20..2027-01-05")
    return found
