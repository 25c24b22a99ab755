"""The gates of a stage: what must hold while a part of the visitors is back, and that one region alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.traffic.answers_gate import TrafficShare, answers_gate
from dr_actions.actions.traffic.stage_gates import gates, gates_before, left_s, writers_gate
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import (
    dns_answers,
    dns_canary_polls,
    ecs,
    efs,
    elbv2,
    elbv2_targets,
    http_sites,
    rds,
    rds_groups,
)
from dr_estate.readers.dns_canary_polls import AnswerTally
from dr_estate.readers.elbv2_targets import Minute
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import failed_over, home_sight
from tests.dr_actions.plain import with_part
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.edges import ORIGIN
from tests.dr_checks.traffic import group, healthy
from tests.dr_checks.worlds import DENIED, NOW, SIT, service, world

P, D, G = Side.PRIMARY, Side.DR, Side.GLOBAL
HOME, AWAY, NOWHERE = "192.0.2.1", "198.51.100.1", "203.0.113.9"
SINCE = NOW - timedelta(minutes=5)
HALF = TrafficShare(50, SINCE, frozenset({ORIGIN}))
TENANTS = ("tenant1", "tenant2")
SILENT = Unavailable(UnavailableKind.UNREACHABLE, "127.0.0.1:80 did not answer.")
DATABASE, FILES = "database/freeze:sit-mysql", "files/freeze:sit-efs"
IN_DR = replace(PRIMARY, arn=PRIMARY.arn.replace(SIT.regions.primary, SIT.regions.dr))
FROZEN = '{"Statement": [{"Sid": "FrozenForFailback20260223T090000Z"}]}'


def _service(tenant: str, desired: int = 2, running: int = 2) -> ecs.Service:
    plain = service(SIT.named(SIT.names.service, tenant=tenant), desired, running)
    return replace(plain, target_groups=(group(P, tenant).arn,))


def _visit(tenant: str, status: int = 200, **changes: Any) -> Visit:
    host = f"{tenant}.{SIT.traffic.tenant_domain}"
    return replace(Visit(host, status, 0.1, names_host=True, title=tenant, digest=tenant), **changes)


STRANGER = Visit("nobody.invalid", 200, 0.1, names_host=False, title="", digest="stranger")


WELL: Mapping[Any, Any] = {
    (ecs.services, P): tuple(_service(tenant) for tenant in TENANTS),
    (elbv2.healthy_hosts, P): tuple(healthy(P, tenant, 2) for tenant in TENANTS),
    (http_sites.visits, P): http_sites.VisitRound(STRANGER, tuple(_visit(tenant) for tenant in TENANTS)),
    (elbv2_targets.minutes, P): (Minute(NOW - timedelta(minutes=2), 300, 0),),
    (elbv2_targets.minutes, D): (Minute(NOW - timedelta(minutes=2), 300, 0),),
    (dns_answers.door, P): (HOME,),
    (dns_answers.door, D): (AWAY,),
    (elbv2.load_balancer, P): None,
    (elbv2.load_balancer, D): None,
    (dns_canary_polls.tallies, G): (AnswerTally(ORIGIN, "A", (((HOME,), 100), ((AWAY,), 100)), 0),),
}


def _sight(**changed: Any) -> PlanContext:
    """All well but for the parts named: ``served_primary=(...)``."""
    readers = {f"{reader.name.replace('.', '_')}_{side}": (reader, side) for reader, side in WELL}
    values = {**WELL, **{readers[name]: value for name, value in changed.items()}}
    return PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)


def _gate(name: str, context: PlanContext, part: TrafficShare = HALF) -> StepStatus:
    return next(gate for gate in gates(context, part) if gate.message.startswith(f"gate.{name}: "))


def test_where_all_is_well_every_gate_holds() -> None:
    assert [gate.state for gate in gates(_sight(), HALF)] == [StepState.DONE] * 5


def _minutes(requests: int, errors: int, ago: int = 2) -> tuple[Minute, ...]:
    return (Minute(NOW - timedelta(minutes=ago), requests, errors),)


@pytest.mark.parametrize(
    ("at_home", "in_dr", "expected"),
    [
        (_minutes(1000, 20), (), StepState.DONE),
        (_minutes(1000, 60), (), StepState.FAILED),
        (_minutes(1000, 60), _minutes(1000, 70), StepState.DONE),
        (_minutes(10, 1), (), StepState.IN_PROGRESS),
        (_minutes(10, 5), (), StepState.FAILED),
        (_minutes(1000, 900, ago=9), (), StepState.DONE),
        ((), (), StepState.DONE),
        (DENIED, (), StepState.IN_PROGRESS),
        (_minutes(1000, 20), DENIED, StepState.DONE),
        (_minutes(1000, 60), DENIED, StepState.FAILED),
    ],
    ids=[
        "at the limit",
        "above it",
        "no worse than the DR region",
        "one error of few requests",
        "many errors of few requests",
        "errors of before the stage",
        "no request",
        "not seen",
        "no baseline, within the limit",
        "no baseline, above it",
    ],
)
def test_server_errors_at_home(at_home: Any, in_dr: Any, expected: StepState) -> None:
    context = _sight(elbv2_targets_minutes_primary=at_home, elbv2_targets_minutes_dr=in_dr)
    assert _gate("errors", context).state is expected


def test_writes_that_the_frozen_dr_region_refuses_are_no_baseline() -> None:
    since_frozen = _minutes(1000, 300, ago=2)
    context = _sight(elbv2_targets_minutes_primary=_minutes(1000, 60), elbv2_targets_minutes_dr=since_frozen)
    assert _gate("errors", context).state is StepState.DONE
    frozen = replace(context, sent_at={"database/freeze:sit-mysql": NOW - timedelta(minutes=30)})
    assert _gate("errors", frozen).state is StepState.FAILED


def _tally(home: int, away: int, strange: int = 0) -> tuple[AnswerTally, ...]:
    counts = (((HOME,), home), ((AWAY,), away), ((NOWHERE,), strange))
    return (AnswerTally(ORIGIN, "A", tuple(row for row in counts if row[1]), 0),)


@pytest.mark.parametrize(
    ("tallies", "expected"),
    [
        (_tally(100, 100), StepState.DONE),
        (_tally(80, 120), StepState.DONE),
        (_tally(0, 200), StepState.FAILED),
        (_tally(200, 0), StepState.FAILED),
        (_tally(60, 60, strange=80), StepState.FAILED),
        ((), StepState.IN_PROGRESS),
        (DENIED, StepState.IN_PROGRESS),
    ],
)
def test_answers_are_shared_out_as_weighted(tallies: Any, expected: StepState) -> None:
    assert _gate("answers", _sight(dns_canary_polls_tallies_global=tallies)).state is expected


def test_a_change_has_its_time_to_reach_every_name_server() -> None:
    context = _sight(dns_canary_polls_tallies_global=_tally(0, 200))
    fresh = replace(HALF, since=NOW - timedelta(seconds=60))
    assert _gate("answers", context, fresh).state is StepState.IN_PROGRESS


def test_a_dark_primary_share_is_every_answer_outside_the_dr_region() -> None:
    lost = _sight(dns_canary_polls_tallies_global=_tally(0, 200), dns_answers_door_primary=DENIED)
    assert _gate("answers", lost).state is StepState.FAILED
    shared = _sight(dns_answers_door_primary=DENIED)
    assert _gate("answers", shared).state is StepState.DONE


@pytest.mark.parametrize(
    ("value", "expected"), [(HOME, StepState.DONE), (AWAY, StepState.FAILED), (NOWHERE, StepState.FAILED)]
)
def test_at_a_hundred_percent_every_name_server_leads_home(value: str, expected: StepState) -> None:
    answer = DnsAnswer("ns-1", ORIGIN, "A", "NOERROR", (value,), (), 60, authoritative=True)
    values = {**WELL, (dns_answers.authorities, G): (answer,)}
    context = PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)
    assert answers_gate(context, replace(HALF, percent=100)).state is expected


def test_at_a_hundred_percent_nothing_heard_is_nothing_seen() -> None:
    values = {**WELL, (dns_answers.authorities, G): ()}
    context = PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)
    assert _gate("answers", context, replace(HALF, percent=100)).state is StepState.IN_PROGRESS


def test_at_a_hundred_percent_an_answer_of_no_target_leads_to_no_region() -> None:
    answer = DnsAnswer("ns-1", ORIGIN, "A", "NXDOMAIN", (), (), None, authoritative=True)
    values = {**WELL, (dns_answers.door, P): DENIED, (dns_answers.authorities, G): (answer,)}
    context = PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)
    assert _gate("answers", context, replace(HALF, percent=100)).state is StepState.FAILED


def test_at_100_percent_no_answer_is_judged_without_any_addresses() -> None:
    answer = DnsAnswer("ns-1", ORIGIN, "A", "NOERROR", (AWAY,), (), 60, authoritative=True)
    unseen = {(dns_answers.door, P): DENIED, (dns_answers.door, D): DENIED}
    values = {**WELL, **unseen, (dns_answers.authorities, G): (answer,)}
    context = PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)
    assert _gate("answers", context, replace(HALF, percent=100)).state is StepState.IN_PROGRESS


@pytest.mark.parametrize(
    ("service", "count", "recorded", "expected"),
    [
        (_service("tenant1"), 1.0, {}, StepState.FAILED),
        (_service("tenant1", running=1), 2.0, {}, StepState.FAILED),
        (_service("tenant1", desired=0, running=0), None, {}, StepState.FAILED),
        (_service("tenant1", desired=1, running=1), 1.0, {"desiredCount": 2}, StepState.DONE),
        (_service("tenant1", desired=4, running=3), 3.0, {"desiredCount": 2}, StepState.DONE),
        (_service("tenant1"), None, {}, StepState.IN_PROGRESS),
    ],
    ids=["one is ill", "one is gone", "none wanted", "scaled in by its load", "scaling out", "no reading"],
)
def test_targets_at_home(service: ecs.Service, count: float | None, recorded: Any, expected: StepState) -> None:
    context = _sight(
        ecs_services_primary=(service, _service("tenant2")),
        elbv2_healthy_hosts_primary=(healthy(P, "tenant1", count), healthy(P, "tenant2", 2)),
    )
    context = replace(context, recorded={f"compute/fence_services:{service.name}": recorded} if recorded else {})
    assert _gate("targets", context).state is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_visit("tenant1", status=500), StepState.FAILED),
        (_visit("tenant1", digest="stranger"), StepState.FAILED),
        (SILENT, StepState.FAILED),
        (replace(SILENT, kind=UnavailableKind.NOT_REACHABLE), StepState.IN_PROGRESS),
        (DENIED, StepState.IN_PROGRESS),
    ],
    ids=["an error", "anybody's site", "no answer", "not reachable from here", "not asked"],
)
def test_sites_at_home(answer: Any, expected: StepState) -> None:
    done = http_sites.VisitRound(STRANGER, (answer, _visit("tenant2")))
    assert _gate("probes", _sight(http_sites_visits_primary=done)).state is expected


def test_a_region_without_a_service_or_site_of_a_tenant_holds_no_gate() -> None:
    away = tuple(_service(tenant) for tenant in TENANTS)
    bare = {(ecs.services, P): (), (ecs.services, D): away, (http_sites.visits, P): http_sites.VisitRound(STRANGER, ())}
    context = replace(_sight(), snapshot=world({**WELL, **bare}))
    assert StepState.FAILED is _gate("targets", context).state
    assert StepState.IN_PROGRESS is _gate("probes", context).state


def test_one_bad_site_of_many_holds_the_stage_and_does_not_fail_it() -> None:
    names = tuple(f"t{number}" for number in range(100))
    fine = tuple(_visit(name) for name in names[1:])
    values = {**WELL, (ecs.services, P): tuple(_service(name) for name in names)}
    values[http_sites.visits, P] = http_sites.VisitRound(STRANGER, (_visit(names[0], status=500), *fine))
    context = PlanContext(SIT, world(values), Goal.FAILBACK, primary_answers=True)
    assert _gate("probes", context).state is StepState.IN_PROGRESS


def test_the_bake_counts_down_and_is_never_negative() -> None:
    context = _sight()
    bake_s = SIT.failback.bake_minutes * 60
    assert left_s(context, NOW) == bake_s
    assert left_s(context, NOW - timedelta(days=1)) == 0


def frozen(value: str = "1", text: str = FROZEN, status: str = "in-sync") -> Snapshot:
    """The estate in a failback: read_only in the DR region's group, the text of its policy, the status of its group."""
    instance = replace(IN_DR, parameter_groups=(("sit-params", status),))
    seen = with_part(failed_over(), rds.instances, Side.DR, (instance,))
    rows = (rds_groups.ParameterGroup("sit-params", "mysql8.0", (("read_only", value),)),)
    seen = with_part(seen, rds_groups.parameter_groups, Side.DR, rows)
    policy = efs.FileSystemPolicy("fs-1", bool(text), (), (), text)
    return with_part(seen, efs.policies, Side.DR, (policy,))


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


def test_a_database_with_another_group_gets_the_frozen_one_again() -> None:
    """AWS lets nobody change its default groups."""
    seen = frozen("{TrueIfReplica}")
    used = replace(IN_DR, parameter_groups=(("default.mysql8.0", "in-sync"),))
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
    for reader in (rds.instances, rds_groups.parameter_groups, efs.policies):
        hidden = sight(with_part(frozen(), reader, Side.DR, DENIED), DATABASE, FILES)
        with pytest.raises(DataUnavailable):
            writers_gate(hidden)
        first = next(iter(gates_before(hidden)))
        assert (StepState.IN_PROGRESS, True) == (first.state, first.message.startswith("gate.writers: not seen"))


def test_a_database_that_is_gone_takes_nothing() -> None:
    seen = frozen("0")
    gone = with_part(seen, rds.instances, Side.DR, ())
    assert StepState.DONE is writers_gate(sight(gone, DATABASE)).state
