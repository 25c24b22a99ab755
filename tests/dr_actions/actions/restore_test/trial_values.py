"""A trial's sights as plain values: a healthy DR region, and what a restore test has made in it so far."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.actions.restore_test.shared import RESTORED_TO
from dr_actions.model.action import Action, PlanContext
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import TAG
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import backup, backup_jobs, drill_resources, ecs, efs, kms, rds, vpc
from dr_estate.reading.reader import Reader
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT, service, world

DR, ACCOUNT = SIT.regions.dr, SIT.account
STAMP, TRIAL = "20260302-095900", "TRIAL-20260302-095900"
DATABASE, TOKEN, HOST = f"sit-mysql-drill-{STAMP}", f"sit-efs-drill-{STAMP}", "copy.example"
COPY = plain.REPLICATED.arn
POINT = backup.RecoveryPoint(
    arn=f"arn:aws:backup:{DR}:{ACCOUNT}:recovery-point:1",
    resource_arn=f"arn:aws:elasticfilesystem:{SIT.regions.primary}:{ACCOUNT}:file-system/fs-home",
    resource_type="EFS",
    status="COMPLETED",
    created_at=NOW - timedelta(minutes=50),
    completed_at=NOW - timedelta(minutes=45),
    key_arn=plain.KEY,
    source_vault_arn="",
    delete_after_days=14,
    role=f"arn:aws:iam::{ACCOUNT}:role/sit-backup-role",
)
GROUP = vpc.SecurityGroup("sg-db", "sit-db-sg", (), ())
SERVICES = tuple(service(f"sit-tenant{n}-service") for n in range(1, 5))
TASK = drill_resources.Probe(
    arn=f"arn:aws:ecs:{DR}:{ACCOUNT}:task/sit-cluster/1",
    incident=TRIAL,
    task_definition=SERVICES[0].task_definition,
    status="STOPPED",
    wanted="STOPPED",
    container="wordpress",
    exit_code=0,
    reason="Essential container in task exited",
    started_at=NOW,
    stopped_at=NOW,
)
ANSWER = drill_resources.ProbeAnswer(
    *(TASK.arn, True, TRIAL, "tenant1", "tenant1_db", 12, 40, "2026-03-02 09:00:00"), host=HOST, server="uuid-1"
)
RESTORED = replace(
    plain.PRIMARY,
    identifier=DATABASE,
    arn=plain.ARN.replace("sit-mysql", DATABASE),
    resource_id="db-COPY",
    host=HOST,
    deletion_protection=False,
    tags=tuple(sorted({TAG: TRIAL, "RestoredFrom": COPY, RESTORED_TO: "2026-03-02T09:53:00Z"}.items())),
)
SYSTEM = efs.FileSystem(
    id="fs-drill",
    arn=f"arn:aws:elasticfilesystem:{DR}:{ACCOUNT}:file-system/fs-drill",
    name=TOKEN,
    state="available",
    size_bytes=4096,
    throughput="elastic",
    provisioned_mibps=0.0,
    performance="generalPurpose",
    encrypted=True,
    key="",
    overwrite_protection="ENABLED",
    zone="",
    token=TOKEN,
)
OF_THE_ESTATE = replace(SYSTEM, id="fs-estate", name="sit-efs", token="sit-efs", key="arn:key")
JOB = backup_jobs.RestoreJob(
    id="job-1",
    source_arn=POINT.resource_arn,
    resource_type="EFS",
    status="COMPLETED",
    message="",
    validation="",
    created_at=NOW - timedelta(seconds=30),
    completed_at=NOW,
    point_arn=POINT.arn,
    made_arn=SYSTEM.arn,
)
ACCESS = efs.AccessPoint("fsap-drill", SYSTEM.id, TOKEN, "/tenant1", 33, 33, "available")
DARK = Unavailable(UnavailableKind.DENIED, "it is denied.")

_READERS: dict[str, Reader[Any]] = {
    "instances": rds.instances,
    "automated_backups": rds.automated_backups,
    "points": backup.recovery_points,
    "keys": kms.copy_keys,
    "groups": vpc.security_groups,
    "services": ecs.services,
    "definitions": ecs.task_definitions,
    "psql": ecs.psql_definitions,
    "systems": efs.file_systems,
    "access_points": efs.access_points,
    "restored": efs.of_drills,
    "opened": drill_resources.access_points,
    "mounted": drill_resources.mount_targets,
    "tasks": drill_resources.tasks,
    "answers": drill_resources.answers,
    "jobs": backup_jobs.restores,
}
_QUIET: dict[str, Any] = {
    "instances": (),
    "automated_backups": (plain.REPLICATED,),
    "points": (plain.COPY, POINT),
    "keys": (plain.ENABLED,),
    "groups": (GROUP,),
    "services": SERVICES,
    "definitions": (),
    "systems": (OF_THE_ESTATE,),
    "access_points": (),
    "restored": (),
    "opened": (),
    "mounted": (),
    "tasks": (),
    "answers": (),
    "jobs": (),
}


def sight(goal: Goal = Goal.RESTORE_TEST, env: Environment = SIT, incident: str = TRIAL, **parts: Any) -> PlanContext:
    """What a trial sees where nothing of it is made yet, but for the parts named."""
    rows = {(_READERS[name], Side.DR): value for name, value in (_QUIET | parts).items()}
    rows[ecs.services, Side.PRIMARY] = SERVICES
    return PlanContext(env, world(rows, env=env), goal, primary_answers=True, incident=incident)


def only(action: Action, seen: PlanContext) -> Step:
    """The one step that the action foresees."""
    (step,) = action.plan_steps(seen)
    return step


def params(step: Step) -> dict[str, Any]:
    """The parameters of the step's call."""
    assert step.call is not None
    return dict(step.call.params)
