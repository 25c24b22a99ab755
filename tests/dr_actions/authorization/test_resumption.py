"""Going on with a run: the journal's word is not enough, the approver's own item in the control table is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.authorization.clearance import Clearance
from dr_actions.authorization.resumption import Resumption, gates_to_go_on, recheck_gates, resume
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Command
from tests.dr_actions.deciding import (
    APPROVER,
    LATER,
    MET,
    NOW,
    OPERATOR,
    PLAN,
    PROD,
    SIT,
    STOPS,
    UNMET,
    approval,
    case,
    cleared,
    override,
    plan,
    refused,
)

ANOTHER = "arn:aws:iam::093646564004:user/olga"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LOST = Posture(PostureName.PRIMARY_LOST, "the primary is lost.")


def asked(env: Environment = PROD, begun_ago: timedelta = timedelta(0), **changed: Any) -> dict[str, str]:
    """What each rule says of going on with a run that began ``begun_ago``; empty where it may."""
    recorded = replace(cleared(), **changed.pop("recorded", {}))
    found = resume(Resumption(recorded, NOW - begun_ago, case(**changed)), env)
    return {} if isinstance(found, Clearance) else {refusal.rule: refusal.message for refusal in found}


def test_a_run_approved_before_its_start_goes_on_past_the_expiry() -> None:
    assert asked() == {}
    given = approval(at=NOW - 3 * HOUR, expires_at=NOW - 2 * HOUR)
    assert asked(begun_ago=2 * HOUR + MINUTE, approvals=(given,)) == {}
    assert asked(operator=ANOTHER, operator_userid="AIDAOLGA") == {}, "another operator goes on"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"approvals": ()}, "the control table holds no approval that allows it"),
        ({"approvals": (approval(digest="0" * 64),)}, "it is for another plan"),
        ({"approvals": (approval(incident="INC-9"),)}, "it is for INC-9 in prod"),
        ({"approvals": (approval(at=NOW + MINUTE),)}, "it was made at 2026-01-07 03:01:00 UTC, after"),
        ({"approvals": (approval(expires_at=NOW),)}, "it expired at"),
        ({"recorded": {"approver": ANOTHER}}, "the journal names another approver"),
        ({"recorded": {"operator": APPROVER}}, "the operator who began the run does not count"),
        ({"operator": APPROVER, "operator_userid": "AIDAAPPROVER"}, "the operator's own approval does not count"),
    ],
)
def test_without_the_approvers_own_word_from_before_it_is_refused(changed: dict[str, Any], reason: str) -> None:
    refusals = asked(**changed)
    assert set(refusals) == {"authority.approval"}
    assert reason in refusals["authority.approval"]
    assert "--replan and a new approval: `dr_cli.py approve --incident" in refusals["authority.approval"]


def test_an_approver_of_the_plan_may_agree_to_overrides_of_a_resume() -> None:
    given, first = (override(),), approval()
    for setting in ({"overrides": given}, {"recorded": {"overrides": given}}):
        refusals = asked(approvals=(first,), **setting)
        assert set(refusals) == {"authority.approval"}
        assert refusals["authority.approval"].startswith(
            f"approver approved this plan without the override of {UNMET.id}. The approver runs: `dr_cli.py approve "
        )
        since = approval(overrides=given, at=NOW - MINUTE, expires_at=NOW)
        assert asked(begun_ago=HOUR, approvals=(approval(at=NOW - 2 * HOUR), since), **setting) == {}
        another = replace(since, digest="0" * 64)
        assert set(asked(approvals=(first, another), **setting)) == {"authority.approval"}


def test_the_approver_gets_the_plan_and_each_override_nobody_agreed_to() -> None:
    recorded = {"overrides": (override(), override(STOPS.id))}
    setting: dict[str, Any] = {"recorded": recorded, "approvals": (approval(overrides=(override(STOPS.id),)),)}
    printed = f"The approver runs: `dr_cli.py approve --incident TICKET --digest {PLAN.digest[:12]} "
    given = f"{printed}--override {UNMET.id} Jane {LATER.isoformat()} 'the copy was checked by hand'`;"
    assert given in asked(**setting)["authority.approval"]
    typed = Command(("approve", "--incident", "INC-123", *override().option))
    again = asked(**setting, overrides=(override(),), approve_with=typed)["authority.approval"]
    assert again.count("--override") == 1, "what was typed is in the command already"


def test_an_expired_override_relaxes_nothing_and_needs_no_agreement() -> None:
    ended = override(until=NOW)
    assert asked(recorded={"overrides": (ended,)}, approvals=(approval(),)) == {}
    both = asked(recorded={"overrides": (ended, override(STOPS.id))}, approvals=(approval(),))["authority.approval"]
    assert "without the override of posture.expected. " in both
    assert UNMET.id not in both


def test_the_operator_who_began_a_run_approves_no_override_of_it() -> None:
    identities = {**PROD.approvals.identities, "olga": (ANOTHER,)}
    both = PROD.approvals.model_copy(update={"approvers": ("approver", "olga"), "identities": identities})
    env = PROD.model_copy(update={"approvals": both})
    own = approval(arn=ANOTHER, userid="AIDAOLGA", overrides=(override(),))
    setting: dict[str, Any] = {"approvals": (approval(), own), "overrides": (override(),)}
    assert asked(env, **setting) == {}
    assert "without the override" in asked(env, recorded={"operator": ANOTHER}, **setting)["authority.approval"]


def test_a_clearance_lasts_a_bounded_time_and_never_comes_from_the_future() -> None:
    hours = timedelta(hours=PROD.approvals.resume_hours)
    old = approval(at=NOW - hours - HOUR, expires_at=NOW - hours + HOUR)
    assert asked(begun_ago=hours, approvals=(old,)) == {}
    assert "resume_hours" in asked(begun_ago=hours + MINUTE, approvals=(old,))["authority.approval"]
    assert set(asked(begun_ago=-MINUTE)) == {"authority.approval"}


def test_another_plan_than_the_cleared_one_and_the_stop_switch_refuse() -> None:
    other = plan(*PLAN.steps[1:])
    assert set(asked(plan=other, approvals=(approval(digest=other.digest),))) == {"authority.digest"}
    assert set(asked(paused="Jane")) == {"authority.paused"}
    refusals = asked(overrides=(override("authority.approval"),), approvals=())
    assert set(refusals) == {"authority.approval"}, "it cannot be overridden"
    assert asked(overrides=(override("authority.approval"),)) == {
        "authority.approval": "this rule cannot be overridden."
    }


def test_where_one_person_is_enough_no_approval_is_asked_for() -> None:
    recorded = {"environment": "sit", "approver": "", "operator": OPERATOR}
    assert asked(SIT, begun_ago=99 * HOUR, approvals=(), recorded=recorded) == {}


def test_a_run_that_changed_nothing_yet_is_weighed_as_a_new_one() -> None:
    gates = (MET, UNMET, STOPS)
    assert gates_to_go_on(gates, LOST, PLAN, changed=False, unseen=frozenset()) == gates
    assert [refusal.rule for refusal in recheck_gates(cleared(), gates, NOW)] == [UNMET.id, STOPS.id]
    waived = replace(cleared(), overrides=(override(UNMET.id), override(STOPS.id)))
    assert recheck_gates(waived, gates, NOW) == ()
    assert len(recheck_gates(waived, gates, LATER)) == 2, "an override ends"


def test_a_run_that_changed_something_is_held_by_the_needs_of_its_steps() -> None:
    allowed = Gate("check.prerequisites.operator-allowed", met=False, says="it may not.")
    gates = (UNMET, STOPS, allowed)
    counted = gates_to_go_on(gates, LOST, PLAN, changed=True, unseen=frozenset())
    assert {gate.id: gate.met for gate in counted} == {"posture.expected": True, allowed.id: False}
    blind = gates_to_go_on(gates, LOST, PLAN, changed=True, unseen={allowed.id})
    assert [gate.met for gate in blind] == [True], "what cannot be seen stops no run that is under way"


@pytest.mark.parametrize(
    ("goal", "posture", "met"),
    [
        (Goal.FAILOVER, PostureName.PRIMARY_LOST, True),
        (Goal.FAILOVER, PostureName.ON_DR, True),
        (Goal.FAILOVER, PostureName.NORMAL, False),
        (Goal.SWITCHOVER, PostureName.DEGRADED, True),
        (Goal.SWITCHOVER, PostureName.PRIMARY_LOST, False),
        (Goal.FAILBACK, PostureName.RETURNING, True),
        (Goal.FAILBACK, PostureName.PRIMARY_LOST, False),
    ],
)
def test_the_posture_must_be_one_that_the_plan_can_have_led_to(goal: Goal, posture: PostureName, met: bool) -> None:
    (gate,) = gates_to_go_on((), Posture(posture, "."), plan(goal=goal), changed=True, unseen=frozenset())
    assert (gate.id, gate.met, gate.stops) == ("posture.expected", met, True)


def test_an_approval_dated_after_the_run_is_no_reason_to_begin_one() -> None:
    assert "after 2026-01-07 03:00:00 UTC" in refused(approvals=(approval(at=NOW + MINUTE),))["authority.two-people"]
