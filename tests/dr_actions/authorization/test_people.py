"""Who is who: persons by their configured identities, and one person however they signed in."""

from __future__ import annotations

import pytest

from dr_actions.authorization.people import is_approver, is_configured, own_name, person_of, same_person, same_principal
from dr_estate.config.environment import Environment
from tests.dr_actions.deciding import ACCOUNT, APPROVER, AS_APPROVER, AS_OPERATOR, OPERATOR, PROD

SSO = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0a1b"
JANE, JOE = f"{SSO}/jane@example.org", f"{SSO}/joe@example.org"


def _known(**identities: tuple[str, ...]) -> Environment:
    approvals = PROD.approvals.model_copy(update={"identities": identities, "approvers": ("Joe",)})
    return PROD.model_copy(update={"approvals": approvals})


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (OPERATOR, "operator"),
        (AS_OPERATOR, "operator"),
        (JANE, "jane"),
        (f"arn:aws:iam::{ACCOUNT}:user/teams/dr/Jane", "jane"),
        (f"arn:aws-cn:iam::{ACCOUNT}:user/Jane@example.org", "jane"),
        ("root", "root"),
    ],
)
def test_the_own_name_is_the_sessions_or_the_users_without_case_and_domain(arn: str, name: str) -> None:
    assert name == own_name(arn)


def test_a_person_is_found_by_the_arn_of_an_identity_or_else_by_name() -> None:
    env = _known(Jane=(f"{SSO}/jane@*",), Joe=(JOE,))
    assert (person_of(JANE, env), person_of(JOE, env)) == ("Jane", "Joe")
    assert person_of(f"arn:aws:iam::{ACCOUNT}:user/Jim", env) == "jim"


def test_an_identity_counts_only_where_a_pattern_covers_its_whole_arn() -> None:
    env = _known(Jane=(f"{SSO}/jane@*",), Joe=(JOE,))
    assert is_configured(JANE, env)
    assert not is_configured(JANE.replace(ACCOUNT, "111122223333"), env)
    assert not is_configured(f"{JOE}.uk", env)


def test_an_approver_is_an_identity_that_the_file_gives_an_approver() -> None:
    assert is_approver(APPROVER, PROD)
    assert is_approver(AS_APPROVER, PROD)
    assert not is_approver(OPERATOR, PROD)


@pytest.mark.parametrize(
    "called_so",
    [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/prod-dr-operator/approver",
        "arn:aws:iam::111122223333:user/approver",
        f"arn:aws:iam::{ACCOUNT}:user/others/approver",
    ],
)
def test_nobody_becomes_an_approver_by_being_called_like_one(called_so: str) -> None:
    assert person_of(called_so, PROD) == "approver"
    assert not is_approver(called_so, PROD)


@pytest.mark.parametrize(
    ("first", "other", "same"),
    [
        (OPERATOR, OPERATOR, True),
        (OPERATOR, AS_OPERATOR, True),
        (OPERATOR, f"arn:aws:sts::{ACCOUNT}:assumed-role/prod-dr-approver/Operator@example.org", True),
        (OPERATOR, f"arn:aws:iam::{ACCOUNT}:user/teams/operator", True),
        (OPERATOR, APPROVER, False),
        (AS_OPERATOR, AS_APPROVER, False),
        (JANE, JOE, False),
    ],
)
def test_one_person_does_not_become_two_by_another_session_or_role(first: str, other: str, same: bool) -> None:
    assert same == same_person(first, other, PROD)
    assert same == same_person(other, first, PROD)


def test_two_identities_of_one_configured_person_are_one_person() -> None:
    env = _known(Jane=(JANE, f"arn:aws:iam::{ACCOUNT}:user/j.doe"), Joe=(JOE,))
    assert same_person(JANE, f"arn:aws:iam::{ACCOUNT}:user/j.doe", env)
    stranger = f"arn:aws:iam::{ACCOUNT}:user/teams/J.Doe"
    assert same_person(JANE, stranger, env), "an identity nobody configured is met by a name of hers"


def test_sessions_of_one_role_are_one_principal_and_users_are_their_own() -> None:
    assert same_principal(JANE, JOE)
    assert same_principal(OPERATOR, OPERATOR)
    assert not same_principal(OPERATOR, APPROVER)
    assert not same_principal(AS_OPERATOR, AS_APPROVER)
    assert not same_principal(OPERATOR, AS_OPERATOR)
