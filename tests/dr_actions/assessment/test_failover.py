"""Shall we? The gates' weighing: PROCEED never with anything unmet, and never upon what nobody saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import (
    Advice,
    database_name_gate,
    failover_advice,
    fence_gate,
    gates_of,
    is_the_primarys,
    targets_gates,
)
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.planning.planner import make_plan
from dr_checks.core.model import Area, Check, CheckResult, Finding, Severity, Status
from dr_checks.database import rds_copy, rds_replica
from dr_checks.files import efs
from dr_checks.objects import s3_lag
from dr_checks.operations import rpo
from dr_checks.posture.posture import BLINDNESS, TABLE, Posture, PostureName
from dr_checks.posture.signals import Api
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import SILENT, Unavailable, UnavailableKind
from dr_estate.readers import ecs, rds
from tests.dr_actions.deciding import PROD, SIT, plan, step
from tests.dr_actions.plain import LAST, dark, recorded, sight, with_part

GATES = st.lists(
    st.builds(
        Gate,
        id=st.text("abc.", min_size=1, max_size=4),
        met=st.booleans(),
        says=st.just("why."),
        stops=st.booleans(),
        relaxed=st.booleans(),
    ),
    max_size=8,
)
LOST = Posture(PostureName.PRIMARY_LOST, "two witnesses.")
NORMAL = Posture(PostureName.NORMAL, "all is well.")
HERE, THERE = SIT.regions.primary, SIT.regions.dr
DR_DATABASE = f"arn:aws:rds:{THERE}:{SIT.account}:db:sit-mysql"


def _finding(
    status: Status,
    side: Side = Side.DR,
    subject: str = "sit-mysql",
    reason: str = "it is old.",
    unavailable: Unavailable | None = None,
) -> Finding:
    return Finding("a.b", side, subject, None, status, "2 h", "1 h", reason, "mend it", unavailable)


def _unseen(kind: UnavailableKind, region: str, side: Side = Side.GLOBAL) -> Finding:
    reason = f"rds:DescribeDBInstances in {region} did not answer as it should."
    return _finding(Status.UNKNOWN, side, reason=reason, unavailable=Unavailable(kind, reason, region, "rds.instances"))


def _result(*findings: Finding, severity: Severity = Severity.CRITICAL, **changed: Any) -> CheckResult:
    status = max((f.status for f in findings), key=list(Status).index, default=Status.UNKNOWN)
    return replace(CheckResult("a.b", severity, Area.DNS, status, findings), **changed)


def _loss(store: str = "database", seconds: float | None = 300.0, missing: bool = False) -> Loss:
    return Loss(store, "sit-mysql", None, seconds, None, "RestoreWindow.LatestTime", missing)


def _gates(
    results: Sequence[CheckResult] = (),
    losses: Sequence[Loss] = (),
    found: Plan | None = None,
    posture: Posture = LOST,
    **settings: Any,
) -> dict[str, Gate]:
    env = settings.get("env", SIT)
    return {gate.id: gate for gate in gates_of(results, losses, found or plan(), posture, env)}


@given(GATES)
def test_proceed_needs_every_unrelaxed_gate_and_a_stopping_gate_is_no_go(gates: list[Gate]) -> None:
    advice, reasons = failover_advice(gates)
    counting = [gate for gate in gates if not gate.met and not gate.relaxed]
    assert (advice is Advice.PROCEED) == (counting == [])
    assert (advice is Advice.DO_NOT_FAILOVER) == any(gate.stops for gate in counting)
    assert len([r for r in reasons if r.endswith("why.")]) == len(counting), "each unmet gate is a reason"


@pytest.mark.parametrize(
    ("check", "store"),
    [
        (rds_copy.age, "database"),
        (rds_replica.state, "database"),
        (efs.last_replicated, "files"),
        (s3_lag.latency, "objects"),
        (rpo.met, "objects"),
    ],
)
def test_an_old_copy_of_an_outage_stops_nobody_within_the_objective(check: Check, store: str) -> None:
    old = replace(_result(_finding(Status.FAIL), severity=Severity.BLOCKER), check=check.id)
    gate = f"check.{check.id}"
    assert _gates([old], [_loss(store)])[gate].relaxed
    assert not _gates([old], [_loss(store, 4000.0)])[gate].relaxed
    assert not _gates([old], [_loss(store, None)])[gate].relaxed or check is rpo.met
    assert not _gates([old], [_loss(store)], posture=NORMAL)[gate].relaxed
    assert not _gates([_result(_finding(Status.FAIL))], [_loss(store)])["check.a.b"].relaxed


@given(GATES, st.randoms(use_true_random=False))
def test_the_order_of_the_gates_means_nothing(gates: list[Gate], rnd: Any) -> None:
    mixed = gates[:]
    rnd.shuffle(mixed)
    assert failover_advice(mixed) == failover_advice(gates)


@given(GATES, GATES)
def test_one_more_gate_never_makes_the_answer_better(gates: list[Gate], more: list[Gate]) -> None:
    order = [Advice.PROCEED, Advice.RISKY, Advice.DO_NOT_FAILOVER]
    assert order.index(failover_advice([*gates, *more])[0]) >= order.index(failover_advice(gates)[0])


def test_the_gravest_reason_stands_first_and_relaxed_gates_are_counted() -> None:
    gates = [Gate("a", False, "a."), Gate("z", False, "z.", stops=True), Gate("r", False, "r.", relaxed=True)]
    assert failover_advice(gates)[1][:2] == ("z: z.", "a: a.")
    assert "1 was waived: only what is lost" in failover_advice(gates)[1][2]
    assert failover_advice([Gate("a", True, "a.")]) == (Advice.PROCEED, ("1 gate passes.",))
    (relaxed,) = failover_advice([Gate("a", True, "a."), gates[2], gates[2]])[1]
    assert relaxed.startswith("1 gate passes. 2 were waived: "), "what is relaxed is not met"


def test_an_impaired_primary_is_for_people_and_a_down_database_waits() -> None:
    impaired = Posture(PostureName.IMPAIRED, "its service fails.")
    decided, waited = (gates_of((), (), plan(), impaired, SIT, database_down)[0] for database_down in (False, True))
    assert failover_advice([decided])[0] is Advice.RISKY
    assert failover_advice([waited])[0] is Advice.DO_NOT_FAILOVER
    assert "15 minutes" in waited.says
    assert "15 minutes" not in decided.says


@pytest.mark.parametrize("name", sorted(set(PostureName) - {PostureName.PRIMARY_LOST, PostureName.IMPAIRED}))
def test_no_posture_but_a_lost_primary_is_one_to_fail_over_from(name: PostureName) -> None:
    gate = _gates(posture=Posture(name, "says so."))["posture.expected"]
    assert (gate.met, gate.stops, gate.relaxed) == (False, True, False)
    assert gate.says.endswith(".")
    assert not gate.says.endswith("..")
    assert failover_advice([gate])[0] is Advice.DO_NOT_FAILOVER


@pytest.mark.parametrize("name", sorted(set(PostureName) - {PostureName.NORMAL}))
def test_no_posture_but_a_healthy_primary_is_one_to_switch_over_from(name: PostureName) -> None:
    gate = _gates(found=plan(goal=Goal.SWITCHOVER), posture=Posture(name, "says so."))["posture.expected"]
    assert (gate.met, gate.stops) == (False, True)


def test_the_expected_posture_is_met_for_each_goal() -> None:
    assert _gates(posture=LOST)["posture.expected"].met
    assert _gates(found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)["posture.expected"].met


def test_the_gate_asks_for_planned_while_the_primary_is_healthy() -> None:
    assert "--planned" in _gates(posture=NORMAL)["posture.expected"].says
    assert "leave --planned out" in _gates(found=plan(goal=Goal.SWITCHOVER))["posture.expected"].says
    degraded = _gates(posture=Posture(PostureName.DEGRADED, "x"))["posture.expected"].says
    assert "15 minutes" in degraded, "a database alone down is waited for (the decision matrix)"


def test_a_primary_whose_traffic_nobody_saw_is_not_said_to_be_healthy() -> None:
    unseen = next(row.posture for row in TABLE if "could not be read" in row.posture.says)
    assert "healthy" not in _gates(posture=unseen)["posture.expected"].says


def test_every_posture_in_which_too_little_is_seen_is_called_blindness() -> None:
    assert {row.posture.name for row in TABLE} == set(PostureName) > set(BLINDNESS)


@pytest.mark.parametrize(
    ("left_out", "gate", "stops"),
    [(40, "plan.database", True), (46, "plan.services", True), (50, "plan.traffic", False)],
)
def test_a_plan_without_what_tenants_need_is_an_unmet_gate(left_out: int, gate: str, stops: bool) -> None:
    planned = Goal.SWITCHOVER
    whole = [step("a", 40, "database/restore_dr"), step("b", 46), step("c", 50, "traffic/shift_to_dr")]
    assert all(_gates(found=plan(*whole, goal=planned))[name].met for name in ("plan.database", gate))
    found = _gates(found=plan(*(s for s in whole if s.stage != left_out), goal=planned))[gate]
    assert (found.met, found.stops) == (False, stops)


def test_records_of_a_lost_primary_move_traffic_by_health_without_a_step() -> None:
    gate = _gates(found=plan(step("a", 40), step("b", 46)))["plan.traffic"]
    assert (gate.met, "by the health" in gate.says) == (True, True)


@pytest.mark.parametrize("severity", list(Severity))
def test_only_blockers_and_critical_checks_are_gates(severity: Severity) -> None:
    found = _gates([_result(_finding(Status.FAIL), severity=severity)])
    assert ("check.a.b" in found) == (severity in {Severity.BLOCKER, Severity.CRITICAL})


@pytest.mark.parametrize("status", [Status.PASS, Status.WARN, Status.EXCEPTED, Status.NOT_APPLICABLE])
def test_what_passed_or_was_accepted_is_met(status: Status) -> None:
    assert _gates([_result(_finding(status))])["check.a.b"].met
    assert _gates([_result(status=Status.NOT_APPLICABLE, reason="not expected")])["check.a.b"].met


@pytest.mark.parametrize("status", [Status.FAIL, Status.UNKNOWN])
def test_what_failed_or_is_unseen_in_the_dr_region_is_never_relaxed(status: Status) -> None:
    gate = _gates([_result(_finding(Status.PASS), _finding(status))])["check.a.b"]
    assert (gate.met, gate.relaxed, gate.stops) == (False, False, False)
    assert gate.says == "sit-mysql: 2 h, wanted 1 h: it is old."


def test_a_check_that_never_reported_is_unmet_with_its_reason() -> None:
    gate = _gates([_result(reason="its scenario did not report.")])["check.a.b"]
    assert (gate.met, gate.relaxed, gate.says) == (False, False, "its scenario did not report.")


@pytest.mark.parametrize(
    "finding",
    [
        _finding(Status.FAIL, Side.PRIMARY),
        _finding(Status.UNKNOWN, Side.PRIMARY),
        _finding(Status.FAIL, Side.GLOBAL, SIT.traffic.primary_set_identifier),
        *(_unseen(kind, HERE, side) for kind in sorted(SILENT) for side in Side),
    ],
)
def test_what_only_the_lost_primary_shows_is_relaxed_in_an_emergency_alone(finding: Finding) -> None:
    assert is_the_primarys(finding, SIT)
    emergency = _gates([_result(finding)])["check.a.b"]
    assert (emergency.met, emergency.relaxed) == (False, True)
    planned = _gates([_result(finding)], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)["check.a.b"]
    assert (planned.met, planned.relaxed) == (False, False)


@pytest.mark.parametrize(
    "finding",
    [
        _finding(Status.FAIL, Side.DR, reason=f"it was copied from what is in {HERE}."),
        _finding(Status.UNKNOWN, Side.DR, reason=f"it was copied from what is in {HERE}."),
        _unseen(UnavailableKind.UNREACHABLE, THERE, Side.DR),
        _finding(Status.FAIL, Side.GLOBAL, SIT.traffic.secondary_set_identifier),
        _unseen(UnavailableKind.DENIED, "us-east-1"),
        *(
            _unseen(kind, HERE, side)
            for kind in sorted(set(UnavailableKind) - SILENT - {UnavailableKind.RESOLVER})
            for side in Side
        ),
    ],
)
def test_a_gap_of_the_dr_region_is_never_relaxed(finding: Finding) -> None:
    assert not is_the_primarys(finding, SIT)
    both = _result(_finding(Status.UNKNOWN, Side.PRIMARY), finding)
    gate = _gates([both])["check.a.b"]
    assert (gate.met, gate.relaxed) == (False, False)
    assert finding.because.rstrip(".") in gate.says, "the reason is the grave one"


@pytest.mark.parametrize("side", Side)
def test_a_dns_server_that_cannot_be_reached_from_here_refuses_no_recovery(side: Side) -> None:
    check_result = _result(_unseen(UnavailableKind.RESOLVER, "", side), severity=Severity.BLOCKER)
    emergency = _gates([check_result])["check.a.b"]
    planned = _gates([check_result], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)["check.a.b"]
    assert [(gate.met, gate.relaxed) for gate in (emergency, planned)] == [(False, True)] * 2
    beside = _gates([_result(_unseen(UnavailableKind.RESOLVER, "", side), _finding(Status.FAIL, Side.DR))])["check.a.b"]
    assert not beside.relaxed


def test_an_unreachable_balancer_refuses_no_recovery_and_plans_no_move() -> None:
    unseen = _unseen(UnavailableKind.NOT_REACHABLE, THERE, Side.DR)
    emergency = _gates([_result(unseen)])["check.a.b"]
    planned = _gates([_result(unseen)], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)["check.a.b"]
    assert [(gate.met, gate.relaxed) for gate in (emergency, planned)] == [(False, True), (False, False)]
    assert not _gates([_result(unseen, _finding(Status.FAIL, Side.DR))])["check.a.b"].relaxed


@pytest.mark.parametrize("name", [PostureName.NORMAL, PostureName.DEGRADED, PostureName.RETURNING])
def test_nothing_is_relaxed_while_the_primary_serves(name: PostureName) -> None:
    slow = _result(_unseen(UnavailableKind.DEADLINE, HERE))
    gates = _gates([slow], [_loss("tables", None)], posture=Posture(name, "says so."))
    assert [gates[gate].relaxed for gate in ("check.a.b", "data.tables")] == [False, False]


def test_five_blockers_denied_in_the_primary_are_no_reason_to_proceed() -> None:
    denied = [
        replace(
            _result(_unseen(UnavailableKind.DENIED, HERE, Side.PRIMARY), severity=Severity.BLOCKER), check=f"a.{number}"
        )
        for number in range(5)
    ]
    advice, reasons = failover_advice(list(_gates(denied).values()))
    assert (advice, len(reasons)) == (Advice.RISKY, 5)


PLANE = SIT.region(Side.GLOBAL)


@pytest.mark.parametrize("kind", sorted(SILENT - {UnavailableKind.NOT_REACHABLE}))
def test_what_a_silent_us_east_1_hides_is_one_gate_accepted_by_name(kind: UnavailableKind) -> None:
    hidden = _result(_unseen(kind, PLANE), _unseen(UnavailableKind.UNREACHABLE, HERE, Side.PRIMARY))
    dark = replace(hidden, check="a.c", findings=(_unseen(kind, PLANE, Side.DR),))
    gates = _gates([hidden, dark])
    assert [gate.id for gate in gates.values() if not gate.met and not gate.relaxed] == ["planes.us-east-1"]
    assert "2 checks could be shown there alone" in gates["planes.us-east-1"].says
    assert failover_advice(list(gates.values()))[0] is Advice.RISKY, "it is never met by itself"


@pytest.mark.parametrize("kind", sorted(set(UnavailableKind) - SILENT - {UnavailableKind.RESOLVER}))
def test_what_us_east_1_answered_with_a_no_is_not_hidden_by_an_outage(kind: UnavailableKind) -> None:
    gates = _gates([_result(_unseen(kind, PLANE))])
    assert "planes.us-east-1" not in gates
    assert not gates["check.a.b"].relaxed


def test_a_gap_beside_what_us_east_1_hides_stays_a_gate_of_its_own() -> None:
    unseen = _unseen(UnavailableKind.UNREACHABLE, PLANE)
    gates = _gates([_result(unseen, _finding(Status.FAIL, Side.DR))])
    assert "planes.us-east-1" not in gates
    assert not gates["check.a.b"].relaxed
    planned = _gates([_result(unseen)], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)
    assert "planes.us-east-1" not in planned
    assert not planned["check.a.b"].relaxed


@pytest.mark.parametrize(
    ("seconds", "met", "amount"), [(0.0, True, "10 s"), (3600.0, True, "1 h"), (3601.0, False, "1 h 1 s")]
)
def test_a_loss_is_held_against_the_recovery_point_objective(seconds: float, met: bool, amount: str) -> None:
    gate = _gates(losses=[_loss(seconds=10.0), _loss(seconds=seconds)])["data.database"]
    assert (gate.met, gate.relaxed) == (met, False)
    assert f"at most {amount} of writes are lost, the objective is 1 h" in gate.says


def test_where_nothing_is_lost_no_seconds_are_said() -> None:
    assert _gates(losses=[_loss(seconds=0.0)])["data.database"].says == "no writes are lost, the objective is 1 h."


@pytest.mark.parametrize(
    ("store", "missing", "relaxed"),
    [
        ("database", False, False),
        ("files", False, False),
        ("tables", False, True),
        ("objects", False, True),
        ("tables", True, False),
        ("database", True, False),
    ],
)
def test_an_unknown_loss_is_relaxed_only_if_the_primary_measures_it_alone(
    store: str, missing: bool, relaxed: bool
) -> None:
    gate = _gates(losses=[_loss(store, None, missing), _loss(store)])[f"data.{store}"]
    assert (gate.met, gate.relaxed) == (False, relaxed)
    assert gate.says == "the loss is not known: RestoreWindow.LatestTime."
    planned = _gates(losses=[_loss(store, None)], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)[f"data.{store}"]
    assert (planned.met, planned.relaxed) == (False, False)


@pytest.mark.parametrize("kind", list(UnavailableKind))
def test_a_loss_whose_measure_is_denied_is_not_relaxed(kind: UnavailableKind) -> None:
    loss = replace(_loss("tables", None), unseen=Unavailable(kind, "it did not answer.", HERE))
    assert _gates(losses=[loss])["data.tables"].relaxed == (kind in SILENT)


def test_a_switchover_loses_nothing_by_its_own_steps_however_old_a_copy_is() -> None:
    gate = _gates(losses=[_loss(seconds=9999.0)], found=plan(goal=Goal.SWITCHOVER), posture=NORMAL)["data.database"]
    assert gate.met
    assert "zero loss proven" in gate.says


def test_a_finding_about_the_primary_record_is_known_by_its_set_identifier() -> None:
    assert is_the_primarys(_finding(Status.FAIL, Side.GLOBAL, PROD.traffic.primary_set_identifier), PROD)


def test_an_answering_primary_is_fenced_first_and_a_silent_one_is_unfenced() -> None:
    (fenced,) = fence_gate(sight(), Api.ANSWERS)
    assert (fenced.id, fenced.met, "3 minutes at most" in fenced.says) == ("fence.primary", True, True)
    lost = sight(dark(recorded("healthy"), Side.PRIMARY), primary_answers=False)
    (silent,) = fence_gate(lost, Api.SILENT)
    assert (silent.met, silent.relaxed, "UNFENCED" in silent.says) == (False, True, True)
    assert list(fence_gate(sight(goal=Goal.SWITCHOVER), Api.ANSWERS)) == []


@pytest.mark.parametrize("kind", [UnavailableKind.THROTTLED, UnavailableKind.DENIED])
def test_an_answering_primary_without_a_fence_is_accepted_by_name(kind: UnavailableKind) -> None:
    refused = Unavailable(kind, "ecs:ListServices is refused.", HERE)
    unseen = sight(with_part(recorded("healthy"), ecs.services, Side.PRIMARY, refused))
    (gate,) = fence_gate(unseen, Api.REFUSES)
    assert (gate.met, gate.relaxed) == (False, False)
    assert failover_advice([gate])[0] is Advice.RISKY


@pytest.mark.parametrize(("source", "word"), [("arn:aws:rds:af-south-1:1:db:sit-mysql", "replica"), ("", "older data")])
def test_a_restore_whose_name_is_taken_is_refused_before_it_begins(source: str, word: str) -> None:
    """The run would stop at it with exit 5, after the primary was fenced."""
    free = sight()
    assert list(database_name_gate(free, make_plan(free, "PRIMARY_LOST"), LOST)) == []
    there = replace(recorded("healthy").get(rds.instances, Side.PRIMARY)[0], source=source, tags=(), arn=DR_DATABASE)
    broken = replace(there, status="incompatible-restore" if source else "available")
    taken = sight(with_part(recorded("healthy"), rds.instances, Side.DR, (broken,)))
    lost = make_plan(taken, "PRIMARY_LOST")
    assert list(database_name_gate(taken, lost, Posture(PostureName.ON_DR, "it serves."))) == []
    (gate,) = database_name_gate(taken, lost, LOST)
    assert (gate.id, gate.met, gate.stops, word in gate.says) == ("plan.database-name", False, True, True)
    assert "`aws rds modify-db-instance --region eu-west-1 --db-instance-identifier sit-mysql" in gate.says
    assert failover_advice([gate])[0] is Advice.DO_NOT_FAILOVER


def test_a_tenant_without_a_service_in_the_dr_region_is_a_gate_of_its_own() -> None:
    assert list(targets_gates(sight())) == []
    others = tuple(row for row in recorded("healthy").get(ecs.services, Side.DR) if row.name != LAST)
    (gate,) = targets_gates(sight(with_part(recorded("healthy"), ecs.services, Side.DR, others)))
    assert (gate.id, gate.met) == ("traffic.targets.tenant2", False)
