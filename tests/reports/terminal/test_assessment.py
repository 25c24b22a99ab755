"""The plan on a terminal, read at night: one row a stage, what a person minds named, every step only with --all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Danger, Goal, Plan
from dr_actions.planning.estimate import PlanGrowth, Sizes, estimate_s, stages_of, write_pause
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment
from tests.dr_actions.deciding import PROD, step
from tests.dr_actions.recorded import plan_home
from tests.reports.terminal.screens import report, shown
from tests.reports.values.test_drill_summary import STEPPED_BACK, WHOLE

SIZES = Sizes(database_gib=100, files_gib=200)


def weighed(plan: Plan, env: Environment, *gates: Gate, losses: tuple[Loss, ...] = ()) -> Assessment:
    return Assessment(
        advice=Advice.WAIT,
        blind=False,
        reasons=tuple(f"{gate.id}: {gate.says}" for gate in gates if not gate.met),
        gates=gates,
        losses=losses,
        plan=plan,
        posture=Posture(PostureName.ON_DR, "so."),
        rto_estimate_s=1,
        hourly_cost=1.0,
        stages=stages_of(plan, lambda steps: float(estimate_s(steps, env, {}, SIZES))),
        write_pause=write_pause(plan, env, {}, SIZES),
    )


def screen(assessment: Assessment, env: Environment, *, every: bool = False, width: int = 100) -> list[str]:
    page = replace(report(), environment=env, command="failback", assessment=assessment, every_finding=every)
    lines = shown(page, width)
    return lines[: lines.index("In short")]


def rows_of_plan(lines: list[str]) -> list[str]:
    begin = next(place for place, line in enumerate(lines) if line.startswith("Plan "))
    rows = lines[begin + 2 : lines.index("", begin)]
    return rows[: next((place for place, line in enumerate(rows) if "Note: " in line), len(rows))]


@pytest.mark.parametrize("name", ["sit", "prod"])
def test_a_plan_home_is_a_row_a_stage_and_every_step_with_all(name: str) -> None:
    env, home = plan_home(name)
    assessment = weighed(home, env)
    rows = rows_of_plan(screen(assessment, env))
    assert len(rows) < 20 < len(home.steps)
    assert rows[0].startswith("1 to ")
    assert f" to {len(home.steps)} " in rows[-1], "the places are those that a run counts"
    pauses = ["nobody writes" in row for row in rows]
    (back,) = [place for place, row in enumerate(rows) if "then the first visitors write" in row]
    assert sum(pauses) == sum(pauses[:back]) in (1, 2)
    assert pauses[back - 1]
    final = [step.subject for step in home.steps if step.danger is Danger.IRREVERSIBLE]
    by_hand = [step.subject for step in home.steps if step.manual]
    assert all(any(f"irreversible: {subject}" in row for row in rows) for subject in final)
    assert all(any(f"by hand: {subject}" in row for row in rows) for subject in by_hand)
    assert (name == "prod") == bool(by_hand)
    every = "\n".join(screen(assessment, env, every=True))
    assert "1 by hand: " not in every
    assert every.count("BY HAND: ") == len(by_hand)


def test_how_long_it_takes_with_more_tenants_stands_behind_all() -> None:
    env, home = plan_home("sit")
    growth = (PlanGrowth(2, 100, 0), PlanGrowth(1000, 9000, 4000))
    assessment = replace(weighed(home, env), growth=growth)
    assert [
        sum("such tenants" in line for line in screen(assessment, env, every=every)) for every in (False, True)
    ] == [0, 1]


def test_the_stages_hold_every_step_once_and_take_as_long_as_the_plan() -> None:
    env, home = plan_home("prod")
    stages = weighed(home, env).stages
    assert tuple(step for stage in stages for step in stage.steps) == home.steps
    assert sum(stage.estimate_s for stage in stages) == pytest.approx(estimate_s(home.steps, env, {}, SIZES), abs=20)


@pytest.mark.parametrize("width", [80, 100])
def test_a_note_and_the_basis_of_a_loss_stand_whole(width: int) -> None:
    env, home = plan_home("sit")
    long, command = "It is left out, " + "for a reason " * 20 + "END", "Type `dr_cli.py pause` " + "now " * 40
    basis = "replication, by a metric of " + "S3 " * 30 + "LAST"
    losses = (Loss("objects", "bucket-1", None, 4.0, 0, basis), Loss("automated-backup", "sit-mysql", None, 9.0, 0, ""))
    lines = screen(weighed(replace(home, notes=(long, command)), env, losses=losses), env, width=width)
    text = " ".join(" ".join(lines).split())
    assert f"Note: {long}" in text
    assert text.count("now") == 40
    assert (text.count("S3"), "LAST" in text, "automated-backup" in text, "…" in text) == (30, True, True, False)


def test_at_80_columns_the_basis_of_a_loss_is_not_broken_into_syllables() -> None:
    env, home = plan_home("sit")
    basis = "not seen: cloudwatch in af-south-1 does not answer (ConnectionClosedError)."
    files = Loss("files", "prod-efs, 12 tenants", None, 42_900.0, None, basis)
    losses = (files, replace(files, store="objects", subject="bbws-templates-prod and 3 more"))
    lines = screen(weighed(home, env, losses=losses), env, width=80)
    begin, end = lines.index("What would be lost"), next(n for n, line in enumerate(lines) if line.startswith("Plan "))
    assert end - begin <= 16, lines[begin:end]
    assert " ".join(lines[begin:end]).count("ConnectionClosedError") == len(losses)


def test_gates_that_are_met_are_one_line() -> None:
    met, unmet = Gate("check.a.b", met=True, says="pass."), Gate("check.c.d", met=False, says="it is too old.")
    plan = Plan("prod", PROD.account, Goal.FAILOVER, "PRIMARY_LOST", (step("a"),))
    lines = screen(weighed(plan, PROD, met, met, unmet), PROD)
    begin = lines.index("Why")
    assert lines[begin + 1 : begin + 3] == ["  - check.c.d: it is too old.", "  - 2 gates pass"]
    relaxed = replace(unmet, relaxed=True)
    assert "  - 1 gate passes" not in screen(weighed(plan, PROD, met, relaxed), PROD), "the answer counts them itself"
    many = tuple(replace(unmet, id=f"check.c.d{number}") for number in range(14))
    assert "  ... and 2 more (--all lists them)" in screen(weighed(plan, PROD, *many), PROD)
    assert "  - check.c.d13: it is too old." in screen(weighed(plan, PROD, *many), PROD, every=True)


def test_what_is_lost_alike_of_a_store_is_one_line_and_all_of_it_with_all() -> None:
    buckets = [Loss("objects", f"bucket-{n}", None, 4.0, 0, "replication, by a metric") for n in (1, 2)]
    plan = Plan("prod", PROD.account, Goal.FAILOVER, "PRIMARY_LOST", (step("a"),))
    assessment = weighed(plan, PROD, losses=(*buckets, replace(buckets[0], subject="bucket-3", seconds=9.0)))
    lines = screen(assessment, PROD)
    begin = next(place for place, line in enumerate(lines) if line.startswith("What would be lost"))
    alike, other = lines[begin + 2 : begin + 4]
    assert alike.split()[:9] == ["objects", "bucket-1", "and", "1", "more", "at", "most", "4", "s"]
    assert other.split()[:6] == ["objects", "bucket-3", "at", "most", "9", "s"]
    assert "bucket-2" in "\n".join(screen(assessment, PROD, every=True))


def test_the_page_of_a_stopped_drill_ends_with_the_drill() -> None:
    env, home = plan_home("sit")
    stopped = replace(WHOLE, residue=None, parts=(replace(STEPPED_BACK, outcome="stopped"),))
    page = replace(report(), environment=env, assessment=weighed(home, env), drills=(stopped,), exit=130)
    lines = shown(page)
    assert any(line.startswith("Assessment, before the drill, of SIT: ") for line in lines)
    closing = lines[lines.index("In short") :]
    assert any(line.startswith("  Posture:") and line.endswith(" when the drill began") for line in closing)
    assert not [line for line in closing if line.startswith(("  Plan:", "  Loss:"))]
    (answer,) = [line for line in closing if line.startswith("  Answer:")]
    assert answer.endswith("full drill STOPPED, exit 130")
