"""Examples of the checks that weigh the lags of all stores: healthy ones of every noun, with one changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from tests.dr_checks.backups import SYNCED, backed_up
from tests.dr_checks.databases import REPLICATED, accepting
from tests.dr_checks.examples import dynamodb, ecr, s3_lag
from tests.dr_checks.examples import secrets as secret_examples
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN
OTHERS = (s3_lag, dynamodb, secret_examples, ecr)
REPLICATION_ONLY = accepting("automated-backup", files=("replication",))
_NO_OTHER_STORE: dict[str, Any] = {"file_system": "", "buckets": (), "tables": ()}
DATABASE_ALONE = REPLICATION_ONLY.model_copy(
    update={"names": REPLICATION_ONLY.names.model_copy(update=_NO_OTHER_STORE)}
)
OLD_SECRET = replace(secret_examples.THERE[1], current_version="v0")
LOST_SECRET = replace(OLD_SECRET, deleted_at=NOW)


def _healthy(module: Any) -> Snapshot:
    passing: Snapshot = next(example.snapshot for example in module.EXAMPLES if example.expected is PASS)
    return passing


def _stores(env: Environment, secret: Any = None, **changed: Any) -> Snapshot:
    parts: dict[tuple[str, Side], SnapshotPart] = {}
    for module in OTHERS:
        parts |= _healthy(module).parts
    mine = world(backed_up(**changed), env=env)
    parts |= mine.parts
    if secret:
        key = (readers_secretsmanager.secrets.name, Side.DR)
        rows = tuple(secret if row.name == secret.name else row for row in parts[key].value)
        parts[key] = replace(parts[key], value=rows)
    return replace(mine, parts=parts)


def _case(check: str, expected: Status, *subjects: str, env: Environment = REPLICATION_ONLY, **changed: Any) -> Example:
    return Example(f"rpo.{check}", expected, _stores(env, **changed), frozenset(subjects), env)


def _database(minutes: float) -> Any:
    return (replace(REPLICATED, latest=NOW - timedelta(minutes=minutes)),)


def _files(minutes: float) -> Any:
    return (replace(SYNCED, synced_at=NOW - timedelta(minutes=minutes)),)


EXAMPLES = [
    _case("met", PASS, "database sit-mysql"),
    _case("met", PASS, "database sit-mysql", automated_backups_dr=_database(60)),
    _case("met", FAIL, "database sit-mysql", automated_backups_dr=_database(61)),
    _case("met", PASS, "database sit-mysql", env=SIT, automated_backups_dr=_database(61)),
    _case("met", FAIL, f"secrets {OLD_SECRET.name}", secret=OLD_SECRET),
    _case("met", FAIL, f"secrets {OLD_SECRET.name}", secret=LOST_SECRET),
    _case("met", UNKNOWN, "database sit-mysql", automated_backups_dr=()),
    _case("met", UNKNOWN, "database sit-mysql", automated_backups_dr=DENIED),
    _case("skew", PASS, "all stores"),
    _case("skew", PASS, automated_backups_dr=_database(60)),
    _case("skew", FAIL, "all stores", automated_backups_dr=_database(62)),
    _case("skew", Status.NOT_APPLICABLE, "all stores", env=DATABASE_ALONE),
    Example("rpo.skew", UNKNOWN, world(backed_up(automated_backups_dr=()), env=REPLICATION_ONLY), env=REPLICATION_ONLY),
]
