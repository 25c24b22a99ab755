"""The database is really brought up in the sandbox's DR region: restored, from copies, or promoted and protected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.database import copy_selection, protect_dr
from dr_actions.actions.database import restore_dr as database_restore_dr
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import backup, rds, rds_replicas
from tests.dr_actions.actions.estates import dark
from tests.dr_actions.actions.failback_world import Home
from tests.dr_checks.databases import accepting

pytestmark = pytest.mark.proof
VERB, PROTECT = database_restore_dr.VERB, protect_dr.VERB
REPLICA_FIRST = accepting("read-replica", "automated-backup", "backup-copy")


def _only(sight: Sight) -> Step:
    (step,) = [step for step in VERB.foresee(sight) if step.id != f"database/restore_dr.promotable:{step.subject}"]
    return step


def test_the_database_is_restored_from_replicated_backups_under_the_estates_own_name(stores: Home) -> None:
    silent = stores.sight(dark(stores.healthy, Side.PRIMARY), primary_answers=False)
    step = _only(silent)
    assert step.danger is Danger.COMPENSABLE
    ready = stores.confirm(VERB, step)
    assert ready.standing is Standing.READY
    assert dict(ready.facts)["restorable to"]
    call = stores.act(VERB, step)
    assert refusal(call, GuardContext(stores.env, VERB.writes)) is None
    assert stores.confirm(VERB, step).standing is Standing.WAITING
    done = stores.until(Standing.DONE, VERB, step)
    assert done.standing is Standing.DONE
    host = dict(done.facts)["host"]
    instance = copy_selection.instance(stores.look(VERB), "sit-mysql")
    assert instance is not None
    assert (instance.multi_az, instance.deletion_protection, instance.retention_days) == (True, True, 7)
    assert instance.subnet_group == "sit-db-subnet-group"
    assert [name for name, _ in instance.parameter_groups] == ["sit-mysql-params"]
    definition = stores.send(Side.DR, "ecs:DescribeTaskDefinition", taskDefinition="sit-tenant-1")
    variables = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
    assert f"{host}:3306" in [variable["value"] for variable in variables], (
        "the endpoint that DR task definitions already name"
    )
    with pytest.raises(Exception, match="DBInstanceAlreadyExists"):
        stores.act(VERB, step)


def test_the_database_is_restored_from_the_newest_backup_copy_where_nothing_replicates(stores: Home) -> None:
    stores.endpoint.break_("database-backups-not-replicated")
    step = _only(stores.sight(stores.whole(*VERB.watches)))
    assert step.call is not None
    points = [p for p in stores.healthy.get(backup.recovery_points, Side.DR) if p.resource_type == "RDS"]
    newest = max((p for p in points if p.status == "COMPLETED"), key=lambda p: p.created_at)
    assert {"Key": "RestoredFrom", "Value": newest.arn} in step.call.params["Tags"]
    assert newest.arn.endswith(step.call.params["DBSnapshotIdentifier"])
    assert stores.confirm(VERB, step).standing is Standing.READY
    stores.act(VERB, step)
    assert stores.until(Standing.DONE, VERB, step).standing is Standing.DONE


def test_a_replica_is_promoted_once_and_then_protected(stores: Home) -> None:
    stores.endpoint.break_("replica-without-backups")
    env = stores.env.model_copy(update={"replication": REPLICA_FIRST.replication})
    seen = stores.whole(*VERB.watches)
    sight = replace(stores.sight(seen), env=env)
    replica = next(instance for instance in seen.get(rds.instances, Side.DR) if instance.source)
    assert seen.get(rds_replicas.lags, Side.DR)[0].value is not None
    wait, step = VERB.foresee(sight)
    assert step.danger is Danger.IRREVERSIBLE
    assert stores.confirm(VERB, wait).standing is Standing.DONE
    assert stores.confirm(VERB, step).standing is Standing.READY
    exposed = replace(replica, deletion_protection=False)
    parts = {**seen.parts, ("rds.instances", Side.DR): replace(seen.parts["rds.instances", Side.DR], value=(exposed,))}
    (guarding,) = PROTECT.foresee(replace(sight, snapshot=replace(seen, parts=parts)))
    assert stores.confirm(PROTECT, guarding).standing is Standing.CHANGED, "it is still a replica"

    stores.act(VERB, step)
    assert stores.confirm(VERB, step).standing is Standing.WAITING
    assert stores.until(Standing.DONE, VERB, step).standing is Standing.DONE
    assert stores.confirm(VERB, wait).standing is Standing.DONE

    stores.send(
        Side.DR, "rds:ModifyDBInstance", DBInstanceIdentifier=replica.identifier, BackupRetentionPeriod=1,
        DeletionProtection=False, ApplyImmediately=True,
    )  # fmt: skip
    assert stores.confirm(PROTECT, guarding).standing is Standing.READY
    stores.act(PROTECT, guarding)
    assert stores.until(Standing.DONE, PROTECT, guarding).standing is Standing.DONE
