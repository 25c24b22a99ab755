"""Policies of resources: what one says to a principal that asks for an action. Pure.

IAM's simulator looks at no policy of a key, a repository, an endpoint, a bucket, a topic or a vault. Here they are
judged as IAM judges them: a deny wins, and what nothing allows is not said. Source: IAM User Guide, "Evaluation logic".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from operator import eq
from typing import Any

from dr_estate.iam import moments
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import understand


class PolicyAnswer(StrEnum):
    """What a policy says. UNDECIDED: a condition decides that is not known beforehand."""

    ALLOWED = "allowed"
    DENIED = "explicitDeny"
    SILENT = "implicitDeny"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class PolicyRequest:
    """An action by one of ``principals`` (ARNs that mean the caller, or a service of AWS) on ``resource``.

    ``context`` is (key, value) pairs; ``absent`` are keys that it surely has not.
    """

    principals: tuple[str, ...]
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()


def of_a_role(role: str, account: str, region: str, service: str, now: datetime) -> tuple[tuple[str, str], ...]:
    """What is known of a role's every request in its own account, through ``service`` where a key is asked for."""
    return (
        ("aws:RequestedRegion", region),
        ("kms:ViaService", f"{service}.{region}.amazonaws.com"),
        ("kms:CallerAccount", account),
        ("aws:PrincipalArn", role),
        ("aws:PrincipalAccount", account),
        ("aws:SecureTransport", "true"),
        *moments.moment_keys(now),
    )


def answer_of(document: str, request: PolicyRequest) -> PolicyAnswer:
    """What the policy ``document`` (JSON) says to the request; "" is no policy, which says nothing.

    Raises DataUnavailable where it is no policy of the known form.
    """
    verdicts = _verdicts(document, request)
    # A deny that may hold is stronger than an allow that surely does: the answer is not known then.
    if (denial := _denial(verdicts)) is not PolicyAnswer.SILENT:
        return denial
    if True in verdicts["Allow"]:
        return PolicyAnswer.ALLOWED
    return PolicyAnswer.UNDECIDED if None in verdicts["Allow"] else PolicyAnswer.SILENT


def denial_of(document: str, request: PolicyRequest) -> PolicyAnswer:
    """What the policy's denials alone say: who has an allow of IAM needs none of the policy. Raises as above."""
    return _denial(_verdicts(document, request))


def admitted_names(document: str, request: PolicyRequest) -> tuple[str, ...]:
    """Those whom the policy names and, surely or perhaps, lets do what is asked for; the request names nobody.

    Raises as above.
    """
    answers = (PolicyAnswer.ALLOWED, PolicyAnswer.UNDECIDED)
    named = {name for row in _statements(document) if row.get("Effect") == "Allow" for name in _principals(row)}
    return tuple(name for name in sorted(named) if answer_of(document, replace(request, principals=(name,))) in answers)


def condition_keys(document: str) -> tuple[str, ...]:
    """The keys that conditions of the policy test, whatever its form."""
    conditions = [row.get("Condition") or {} for row in _statements(document)]
    return tuple(sorted({key for row in conditions for pairs in row.values() for key in pairs}))


def _denial(verdicts: Mapping[str, set[bool | None]]) -> PolicyAnswer:
    if True in verdicts["Deny"]:
        return PolicyAnswer.DENIED
    return PolicyAnswer.UNDECIDED if None in verdicts["Deny"] else PolicyAnswer.SILENT


def _verdicts(document: str, request: PolicyRequest) -> dict[str, set[bool | None]]:
    def collect_verdicts() -> dict[str, set[bool | None]]:
        verdicts: dict[str, set[bool | None]] = {"Allow": set(), "Deny": set()}
        for statement in _statements(document):
            if (speaks := _speaks(statement, request)) is not False:
                tests = list(_tests(statement.get("Condition") or {}, request))
                holds = False if False in tests else None if None in tests else True
                verdicts[statement["Effect"]].add(None if speaks is None and holds else holds)
        return verdicts

    return understand(collect_verdicts, f"The policy of {request.resource}", arn_region(request.resource))


def _statements(document: str) -> list[dict[str, Any]]:
    listed = json.loads(document).get("Statement", []) if document else []
    return listed if isinstance(listed, list) else [listed]


def _speaks(statement: Mapping[str, Any], request: PolicyRequest) -> bool | None:
    """Whether the statement is about the request; None where it leaves somebody out, and that may be the caller."""
    if not _names(statement, "Action", request.action.lower()):
        return False
    if not _names(statement, "Resource", request.resource):
        return False
    # It leaves out those it names: whether the caller is one of them hangs on more than the ARN (role session,
    # federation).
    if "NotPrincipal" in statement:
        return None
    named = _principals(statement)
    # The numbers by which a policy may name the accounts that the principals stand for.
    roots = (arn.split(":") for arn in request.principals if arn.endswith(":root"))
    return bool({"*", *request.principals, *(parts[4] for parts in roots)} & named)


def _principals(statement: Mapping[str, Any]) -> set[str]:
    given = statement.get("Principal", "*")
    kinds = given if isinstance(given, Mapping) else {"AWS": given}
    return {name for kind in ("AWS", "Service") for name in _as_list(kinds.get(kind, []))}


def _names(statement: Mapping[str, Any], key: str, value: str) -> bool:
    """Whether ``value`` is among what the statement names by ``Action`` or ``Resource``; none named is all."""
    lower = key == "Action"
    for name, wanted in ((key, True), (f"Not{key}", False)):
        if name in statement:
            patterns = [str(p).lower() if lower else str(p) for p in _as_list(statement[name])]
            return any(_fits(pattern, value) for pattern in patterns) is wanted
    return True


def _fits(pattern: str, value: str) -> bool:
    # IAM knows * and ? alone; fnmatch would read a bracket as a set of characters.
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _tests(conditions: Mapping[str, Mapping[str, Any]], request: PolicyRequest) -> Iterator[bool | None]:
    known = {key.lower(): value for key, value in request.context}
    absent, service = {key.lower() for key in request.absent}, request.action.partition(":")[0]
    for operator, pairs in conditions.items():
        word = operator.rpartition(":")[2].removesuffix("IfExists")
        compares = _OPERATORS.get(word.replace("Not", ""))
        for key, wanted in pairs.items():
            name, of_service = key.lower(), key.lower().partition(":")[0]
            if word == "Null" and (name in known or name in absent):
                yield str(name in absent).lower() in [str(value).lower() for value in _as_list(wanted)]
            # A request to another service never has s3: or dynamodb: keys, so the condition's answer without a value is
            # certain.
            elif name in absent or (of_service in _WITH_OWN_KEYS and of_service != service and word != "Null"):
                yield met_without(operator)
            # A policy variable is filled in by AWS at the request: nothing here knows it.
            elif name not in known or compares is None or "${" in str(wanted):
                yield None
            else:
                fits = any(compares(str(pattern), known[name]) for pattern in _as_list(wanted))
                yield fits != ("Not" in word)


def met_without(operator: str) -> bool | None:
    """What a condition says where the request has no such key. Source: IAM User Guide, "Condition operators".

    None where IAM documents both: ForAnyValue is not met without a value, and IfExists is.
    """
    if ":" in operator:
        if operator.startswith("ForAnyValue:") and operator.endswith("IfExists"):
            return None
        return operator.startswith("ForAllValues:")
    # A negated operator is met where the key is missing: there is nothing that could be equal.
    return "Not" in operator or operator.endswith("IfExists")


def _same_word(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def _within(block: str, address: str) -> bool:
    return ip_address(address) in ip_network(block, strict=False)


# Services whose condition keys are in requests to themselves alone.
_WITH_OWN_KEYS = frozenset({"dynamodb", "s3"})
_OPERATORS = {
    "StringEquals": eq,
    "StringEqualsIgnoreCase": _same_word,
    "StringLike": _fits,
    "ArnEquals": _fits,
    "ArnLike": _fits,
    "Bool": _same_word,
    "IpAddress": _within,
    **moments.TESTS,
}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
