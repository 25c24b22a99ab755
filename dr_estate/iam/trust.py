"""Trust policies of roles: whether a service may assume a role for its work in one region. Pure.

Source: IAM User Guide, "Policy evaluation logic"; ECS Developer Guide, "Task IAM role" (aws:SourceArn, SourceAccount).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

ASSUME = "sts:AssumeRole"
_ACCOUNT, _ARN = "aws:sourceaccount", "aws:sourcearn"
_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


def trusts(document: Mapping[str, Any], service: str, account: str, source: str) -> bool | None:
    """Whether ``service`` may assume the role for ``source``; None where a condition decides that is not known here.

    ``source`` is an ARN as aws:SourceArn has it, such as ``arn:aws:ecs:REGION:ACCOUNT:task``, "" where the service
    comes with several. An explicit deny wins.
    """
    verdicts: dict[str, set[bool | None]] = {"Allow": set(), "Deny": set()}
    for statement in _listed(document.get("Statement", [])):
        if _speaks_of(statement, service):
            verdicts[statement["Effect"]].add(_holds(statement.get("Condition") or {}, account, source))
    if True in verdicts["Deny"]:
        return False
    if True in verdicts["Allow"]:
        return None if None in verdicts["Deny"] else True
    return None if None in verdicts["Allow"] else False


def _speaks_of(statement: Mapping[str, Any], service: str) -> bool:
    given = statement.get("Principal", {})
    named = _listed(given.get("Service", []) if isinstance(given, Mapping) else given)
    everybody = given == "*" or (isinstance(given, Mapping) and "*" in _listed(given.get("AWS", [])))
    actions = _listed(statement.get("Action", []))
    return (everybody or service in named) and any(fnmatchcase(ASSUME.lower(), action.lower()) for action in actions)


def _holds(conditions: Mapping[str, Mapping[str, Any]], account: str, source: str) -> bool | None:
    tests = list(_tests(conditions, account, source))
    return False if False in tests else None if None in tests else True


def _tests(conditions: Mapping[str, Mapping[str, Any]], account: str, source: str) -> Iterator[bool | None]:
    known = {_ACCOUNT: account, **({_ARN: source} if source else {})}
    for operator, pairs in conditions.items():
        for key, wanted in pairs.items():
            if key.lower() not in known or operator.removesuffix("IfExists") not in _POSITIVE:
                yield None
            else:
                yield any(fnmatchcase(known[key.lower()], pattern) for pattern in _listed(wanted))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
