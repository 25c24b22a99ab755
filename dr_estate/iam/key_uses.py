"""Who uses a key of KMS as whom, and whether the key's own policy lets them. Pure.

An edge is "X uses key K as P". A role needs the policy to admit it or its account; a service of AWS is no principal of
the account, so the policy admits the service by name, or a grant does, which the service asked for when the resource
was made: a deny of the policy wins over each grant. Source: KMS Developer Guide, "Determining access to AWS KMS keys",
"Grants in AWS KMS".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, denial_of, of_a_role
from dr_estate.model.references import arn_region

ROOT = "arn:aws:iam::{account}:root"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """An edge: ``user`` uses the key ``arn`` by ``actions``, as any of ``principals``.

    ``by_grant``: a grant admits it, so that the policy can only deny. ``known`` is what AWS fills into its requests.
    """

    user: str
    arn: str
    actions: tuple[str, ...]
    principals: tuple[str, ...]
    known: tuple[tuple[str, str], ...]
    by_grant: bool = False


@dataclass(frozen=True, slots=True)
class KeyRefusal:
    """The action that the policy of a key does not let ``user`` take; UNDECIDED hangs on what nobody knows before."""

    user: str
    action: str
    answer: PolicyAnswer


def by_role(role: str, account: str, arn: str, service: str, actions: Iterable[str], now: datetime) -> KeyUse:
    """The use of the key by a role, through ``service``: IAM decides where the policy names the account."""
    known = of_a_role(role, account, arn_region(arn), service, now)
    return KeyUse(role, arn, tuple(actions), (role, ROOT.format(account=account)), known)


def by_service(
    service: str,
    account: str,
    arn: str,
    actions: Iterable[str],
    now: datetime,
    context: Iterable[tuple[str, str]] = (),
    by_grant: bool = False,
    through: str = "",
) -> KeyUse:
    """The use of the key by a service of AWS, such as ``elasticfilesystem`` or, by region, ``logs.{region}``.

    ``through`` is the service that asks for it where another does, as SNS for an alarm that publishes.
    """
    name, region = service.partition(".")[0], arn_region(arn)
    known = (
        ("aws:RequestedRegion", region),
        ("aws:PrincipalIsAWSService", "true"),
        ("aws:SecureTransport", "true"),
        ("aws:SourceAccount", account),
        ("kms:CallerAccount", account),
        ("kms:ViaService", f"{through or name}.{region}.amazonaws.com"),
        *moment_keys(now),
        *context,
    )
    principal = f"{service}.amazonaws.com"
    return KeyUse(principal, arn, tuple(actions), (principal,), known, by_grant)


def refusal_of(policy: str, use: KeyUse) -> KeyRefusal | None:
    """Why the key's ``policy`` keeps its user out, what is certain first; None where it does not, or there is none.

    Raises DataUnavailable where it is no policy of the known form.
    """
    # Without a policy that was read nothing is judged: the caller says that as unknown.
    answers = [(action, _answer(policy, use, action)) for action in use.actions] if policy else []
    refused = [(action, answer) for action, answer in answers if answer is not PolicyAnswer.ALLOWED]
    if not refused:
        return None
    action, answer = min(refused, key=lambda found: found[1] is PolicyAnswer.UNDECIDED)
    return KeyRefusal(use.user, action, answer)


def answer_to(policy: str, use: KeyUse) -> PolicyAnswer:
    """What the key's ``policy``, which was read, says to a use; of several actions what is refused, certain first."""
    refused = refusal_of(policy, use)
    return refused.answer if refused else PolicyAnswer.ALLOWED


def _answer(policy: str, use: KeyUse, action: str) -> PolicyAnswer:
    request = PolicyRequest(use.principals, action, use.arn, use.known)
    if not use.by_grant:
        return answer_of(policy, request)
    denial = denial_of(policy, request)
    return PolicyAnswer.ALLOWED if denial is PolicyAnswer.SILENT else denial
