"""What was practised: the record of each test of the schedule, kept up in time, in the control table.

The last of them also remembered what the primary's database is like, for a day on which it cannot be seen.

A test as needed was never run. Where no full drill is allowed, a planned failover and failback stand for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period
from dr_estate.model import control_items
from dr_estate.model.control_items import DatabaseRecord
from dr_estate.model.dynamodb_values import encode_item
from dr_estate.model.run_records import RunKind, RunRecord, to_item
from sandbox.core.state import now
from sandbox.seeding.site import Estate

# Younger than the shortest period of the schedule, a week.
LAST_DAYS_AGO = 2
_DAYS = {Period.WEEKLY: 7, Period.MONTHLY: 30, Period.QUARTERLY: 90, Period.ANNUALLY: 360}
# Three runs are enough for a period to be seen as kept up.
_TIMES = 3
_RECOVERED_S = 4500.0


def build(estate: Estate) -> None:
    """Put the records of the last runs, and the database's. Needs the control table and the database."""
    env, dynamodb = estate.environment, estate.dr.client("dynamodb")
    for record in records(env, [tenant.name for tenant in estate.tenants]):
        dynamodb.put_item(TableName=env.named(env.names.control_table), Item=encode_item(to_item(record)))
    item = {"pk": "STANDING", "sk": "DATABASE", **control_items.to_item(_database(estate))}
    dynamodb.put_item(TableName=env.named(env.names.control_table), Item=encode_item(item))


def _database(estate: Estate) -> DatabaseRecord:
    name = estate.environment.named(estate.environment.names.database)
    row = estate.primary.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    options = [group["OptionGroupName"] for group in row.get("OptionGroupMemberships", ())]
    return DatabaseRecord(
        resource_id=row["DbiResourceId"],
        identifier=name,
        at=now() - timedelta(days=LAST_DAYS_AGO),
        instance_class=row["DBInstanceClass"],
        storage_type=row["StorageType"],
        storage_gib=row["AllocatedStorage"],
        storage_limit_gib=row.get("MaxAllocatedStorage") or 0,
        iops=row.get("Iops") or 0,
        throughput=row.get("StorageThroughput") or 0,
        option_group=next((group for group in options if not group.startswith("default:")), ""),
        parameter_group=row["DBParameterGroups"][0]["DBParameterGroupName"],
        log_exports=tuple(sorted(row.get("EnabledCloudwatchLogsExports", ()))),
        iam_authentication=bool(row.get("IAMDatabaseAuthenticationEnabled")),
        multi_az=row["MultiAZ"],
        deletion_protection=row["DeletionProtection"],
        copy_tags=row["CopyTagsToSnapshot"],
        auto_minor_upgrade=row["AutoMinorVersionUpgrade"],
    )


def records(env: Environment, tenants: Sequence[str]) -> Iterator[RunRecord]:
    """The last runs of each test that has a period, the newest ``LAST_DAYS_AGO`` days old, and the start tests."""
    schedule = env.schedule
    drills = (RunKind.FULL_DRILL,) if env.approvals.full_drill else (RunKind.FAILOVER, RunKind.FAILBACK)
    rows = [(RunKind.TABLETOP, schedule.tabletop), (RunKind.TEST_INFRA, schedule.infrastructure)]
    rows += [(kind, schedule.full_drill) for kind in drills]
    for kind, period in rows:
        if period is not Period.AS_NEEDED:
            yield from (_record(env, kind, LAST_DAYS_AGO + n * _DAYS[period]) for n in range(_TIMES))
    for n in range(_TIMES) if env.replicates else ():
        days_ago = LAST_DAYS_AGO + n * _DAYS[Period.WEEKLY]
        yield replace(_record(env, RunKind.START_TEST, days_ago), verdict="done", starts=dict.fromkeys(tenants, ""))


def _record(env: Environment, kind: RunKind, days_ago: int) -> RunRecord:
    at = now() - timedelta(days=days_ago)
    run = f"{at:%Y%m%dT%H%M%S}-{kind}"
    walked = kind in (RunKind.FULL_DRILL, RunKind.FAILOVER, RunKind.FAILBACK)
    judged = kind not in (RunKind.TABLETOP, RunKind.START_TEST)
    return RunRecord(
        kind=kind,
        at=at,
        run=run,
        who="operator",
        world="sandbox",
        verdict="done" if walked else "READY" if judged else "0 gaps",
        complete=True,
        score=100 if judged else None,
        recommendation="READY" if judged else "",
        worst_lag_s=600.0 if judged and env.replicates else None,
        rto_s=_RECOVERED_S if walked else None,
        duration_s=_RECOVERED_S if walked else 90.0,
        evidence=hashlib.sha256(f"{env.name} {run}".encode()).hexdigest(),
        report=f"{env.name}-{kind}-{at:%Y%m%dT%H%M%S}",
    )
