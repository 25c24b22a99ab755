"""Every rule that says no to a person: what passes, what is refused, and in which words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.authorization.clearance import ticket_is_well_formed
from dr_actions.model.gates import Gate
from tests.dr_actions.deciding import (
    ACCOUNT,
    APPROVER,
    AS_APPROVER,
    AS_OPERATOR,
    EARLIER,
    INCIDENT,
    IRREVERSIBLE,
    LATER,
    MET,
    NOW,
    OPERATOR,
    OPERATOR_ID,
    OPERATOR_ROLE_ID,
    PLAN,
    PROD,
    RELAXED,
    SIT,
    STOPS,
    UNMET,
    approval,
    cleared,
    override,
    refused,
)

GATES = st.lists(
    st.builds(Gate, st.sampled_from("abcdef"), st.booleans(), st.just("why."), st.booleans(), st.booleans()), max_size=6
)


def test_a_clearance_names_two_people_incident_expiry_and_exact_plan() -> None:
    found = cleared()
    assert (found.environment, found.incident) == ("prod", INCIDENT)
    assert (found.operator, found.approver) == (OPERATOR, APPROVER)
    assert (found.digest, found.expires_at, found.overrides) == (PLAN.digest, LATER, ())


def test_no_approval_and_no_ticket_where_one_person_is_enough() -> None:
    found = cleared(SIT, approvals=(), incident="RUN-20260107-030000")
    assert (found.approver, found.expires_at) == ("", None)


@pytest.mark.parametrize("ticket", ["INC-123", "INC-20260107-001", "INC-1", "INC-123456789012"])
def test_a_ticket_of_the_services_two_forms_passes(ticket: str) -> None:
    assert ticket_is_well_formed(ticket, PROD)
    assert cleared(incident=ticket, approvals=(approval(incident=ticket),)).incident == ticket


@pytest.mark.parametrize(
    "ticket",
    [
        *("", "INC-", "INC123", "inc-123", "CHG-123", "INC-12a", "INC-20260107-1", "INC-20260107-0001", "INC-123 "),
        *("INC-1234567890123", "INC-123\n", "INC-\u0661\u0662\u0663", "../INC-123", "INC-1/2", "INC-20260107-001-1"),
    ],
)
def test_anything_else_is_no_ticket_and_is_refused(ticket: str) -> None:
    assert not ticket_is_well_formed(ticket, PROD)
    refusals = refused(incident=ticket, approvals=(approval(incident=ticket),))
    assert set(refusals) == {"authority.ticket"}
    assert "--incident INC-123" in refusals["authority.ticket"]
    assert refused(SIT, incident=ticket, approvals=()) == {}, "SIT asks for none"


def test_paused_runs_are_not_cleared_and_the_refusal_says_who_and_why() -> None:
    refusals = refused(paused="Jane at 2026-01-07 02:00 UTC: we wait for AWS")
    assert set(refusals) == {"authority.paused"}
    assert "Jane" in refusals["authority.paused"]
    assert "we wait for AWS" in refusals["authority.paused"]
    assert "unpause" in refusals["authority.paused"]
    assert set(refused(SIT, paused="Jane")) == {"authority.paused"}


def test_without_an_approval_the_refusal_says_what_the_second_person_types() -> None:
    refusals = refused(approvals=())
    assert refusals == {
        "authority.two-people": "nobody approved this plan. Another person runs: `dr_cli.py approve --incident TICKET`."
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"arn": OPERATOR, "userid": OPERATOR_ID}, "operator is not among the approvers"),
        ({"arn": f"arn:aws:iam::{ACCOUNT}:user/jim", "userid": "AIDAJIM"}, "jim is not among the approvers"),
        (
            {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/prod-dr-operator/approver", "userid": "AROAX:approver"},
            "approver is not among the approvers",
        ),
        ({"arn": "arn:aws:iam::111122223333:user/approver"}, "approver is not among the approvers"),
        ({"userid": OPERATOR_ID}, "written under another caller's key"),
        ({"userid": "AROAAPPROVER:approver"}, "written under another caller's key"),
        ({"arn": AS_APPROVER, "userid": "AROAAPPROVER:operator"}, "written under another caller's key"),
        ({"arn": AS_APPROVER, "userid": "AIDAAPPROVER"}, "written under another caller's key"),
        ({"environment": "sit"}, "it is for INC-123 in sit"),
        ({"incident": "INC-124"}, "it is for INC-124 in prod"),
        ({"digest": "0" * 64}, "it is for another plan (000000000000, now"),
        ({"expires_at": NOW}, "it expired at 2026-01-07 03:00 UTC"),
        ({"expires_at": EARLIER}, "it expired at 2026-01-07 02:59 UTC"),
    ],
)
def test_an_approval_does_not_count_and_the_refusal_says_why(changed: dict[str, str], reason: str) -> None:
    refusals = refused(approvals=(approval(**changed),))
    assert set(refusals) == {"authority.two-people"}
    assert "no approval counts" in refusals["authority.two-people"]
    assert reason in refusals["authority.two-people"]


def test_a_session_of_the_approvers_role_counts_as_the_approver() -> None:
    by_session = approval(arn=AS_APPROVER, userid="AROAAPPROVER:approver")
    assert cleared(approvals=(by_session,)).approver == AS_APPROVER
    assert cleared(approvals=(by_session,), operator=AS_OPERATOR, operator_userid=OPERATOR_ROLE_ID).expires_at == LATER


@pytest.mark.parametrize(
    ("operator", "userid"),
    [(APPROVER, "AIDAAPPROVER"), (AS_APPROVER, "AROAAPPROVER:approver")],
    ids=["the same identity", "the role instead of the user"],
)
def test_an_approver_who_operates_cannot_approve_the_own_run(operator: str, userid: str) -> None:
    refusals = refused(operator=operator, operator_userid=userid)
    assert set(refusals) == {"authority.two-people"}
    assert "the operator's own approval does not count" in refusals["authority.two-people"]


def test_an_operators_session_called_like_the_approver_forges_nothing() -> None:
    """The session's name is the caller's to choose; the role's own id, which AWS puts into the key, is not."""
    forged = approval(arn=AS_APPROVER, userid="AROAOPERATOR:approver")
    refusals = refused(approvals=(forged,), operator=AS_OPERATOR, operator_userid=OPERATOR_ROLE_ID)
    assert "written under another caller's key" in refusals["authority.two-people"]


def test_two_sessions_of_one_role_are_two_people_where_the_file_names_them() -> None:
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin"
    jane, joe = f"{role}/jane@example.org", f"{role}/joe@example.org"
    approvals = PROD.approvals.model_copy(
        update={"identities": {"Jane": (jane,), "Joe": (joe,)}, "approvers": ("Joe",)}
    )
    env = PROD.model_copy(update={"approvals": approvals})
    by_joe = approval(arn=joe, userid="AROASSO:joe@example.org")
    assert cleared(env, approvals=(by_joe,), operator=jane, operator_userid="AROASSO:jane@example.org").approver == joe
    assert "authority.two-people" in refused(
        env, approvals=(by_joe,), operator=joe, operator_userid="AROASSO:joe@example.org"
    )


def test_one_good_approval_among_bad_ones_is_enough() -> None:
    bad = approval(expires_at=EARLIER, userid="AIDAOTHER")
    assert cleared(approvals=(bad, approval())).approver == APPROVER


def test_an_unmet_gate_refuses_by_its_own_id_with_the_way_to_override_it() -> None:
    refusals = refused(gates=(MET, UNMET))
    assert set(refusals) == {UNMET.id}
    assert refusals[UNMET.id].startswith("it is too old. To go on all the same, override it by name:")
    assert f'--override {UNMET.id} "WHO" UNTIL "REASON"' in refusals[UNMET.id]


def test_a_relaxed_gate_refuses_nothing_and_needs_no_override() -> None:
    assert cleared(gates=(MET, RELAXED)).overrides == ()


def test_an_irreversible_step_without_a_terminal_needs_a_confirmation() -> None:
    refusals = refused(SIT, plan=IRREVERSIBLE)
    assert refusals == {
        "authority.irreversible": "irreversible steps need a confirmation each: --confirm files/restore_dr:sit-efs."
    }
    assert refused(SIT, plan=IRREVERSIBLE, confirmed=frozenset({"compute/scale_dr_services:tenant1"})) == refusals
    assert refused(SIT, plan=IRREVERSIBLE, confirmed=frozenset({"files/restore_dr:sit-efs"})) == {}


def test_at_a_terminal_the_person_is_asked_right_before_the_step_instead() -> None:
    assert refused(SIT, plan=IRREVERSIBLE, at_terminal=True) == {}


def test_every_refusal_is_reported_at_once() -> None:
    refusals = refused(incident="", approvals=(), paused="Jane", gates=(UNMET, STOPS), plan=IRREVERSIBLE)
    assert set(refusals) == {
        *("authority.paused", "authority.ticket", "authority.two-people", "authority.irreversible"),
        *(UNMET.id, STOPS.id),
    }


@given(gates=GATES, chosen=st.sets(st.sampled_from("abcdef")))
def test_only_unmet_unrelaxed_gates_without_an_override_refuse(gates: list[Gate], chosen: set[str]) -> None:
    overrides = tuple(override(gate) for gate in sorted(chosen))
    refusals = refused(SIT, gates=gates, overrides=overrides)
    assert set(refusals) == {gate.id for gate in gates if not gate.met and not gate.relaxed} - chosen


@given(st.text(max_size=20))
def test_whatever_is_typed_as_a_ticket_passes_only_in_the_two_forms(typed: str) -> None:
    assert ticket_is_well_formed(typed, PROD) == bool(re.fullmatch(r"INC-[0-9]{1,12}(-[0-9]{3})?", typed))


def test_an_override_of_a_gate_that_the_run_judges_is_kept_though_met_now() -> None:
    given = tuple(override(gate) for gate in ("fence.primary", "traffic.targets.tenant2", MET.id))
    overrides = cleared(gates=(MET, replace(MET, id="fence.primary")), overrides=given).overrides
    assert [found.gate for found in overrides] == ["fence.primary", "traffic.targets.tenant2"]
