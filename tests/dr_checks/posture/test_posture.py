"""The posture: a silent primary is a symptom; lost needs two witnesses, blindness is no loss, and ON_DR no outage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from itertools import chain, product
from typing import Any

import pytest

from dr_checks.derived.visitors import RegionService, ServiceState
from dr_checks.posture.posture import (
    TABLE,
    WITNESSES,
    Api,
    Posture,
    PostureName,
    Signals,
    TrafficDirection,
    TrafficHealth,
    posture_by,
    posture_of,
    signals_of,
)
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.recovery_names import REPLICATED_FROM
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, rds, rds_groups, route53, route53_health_checks
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from tests.dr_checks.databases import PRIMARY as DATABASE
from tests.dr_checks.edges import PRIMARY, RECORDS, SECONDARY, probe, record
from tests.dr_checks.worlds import SIT, service

HEALTHY = Signals(
    Api.ANSWERS,
    Api.ANSWERS,
    TrafficHealth.HEALTHY,
    TrafficHealth.HEALTHY,
    24,
    primary_full=True,
    primary_writable=True,
    visitors=TrafficDirection.PRIMARY,
    primary_service=RegionService(ServiceState.SERVES),
)
SILENT, DARK = Api.SILENT, TrafficHealth.UNHEALTHY
UNSEEN = TrafficDirection.UNKNOWN
SOME, MOST = RegionService(ServiceState.SOME_FAIL, "a few"), RegionService(ServiceState.MOST_FAIL, "nearly all")
HALF_WAY: dict[str, Any] = {"traffic_set": TrafficDirection.DR, "dr_full": True, "came_home": True}
UNREAD: dict[str, Any] = {"traffic_set": TrafficDirection.UNKNOWN, "answered_by_dr": True}
CHOICES: dict[str, tuple[object, ...]] = {
    "primary_api": tuple(Api),
    "dr_api": (Api.ANSWERS, Api.SILENT),
    "primary_traffic": tuple(TrafficHealth),
    "dr_traffic": (TrafficHealth.HEALTHY,),  # no row asks for it
    "primary_full": (True,),  # asked for together with dr_full alone
    "primary_running": (None, 0, 24),
    "traffic_set": (TrafficDirection.PRIMARY, TrafficDirection.BETWEEN, TrafficDirection.DR),
    "visitors": (TrafficDirection.PRIMARY, TrafficDirection.DR, TrafficDirection.UNKNOWN),
    "primary_service": tuple(map(RegionService, ServiceState)),
    "primary_writable": (None, False, True),
    "dr_writable": (None, False, True),
    "answered_by_dr": (False,),  # asked for where the records are unread alone: added below
    "came_home": (False,),  # asked for where both regions run in full alone: added below
    "witnesses": ((),),
}

ADDED = (
    replace(HEALTHY, primary_api=SILENT, dr_writable=True, **UNREAD),
    replace(HEALTHY, **HALF_WAY),
)


def _posture(**change: Any) -> str:
    return posture_by(replace(HEALTHY, **change)).name


@cache
def _every_combination() -> dict[int, list[Signals]]:
    """All combinations of signals, by the number of the row that holds for them."""
    values = [CHOICES.get(field.name, (False, True)) for field in fields(Signals)]
    signals = (Signals(*chosen) for chosen in product(*values))  # type: ignore[arg-type] # in the order of the fields
    found: dict[int, list[Signals]] = defaultdict(list)
    for combination in chain(signals, ADDED):
        found[_row_of(combination)].append(combination)
    return dict(found)


def _row_of(combination: Signals) -> int:
    for number, row in enumerate(TABLE):
        if row.holds(combination):
            return number
    raise AssertionError(combination)


@pytest.mark.parametrize(
    ("signals", "posture"),
    [
        ({}, "NORMAL"),
        ({"primary_traffic": TrafficHealth.UNKNOWN}, "NORMAL"),
        ({"primary_traffic": DARK}, "DEGRADED"),
        ({"primary_running": 0}, "DEGRADED"),
        ({"primary_running": 0, "primary_asleep": True}, "NORMAL"),
        ({"primary_running": 0, "primary_asleep": True, "primary_traffic": DARK}, "DEGRADED"),
        ({"primary_api": SILENT, "primary_traffic": DARK}, "PRIMARY_LOST"),
        ({"primary_api": SILENT, "primary_traffic": TrafficHealth.HEALTHY}, "DEGRADED"),
        ({"primary_api": SILENT, "primary_traffic": TrafficHealth.UNKNOWN}, "BLIND"),
        ({"primary_api": Api.REFUSES, "primary_traffic": DARK}, "BLIND"),
        ({"primary_api": Api.THROTTLES, "primary_traffic": DARK}, "IMPAIRED"),
        ({"primary_api": Api.THROTTLES, "primary_traffic": TrafficHealth.HEALTHY}, "BLIND"),
        ({"dr_api": SILENT}, "DR_UNSEEN"),
        ({"primary_api": SILENT, "dr_api": SILENT, "primary_traffic": DARK}, "BLIND"),
        ({"traffic_set": TrafficDirection.DR}, "ON_DR"),
        ({"traffic_set": TrafficDirection.DR, "primary_api": SILENT, "primary_traffic": DARK}, "ON_DR"),
        ({"traffic_set": TrafficDirection.DR, "dr_api": SILENT}, "DR_UNSEEN"),
        ({"pinned": True, "dr_writable": True, "primary_running": 0}, "ON_DR"),
        ({"pinned": True, "primary_api": SILENT, "primary_traffic": TrafficHealth.UNKNOWN}, "BLIND"),
        ({"primary_api": SILENT, "primary_traffic": DARK, **UNREAD}, "PRIMARY_LOST"),
        ({"primary_api": SILENT, "primary_traffic": DARK, **UNREAD, "dr_writable": True}, "ON_DR"),
        ({"primary_api": SILENT, "primary_traffic": DARK, "answered_by_dr": True, "dr_writable": True}, "PRIMARY_LOST"),
        ({"traffic_set": TrafficDirection.BETWEEN}, "RETURNING"),
        ({"traffic_set": TrafficDirection.BETWEEN, "primary_api": SILENT, "primary_traffic": DARK}, "PRIMARY_LOST"),
        ({"traffic_set": TrafficDirection.DR, "dr_full": True}, "SPLIT"),
        (HALF_WAY, "RETURNING"),
        ({**HALF_WAY, "primary_writable": None}, "SPLIT"),
        ({"dr_writable": True}, "SPLIT"),
        ({"dr_writable": True, "primary_running": 0}, "DEGRADED"),
        ({"primary_running": None}, "PRIMARY_UNSEEN"),
        ({"primary_running": None, "primary_traffic": TrafficHealth.UNKNOWN}, "PRIMARY_UNSEEN"),
        ({"primary_running": None, "primary_traffic": DARK}, "DEGRADED"),
        ({"primary_running": None, "dr_api": SILENT}, "DR_UNSEEN"),
        ({"primary_service": SOME}, "DEGRADED"),
        ({"primary_service": MOST}, "IMPAIRED"),
        ({"primary_service": MOST, "primary_traffic": DARK}, "IMPAIRED"),
        ({"primary_service": MOST, "primary_running": 0}, "IMPAIRED"),
        ({"primary_service": MOST, "visitors": TrafficDirection.DR}, "IMPAIRED"),
        ({"primary_service": MOST, "dr_api": SILENT}, "DR_UNSEEN"),
        ({"primary_service": MOST, "traffic_set": TrafficDirection.DR}, "ON_DR"),
        ({"primary_service": MOST, "primary_api": SILENT, "primary_traffic": DARK}, "PRIMARY_LOST"),
        ({"primary_service": RegionService()}, "NORMAL"),
        ({"visitors": TrafficDirection.UNKNOWN}, "NORMAL"),
        ({"visitors": TrafficDirection.DR}, "ON_DR_UNPLANNED"),
        ({"visitors": TrafficDirection.BETWEEN}, "ON_DR_UNPLANNED"),
        ({"visitors": TrafficDirection.DR, "primary_running": 0, "primary_asleep": True}, "ON_DR_UNPLANNED"),
        ({"visitors": TrafficDirection.DR, "primary_writable": False, "dr_writable": True}, "ON_DR_UNPLANNED"),
        ({"visitors": TrafficDirection.DR, "dr_api": SILENT}, "DR_UNSEEN"),
        ({"visitors": TrafficDirection.DR, "primary_api": SILENT, "primary_traffic": DARK}, "PRIMARY_LOST"),
    ],
)
def test_the_table_decides_the_posture(signals: dict[str, object], posture: str) -> None:
    assert posture == _posture(**signals)


@pytest.mark.parametrize(
    ("signals", "posture", "side"),
    [
        ({"dr_writable": True}, "SPLIT", Side.DR),
        ({"dr_writable": True, "visitors": TrafficDirection.DR}, "SPLIT", Side.PRIMARY),
        ({"dr_writable": True, "visitors": TrafficDirection.BETWEEN}, "SPLIT", None),
        (
            {"traffic_set": TrafficDirection.DR, "dr_full": True, "visitors": TrafficDirection.UNKNOWN},
            "SPLIT",
            "primary",
        ),
        ({"visitors": TrafficDirection.DR}, "ON_DR_UNPLANNED", Side.DR),
        (
            {"visitors": TrafficDirection.DR, "dr_writable": True, "primary_writable": False},
            "ON_DR_UNPLANNED",
            Side.PRIMARY,
        ),
    ],
)
def test_the_fence_is_for_the_side_without_visitors_or_a_database(
    signals: dict[str, Any], posture: str, side: Side | None
) -> None:
    found = posture_by(replace(HEALTHY, **signals))
    assert (found.name, found.severity, found.to_fence) == (posture, "blocker", side)
    assert f"fence --side {side or 'primary'}`" in found.next_step


def test_an_impaired_primary_and_a_failing_tenant_are_named() -> None:
    assert "fails for nearly all" in posture_by(replace(HEALTHY, primary_service=MOST)).says
    assert "does not serve a few" in posture_by(replace(HEALTHY, primary_service=SOME)).says


def test_every_combination_of_signals_has_a_posture_and_each_row_is_used() -> None:
    assert set(range(len(TABLE))) == _every_combination().keys()


def test_no_combination_calls_a_primary_lost_that_answers_or_serves() -> None:
    lost = [number for number, row in enumerate(TABLE) if row.posture.name == "PRIMARY_LOST"]
    assert lost
    for signals in chain.from_iterable(_every_combination()[number] for number in lost):
        assert (signals.primary_api, signals.primary_traffic) == (SILENT, DARK)
        assert signals.dr_api is Api.ANSWERS
        assert signals.traffic_set is not TrafficDirection.DR


def test_no_row_claims_what_its_signals_do_not_show() -> None:
    for number, row in enumerate(TABLE):
        for belied in _false_claims(row.posture):
            assert [] == [signals for signals in _every_combination()[number] if belied(signals)], row.posture.says


def _false_claims(posture: Posture) -> Iterator[Callable[[Signals], bool]]:
    """What would belie the words of a posture."""
    message = posture.says
    if "runs" in message or "tasks run" in message:
        yield lambda signals: signals.primary_running is None
    if "is healthy" in message:
        yield lambda signals: signals.primary_traffic is TrafficHealth.UNKNOWN
    if "its traffic is healthy" in message:
        well = (TrafficHealth.HEALTHY, TrafficDirection.PRIMARY, ServiceState.SERVES)
        yield (
            lambda signals: (
                signals.primary_api is Api.ANSWERS
                and (signals.primary_traffic, signals.visitors, signals.service) != well
            )
        )
    if posture.name == "NORMAL":
        yield lambda signals: signals.is_moved


def test_a_posture_of_an_unseen_primary_says_what_kept_it_from_being_seen() -> None:
    denied = Unavailable(UnavailableKind.DENIED, "ecs:ListServices is denied.", SIT.regions.primary)
    seen = _seen(*RECORDS)
    answers = {(reader.name, side): () for reader in WITNESSES for side in (Side.PRIMARY, Side.DR)}
    values = {**answers, (ecs.services.name, Side.PRIMARY): denied}
    parts = {
        **seen.parts,
        **{key: SnapshotPart(*key, "somewhere", seen.taken_at, value) for key, value in values.items()},
    }
    posture = posture_of(replace(seen, parts=parts), SIT)
    assert (posture.name, posture.says.endswith("is denied.")) == (PostureName.PRIMARY_UNSEEN, True)


@pytest.mark.parametrize(
    ("kinds", "api"),
    [
        (
            (
                UnavailableKind.UNREACHABLE,
                UnavailableKind.DEADLINE,
                UnavailableKind.THROTTLED,
                UnavailableKind.UNREACHABLE,
            ),
            Api.SILENT,
        ),
        ((UnavailableKind.THROTTLED,) * 4, Api.THROTTLES),
        (
            (
                UnavailableKind.UNREACHABLE,
                UnavailableKind.UNREACHABLE,
                UnavailableKind.UNREACHABLE,
                UnavailableKind.DENIED,
            ),
            Api.REFUSES,
        ),
    ],
    ids=["silent", "throttled alone", "one denied"],
)
def test_a_region_is_silent_only_where_no_witness_of_it_answered(kinds: tuple[UnavailableKind, ...], api: Api) -> None:
    seen = _seen(*RECORDS)
    parts = dict(seen.parts)
    for name, kind in zip([reader.name for reader in WITNESSES], kinds, strict=True):
        parts[name, Side.PRIMARY] = SnapshotPart(
            name, Side.PRIMARY, "here", seen.taken_at, Unavailable(kind, "no.", "here")
        )
    assert signals_of(replace(seen, parts=parts), SIT).primary_api is api


def _seen(*records: route53.Record, checks: tuple[route53_health_checks.HealthCheck, ...] = ()) -> Snapshot:
    now = datetime(2026, 1, 7, tzinfo=UTC)
    silent = Unavailable(UnavailableKind.UNREACHABLE, "no answer")
    values = {
        (route53.records.name, Side.GLOBAL): records,
        (route53_health_checks.checks.name, Side.GLOBAL): checks,
        (rds.instances.name, Side.DR): (),
        (rds.instances.name, Side.PRIMARY): silent,
    }
    parts = {key: SnapshotPart(*key, "somewhere", now, value) for key, value in values.items()}
    return Snapshot(SIT.name, SIT.account, "someone", "live", now, parts)


def test_where_traffic_is_set_is_read_from_where_the_records_lead() -> None:
    exchanged = (replace(PRIMARY, failover="SECONDARY"), replace(SECONDARY, failover="PRIMARY"))
    turned = (
        replace(PRIMARY, alias_target=SECONDARY.alias_target),
        replace(SECONDARY, alias_target=PRIMARY.alias_target),
    )
    weights = [
        replace(route53_record, failover=None, weight=weight)
        for route53_record, weight in ((PRIMARY, 10), (SECONDARY, 90))
    ]
    assert signals_of(_seen(*RECORDS), SIT).traffic_set is TrafficDirection.PRIMARY
    assert signals_of(_seen(*exchanged), SIT).traffic_set is TrafficDirection.DR
    assert signals_of(_seen(*turned), SIT).traffic_set is TrafficDirection.DR
    assert signals_of(_seen(*weights), SIT).traffic_set is TrafficDirection.BETWEEN
    assert signals_of(_seen(weights[1], replace(weights[0], weight=0)), SIT).traffic_set is TrafficDirection.DR
    assert signals_of(_seen(record("elsewhere.example")), SIT).traffic_set is TrafficDirection.UNKNOWN


def test_a_dark_primary_with_traffic_on_the_dr_region_is_no_new_loss() -> None:
    turned = (
        replace(PRIMARY, alias_target=SECONDARY.alias_target),
        replace(SECONDARY, alias_target=PRIMARY.alias_target),
    )
    assert posture_of(_seen(*turned), SIT).name == "ON_DR"
    assert posture_of(_seen(*RECORDS), SIT).name == "BLIND"


def test_a_pinned_check_is_seen_as_a_pin_and_not_as_a_witness() -> None:
    host = PRIMARY.alias_target or ""
    pinned = _seen(*RECORDS, checks=(replace(probe("hc-1", host), port=1), probe("hc-2", "dr")))
    upright = _seen(*RECORDS, checks=(probe("hc-1", host), probe("hc-2", "dr")))
    assert (signals_of(pinned, SIT).pinned, signals_of(upright, SIT).pinned) == (True, False)
    assert signals_of(pinned, SIT).primary_traffic is TrafficHealth.UNKNOWN


def _with_databases(primary: str, dr: str) -> Snapshot:
    """Both regions answer and the primary runs tasks; each has a database of its own, in these states."""
    seen = _seen(*RECORDS)
    both = {(reader.name, side): () for reader in WITNESSES for side in (Side.PRIMARY, Side.DR)}
    values: dict[tuple[str, Side], Any] = {
        **both,
        (ecs.services.name, Side.PRIMARY): (service("sit-tenant1-service"),),
        (rds.instances.name, Side.PRIMARY): (replace(DATABASE, status=primary),),
        (rds.instances.name, Side.DR): (replace(DATABASE, status=dr),),
    }
    parts = {
        (name, side): SnapshotPart(name, side, "somewhere", seen.taken_at, v) for (name, side), v in values.items()
    }
    return replace(seen, parts={**seen.parts, **parts})


@pytest.mark.parametrize("word", sorted(states.DATABASE.words))
def test_two_databases_are_a_split_in_every_state_that_takes_writes(word: str) -> None:
    split = states.DATABASE[word].takes_writes
    postures = {posture_of(_with_databases(*pair), SIT).name for pair in ((word, "available"), ("available", word))}
    assert postures == {"SPLIT"} if split else "SPLIT" not in postures, word


def test_a_state_that_nobody_documents_leaves_a_split_unknown() -> None:
    assert posture_of(_with_databases("a-new-word", "available"), SIT).name == "PRIMARY_UNSEEN"
    assert posture_of(_with_databases("available", "a-new-word"), SIT).name == "DR_UNSEEN"
    assert posture_of(_with_databases("a-new-word", "stopped"), SIT).name == "NORMAL"


def _promoted_in_primary(read_only: str | Unavailable, copy_of: str = "db-AWAY") -> Snapshot:
    """Traffic is set to the DR region, both regions run in full, and the primary's database is a copy of ``copy_of``.

    ``read_only`` is as the DR region's parameter group has it.
    """
    seen = _with_databases("available", "available")
    group = rds_groups.ParameterGroup("sit-mysql-params", "mysql8.0", (("read_only", str(read_only)),))
    changed: dict[tuple[str, Side], Any] = {
        (route53.records.name, Side.GLOBAL): (replace(PRIMARY, weight=0), replace(SECONDARY, weight=100)),
        (ecs.services.name, Side.DR): (service("sit-tenant1-service"),),
        (rds.instances.name, Side.PRIMARY): (replace(DATABASE, tags=((REPLICATED_FROM, copy_of),)),),
        (rds.instances.name, Side.DR): (replace(DATABASE, resource_id="db-AWAY"),),
        (rds_groups.parameter_groups.name, Side.DR): read_only if isinstance(read_only, Unavailable) else (group,),
    }
    parts = {
        (name, side): SnapshotPart(name, side, "somewhere", seen.taken_at, v) for (name, side), v in changed.items()
    }
    return replace(seen, parts={**seen.parts, **parts})


def test_between_promotion_and_traffic_a_failback_has_one_unfenced_writer() -> None:
    half_way = posture_of(_promoted_in_primary("1"), SIT)
    assert ("RETURNING", "") == (half_way.name, half_way.next_step)
    assert "SPLIT" == posture_of(_promoted_in_primary("0"), SIT).name
    unseen = Unavailable(UnavailableKind.DENIED, "rds:DescribeDBParameters is denied.", SIT.regions.dr)
    assert "SPLIT" == posture_of(_promoted_in_primary(unseen), SIT).name, "what was not seen is not frozen"
    started_again = posture_of(_promoted_in_primary("1", "db-OTHER"), SIT)
    assert "SPLIT" == started_again.name, "the old primary's own database"


def test_a_zone_without_a_record_of_the_traffic_is_no_normal_estate() -> None:
    seen = _with_databases("available", "stopped")
    key = (route53.records.name, Side.GLOBAL)
    bare = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=())})
    dark = replace(
        seen, parts={**seen.parts, key: replace(seen.parts[key], value=Unavailable(UnavailableKind.DENIED, "no."))}
    )
    assert [posture_of(snapshot, SIT).name for snapshot in (seen, bare, dark)] == ["NORMAL", "DEGRADED", "NORMAL"]
