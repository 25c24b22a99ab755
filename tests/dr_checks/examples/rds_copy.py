"""Examples of the checks of the database's copies in the DR region: replicated backups, replicas, backup copies."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import kms
from tests.dr_checks.databases import (
    AWAY,
    COPY,
    ENABLED,
    HOME,
    KEY,
    LAG,
    NAME,
    PRIMARY,
    REPLICA,
    REPLICATED,
    SILENT,
    accepting,
    database,
)
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN
RPO = timedelta(minutes=SIT.objectives.rpo_minutes)
STALE = replace(REPLICATED, latest=NOW - timedelta(days=2))
EXPECTED_BACKUPS = accepting("automated-backup")
ONLY_COPIES = accepting("backup-copy")
REPLICA_FIRST = accepting("read-replica", "automated-backup")
GONE = kms.CopyKey(KEY, AWAY, "PendingDeletion", NOW + timedelta(days=7))
DARK_KEY = kms.CopyKey(KEY, AWAY, None, None, Unavailable(UnavailableKind.DENIED, "kms:DescribeKey is denied."))
BY_ENDPOINT = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
ALIAS = SIT.named(SIT.names.db_copy_key_alias)
TO_COME = replace(ENABLED, arn=ALIAS, usage="ENCRYPT_DECRYPT", target=f"{KEY}-new")
NO_COPIES: dict[str, Any] = {"automated_backups_dr": (), "recovery_points_dr": ()}


def _policy(effect: str, condition: Any = None) -> str:
    """A key's policy of the account, with one statement more."""
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SIT.account}:root"}, "Action": "kms:*"}
    own = {"Effect": effect, "Principal": "*", "Action": "kms:*", "Condition": condition or {}}
    rows = [own] if effect == "Allow" else [account, own]
    return json.dumps({"Statement": [{**row, "Resource": "*"} for row in rows]})


def _denial(action: str) -> str:
    """A key's policy of the account that denies everybody one action."""
    return _policy("Deny").replace('"kms:*", "Condition"', f'"{action}", "Condition"')


def _case(
    check: str, expected: Status, subject: str = "", env: Environment = SIT, module: str = "rds-copy", **changed: Any
) -> Example:
    subjects = frozenset({subject} if subject else ())
    return Example(f"{module}.{check}", expected, world(database(**changed), env=env), subjects, env)


def _replica(check: str, expected: Status, *found: Any, env: Environment = REPLICA_FIRST, **changed: Any) -> Example:
    changed = {"lags_dr": (LAG,), **changed}
    return _case(check, expected, env=env, module="rds-replica", instances_dr=found, **changed)


EXAMPLES = [
    _case("usable", PASS, NAME),
    _case("usable", PASS, NAME, recovery_points_dr=DENIED),
    _case("usable", PASS, NAME, automated_backups_dr=(), instances_dr=(REPLICA,), lags_dr=(LAG,)),
    _case("usable", PASS, NAME, ONLY_COPIES),
    _case("usable", WARN, NAME, automated_backups_dr=()),
    _case("usable", FAIL, NAME, **NO_COPIES),
    _case("usable", FAIL, NAME, EXPECTED_BACKUPS, automated_backups_dr=()),
    _case("usable", FAIL, NAME, copy_keys_dr=(GONE,)),
    _case("usable", FAIL, NAME, EXPECTED_BACKUPS, automated_backups_dr=(replace(REPLICATED, latest=None),)),
    _case("usable", FAIL, NAME, recovery_points_dr=(replace(COPY, status="PARTIAL"),), automated_backups_dr=()),
    _case("usable", FAIL, NAME, **NO_COPIES, snapshots_dr=DENIED),
    _case("usable", UNKNOWN, automated_backups_dr=(), recovery_points_dr=DENIED),
    _case("age", PASS, NAME),
    _case("age", PASS, NAME, EXPECTED_BACKUPS, automated_backups_dr=(replace(REPLICATED, latest=NOW - RPO),)),
    _case("age", FAIL, NAME, EXPECTED_BACKUPS, automated_backups_dr=(STALE,)),
    _case("age", PASS, NAME, automated_backups_dr=(STALE,)),
    _case("age", FAIL, NAME, ONLY_COPIES, recovery_points_dr=(replace(COPY, created_at=NOW - timedelta(hours=2)),)),
    _case("age", Status.NOT_APPLICABLE, **NO_COPIES),
    _case("age", UNKNOWN, NAME, REPLICA_FIRST, automated_backups_dr=(), instances_dr=(REPLICA,), lags_dr=(SILENT,)),
    _case("age", PASS, NAME, REPLICA_FIRST, instances_dr=(REPLICA,), lags_dr=(SILENT,)),
    _case("age", UNKNOWN, automated_backups_dr=DENIED, recovery_points_dr=()),
    _case("key-usable", PASS, REPLICATED.arn),
    _case("key-usable", Status.NOT_APPLICABLE, automated_backups_dr=()),
    _case("key-usable", Status.WARN, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, material_until=NOW),)),
    _case("key-usable", FAIL, REPLICATED.arn, copy_keys_dr=(GONE,)),
    _case("key-usable", FAIL, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, state="Disabled"),)),
    _case("key-usable", FAIL, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, region=HOME),)),
    _case("key-usable", UNKNOWN, REPLICATED.arn, copy_keys_dr=(DARK_KEY,)),
    _case("key-usable", FAIL, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, policy=_policy("Deny")),)),
    _case("key-usable", UNKNOWN, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, policy=_policy("Deny", BY_ENDPOINT)),)),
    _case(
        "key-usable", UNKNOWN, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, policy=_policy("Allow", BY_ENDPOINT)),)
    ),
    _case("key-usable", UNKNOWN, copy_keys_dr=DENIED),
    _case("key-usable", FAIL, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, policy=_denial("kms:GenerateDataKey*")),)),
    _case(
        "key-usable", PASS, REPLICATED.arn, copy_keys_dr=(replace(ENABLED, policy=_denial("kms:ScheduleKeyDeletion")),)
    ),
    _case("key-usable", PASS, ALIAS, copy_keys_dr=(ENABLED, TO_COME)),
    _case("key-usable", FAIL, ALIAS, copy_keys_dr=(ENABLED, replace(TO_COME, state="absent", target=""))),
    _case("key-usable", FAIL, ALIAS, copy_keys_dr=(ENABLED, replace(TO_COME, state="Disabled"))),
    _case("key-usable", FAIL, ALIAS, copy_keys_dr=(ENABLED, replace(TO_COME, usage="SIGN_VERIFY"))),
    _case("key-usable", FAIL, ALIAS, copy_keys_dr=(ENABLED, replace(TO_COME, policy=_policy("Deny")))),
    _case(
        "key-usable",
        FAIL,
        REPLICATED.arn,
        copy_keys_dr=(replace(ENABLED, state="Disabled"), replace(TO_COME, target=KEY)),
    ),
    _case("automated-backups", PASS, NAME),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=()),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=(replace(REPLICATED, resource_id="db-OLD"),)),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=(replace(REPLICATED, status="stopped"),)),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=(replace(REPLICATED, retention_days=6),)),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=(STALE,)),
    _case("automated-backups", FAIL, NAME, automated_backups_dr=(replace(REPLICATED, latest=None),)),
    _case("automated-backups", UNKNOWN, NAME, instances_primary=DENIED),
    _case("automated-backups", UNKNOWN, automated_backups_dr=DENIED),
    _case("automated-backups", Status.NOT_APPLICABLE, env=ONLY_COPIES),
    _replica("state", PASS, REPLICA),
    _replica("state", Status.NOT_APPLICABLE, env=SIT),
    _replica("state", FAIL),
    _replica("state", FAIL, replace(REPLICA, replication="error")),
    _replica("state", FAIL, replace(REPLICA, status="storage-full")),
    _replica("state", PASS, replace(REPLICA, status="storage-optimization")),
    _replica("state", WARN, replace(REPLICA, status="backing-up")),
    _replica("state", UNKNOWN, replace(REPLICA, status="a-new-word")),
    _replica("state", UNKNOWN, replace(REPLICA, replication="")),
    _replica("state", WARN, replace(REPLICA, status="creating", replication="")),
    _case("state", UNKNOWN, env=REPLICA_FIRST, module="rds-replica", instances_dr=DENIED),
    _replica("state", Status.NOT_APPLICABLE, REPLICA, env=ONLY_COPIES),
    _replica("lag", PASS, REPLICA),
    _replica("lag", Status.NOT_APPLICABLE),
    _replica("lag", PASS, REPLICA, lags_dr=(replace(LAG, value=RPO.total_seconds()),)),
    _replica("lag", FAIL, REPLICA, lags_dr=(replace(LAG, value=RPO.total_seconds() + 1),)),
    _replica("lag", FAIL, REPLICA, lags_dr=(replace(LAG, value=-1.0),)),
    _replica("lag", UNKNOWN, REPLICA, lags_dr=(SILENT,)),
    _replica("lag", UNKNOWN, REPLICA, lags_dr=(replace(LAG, at=NOW - timedelta(minutes=16)),)),
    _replica("lag", UNKNOWN, REPLICA, lags_dr=DENIED),
    _replica("size", PASS, REPLICA),
    _replica("size", Status.NOT_APPLICABLE),
    _replica("size", FAIL, replace(REPLICA, storage_gib=100)),
    _replica("size", WARN, replace(REPLICA, instance_class="db.t3.micro")),
    _replica("size", WARN, replace(REPLICA, multi_az=False)),
    _replica("size", WARN, replace(REPLICA, storage_type="gp2")),
    _replica("size", PASS, replace(REPLICA, storage_type="io2")),
    _replica("size", WARN, replace(REPLICA, iops=1000)),
    _replica("size", PASS, replace(REPLICA, iops=12000)),
    _replica("size", Status.NOT_APPLICABLE, REPLICA, instances_primary=()),
    _replica("size", UNKNOWN, REPLICA, instances_primary=DENIED),
    _replica("alike", PASS, REPLICA),
    _replica("alike", Status.NOT_APPLICABLE),
    _replica("alike", Status.NOT_APPLICABLE, REPLICA, instances_primary=()),
    _replica("alike", FAIL, replace(REPLICA, port=3310)),
    _replica("alike", FAIL, REPLICA, instances_primary=(replace(PRIMARY, iam_authentication=True),)),
    _replica("alike", PASS, replace(REPLICA, iam_authentication=True)),
    _replica("alike", WARN, REPLICA, instances_primary=(replace(PRIMARY, log_exports=("error",)),)),
    _replica("alike", WARN, replace(REPLICA, auto_minor_upgrade=True)),
    _replica("alike", WARN, replace(REPLICA, storage_limit_gib=0)),
    _replica("alike", WARN, replace(REPLICA, public=True)),
    _replica("alike", UNKNOWN, REPLICA, instances_primary=DENIED),
    _replica("backups", PASS, REPLICA),
    _replica("backups", Status.NOT_APPLICABLE),
    _replica("backups", FAIL, replace(REPLICA, retention_days=0)),
    _case("backups", UNKNOWN, env=REPLICA_FIRST, module="rds-replica", instances_dr=DENIED),
]
