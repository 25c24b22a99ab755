"""What is seen in a failback, as plain values: both databases, none frozen, and the copy on its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.actions.database import failback
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import backup, backup_jobs, efs, vpc
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT, world

NAME, KEY = plain.NAME, plain.KEY
OLD = replace(plain.PRIMARY, security_groups=("sg-home",), log_exports=("error",), backup_window="01:00-01:30")
SERVED = replace(
    plain.PRIMARY,
    arn=plain.ARN.replace(plain.HOME, plain.AWAY),
    host=plain.PRIMARY.host.replace(plain.HOME, plain.AWAY),
    resource_id="db-TWOTWOTWO",
    key_arn=KEY,
    tags=(("RestoredFrom", plain.REPLICATED.arn), ("Environment", "sit")),
)
COPY = replace(OLD, resource_id="db-THREE", source=SERVED.arn, replication="replicating", retention_days=0)
CAME_HOME = replace(COPY, source="", replication="", retention_days=7, tags=((failback.COME_FROM, SERVED.resource_id),))
FROZEN_GROUP = replace(plain.PARAMETERS, parameters=(("binlog_format", "ROW"), ("read_only", "1")))
SENT = {
    f"database/freeze:{NAME}": NOW - timedelta(minutes=9),
    f"database/replicate_to_primary:{NAME}": NOW - timedelta(minutes=5),
}
VAULTS = tuple(
    backup.Vault(name, f"arn:{name}", "", 1, False, None, None, None)
    for name in ("bbws-dr-vault", "bbws-backup-vault-sit")
)


def sight(env: Environment = SIT, recorded: Any = None, sent: Any = None, **parts: Any) -> PlanContext:
    """What is seen in a failback: both databases, none frozen, but for the parts named."""
    jobs, points = parts.pop("jobs", ()), parts.pop("points", ())
    vaults, groups = parts.pop("vaults", VAULTS), parts.pop("security_groups", ())
    values = plain.database(**{"instances_primary": (OLD,), "instances_dr": (SERVED,), "lags_primary": (), **parts})
    values |= {(vpc.security_groups, Side.PRIMARY): groups, (backup.recovery_points, Side.PRIMARY): ()}
    values |= {(efs.file_systems, side): () for side in (Side.PRIMARY, Side.DR)}
    values |= {(backup.vaults, side): vaults for side in (Side.PRIMARY, Side.DR)}
    values |= {(backup_jobs.backups, Side.PRIMARY): (), (backup_jobs.backups, Side.DR): jobs}
    values |= {(backup.recovery_points, Side.DR): points}
    return PlanContext(env, world(values, env=env), Goal.FAILBACK, True, sent_at=sent or {}, recorded=recorded or {})


def the(action: Action, seen: PlanContext | None = None) -> Step:
    (step,) = action.plan_steps(seen or sight())
    return step


def standing(action: Action, step: Step, **parts: Any) -> StepState:
    return action.observe(step, sight(**parts)).state
