"""What a failback waits for beyond the primary region: what serves is intact, and the operator's role may fail back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dr_actions.assessment.failback import (
    failback_advice,
    failback_gates,
    objects_to_copy,
    serving_gates,
    stranded_writes,
    sync_estimate,
    write_pause_gate,
)
from dr_actions.assessment.failover import Advice
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.planning.estimate import WritePause
from dr_actions.planning.planner import context_of
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.posture.posture import Posture, PostureName
from dr_checks.posture.signals import signals_of
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import control_table, dynamodb, ecs, efs, elbv2_targets, rds, route53, route53_health_checks, s3
from dr_estate.readers.control_table import ControlState, Incident
from dr_estate.readers.s3_objects import PairCounter, apart
from tests.dr_actions.actions.estates import failed_over
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_actions.recorded import plan_home
from tests.dr_checks import edges
from tests.dr_checks.backups import FILE_SYSTEM
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, NOW, SIT, Values, service, world

PERMITTED = "prerequisites.operator-allowed"
RESTORED = replace(PRIMARY, arn=PRIMARY.arn.replace(SIT.regions.primary, SIT.regions.dr))


def gates(check: str, status: Status, severity: Severity = Severity.BLOCKER) -> list[Gate]:
    found = Finding(check, Side.GLOBAL, "sit-dr-operator-home", None, status, "none allowed", "attached", "because")
    return list(serving_gates([CheckResult(check, severity, Area.PREREQUISITES, status, (found,))]))


def test_a_gate_that_the_failback_meets_itself_is_named_and_not_met() -> None:
    met, relaxed = Gate("a", True, "a."), Gate("direction.one-writer", False, "af-south-1 writes.", relaxed=True)
    assert failback_advice([met]) == (Advice.PROCEED, ("1 gate passes.",))
    both = ("1 gate passes.", "direction.one-writer: af-south-1 writes. The first steps of this run meet it.")
    assert failback_advice([met, relaxed]) == (Advice.PROCEED, both)


def test_of_two_reasons_to_wait_the_one_that_stops_a_run_is_named_first() -> None:
    unmet = [Gate("a", False, "later.", stops=False), Gate("z", False, "now.", stops=True)]
    assert failback_advice(unmet) == (Advice.WAIT, ("z: now.", "a: later."))


def test_a_role_without_failback_rights_is_a_reason_to_wait() -> None:
    (gate,) = gates(PERMITTED, Status.WARN)
    assert (False, f"check.{PERMITTED}") == (gate.met, gate.id)
    assert gate.says == "sit-dr-operator-home: none allowed, wanted attached."


@pytest.mark.parametrize(
    ("check", "status", "met"),
    [
        (PERMITTED, Status.PASS, True),
        (PERMITTED, Status.FAIL, False),
        ("validation.services-run", Status.WARN, True),
        ("validation.services-run", Status.FAIL, False),
        ("validation.services-run", Status.UNKNOWN, False),
    ],
)
def test_what_serves_must_be_whole_and_seen(check: str, status: Status, met: bool) -> None:
    assert [met] == [gate.met for gate in gates(check, status)]


def test_a_check_that_is_not_grave_is_no_gate() -> None:
    assert [] == gates("validation.services-run", Status.FAIL, Severity.NORMAL)


@pytest.mark.parametrize(("vault", "met"), [("sit-dr-vault", True), ("", False)])
def test_a_failback_that_has_no_vault_for_its_backups_does_not_begin(vault: str, met: bool) -> None:
    env, home = plan_home("sit")
    steps = (
        replace(step, before={**step.before, "vault": vault})
        if step.action == "backup/create_backups" and step.side is Side.DR
        else step
        for step in home.steps
    )
    plan, context = replace(home, steps=tuple(steps)), PlanContext(env, world({}), Goal.FAILBACK, primary_answers=True)
    signals = signals_of(context.snapshot, env)
    gates = failback_gates((), plan, Posture(PostureName.ON_DR, "away."), signals, context)
    gate = next(gate for gate in gates if gate.id == "plan.backup")
    assert (gate.met, gate.stops, "named for eu-west-1 (names.primary_vault" in gate.says) == (met, True, not met)


@pytest.mark.parametrize(("most_s", "met"), [(90 * 60, True), (90 * 60 + 1, False)])
def test_no_failback_while_the_write_pause_may_last_longer_than_allowed(most_s: int, met: bool) -> None:
    (gate,) = write_pause_gate(WritePause(600, 900, 1800, most_s, 900, 1200), SIT)
    assert (gate.id, gate.met, gate.stops) == ("plan.write-pause", met, False)
    assert "failback.max_write_pause_minutes" in gate.says


def test_a_plan_that_stops_no_writes_needs_no_such_gate() -> None:
    assert [] == list(write_pause_gate(None, SIT))


def direction(word: str) -> Gate:
    """The gate of a failback whose DR database is in the state ``word``."""
    dr: Values = {(rds.instances, Side.DR): (replace(RESTORED, status=word),), (efs.replications, Side.DR): ()}
    return next(gate for gate in weighed(dr) if gate.id == "direction.database")


def weighed(values: Values, only_tenants: frozenset[str] = frozenset()) -> tuple[Gate, ...]:
    """The gates of a failback of these values, but those of checks; of ``only_tenants`` where there are any."""
    snapshot, posture = world(values), Posture(PostureName.ON_DR, "away.")
    plan = Plan(SIT.name, SIT.account, Goal.FAILBACK, posture.name, ())
    context = PlanContext(SIT, snapshot, Goal.FAILBACK, primary_answers=True, only_tenants=only_tenants)
    return failback_gates((), plan, posture, signals_of(snapshot, SIT), context)


@pytest.mark.parametrize("word", [*sorted(DATABASE.words), "a-new-word"])
def test_the_dr_database_is_newer_in_every_state_and_synced_while_written(word: str) -> None:
    gate = direction(word)
    assert gate.met is DATABASE[word].takes_writes, gate.says
    assert gate.met or word in gate.says
    assert "the newer data is not there" not in gate.says


FAILED_OVER_AT = NOW - timedelta(hours=2)
MINUTES = (elbv2_targets.minutes, Side.PRIMARY)


def second_writer(name: PostureName, values: Values) -> tuple[list[Gate], PlanContext, Posture]:
    """The gate of one writer two hours after a failover, and what it was weighed by."""
    incident = Incident("INC-1", "failover", "on DR", FAILED_OVER_AT, FAILED_OVER_AT)
    seen = world({(control_table.standing, Side.DR): ControlState(incident=incident), MINUTES: (), **values})
    posture = Posture(name, "as it is.", to_fence=Side.PRIMARY)
    context = PlanContext(SIT, seen, Goal.FAILBACK, primary_answers=True)
    plan = Plan(SIT.name, SIT.account, Goal.FAILBACK, name, ())
    gates = failback_gates((), plan, posture, signals_of(seen, SIT), context)
    return [gate for gate in gates if gate.id == "direction.one-writer"], context, posture


@pytest.mark.parametrize("name", PostureName)
def test_a_second_writer_is_a_gate_and_the_failback_loses_its_writes(name: PostureName) -> None:
    split = name is PostureName.SPLIT
    found, context, posture = second_writer(name, {})
    assert [(gate.met, gate.relaxed) for gate in found] == [(False, True)] * split, "the failback fences it first"
    assert all("`dr_cli.py fence --side primary`" in gate.says for gate in found)
    lost = [loss.seconds for loss in stranded_writes(context, posture) if loss.subject == "sit-mysql of af-south-1"]
    assert lost == [7200.0] * split


CHECKERS_MOST = 180  # of one health check that asks every ten seconds


@pytest.mark.parametrize(
    ("at", "requests", "waits"),
    [
        (FAILED_OVER_AT, CHECKERS_MOST, False),
        (FAILED_OVER_AT, CHECKERS_MOST + 1, True),
        (FAILED_OVER_AT - timedelta(minutes=1), CHECKERS_MOST + 1, False),
        (NOW - timedelta(minutes=3), CHECKERS_MOST + 1, True),
    ],
)
def test_a_failback_waits_for_a_second_writer_that_visitors_reach(at: datetime, requests: int, waits: bool) -> None:
    unseen: Values = {(route53.records, Side.GLOBAL): DENIED}
    (gate,), *_ = second_writer(PostureName.SPLIT, {**unseen, MINUTES: (elbv2_targets.Minute(at, requests, 0),)})
    assert (gate.met, gate.relaxed) == (False, not waits)
    assert (f"took {requests} requests since the failover of" in gate.says) is waits


def test_requests_that_were_not_seen_do_not_prove_that_nobody_writes() -> None:
    (gate,), *_ = second_writer(PostureName.SPLIT, {MINUTES: DENIED})
    assert (gate.met, gate.relaxed, DENIED.why.rstrip(".") in gate.says) == (False, False, True)


def test_writes_of_a_second_writer_are_unmeasured_without_a_record() -> None:
    context = PlanContext(SIT, world({}), Goal.FAILBACK, primary_answers=True)
    split, plan = Posture(PostureName.SPLIT, "both write."), Plan(SIT.name, SIT.account, Goal.FAILBACK, "SPLIT", ())
    gates = failback_gates((), plan, split, signals_of(context.snapshot, SIT), context)
    assert ("direction.one-writer", False, False) in {(gate.id, gate.met, gate.relaxed) for gate in gates}
    first, *_ = stranded_writes(context, split)
    assert (first.subject, first.seconds) == ("sit-mysql of af-south-1", None)


ZONE = route53.HostedZone("Z1", SIT.traffic.zone, (), "")
RECORDS: Values = {(route53.zone, Side.GLOBAL): ZONE, (route53.records, Side.GLOBAL): (edges.PRIMARY, edges.SECONDARY)}
CHECKS = (route53_health_checks.checks, Side.GLOBAL)


def test_no_failback_by_a_record_whose_health_check_is_gone() -> None:
    there = (edges.probe("hc-1", "a.example"), edges.probe("hc-2", "b.example"))
    named = [gate for gate in weighed({**RECORDS, CHECKS: there}) if gate.id == "traffic.health-checks"]
    (gone,) = (gate for gate in weighed({**RECORDS, CHECKS: there[1:]}) if gate.id == "traffic.health-checks")
    (unseen,) = (gate for gate in weighed({**RECORDS, CHECKS: DENIED}) if gate.id == "traffic.health-checks")
    assert ([], False, False) == (named, gone.met, unseen.met)
    assert "hc-1" in gone.says
    assert "hc-2" not in gone.says
    assert DENIED.why in unseen.says


def test_records_without_health_checks_stop_no_failback() -> None:
    bare = tuple(replace(record, health_check_id=None) for record in (edges.PRIMARY, edges.SECONDARY))
    gates = weighed({**RECORDS, (route53.records, Side.GLOBAL): bare, CHECKS: DENIED})
    assert "traffic.health-checks" not in {gate.id for gate in gates}


@pytest.mark.parametrize(
    ("away", "says"),
    [
        (service("sit-tenant9-service"), "tenant9 runs in eu-west-1 and has no service in af-south-1"),
        (service("sit-tenant9-service", desired=0, running=0), ""),
        (service("sit-tenant1-service"), ""),
        (service("somebody-elses"), ""),
    ],
)
def test_no_failback_while_a_new_tenant_has_no_service_at_home(away: ecs.Service, says: str) -> None:
    here = service("sit-tenant1-service")
    values: Values = {(ecs.services, Side.PRIMARY): (here,), (ecs.services, Side.DR): (here, away)}
    found = [gate for gate in weighed(values) if gate.id == "plan.tenants"]
    assert [(False, True)] * bool(says) == [(gate.met, gate.says.startswith(says)) for gate in found]


@pytest.mark.parametrize(("chosen", "stays"), [("tenant9", True), ("tenant-9", True), ("tenant1", False)])
def test_a_tenant_without_a_service_stops_the_failback_in_either_spelling(chosen: str, stays: bool) -> None:
    here, away = service("sit-tenant1-service"), service("sit-tenant-9-service")
    values: Values = {(ecs.services, Side.PRIMARY): (here,), (ecs.services, Side.DR): (here, away)}
    found = [gate.met for gate in weighed(values, frozenset({chosen})) if gate.id == "plan.tenants"]
    assert found == [False] * stays


OTHER = "fs-someone"


@pytest.mark.parametrize("side", [Side.DR, Side.PRIMARY])
def test_no_failback_while_a_file_system_has_another_replication(side: Side) -> None:
    primary, dr = replace(FILE_SYSTEM, id="fs-home"), replace(FILE_SYSTEM, id="fs-away")
    source = dr if side is Side.DR else primary
    row = efs.FileReplication(source.id, SIT.region(side), OTHER, SIT.regions.primary, "ENABLED", "", None)
    values: Values = {
        (rds.instances, Side.DR): (RESTORED,),
        (efs.file_systems, Side.PRIMARY): (primary,),
        (efs.file_systems, Side.DR): (dr,),
        (efs.replications, Side.PRIMARY): (row,) if side is Side.PRIMARY else (),
        (efs.replications, Side.DR): (row,) if side is Side.DR else (),
    }
    (gate,) = (gate for gate in weighed(values) if gate.id == "direction.files")
    assert not gate.met
    assert f"{source.id} replicates into {OTHER}" in gate.says
    ends_it = f"delete-replication-configuration --region {SIT.region(side)} --source-file-system-id {source.id}`"
    assert ends_it in gate.says


def test_a_foreign_replication_into_the_dr_region_stops_no_files() -> None:
    own, others = (replace(FILE_SYSTEM, id="fs-away"), "fs-others")
    values: Values = {
        (rds.instances, Side.DR): (RESTORED,),
        (efs.file_systems, Side.PRIMARY): (replace(FILE_SYSTEM, id="fs-home"),),
        (efs.file_systems, Side.DR): (own,),
    }
    for destination, met in ((others, True), (own.id, False)):
        row = efs.FileReplication("fs-x", SIT.regions.primary, destination, SIT.regions.dr, "ENABLED", "", None)
        into = {(efs.replications, side): (row,) for side in (Side.PRIMARY, Side.DR)}
        assert [met] == [gate.met for gate in weighed({**values, **into}) if gate.id == "direction.files"]


def test_a_sync_is_estimated_from_what_is_seen_and_takes_its_time() -> None:
    database = replace(PRIMARY, arn=PRIMARY.arn.replace(SIT.regions.primary, SIT.regions.dr), storage_gib=200)
    files = replace(FILE_SYSTEM, name=SIT.named(SIT.names.file_system), size_bytes=40 << 30)
    speed = SIT.failback.sync_mib_s
    cases: tuple[tuple[Values, float], ...] = (
        ({(rds.instances, Side.DR): (database,), (efs.file_systems, Side.DR): (files,)}, 240.0),
        ({(rds.instances, Side.DR): (database,)}, 200.0),
        ({(efs.file_systems, Side.DR): (files,)}, 40.0),
        ({}, 0.0),
    )
    for seen, gib in cases:
        context = context_of(SIT, world(seen), Goal.FAILBACK)
        assert (gib, round(gib * 1024 / speed)) == sync_estimate(context)


def test_objects_to_copy_are_listed_by_bucket_with_the_uncompared() -> None:
    lacking = replace(PairCounter().difference("assets", "assets-dr"), missing=3_000, missing_bytes=12 << 30)
    whole = replace(lacking, bucket="templates", missing=0)
    context = context_of(SIT, world({(apart, Side.DR): (lacking, whole, DENIED)}), Goal.FAILBACK)
    assert f"It copies 3,000 objects (12.0 GiB) into assets. {DENIED.why}" == objects_to_copy(context)
    assert "" == objects_to_copy(context_of(SIT, world({(apart, Side.DR): (whole,)}), Goal.FAILBACK))


@pytest.mark.parametrize(
    ("minutes", "time"),
    [
        (360, "in about 1 h 1 min, in nine of ten cases within 3 h 3 min"),
        (100, "in about 1 h 1 min, what is left after 1 h 40 min the run copies"),
        (60, "what is left after 1 h the run copies"),
    ],
)
def test_objects_of_a_copy_job_are_shown_with_their_number_and_time(minutes: float, time: str) -> None:
    role = f"arn:aws:iam::{SIT.account}:role/sit-s3-batch"
    failback = SIT.failback.model_copy(update={"objects_batch_role": role, "objects_batch_minutes": minutes})
    env = SIT.model_copy(update={"failback": failback})
    (bucket, copy), (other, _) = s3.data_pairs(env)[:2]
    rule = s3.BucketReplicationRule("home", True, bucket, True, False, True, True, False, "")
    snapshot = with_rows(failed_over(), s3.buckets, Side.DR, lambda row: row.name == copy, rules=(rule,))
    lacking = replace(PairCounter().difference(bucket, copy), missing=300_000, missing_bytes=12 << 30)
    rows = (lacking, replace(lacking, bucket=other, missing=1))
    context = context_of(env, with_part(snapshot, apart, Side.DR, rows), Goal.FAILBACK)
    assert objects_to_copy(context) == (
        f"It copies 1 objects (12.0 GiB) into {other}. S3 Batch Replication brings 300,000 objects (12.0 GiB) into "
        f"{bucket}, {time}."
    )


def test_tables_that_are_not_seen_keep_their_cause() -> None:
    loss = stranded_writes(context_of(SIT, world({(dynamodb.tables, Side.PRIMARY): DENIED}), Goal.FAILBACK))[-1]
    assert ("tables", DENIED.kind) == (loss.store, loss.unseen and loss.unseen.kind)
