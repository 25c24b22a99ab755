"""A healthy estate as it was observed whole, and what its checks say once something in it is different."""

from __future__ import annotations

import importlib
import lzma
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import DeploymentSettings
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.readers import (
    application_autoscaling,
    cloudfront,
    cloudfront_buckets,
    control_table,
    ecs,
    evidence_stores,
    iam_copy_roles,
    iam_key_roles,
    iam_store_roles,
    iam_task_roles,
    platform_resources,
    rds,
    recovery_automation,
    route53,
    route53_private_names,
    route53resolver,
    s3,
    s3_settings,
    secretsmanager,
    servicediscovery,
    sns_delivery,
    store_policies,
    task_sources,
    terraform_state,
    vpc,
)
from dr_estate.readers.cloudfront import Behaviour
from dr_estate.readers.evidence_stores import AnchorLog, SigningKey
from dr_estate.readers.iam_copy_roles import BACKUPS, OBJECTS, CopyRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.iam_task_roles import TaskRole
from dr_estate.readers.platform_resources import TAGS, ServiceListing
from dr_estate.readers.route53_private_names import PrivateName, PrivateNames
from dr_estate.readers.s3 import BucketContents
from dr_estate.readers.store_policies import StoreKind, StorePolicy
from dr_estate.readers.task_sources import TaskSources
from dr_estate.readers.vpc import AclRule, NetworkAcl, VpcNames
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, from_json
from dr_estate.snapshot.tenants import discover
from tests.dr_checks import examples
from tests.dr_checks.worlds import SIT

_EVIDENCE = Path(__file__).parents[1] / "golden" / "evidence" / "sit-healthy.json.xz"
OPEN = tuple(AclRule(100, outward, True, "0.0.0.0/0", (0, 65535)) for outward in (False, True))
FREE_BYTES = 50.0 * 1024**3
COPIES = SimulatedDecision("s3:ReplicateObject", "allowed", SIT.region(Side.DR))
RESTORES = SimulatedDecision("elasticfilesystem:Restore", "allowed", SIT.region(Side.DR))
USES = StoreRight("s3:GetObject", "arn:aws:s3:::assets/any", "arn:aws:s3:::assets-dr/any", "allowed")
_MASTER = SIT.named(SIT.names.master_secret)
_DATABASE = "sit-mysql.c.{}.rds.amazonaws.com"
DEPLOYED = DeploymentSettings(("FARGATE",), "ECS", 60)
Changes = Mapping[tuple[Reader[Any], Side], Any]


def _compared(recorded: Snapshot, side: Side) -> tuple[secretsmanager.Content | secretsmanager.HiddenSecret, ...]:
    """The contents of secrets, alike for all tenants: how they compare was not read."""
    return tuple(
        replace(
            row,
            fields=tuple(
                replace(field, as_tenant=field.name, known=True if field.name == "dbname" else None)
                for field in row.fields
            ),
        )
        if isinstance(row, secretsmanager.Content)
        else row
        for row in recorded.get(secretsmanager.contents, side)
    )


def _behaviour(target: str) -> Behaviour:
    return Behaviour("default (*)", target, "", "", True, functions=False, methods=("GET", "HEAD", "POST"))


def _of_examples() -> dict[tuple[str, Side], Any]:
    """The parts that modules of examples add for the healthy estate."""
    names = [found.name for found in pkgutil.iter_modules(examples.__path__)]
    added = [getattr(importlib.import_module(f"{examples.__name__}.{name}"), "HEALTHY_PARTS", {}) for name in names]
    return {(reader.name, side): value for parts in added for (reader, side), value in parts.items()}


@cache
def healthy() -> Snapshot:
    """SIT, healthy, with all its parts: as recorded, but for what was changed since.

    Tasks ran in the DR region without a database (T54), its traffic records evaluated target health (T55), and
    these were not read: behaviours of the distribution, roles that copy and restore, what topics are heard
    through, and what stands between a task of the DR region and the world.
    """
    recorded = from_json(lzma.decompress(_EVIDENCE.read_bytes()))
    services = tuple(replace(row, settings=DEPLOYED) for row in recorded.get(ecs.services, Side.DR))
    targets = recorded.get(application_autoscaling.targets, Side.DR)
    records = recorded.get(route53.records, Side.GLOBAL)
    secrets = recorded.get(secretsmanager.secrets, Side.DR)
    subnets = recorded.get(vpc.subnets, Side.DR)
    distributions = recorded.get(cloudfront.distributions, Side.GLOBAL)
    values = _of_examples() | {
        (cloudfront.host_policies.name, Side.GLOBAL): (),
        (cloudfront.distributions.name, Side.GLOBAL): tuple(
            replace(row, behaviours=(_behaviour(row.target),), errors=(), countries=()) for row in distributions
        ),
        (iam_copy_roles.roles.name, Side.GLOBAL): (
            CopyRole("arn:aws:iam::1:role/copy", OBJECTS, True, True, (COPIES,)),
        ),
        (iam_copy_roles.restore_roles.name, Side.GLOBAL): (
            CopyRole("arn:aws:iam::1:role/backup", BACKUPS, True, True, (RESTORES,)),
        ),
        **{(secretsmanager.contents.name, s): _compared(recorded, s) for s in (Side.PRIMARY, Side.DR)},
        **{(cloudfront_buckets.buckets.name, s): () for s in (Side.PRIMARY, Side.DR)},
        (cloudfront_buckets.access_controls.name, Side.GLOBAL): (),
        (cloudfront_buckets.bucket_keys.name, Side.DR): (),
        (sns_delivery.keys.name, Side.DR): (),
        (sns_delivery.queues.name, Side.DR): (),
        (sns_delivery.functions.name, Side.DR): (),
        (iam_key_roles.rights.name, Side.GLOBAL): (),
        (iam_store_roles.rights.name, Side.GLOBAL): (
            StoreRole("arn:aws:iam::1:role/task", "arn:aws:iam::1:role/task", (USES,)),
        ),
        (iam_task_roles.roles.name, Side.GLOBAL): (TaskRole("arn:aws:iam::1:role/task", True, True, ("sit-tenant1",)),),
        (route53_private_names.names.name, Side.GLOBAL): tuple(
            PrivateNames(
                side, (PrivateName("db.internal", f"sit-mysql.c.{SIT.region(side)}.rds.amazonaws.com"),), sites=()
            )
            for side in (Side.PRIMARY, Side.DR)
        ),
        (task_sources.sources.name, Side.DR): TaskSources(tuple(row.arn for row in secrets), ()),
        **{
            (s3_settings.cors.name, side): tuple(
                s3_settings.BucketCors(row.name, ())
                for row in recorded.get(s3.buckets, side)
                if isinstance(row, s3.Bucket)
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        **{
            (s3_settings.ownership.name, side): tuple(
                s3_settings.BucketOwnership(row.name, s3_settings.WRITER)
                for row in recorded.get(s3.buckets, side)
                if isinstance(row, s3.Bucket)
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        **{
            (s3_settings.notifications.name, side): tuple(
                s3_settings.BucketNotifications(row.name, ())
                for row in recorded.get(s3.buckets, side)
                if isinstance(row, s3.Bucket)
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        **{
            (s3.contents.name, side): tuple(
                BucketContents(row.name, 1000.0, 5e9, 0.0)
                for row in recorded.get(s3.buckets, side)
                if isinstance(row, s3.Bucket)
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        **{
            (store_policies.policies.name, side): tuple(
                StorePolicy(StoreKind.BUCKET, row.name, "")
                for row in recorded.get(s3.buckets, side)
                if isinstance(row, s3.Bucket)
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        **{
            (platform_resources.listings.name, side): (
                ServiceListing(TAGS, ((f"arn:aws:rds:{SIT.region(side)}:1:db:sit-mysql", ""),)),
            )
            for side in (Side.PRIMARY, Side.DR)
        },
        (rds.free_space.name, Side.PRIMARY): tuple(
            Reading("FreeStorageSpace", (("DBInstanceIdentifier", row.identifier),), FREE_BYTES, recorded.taken_at, 0.0)
            for row in recorded.get(rds.instances, Side.PRIMARY)
        ),
        (control_table.runs.name, Side.DR): _with_a_start_test(recorded),
        (control_table.people.name, Side.DR): control_table.RequiredPeople("sit-dr-control", 1, "1"),
        (recovery_automation.start.name, Side.DR): None,
        (recovery_automation.waiting.name, Side.DR): (),
        (recovery_automation.roles.name, Side.GLOBAL): (),
        (terraform_state.held_locks.name, Side.DR): (),
        (vpc.internet_gateways.name, Side.DR): ("igw-1",),
        (vpc.route_tables.name, Side.DR): tuple(
            replace(row, parts=()) for row in recorded.get(vpc.route_tables, Side.DR)
        ),
        (ecs.active_families.name, Side.DR): tuple(
            row.family for row in recorded.get(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)
        ),
        (vpc.name_servers.name, Side.DR): vpc.NameServers((vpc.AMAZONS,)),
        (route53resolver.forwarded.name, Side.DR): (),
        (route53resolver.blocked.name, Side.DR): (),
        (task_sources.file_buckets.name, Side.DR): (),
        **{(servicediscovery.registries.name, side): () for side in (Side.PRIMARY, Side.DR)},
        (secretsmanager.untried.name, Side.PRIMARY): (),
        (secretsmanager.master_user.name, Side.DR): secretsmanager.MasterUser(_MASTER, (("username", True),)),
        (evidence_stores.signing_key.name, Side.DR): SigningKey("alias/e", "arn:key", "Enabled", "SIGN_VERIFY"),
        (evidence_stores.anchors.name, Side.DR): AnchorLog("/dr/anchors", exists=True),
        (vpc.names.name, Side.DR): VpcNames(resolves=True, hostnames=True),
        (vpc.network_acls.name, Side.DR): (NetworkAcl("acl-1", tuple(row.id for row in subnets), OPEN),),
        (ecs.tasks.name, Side.DR): (),
        (ecs.services.name, Side.PRIMARY): tuple(
            replace(row, settings=DEPLOYED) for row in recorded.get(ecs.services, Side.PRIMARY)
        ),
        (ecs.services.name, Side.DR): tuple(replace(row, desired=0, running=0, registries=()) for row in services),
        (application_autoscaling.targets.name, Side.DR): tuple(replace(row, minimum=0) for row in targets),
        (route53.records.name, Side.GLOBAL): tuple(replace(row, evaluate_target_health=False) for row in records),
    }
    return altered(values, recorded)


def altered(changes: Mapping[tuple[str, Side], Any], snapshot: Snapshot | None = None) -> Snapshot:
    """The healthy estate with other values of some parts."""
    base = snapshot or healthy()
    parts = {key: SnapshotPart(*key, SIT.region(key[1]), base.taken_at, value) for key, value in changes.items()}
    return replace(base, parts={**base.parts, **parts})


def judged(snapshot: Snapshot) -> dict[str, CheckResult]:
    """Every check of readiness on the snapshot, by id; those of a failed-over estate are left out."""
    return {check.id: judge(check, snapshot, SIT) for check in checks().values() if check.area != "validation"}


def _with_a_start_test(recorded: Snapshot) -> control_table.RunHistory:
    """The runs on record, and a start test of every tenant of the day before."""
    past, at = recorded.get(control_table.runs, Side.DR), recorded.taken_at - timedelta(days=1)
    starts = dict.fromkeys((tenant.id for tenant in discover(recorded, SIT)), "")
    run = RunRecord(RunKind.START_TEST, at, "run", "dora", "sandbox", "done", complete=True, starts=starts)
    return replace(past, runs=(*past.runs, run))


@cache
def baseline() -> dict[str, CheckResult]:
    """What the checks say of the healthy estate."""
    return judged(healthy())


def turned(changes: Changes) -> dict[str, Status]:
    """The checks that say something else once the healthy estate has these values, and what they say then."""
    found = judged(altered({(reader.name, side): value for (reader, side), value in changes.items()}))
    return {name: result.status for name, result in found.items() if result.status is not baseline()[name].status}
