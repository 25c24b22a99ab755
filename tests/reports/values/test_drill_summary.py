"""The summary of a drill: what counts as a full drill, and how its end is reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dr_actions.drills.inventory import Residue, ResidueState
from dr_actions.model.plan import Goal, Plan
from reports.values.drill_summary import DrillSummary, PhaseDuration, headline, residue_in_brief
from reports.values.run_summary import JournaledRun, RunSummary

AWAY, HOME = PhaseDuration("switchover", "validate", 3.0), PhaseDuration("failback", "validate", 0.0)
DRILL = "DRILL-20260107-030000"
STEPPED_BACK = RunSummary(
    incident=DRILL,
    run="r1",
    outcome="stepped back",
    says="A gate failed.",
    digest="d" * 64,
    operator="arn:operator",
    approver="",
    degraded=(),
    undone=(),
    overrides=(),
    mutations=1,
    journal=Path("j"),
    exit=6,
    goal="failback",
    record=JournaledRun(Plan("sit", "1", Goal.FAILBACK, "ON_DR", ()), (), (), "", None),
)
CLEANED = replace(STEPPED_BACK, outcome="done", says="", exit=0, goal="clean-up")
WHOLE = DrillSummary(
    kind="full drill",
    incident=DRILL,
    parts=(CLEANED,),
    phases=(AWAY, HOME),
    rto_s=58.0,
    rto_target_s=14400,
    rpo_s=0.0,
    residue=(),
    took_s=600.0,
    cost=0.2,
    currency="USD",
    journal=None,
    exit=0,
)
KEPT = Residue("rds.instances.primary", "sit-mysql-before-db-abcde", ResidueState.KEPT, "kept by rule", "aws rds ...")
LEFT = Residue("rds.instances.dr", "sit-mysql-drill-20260107-030000", ResidueState.LEFT, "new")


def test_only_a_validated_way_there_and_home_counts_as_a_full_drill() -> None:
    assert WHOLE.went_there_and_back
    assert not replace(WHOLE, phases=(AWAY,)).went_there_and_back
    assert not replace(WHOLE, rto_s=None).went_there_and_back
    assert not replace(WHOLE, phases=(), rto_s=None).went_there_and_back


@pytest.mark.parametrize(
    ("residue", "verdict", "brief"),
    [
        ((), "done", "residue: nothing left over"),
        ((KEPT,), "done", "residue: nothing left over, 1 kept by rule"),
        ((KEPT, LEFT), "left over", "residue: 1 left over, 1 kept by rule"),
        (None, "not compared", "residue: not compared, for no inventory of before is on record"),
    ],
)
def test_what_is_left_decides_the_verdict(residue: tuple[Residue, ...] | None, verdict: str, brief: str) -> None:
    summary = replace(WHOLE, residue=residue)
    assert (verdict, brief) == (summary.verdict, residue_in_brief(summary))


def test_a_drill_that_is_not_over_compares_nothing_yet() -> None:
    summary = replace(WHOLE, residue=None, parts=(STEPPED_BACK,))
    assert (summary.is_over, summary.verdict) == (False, "stepped back")
    assert residue_in_brief(summary) == "residue: not compared, for the drill is not over"


@pytest.mark.parametrize("outcome", ["degraded", "unconfirmed", "invalid", "failed"])
def test_a_drill_that_went_wrong_and_was_cleaned_up_is_over(outcome: str) -> None:
    summary = replace(WHOLE, parts=(replace(STEPPED_BACK, outcome=outcome), CLEANED), residue=None)
    assert (summary.is_over, summary.verdict) == (True, outcome)
    assert residue_in_brief(summary) == "residue: not compared, for no inventory of before is on record"
    uncleaned = replace(summary, parts=(CLEANED, replace(CLEANED, outcome=outcome)))
    assert not uncleaned.is_over, "its clean-up is still to come"


def test_a_drill_whose_next_part_was_refused_is_not_over() -> None:
    summary = replace(WHOLE, parts=(replace(CLEANED, goal="switchover"),), residue=None)
    assert (summary.is_over, summary.verdict) == (False, "not compared")
    assert residue_in_brief(summary) == "residue: not compared, for the drill is not over"


def test_the_headline_says_whether_the_objective_was_met() -> None:
    assert headline(WHOLE).endswith("recovery time 58 s, objective 4 h: met")
    assert headline(replace(WHOLE, rto_s=15000.0)).endswith("objective 4 h: NOT MET")
