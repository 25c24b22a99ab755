"""Trust policies of roles: whether a service may assume a role for its work in one region. Pure.

Source: IAM User Guide, "Policy evaluation logic"; ECS Developer Guide, "Task IAM role" (aws:SourceArn, SourceAccount).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from dr_estate.iam.moments import TESTS, moment_keys, turns
from dr_estate.iam.resource_policies import met_without

ASSUME = "sts:AssumeRole"
_WAYS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
_DELETED = re.compile(r"(?:AIDA|AROA)[A-Z0-9]+")
_ACCOUNT, _ARN = "aws:sourceaccount", "aws:sourcearn"
_OF_SERVICES = {"aws:principalisawsservice": "true", "aws:securetransport": "true"}
# People of other accounts come with it, and no service does (IAM User Guide, "Access to AWS accounts owned by third
# parties").
_NEVER_SENT = "sts:externalid"
_POSITIVE = {"Bool", "StringEquals", "StringLike", "ArnEquals", "ArnLike"}


def trusts(document: Mapping[str, Any], service: str, account: str, source: str, now: datetime) -> bool | None:
    """Whether ``service`` may assume the role ``now`` for ``source``; None where an unknown condition decides.

    ``source`` is an ARN as aws:SourceArn has it, such as ``arn:aws:ecs:REGION:ACCOUNT:task``, "" where the service
    comes with several. An explicit deny wins.
    """
    known = {_ACCOUNT: account, **({_ARN: source} if source else {})}
    known |= {key.lower(): value for key, value in moment_keys(now)} | _OF_SERVICES
    verdicts: dict[str, set[bool | None]] = {"Allow": set(), "Deny": set()}
    for statement in _as_list(document.get("Statement", [])):
        if _speaks_of(statement, service):
            tests = list(_tests(statement.get("Condition") or {}, known))
            holds = False if False in tests else None if None in tests else True
            verdicts[statement["Effect"]].add(holds)
    if True in verdicts["Deny"]:
        return False
    if True in verdicts["Allow"]:
        return None if None in verdicts["Deny"] else True
    return None if None in verdicts["Allow"] else False


def let_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom the trust policy lets assume the role, by any way: ARNs, accounts, identity providers, services.

    Conditions of an allow are not judged. A principal that was deleted stands there as an id, and is nobody. Source:
    IAM User Guide, "AWS JSON policy elements: Principal".
    """
    found: dict[str, set[str]] = {"Allow": set(), "Deny": set()}
    for statement in _as_list(document.get("Statement", [])):
        actions = [str(action).lower() for action in _as_list(statement.get("Action", []))]
        # A deny with a condition may not hold: it takes nobody off the list.
        whole = statement["Effect"] == "Allow" or not statement.get("Condition")
        if whole and any(fnmatchcase(way, action) for way in _WAYS for action in actions):
            given = statement.get("Principal", {})
            kinds = given.values() if isinstance(given, Mapping) else [given]
            found[statement["Effect"]] |= {str(name) for kind in kinds for name in _as_list(kind)}
    allowed = {name for name in found["Allow"] if not _DELETED.fullmatch(name)}
    return () if "*" in found["Deny"] else tuple(sorted(allowed - found["Deny"]))


def ends_at(document: Mapping[str, Any], service: str, account: str, source: str, now: datetime) -> datetime | None:
    """When the service may assume the role no longer that it may ``now``: the first such moment within SOON."""
    if not trusts(document, service, account, source, now):
        return None
    after = ((moment, moment + timedelta(seconds=1)) for moment in turns(document, now))
    return next((end for end, then in after if not trusts(document, service, account, source, then)), None)


def _speaks_of(statement: Mapping[str, Any], service: str) -> bool:
    given = statement.get("Principal", {})
    named = _as_list(given.get("Service", []) if isinstance(given, Mapping) else given)
    everybody = given == "*" or (isinstance(given, Mapping) and "*" in _as_list(given.get("AWS", [])))
    actions = _as_list(statement.get("Action", []))
    return (everybody or service in named) and any(fnmatchcase(ASSUME.lower(), action.lower()) for action in actions)


def _tests(conditions: Mapping[str, Mapping[str, Any]], known: Mapping[str, str]) -> Iterator[bool | None]:
    for operator, pairs in conditions.items():
        word = operator.removesuffix("IfExists")
        for key, wanted in pairs.items():
            value, dated = known.get(key.lower()), TESTS.get(word)
            if value is not None and word in _POSITIVE and "${" not in str(wanted):
                yield any(_matches(word, value, _text(word, pattern)) for pattern in _as_list(wanted))
            elif value is not None and dated is not None:
                yield _is_met(dated, wanted, value)
            elif key.lower() == _NEVER_SENT and word != "Null":
                yield met_without(operator)
            else:
                yield None


def _matches(operator: str, value: str, wanted: str) -> bool:
    # Bool and StringEquals take a wildcard literally (IAM User Guide, "IAM JSON policy elements: Condition operators").
    if operator in ("Bool", "StringEquals"):
        return value == wanted
    # IAM has * and ? alone: a bracket stands for itself.
    return fnmatchcase(value, wanted.replace("[", "[[]"))


def _is_met(dated: Callable[[str, str], bool], wanted: Any, value: str) -> bool | None:
    """Whether one of the dates is as the operator wants it; None where one is no date, such as a policy variable."""
    try:
        return any(dated(str(date), value) for date in _as_list(wanted))
    except ValueError:
        return None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(operator: str, value: Any) -> str:
    """A condition's value as text: a policy may write a truth without quotes, or in capitals."""
    return str(value).lower() if operator == "Bool" else str(value)
