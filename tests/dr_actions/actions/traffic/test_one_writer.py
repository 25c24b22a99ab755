"""No visitor is led on while a store that the failback froze takes writes again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic.stage_gates import gates_before, writers_gate
from dr_actions.model.action import PlanContext, StepState
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import efs_policy, rds, rds_groups
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import failed_over, home_sight
from tests.dr_actions.plain import with_part
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, SIT

DATABASE, FILES = "database/freeze:sit-mysql", "files/freeze:sit-efs"
AWAY = replace(PRIMARY, arn=PRIMARY.arn.replace(SIT.regions.primary, SIT.regions.dr))
FROZEN = '{"Statement": [{"Sid": "FrozenForFailback20260223T090000Z"}]}'


def frozen(value: str = "1", text: str = FROZEN, status: str = "in-sync") -> Snapshot:
    """The estate in a failback: read_only in the DR region's group, the text of its policy, the status of its group."""
    instance = replace(AWAY, parameter_groups=(("sit-params", status),))
    seen = with_part(failed_over(), rds.instances, Side.DR, (instance,))
    rows = (rds_groups.ParameterGroup("sit-params", "mysql8.0", (("read_only", value),)),)
    seen = with_part(seen, rds_groups.parameter_groups, Side.DR, rows)
    policy = efs_policy.FileSystemPolicy("fs-1", bool(text), (), (), text)
    return with_part(seen, efs_policy.policies, Side.DR, (policy,))


def sight(seen: Snapshot, *done: str, **changes: Any) -> PlanContext:
    return home_sight(seen, confirmed_at=dict.fromkeys(done, seen.taken_at), **changes)


def test_while_both_stores_refuse_writes_the_primary_alone_takes_them() -> None:
    status = writers_gate(sight(frozen(), DATABASE, FILES))
    assert (StepState.DONE, "af-south-1 alone takes writes.") == (status.state, status.message)
    assert [("frozen", "sit-mysql"), ("frozen", "fs-1")] == list(status.evidence)


@pytest.mark.parametrize("value", ["0", "OFF", "{TrueIfReplica}"])
def test_a_group_that_somebody_set_back_stops_it_with_the_remedy(value: str) -> None:
    status = writers_gate(sight(frozen(value), DATABASE, FILES))
    assert StepState.DRIFTED is status.state
    assert "sit-mysql of eu-west-1 can take writes again, beside af-south-1: read_only of its " in status.message
    assert (
        f" is {value}. Nobody is led on or back meanwhile: run `aws rds modify-db-parameter-group --" in status.message
    )
    assert (
        "--db-parameter-group-name sit-params --parameters ParameterName=read_only,ParameterValue=1," in status.message
    )


def test_a_database_that_somebody_gave_another_group_is_given_the_frozen_one_again() -> None:
    """AWS lets nobody change its default groups."""
    seen = frozen("{TrueIfReplica}")
    used = replace(AWAY, parameter_groups=(("default.mysql8.0", "in-sync"),))
    group = rds_groups.ParameterGroup("default.mysql8.0", "mysql8.0", ())
    seen = with_part(seen, rds.instances, Side.DR, (used,))
    seen = with_part(seen, rds_groups.parameter_groups, Side.DR, (group,))
    status = writers_gate(sight(seen, DATABASE, confirmed_facts={DATABASE: {"group": "sit-params"}}))
    assert StepState.DRIFTED is status.state
    assert "it uses the parameter group default.mysql8.0, and no longer sit-params" in status.message
    assert (
        "run `aws rds modify-db-instance --region eu-west-1 --db-instance-identifier sit-mysql "
        "--db-parameter-group-name sit-params --apply-immediately`"
    ) in status.message
    assert "`aws rds reboot-db-instance --region eu-west-1 --db-instance-identifier sit-mysql`" in status.message
    assert "modify-db-parameter-group" not in status.message


def test_a_policy_that_somebody_replaced_stops_it_with_the_remedy() -> None:
    for text in ("", '{"Statement": []}'):
        status = writers_gate(sight(frozen(text=text), DATABASE, FILES))
        assert StepState.DRIFTED is status.state
        assert "the files fs-1 of eu-west-1 can take writes again, beside af-south-1: their policy" in status.message
        assert "aws efs put-file-system-policy --region eu-west-1 --file-system-id fs-1 --policy '{" in status.message
        assert "FrozenForFailback" in status.message


@pytest.mark.parametrize("status", ["applying", "pending-reboot", "a word of tomorrow"])
def test_a_group_that_the_database_does_not_run_with_proves_nothing(status: str) -> None:
    assert StepState.IN_PROGRESS is writers_gate(sight(frozen(status=status), DATABASE)).state


def test_what_the_failback_did_not_freeze_is_no_reason() -> None:
    for done in ((), (FILES,)):
        assert StepState.DONE is writers_gate(sight(frozen("0"), *done)).state
    assert StepState.DONE is writers_gate(sight(frozen(text=""), DATABASE)).state


def test_what_is_not_seen_is_no_proof_that_nobody_else_writes() -> None:
    for reader in (rds.instances, rds_groups.parameter_groups, efs_policy.policies):
        hidden = sight(with_part(frozen(), reader, Side.DR, DENIED), DATABASE, FILES)
        with pytest.raises(DataUnavailable):
            writers_gate(hidden)
        first = next(iter(gates_before(hidden)))
        assert (StepState.IN_PROGRESS, True) == (first.state, first.message.startswith("gate.writers: not seen"))


def test_a_database_that_is_gone_takes_nothing() -> None:
    seen = frozen("0")
    gone = with_part(seen, rds.instances, Side.DR, ())
    assert StepState.DONE is writers_gate(sight(gone, DATABASE)).state
