"""The estate as values: healthy, as it was recorded, and once its primary is back after a failover."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from dr_actions.actions.traffic.records import record_set, shifted_pair
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_checks.derived.routing import RecordPair, pairs_of
from dr_estate.config.environment import Side
from dr_estate.readers import dynamodb, ecs, efs, route53, s3, s3_objects
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import sight, with_part
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

AT_ONCE = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"files_freeze_minutes": 0})})
"""The environment with a freeze that holds at once."""


@cache
def failed_over() -> Snapshot:
    """Visitors are in the DR region, the primary is back and fenced; its half of the replication of files is left."""
    seen = healthy()
    off = tuple(replace(row, desired=0, running=0) for row in seen.get(ecs.services, Side.PRIMARY))
    half = tuple(replace(row, status="ERROR") for row in seen.get(efs.replications, Side.PRIMARY))
    protected = tuple(replace(row, overwrite_protection="ENABLED") for row in seen.get(efs.file_systems, Side.DR))
    tables = tuple(dynamodb.Contents(name, 1, "d") for name in ("sit-tenant-state", "sit-transaction-log"))
    compared = tuple(s3_objects.PairCounter().difference(*pair) for pair in s3.data_pairs(SIT))
    for reader, side, value in (
        (ecs.services, Side.PRIMARY, off),
        (efs.replications, Side.PRIMARY, half),
        (efs.replications, Side.DR, ()),
        (efs.file_systems, Side.DR, protected),
        (dynamodb.contents, Side.PRIMARY, tables),
        (dynamodb.contents, Side.DR, tables),
        (s3_objects.apart, Side.DR, compared),
    ):
        seen = with_part(seen, reader, side, value)
    return led(seen, Side.DR)


def led(snapshot: Snapshot, to: Side) -> Snapshot:
    """The snapshot with all traffic set to one side."""
    records = snapshot.get(route53.records, Side.GLOBAL)
    rows = {(row.name, row.type, row.set_identifier): row for row in records}
    for pair in pairs_of(records, SIT.traffic.origin_record, SIT):
        assert isinstance(pair, RecordPair), pair
        for record in shifted_pair(pair, to):
            rows[record.name, record.type, record.set_identifier] = route53.record(record_set(record))
    return with_part(snapshot, route53.records, Side.GLOBAL, tuple(rows.values()))


def home_sight(snapshot: Snapshot | None = None, **changes: Any) -> PlanContext:
    """What a failback decides from; once failed over, unless ``snapshot`` is another."""
    return sight(snapshot or failed_over(), **{"env": AT_ONCE, "goal": Goal.FAILBACK, **changes})


def only(action: Action, seen: PlanContext) -> Step:
    """The one step that the action plans."""
    (step,) = action.plan_steps(seen)
    return step


def stands(action: Action, seen: PlanContext, step: Step | None = None) -> tuple[StepState, str]:
    """The state and the message of a step, by default of the one that the action plans in the same context."""
    found = action.observe(step or only(action, seen), seen)
    return found.state, found.message
