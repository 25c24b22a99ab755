"""The database is really brought up in the sandbox's DR region: restored, from copies, or promoted and protected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.database import copy_selection, protection
from dr_actions.actions.database import restore_dr as database_restore_dr
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import backup, rds
from tests.dr_actions.actions.failback_world import Home
from tests.dr_actions.plain import dark
from tests.dr_checks.databases import accepting

pytestmark = pytest.mark.proof
ACTION, PROTECT = database_restore_dr.RESTORE_DR, protection.PROTECT_DR
REPLICA_FIRST = accepting("read-replica", "automated-backup", "backup-copy")


def _only(context: PlanContext) -> Step:
    (step,) = [
        step for step in ACTION.plan_steps(context) if step.id != f"database/restore_dr.promotable:{step.subject}"
    ]
    return step


def test_replicated_backups_are_restored_under_the_name_of_the_estate(stores: Home) -> None:
    silent = stores.sight(dark(stores.healthy, Side.PRIMARY), primary_answers=False)
    step = _only(silent)
    assert step.danger is Danger.COMPENSABLE
    ready = stores.confirm(ACTION, step)
    assert ready.state is StepState.READY
    assert dict(ready.evidence)["restorable to"]
    call = stores.act(ACTION, step)
    assert refusal(call, GuardContext(stores.env, ACTION.writes)) is None
    assert stores.confirm(ACTION, step).state is StepState.IN_PROGRESS
    done = stores.until(StepState.DONE, ACTION, step)
    assert done.state is StepState.DONE
    host = dict(done.evidence)["host"]
    instance = copy_selection.instance(stores.look(ACTION), "sit-mysql")
    assert instance is not None
    assert (instance.multi_az, instance.deletion_protection, instance.retention_days) == (False, True, 7)
    assert (instance.instance_class, instance.storage_type) == ("db.r6g.large", "gp3")
    assert instance.log_exports == ("error", "slowquery")
    assert instance.subnet_group == "sit-db-subnet-group"
    assert [name for name, _ in instance.parameter_groups] == ["sit-mysql-params"]
    definition = stores.send(Side.DR, "ecs:DescribeTaskDefinition", taskDefinition="sit-tenant-1")
    variables = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
    assert f"{host}:3306" in [variable["value"] for variable in variables], (
        "the endpoint that DR task definitions already name"
    )
    with pytest.raises(Exception, match="DBInstanceAlreadyExists"):
        stores.act(ACTION, step)


def test_the_newest_copy_is_restored_where_nothing_replicates(stores: Home) -> None:
    stores.endpoint.inject("database-backups-not-replicated")
    seen = stores.whole(*ACTION.reads_parts)
    step = _only(stores.sight(seen))
    assert step.call is not None
    points = [p for p in seen.get(backup.recovery_points, Side.DR) if p.resource_type == "RDS"]
    newest = max((p for p in points if p.status == "COMPLETED"), key=lambda p: p.created_at)
    assert {"Key": "RestoredFrom", "Value": newest.arn} in step.call.params["Tags"]
    assert newest.arn.endswith(step.call.params["DBSnapshotIdentifier"])
    assert stores.confirm(ACTION, step).state is StepState.READY
    stores.act(ACTION, step)
    assert stores.until(StepState.DONE, ACTION, step).state is StepState.DONE


def test_a_replica_is_promoted_once_and_then_protected(stores: Home) -> None:
    stores.endpoint.inject("replica-without-backups")
    env = stores.env.model_copy(update={"replication": REPLICA_FIRST.replication})
    seen = stores.whole(*ACTION.reads_parts)
    context = replace(stores.sight(seen), env=env)
    replica = next(instance for instance in seen.get(rds.instances, Side.DR) if instance.source)
    assert seen.get(rds.lags, Side.DR)[0].value is not None
    wait, step = ACTION.plan_steps(context)
    assert step.danger is Danger.IRREVERSIBLE
    assert stores.confirm(ACTION, wait).state is StepState.DONE
    assert stores.confirm(ACTION, step).state is StepState.READY
    exposed = replace(replica, deletion_protection=False)
    parts = {**seen.parts, ("rds.instances", Side.DR): replace(seen.parts["rds.instances", Side.DR], value=(exposed,))}
    (guarding,) = PROTECT.plan_steps(replace(context, snapshot=replace(seen, parts=parts)))
    assert stores.confirm(PROTECT, guarding).state is StepState.DRIFTED, "it is still a replica"

    stores.act(ACTION, step)
    assert stores.confirm(ACTION, step).state is StepState.IN_PROGRESS
    assert stores.until(StepState.DONE, ACTION, step).state is StepState.DONE
    assert stores.confirm(ACTION, wait).state is StepState.DONE

    stores.send(
        Side.DR, "rds:ModifyDBInstance", DBInstanceIdentifier=replica.identifier, BackupRetentionPeriod=1,
        DeletionProtection=False, ApplyImmediately=True,
    )  # fmt: skip
    assert stores.confirm(PROTECT, guarding).state is StepState.READY
    stores.act(PROTECT, guarding)
    assert stores.until(StepState.DONE, PROTECT, guarding).state is StepState.DONE
