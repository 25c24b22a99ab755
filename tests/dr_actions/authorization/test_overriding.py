"""Overrides: one gate by its own id, with a name, a reason and an end; never all at once, and some rules never."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_actions.authorization.clearance import NEVER_OVERRIDDEN, Clearance, extended_clearance
from dr_actions.model.gates import Override
from tests.dr_actions.deciding import (
    EARLIER,
    IRREVERSIBLE,
    LATER,
    MET,
    NOW,
    RELAXED,
    SIT,
    STOPS,
    UNMET,
    approval,
    cleared,
    override,
    plan,
    refused,
)


def test_an_override_by_the_gates_id_clears_that_gate_and_no_other() -> None:
    assert cleared(gates=(UNMET,), overrides=(override(),)).overrides == (override(),)
    assert cleared(gates=(STOPS,), overrides=(override(STOPS.id),)).overrides == (override(STOPS.id),)
    assert set(refused(gates=(UNMET, STOPS), overrides=(override(),))) == {STOPS.id}


@pytest.mark.parametrize("blanket", ["*", "", "check.*", "check", "check.c", "CHECK.C.D", "all"])
def test_no_override_covers_more_than_the_gate_of_exactly_that_id(blanket: str) -> None:
    assert set(refused(gates=(UNMET, STOPS), overrides=(override(blanket),))) == {UNMET.id, STOPS.id}


def test_an_override_that_was_not_needed_is_not_in_the_clearance() -> None:
    assert cleared(gates=(MET, RELAXED), overrides=(override(MET.id), override(RELAXED.id))).overrides == ()


@pytest.mark.parametrize(("until", "at"), [(NOW, "03:00"), (EARLIER, "02:59")])
def test_an_expired_override_is_refused_whether_its_gate_is_met_or_not(until: datetime, at: str) -> None:
    over = override(until=until)
    assert refused(gates=(MET,), overrides=(over,)) == {UNMET.id: f"its override expired at 2026-01-07 {at} UTC."}
    assert set(refused(gates=(UNMET,), overrides=(over,))) == {UNMET.id}


@pytest.mark.parametrize(
    "hidden",
    [
        {"why": "so\n" * 40},
        {"by": "Ann\x1b[2K"},
        {"why": f"so{' ' * 900}"},
        {"by": "An\u202en"},
        {"why": "x" * 401},
        {"why": "so" + "\u2800" * 200},
    ],
    ids=["lines", "control", "gap", "backwards", "long", "gap of Braille without a dot"],
)
def test_an_override_too_long_for_the_line_of_an_approver_is_refused(hidden: dict[str, str]) -> None:
    """What follows a long gap stands alone on the approver's screen, and can say that nothing is set aside."""
    message = "an override is a line of at most 400 characters without gaps, so that an approver sees it whole."
    assert refused(gates=(MET,), overrides=(override(**hidden),)) == {UNMET.id: message}


@pytest.mark.parametrize(
    "nameless", [{"by": ""}, {"by": "  "}, {"why": ""}, {"why": "\t"}, {"by": "WHO"}, {"why": "REASON"}]
)
def test_an_override_without_a_name_or_a_reason_is_refused(nameless: dict[str, str]) -> None:
    assert refused(gates=(MET,), overrides=(override(**nameless),)) == {
        UNMET.id: "an override names who overrides and why."
    }


@pytest.mark.parametrize("rule", NEVER_OVERRIDDEN)
def test_stop_switch_ticket_two_people_and_deletion_have_no_override(rule: str) -> None:
    assert refused(overrides=(override(rule),)) == {rule: "this rule cannot be overridden."}


def test_overriding_them_does_not_make_them_met_either() -> None:
    never = tuple(override(rule) for rule in NEVER_OVERRIDDEN)
    refusals = refused(incident="", approvals=(), paused="Jane", plan=IRREVERSIBLE, overrides=never)
    assert set(refusals) == set(NEVER_OVERRIDDEN)


def test_a_resumed_run_takes_new_overrides_beside_its_first_ones() -> None:
    begun = cleared(gates=(UNMET,), overrides=(override(),))
    assert extended_clearance(begun, (), NOW) == begun
    found = extended_clearance(begun, (override(STOPS.id),), NOW)
    assert isinstance(found, Clearance)
    assert found.overrides == (override(), override(STOPS.id))
    assert replace(found, overrides=begun.overrides) == begun, "and nothing else of its clearance changes"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"gate": "authority.paused"}, "this rule cannot be overridden."),
        ({"why": ""}, "an override names who overrides and why."),
        ({"until": EARLIER}, "its override expired at 2026-01-07 02:59 UTC."),
    ],
)
def test_a_run_goes_on_with_no_override_that_could_not_have_begun_it(named: dict[str, Any], reason: str) -> None:
    found = extended_clearance(cleared(), (override(), override(**named)), NOW)
    assert isinstance(found, tuple)
    assert [refusal.message for refusal in found] == [reason]


@pytest.mark.parametrize(
    "agreed",
    [
        (),
        (override(STOPS.id),),
        (override(by="Joe"),),
        (override(why="another reason"),),
        (override(until=LATER + timedelta(minutes=1)),),
    ],
)
def test_a_second_person_approves_each_override_word_for_word(agreed: tuple[Override, ...]) -> None:
    given: dict[str, Any] = {"gates": (UNMET,), "overrides": (override(),)}
    refusals = refused(approvals=(approval(overrides=agreed),), **given)
    assert set(refusals) == {"authority.two-people"}
    assert f"approver: it was given without the override of {UNMET.id}" in refusals["authority.two-people"]
    assert refused(SIT, approvals=(), plan=replace(plan(), environment="sit"), **given) == {}, (
        "one person is enough there"
    )


def test_the_author_of_an_override_or_what_was_agreed_refuses_nothing() -> None:
    agreed = approval(overrides=(override(STOPS.id), override(arn="arn:aws:iam::1:user/approver")))
    without = approval()
    found = cleared(gates=(UNMET,), overrides=(override(arn="arn:operator"),), approvals=(without, agreed))
    assert [given.arn for given in found.overrides] == ["arn:operator"]
