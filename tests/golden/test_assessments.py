"""What is weighed before a failover or failback, of saved evidence and of its variants: gates, losses, costs, tabletop.

Of a variant only the lines are on record that differ from its world's. ``recording.compare`` says how they are changed.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import Any

import pytest

from dr_actions.assessment.data_loss import Loss, hourly_cost, losses_of, missing_items
from dr_actions.assessment.failback import (
    failback_advice,
    failback_gates,
    serving_gates,
    stranded_writes,
    sync_estimate,
)
from dr_actions.assessment.failover import failover_advice, gates_of
from dr_actions.assessment.tabletop import walk_through
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan, step_id
from dr_actions.model.sequence import SEQUENCE, Role
from dr_actions.planning.estimate import sizes_of
from dr_actions.planning.planner import context_of, make_plan, rto_estimate_s
from dr_checks.core.model import Area, CheckResult, Finding, Lag, Severity, Status
from dr_checks.posture.posture import Posture, PostureName, posture_of, signals_of
from dr_checks.posture.signals import Api
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import dynamodb, ecs, efs, rds, route53, runbook, s3
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, from_json
from tests.dr_actions.deciding import plan, step
from tests.golden.recording import HERE, compare

SIT, PROD = (load_environment(HERE.parents[1] / "environments", name) for name in ("sit", "prod"))
DENIED = Unavailable(UnavailableKind.DENIED, "the call is denied (AccessDenied).", "eu-west-1")
GIB = 1 << 30
DISASTERS = {
    name: f"{name} happens."
    for name in (
        "backup-old", "certificate-gone", "contact-gone", "control-slow", "credentials-stolen", "definition-gone",
        "delegation-wrong", "efs-broken", "health-check-off", "image-gone", "key-disabled", "lambda-slow",
        "permission-lost", "primary-dark", "primary-slow", "quota-low", "record-wrong", "replica-lags", "role-lost",
        "replication-off", "rule-gone", "runbook-old", "scaling-low", "secret-old", "service-gone", "site-down",
        "subnet-full", "subscription-gone", "target-gone", "token-expired", "topic-gone", "ttl-long", "us-east-1-dark",
        "vault-locked", "vpc-gone", "weight-wrong", "zone-gone",
    )
}  # fmt: skip


@cache
def snapshot(world: str) -> Snapshot:
    path = HERE / "evidence" / f"{world}.json.xz"
    return from_json(lzma.decompress(path.read_bytes()), str(path))


Change = Callable[[Any], Any]


def changed(reader: Reader[Any], side: Side, change: Change) -> Callable[[Snapshot], Snapshot]:
    """A variant in which one part of the snapshot has another value."""

    def vary(found: Snapshot) -> Snapshot:
        part: SnapshotPart = found.parts[reader.name, side]
        value = part.value if isinstance(part.value, Unavailable) else change(part.value)
        return replace(found, parts={**found.parts, (reader.name, side): replace(part, value=value)})

    return vary


def denied(*readers: tuple[Reader[Any], Side]) -> Callable[[Snapshot], Snapshot]:
    """A variant in which parts are not seen."""
    return lambda found: replace(
        found,
        parts={
            key: replace(part, value=DENIED) if key in {(reader.name, side) for reader, side in readers} else part
            for key, part in found.parts.items()
        },
    )


def dark(side: Side) -> Callable[[Snapshot], Snapshot]:
    """A variant in which nothing of a side is seen."""
    return lambda found: replace(
        found, parts={key: replace(p, value=DENIED) if key[1] is side else p for key, p in found.parts.items()}
    )


def each(**values: Any) -> Change:
    return lambda rows: tuple(row if isinstance(row, Unavailable) else replace(row, **values) for row in rows)


def reviewed_before(days: int) -> Change:
    return lambda found: replace(found, reviewed=date(2026, 11, 26) - timedelta(days=days))


def fed(found: Snapshot) -> Snapshot:
    (own,) = found.get(efs.file_systems, Side.DR)
    row = efs.FileReplication("fs-1", "af-south-1", own.id, "eu-west-1", "ENABLED", "", None)
    return changed(efs.replications, Side.DR, lambda rows: (*rows, row))(found)


VARIANTS: dict[str, Callable[[Snapshot], Snapshot]] = {
    "the primary's databases are not seen": denied((rds.instances, Side.PRIMARY)),
    "the DR region's databases are not seen": denied((rds.instances, Side.DR)),
    "no database is in the DR region": changed(rds.instances, Side.DR, lambda _: ()),
    "the DR region's database is a replica": changed(rds.instances, Side.DR, each(source="arn:the-primary")),
    "the DR region's database is being modified": changed(rds.instances, Side.DR, each(status="modifying")),
    "the DR region's database is another": changed(rds.instances, Side.DR, each(identifier="other")),
    "the primary's database is larger": changed(rds.instances, Side.PRIMARY, each(storage_gib=5000)),
    "the DR region's database is larger": changed(rds.instances, Side.DR, each(storage_gib=7000)),
    "files are not seen": denied((efs.file_systems, Side.DR)),
    "files are large": changed(efs.file_systems, Side.DR, each(size_bytes=300 * GIB)),
    "files are of another name": changed(efs.file_systems, Side.DR, each(name="other")),
    "replications are not seen": denied((efs.replications, Side.DR)),
    "files are still replicated": fed,
    "tasks are not seen": denied((ecs.task_definitions, Side.DR)),
    "no task definition is there": changed(ecs.task_definitions, Side.DR, lambda _: ()),
    "one task definition is not seen": changed(ecs.task_definitions, Side.DR, lambda rows: (DENIED, *rows[1:])),
    "tasks are large": changed(ecs.task_definitions, Side.DR, each(cpu=4096, memory=16384)),
    "the primary's tables are not seen": denied((dynamodb.tables, Side.PRIMARY)),
    "the DR region's tables are not seen": denied((dynamodb.tables, Side.DR)),
    "one table is not seen": changed(dynamodb.tables, Side.DR, lambda rows: (DENIED, *rows[1:])),
    "tables have more items in the primary": changed(dynamodb.tables, Side.PRIMARY, each(items=1000)),
    "tables have more items in the DR region": changed(dynamodb.tables, Side.DR, each(items=1000)),
    "buckets' lags are not seen": denied((s3.lag_metrics, Side.DR)),
    "bytes are pending": changed(s3.lag_metrics, Side.DR, each(value=1.0)),
    "nothing is pending": changed(s3.lag_metrics, Side.DR, each(value=0.0)),
    "zones are not seen": denied((route53.zones, Side.GLOBAL)),
    "nothing of the primary is seen": dark(Side.PRIMARY),
    "nothing of the DR region is seen": dark(Side.DR),
    "the runbook is not seen": denied((runbook.runbook, Side.DR)),
    "there is no runbook": changed(runbook.runbook, Side.DR, lambda found: replace(found, text=None, reviewed=None)),
    "the runbook was never reviewed": changed(runbook.runbook, Side.DR, lambda found: replace(found, reviewed=None)),
    **{
        f"the runbook is {days} days old": changed(runbook.runbook, Side.DR, reviewed_before(days))
        for days in (SIT.thresholds.document_age_days, SIT.thresholds.document_age_days + 1)
    },
}


def _gate(gate: Gate) -> str:
    marks = [mark for mark, given in (("stops", gate.stops), ("relaxed", gate.relaxed)) if given]
    return f"{gate.id} {'met' if gate.met else 'UNMET'} {' '.join(marks)}: {gate.says}"


def _loss(loss: Loss) -> str:
    seen = f"{loss.unseen.kind if loss.unseen else 'seen'}{', missing' if loss.missing else ''}"
    subject = f"{loss.store} {loss.subject} {loss.tenant or 'all'}"
    return f"{subject}: {loss.seconds} s, {loss.items} items, {loss.basis}, {seen}"


LAGS = (
    Lag("database", "sit-mysql", None, Side.DR, 420.0, "RestoreWindow"),
    Lag("tables", "sit-tenant-state", None, Side.DR, 0.9, "ReplicationLatency"),
    Lag("objects", "bbws-templates-sit", None, Side.DR, None, "not published", unseen=DENIED),
    Lag("secrets", "sit-tenant1-db-credentials", "tenant1", Side.DR, None, "no copy", missing=True),
)


def _weighed(env: Environment, found: Snapshot) -> Iterator[str]:
    posture = posture_of(found, env)
    counted = missing_items(found)
    losses = losses_of(LAGS, ("tenant1", "tenant2"), counted)
    yield f"hourly cost of 3 tenants: {hourly_cost(found, env, 3)}, counted: {dict(sorted(counted.items()))}"
    yield from (f"loss: {_loss(loss)}" for loss in losses)
    for goal in (Goal.FAILOVER, Goal.SWITCHOVER):
        planned = make_plan(context_of(env, found, goal), posture.name)
        gates = gates_of((), losses, planned, posture, env)
        seconds = rto_estimate_s(planned, env, sizes=sizes_of(found, env))
        yield f"{goal}: {seconds} s, {', '.join(failover_advice(gates)[0:1])}"
        yield from (f"{goal}: {_gate(gate)}" for gate in gates)
        yield from (f"{goal}: because {reason}" for reason in failover_advice(gates)[1])
        yield f"{goal}: stranded {stranded_writes(context_of(env, found, goal))}"
    context = context_of(env, found, Goal.FAILBACK)
    home = failback_gates((), make_plan(context, posture.name), posture, signals_of(found, env), context)
    yield f"failback: {failback_advice(home)[0]}, sync {sync_estimate(context)}"
    yield from (f"failback: {_gate(gate)}" for gate in home)
    yield from (f"failback: because {reason}" for reason in failback_advice(home)[1])
    yield from (f"failback: stranded {_loss(loss)}" for loss in stranded_writes(context))


def _walked(env: Environment, found: Snapshot, turn: int = 0) -> Iterator[str]:
    for stop in walk_through(env, found, DISASTERS, turn):
        head = f"tabletop {stop.playbook} {stop.number}"
        yield f"{head} {stop.name}: {stop.owner} ({stop.contact}), {stop.budget_s} s, needs {', '.join(stop.needs)}"
        yield from (f"{head} happens: {sentence}" for sentence in stop.happens)
        yield from (f"{head} inject: {inject.name}: {inject.sentence}" for inject in stop.injects)
        yield from (f"{head} gap: {gap}" for gap in stop.gaps)


def _lines(env: Environment, found: Snapshot) -> list[str]:
    return [*_weighed(env, found), *_walked(env, found)]


@pytest.mark.parametrize("state", ["healthy", "primary-dark", "on-dr"])
@pytest.mark.parametrize("env", [SIT, PROD], ids=["sit", "prod"])
def test_an_assessment_is_as_on_record(env: Environment, state: str) -> None:
    found = snapshot(f"{env.name}-{state}")
    lines = base = _lines(env, found)
    for name, vary in VARIANTS.items() if env is SIT else ():
        varied = _lines(env, vary(found))
        lines = [*lines, f"\n{name}:", *(f"    {line}" for line in varied if line not in base)]
    compare(f"assessments/{env.name}-{state}.golden", lines)


def test_the_gates_of_what_a_failback_plans_are_as_on_record() -> None:
    found = snapshot("sit-on-dr")
    context = context_of(SIT, found, Goal.FAILBACK)
    rows = [row for row in SEQUENCE[Goal.FAILBACK] if row.role in (*_NEEDED_ROLES, Role.RENAME)]
    lines: list[str] = []
    for answers, left_out in product(Api, (None, *_NEEDED_ROLES)):
        steps = [
            step("x", row.stage, row.action, id=step_id(row.prefix, "x")) for row in rows if row.role is not left_out
        ]
        signals = replace(signals_of(found, SIT), primary_api=answers)
        gates = failback_gates((), plan(*steps, goal=Goal.FAILBACK), posture_of(found, SIT), signals, context)
        lines += [f"\n{answers}, without {left_out}:", *(f"    {_gate(gate)}" for gate in gates)]
    compare("assessments/plan-failback.golden", lines)


_NEEDED_ROLES = (Role.BACKUP, Role.DATABASE, Role.SERVICES, Role.TRAFFIC)


def test_a_tabletop_without_contacts_and_at_other_turns_is_as_on_record() -> None:
    nobody = SIT.model_copy(update={"people": SIT.people.model_copy(update={"contacts": {}})})
    found = snapshot("sit-healthy")
    lines = [f"nobody: {line}" for line in _walked(nobody, found) if line not in list(_walked(SIT, found))]
    lines += [f"turn {n}: {line}" for n in (1, 2, 7) for line in _walked(SIT, found, n) if "inject" in line]
    compare("assessments/tabletop.golden", lines)


def _finding(status: Status, side: Side, subject: str, unavailable: Unavailable | None) -> Finding:
    return Finding("a.b", side, subject, None, status, "2 h", "1 h", "it is old.", "fix it", unavailable)


def _results() -> Iterator[tuple[str, CheckResult]]:
    places = {"the DR region": SIT.regions.dr, "the primary": SIT.regions.primary, "us-east-1": "us-east-1"}
    for status, severity, side, subject in product(
        (Status.PASS, Status.WARN, Status.FAIL), Severity, Side, ("sit-mysql", SIT.traffic.primary_set_identifier)
    ):
        found = _finding(status, side, subject, None)
        name = f"{status} {severity} {side} {subject}"
        yield name, CheckResult("a.b", severity, Area.DNS, status, (found,))
    for kind, (place, region) in product(UnavailableKind, places.items()):
        found = _finding(Status.UNKNOWN, Side.GLOBAL, "sit-mysql", Unavailable(kind, "no answer.", region))
        failed = _finding(Status.FAIL, Side.DR, "sit-efs", None)
        yield f"{kind} in {place}", CheckResult("a.b", Severity.BLOCKER, Area.DNS, Status.UNKNOWN, (found,))
        yield (
            f"{kind} in {place}, and a failure",
            CheckResult("a.b", Severity.BLOCKER, Area.DNS, Status.UNKNOWN, (found, failed)),
        )
    yield "no finding", CheckResult("a.b", Severity.BLOCKER, Area.DNS, Status.UNKNOWN, (), reason="nobody looked.")
    yield "not applicable", CheckResult("a.b", Severity.BLOCKER, Area.DNS, Status.NOT_APPLICABLE, (), reason="none.")


def test_the_gate_of_a_check_s_result_is_as_on_record() -> None:
    lines: list[str] = []
    for name, result in _results():
        lines.append(f"\n{name}:")
        for goal, posture in product((Goal.FAILOVER, Goal.SWITCHOVER), PostureName):
            gates = gates_of((result,), (), plan(goal=goal), Posture(posture, "as seen."), SIT)
            texts = " | ".join(_gate(gate) for gate in gates if gate.id.startswith(("check.", "planes.")))
            lines.append(f"    {goal} in {posture}: {texts or 'no gate'}")
        lines.append(f"    failback: {' | '.join(map(_gate, serving_gates([result]))) or 'no gate'}")
    compare("assessments/checks.golden", _merged(lines))


def _merged(lines: list[str]) -> Iterator[str]:
    """Lines of one text once, with all the postures that they are of."""
    heads: dict[str, list[str]] = {}
    for line in [*lines, "\n"]:
        if line.startswith("\n"):
            yield from (f"    {', '.join(found)}: {text}" for text, found in heads.items())
            heads = {}
            yield line.rstrip() if line != "\n" else ""
        else:
            head, _, text = line.strip().partition(": ")
            heads.setdefault(text, []).append(head)


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_the_gates_of_a_posture_and_of_what_a_plan_lacks_are_as_on_record(goal: Goal) -> None:
    whole = {
        "database": step("mysql", 40, "database/restore_dr"),
        "services": step("tenant1"),
        "traffic": step("z", 50, "traffic/shift_to_dr"),
    }
    lines = []
    for name in PostureName:
        planned = plan(*whole.values(), goal=goal)
        gate = gates_of((), (), planned, Posture(name, "as seen."), SIT)[0]
        lines.append(f"{name}: {_gate(gate)}")
    for left_out in whole:
        planned = _without(left_out, whole, goal)
        gates = gates_of((), (), planned, Posture(PostureName.PRIMARY_LOST, "lost."), SIT)
        lines += [f"without {left_out}: {_gate(gate)}" for gate in gates[1:]]
    compare(f"assessments/plan-{goal}.golden", lines)


def _without(name: str, steps: dict[str, Any], goal: Goal) -> Plan:
    return plan(*(found for part, found in steps.items() if part != name), goal=goal)


def test_the_gates_of_losses_are_as_on_record() -> None:
    unseen = {
        "seen": None,
        **{f"{k} in the primary": Unavailable(k, "x.", SIT.regions.primary) for k in UnavailableKind},
    }
    lines = []
    target = SIT.objectives.rpo_minutes * 60.0
    for store, seconds, missing, (reason, blind), name, goal in product(
        ("database", "files", "objects"), (0.0, target, target + 1, None), (False, True), unseen.items(),
        (PostureName.PRIMARY_LOST, PostureName.NORMAL), (Goal.FAILOVER, Goal.SWITCHOVER),
    ):  # fmt: skip
        if seconds is not None and (missing or blind):
            continue
        losses = (Loss(store, "a", None, 1.0, None, "by a"), Loss(store, "b", None, seconds, 0, "by b", missing, blind))
        gate = gates_of((), losses, plan(goal=goal), Posture(name, "as seen."), SIT)[-1]
        lines.append(f"{goal} in {name}, {store}, {seconds} s, {reason}{', missing' if missing else ''}: {_gate(gate)}")
    compare("assessments/losses.golden", lines)
