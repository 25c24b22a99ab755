"""Plain sights for the tests of actions: the estate of two tenants as it was recorded, changed part by part.

No AWS and no sandbox: what a plan or a confirmation is made of is a value. Whether AWS does what a call asks for is
the contract tests' to show (tests/dr_actions/actions/test_contract_*.py).
"""

from __future__ import annotations

import lzma
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dr_actions.model.action import Action, PlanContext
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import dns_answers, dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import AnswerTally
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, from_json

ROOT = Path(__file__).parents[2]
SIT = load_environment(ROOT / "environments", "sit")
ORIGIN = SIT.traffic.origin_record
FIRST, LAST = "sit-tenant-1-service", "sit-tenant2-service"


@cache
def recorded(state: str) -> Snapshot:
    """The estate in a recorded state: ``healthy``, ``primary-dark`` or ``on-dr``."""
    path = ROOT / "tests" / "golden" / "evidence" / f"sit-{state}.json.xz"
    return from_json(lzma.decompress(path.read_bytes()), path.name)


def sight(snapshot: Snapshot | None = None, **changes: Any) -> PlanContext:
    """What a failover is planned from; the healthy estate unless ``snapshot`` is another."""
    return replace(PlanContext(SIT, snapshot or recorded("healthy"), Goal.FAILOVER, primary_answers=True), **changes)


def with_part(snapshot: Snapshot, reader: Reader[Any], side: Side, value: object) -> Snapshot:
    """The snapshot with another value of one part, which it may not have had."""
    key = (reader.name, side)
    part = SnapshotPart(reader.name, side, SIT.region(side), snapshot.taken_at, value)
    return replace(snapshot, parts={**snapshot.parts, key: part})


def with_rows(
    snapshot: Snapshot, reader: Reader[Any], side: Side, where: Callable[[Any], bool] = lambda _: True, **changes: Any
) -> Snapshot:
    """The snapshot with changed rows in one part: all of them, or those that ``where`` chooses."""
    rows = snapshot.get(reader, side)
    return with_part(snapshot, reader, side, tuple(replace(row, **changes) if where(row) else row for row in rows))


def with_weights(snapshot: Snapshot, home: int, away: int) -> Snapshot:
    """The snapshot with other weights of the traffic name's two records; the answers are as they were."""
    weights = {SIT.traffic.primary_set_identifier: home, SIT.traffic.secondary_set_identifier: away}
    records = snapshot.get(route53.records, Side.GLOBAL)
    turned = tuple(replace(row, weight=weights.get(row.set_identifier or "")) for row in records)
    return with_part(snapshot, route53.records, Side.GLOBAL, turned)


def led(snapshot: Snapshot, percent: int) -> Snapshot:
    """The snapshot with ``percent`` of the visitors led to the primary region, by records and by answers."""
    doors = {side: snapshot.get(dns_answers.door, side) for side in (Side.PRIMARY, Side.DR)}
    counts = ((doors[Side.PRIMARY], percent), (doors[Side.DR], 100 - percent))
    tallies = (AnswerTally(ORIGIN, "A", counts, silent=0),) if 0 < percent < 100 else ()
    led = with_part(with_weights(snapshot, percent, 100 - percent), dns_canary_polls.tallies, Side.GLOBAL, tallies)
    for reader in (dns_answers.authorities, dns_answers.resolved, dns_answers.tested):
        values = doors[Side.PRIMARY if percent else Side.DR]
        led = with_rows(led, reader, Side.GLOBAL, lambda row: row.name == ORIGIN, values=values)
    return led


def dark(snapshot: Snapshot, side: Side) -> Snapshot:
    """The snapshot as it would be with ``side`` silent."""
    silent = Unavailable(UnavailableKind.UNREACHABLE, "the region does not answer.")
    parts = {key: replace(part, value=silent) if key[1] is side else part for key, part in snapshot.parts.items()}
    return replace(snapshot, parts=parts)


def steps_of(action: Action, context: PlanContext) -> dict[str, Step]:
    """The steps that the action plans, by the service or zone they are about."""
    return {step.subject: step for step in action.plan_steps(context)}


def with_traffic(env: Environment = SIT, **changes: Any) -> Environment:
    """The environment with other settings of its traffic."""
    return env.model_copy(update={"traffic": env.traffic.model_copy(update=changes)})
