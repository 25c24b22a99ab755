"""Policy documents judged as IAM judges them: pure (IAM User Guide, "Policy evaluation logic").

Actions, resources and conditions with wildcards; an explicit deny wins; what nothing allows is an implicit deny.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any

_MONTH = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2}))?")
ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY = "allowed", "explicitDeny", "implicitDeny"
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class IamPolicy:
    """A document and what it is called. ``kind`` is as in MatchedStatements (API_Statement)."""

    id: str
    document: str
    kind: str = "IAM Policy"


@dataclass
class PolicyDecision:
    """``word`` is allowed, explicitDeny or implicitDeny; ``matched`` are the policies that decided it."""

    word: str
    matched: list[IamPolicy] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class AccessRequest:
    """One action on one resource in a context; resource None stands for any."""

    action: str
    resource: str | None
    context: Context


def decide(
    policies: Iterable[IamPolicy], request: AccessRequest, boundaries: Iterable[IamPolicy] = ()
) -> PolicyDecision:
    """Judge ``request`` by ``policies``; where there are ``boundaries``, one of them must allow it too.

    A boundary's statements are not among those that matched. Source: API_EvaluationResult, MatchedStatements.
    """
    decision = _decision_of(policies, request)
    iam_policies = list(boundaries)
    if not iam_policies:
        return decision
    within = _decision_of(iam_policies, request)
    # A boundary only limits: its deny counts, its allow gives nothing (IAM guide, permissions boundaries).
    if EXPLICIT_DENY in (decision.word, within.word):
        return decision if decision.word == EXPLICIT_DENY else PolicyDecision(EXPLICIT_DENY, missing=within.missing)
    return (
        decision if within.word == ALLOWED else PolicyDecision(IMPLICIT_DENY, missing=decision.missing | within.missing)
    )


def _decision_of(policies: Iterable[IamPolicy], request: AccessRequest) -> PolicyDecision:
    found: dict[str, list[IamPolicy]] = {"Allow": [], "Deny": []}
    missing: set[str] = set()
    for policy in policies:
        for statement in _statements_on(policy.document, request.action):
            if _concerns(statement, request) and all(
                _condition(operator, key, _as_list(wanted), request.context, missing)
                for operator, pairs in (statement.get("Condition") or {}).items()
                for key, wanted in pairs.items()
            ):
                found[statement["Effect"]].append(policy)
    # All statements first: a deny wins wherever it stands.
    if found["Deny"]:
        return PolicyDecision(EXPLICIT_DENY, found["Deny"], missing)
    return PolicyDecision(ALLOWED if found["Allow"] else IMPLICIT_DENY, found["Allow"], missing)


# A proof of IAM judges each call by the same dozen documents.
@lru_cache(maxsize=256)
def statements(document: str) -> list[dict[str, Any]]:
    """The statements of a document, not to be changed. Raises ValueError where it is no JSON."""
    listed: Any = json.loads(document)["Statement"]
    return listed if isinstance(listed, list) else [listed]


# Thousands of calls ask for the same hundred actions: what a document says of one is found once.
@lru_cache(maxsize=16384)
def _statements_on(document: str, action: str) -> list[dict[str, Any]]:
    """Those that are for an action, by their Action or NotAction."""
    return [statement for statement in statements(document) if _has_action(statement, action)]


def _has_action(statement: dict[str, Any], action: str) -> bool:
    negated = "NotAction" in statement
    patterns = _as_list(statement["NotAction"] if negated else statement.get("Action", []))
    # Actions are the same in any case, resources are not (IAM guide, JSON policy elements).
    return any(like(pattern, action, ignore_case=True) for pattern in patterns) != negated


def _as_list(value: Any) -> list[str]:
    return [str(entry) for entry in (value if isinstance(value, list) else [value])]


def like(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """Whether ``value`` fits a pattern of ``*`` and ``?``."""
    return _fitting(pattern, ignore_case)(value) is not None


@lru_cache(maxsize=8192)
def _fitting(pattern: str, ignore_case: bool) -> Callable[[str], re.Match[str] | None]:
    words = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(words, re.IGNORECASE if ignore_case else 0).fullmatch


def _concerns(statement: dict[str, Any], request: AccessRequest) -> bool:
    # None: which resource a call is for is not modelled; the statement's action alone decides.
    if request.resource is None or not {"Resource", "NotResource"} & statement.keys():
        return True
    negated = "NotResource" in statement
    resources = _as_list(statement["NotResource"] if negated else statement["Resource"])
    return any(like(pattern, request.resource) for pattern in _filled_texts(resources, request.context)) != negated


def _filled_texts(texts: list[str], context: Context) -> list[str]:
    """Texts with their policy variables, such as ``${aws:userid}``, filled in; one that is not known fits nothing."""
    if not any("${" in text for text in texts):
        return texts
    known = {name.lower(): values for name, values in context.items()}

    def value(found: re.Match[str]) -> str:
        values = known.get(found.group(1).lower(), ())
        # A variable of several values, or of none, stays as it is and fits nothing.
        return values[0] if len(values) == 1 else found.group(0)

    return [re.sub(r"\$\{([^}*?$]+)\}", value, text) for text in texts]


def _condition(operator: str, key: str, wanted: list[str], context: Context, missing: set[str]) -> bool:
    known = {name.lower(): values for name, values in context.items()}
    word = operator.rpartition(":")[2]
    bare = word.removesuffix("IfExists")
    known_values = known.get(key.lower())
    # true means that the key is absent.
    if bare == "Null":
        return (known_values is None) == (wanted[0].lower() == "true")
    test, negated = _TESTS.get(bare.replace("Not", "")), "Not" in bare
    if test is None:
        raise ValueError(f"condition operator {operator} is not known to the sandbox")
    if known_values is None:
        # SimulatePrincipalPolicy reports keys that it was not given (API_EvaluationResult, MissingContextValues).
        missing.add(key)
        # What a condition says where the request has no such key: "for all" holds of none, "for any" does not
        if operator.startswith("ForAllValues:"):
            return True
        # IfExists and negated operators hold where the key is absent (IAM guide, condition operators).
        return (bare != word or negated) and not operator.startswith("ForAnyValue:")
    filled = _filled_texts(wanted, context)
    fits = [any(test(pattern, value) for pattern in filled) != negated for value in known_values]
    # One value of the request that fits is enough for a plain operator; a negated one must hold for all.
    return any(fits) if operator.startswith("ForAnyValue:") or not (negated or ":" in operator) else all(fits)


def _seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date, or the number itself; four digits are a year.

    Source: IAM User Guide, "Date condition operators"; W3C's note on date and time formats.
    """
    if whole := _MONTH.fullmatch(text):
        return datetime(int(whole["year"]), int(whole["month"] or 1), 1, tzinfo=UTC).timestamp()
    try:
        return float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _ordering(number: Callable[[str], float], test: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, value: test(number(value), number(wanted))


_KINDS: dict[str, Callable[[str], float]] = {"Date": _seconds, "Numeric": float}
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": eq,
    "LessThan": lt,
    "LessThanEquals": le,
    "GreaterThan": gt,
    "GreaterThanEquals": ge,
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": like,
    # Alike by the guide: both take wildcards.
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    **{f"{kind}{word}": _ordering(of, test) for kind, of in _KINDS.items() for word, test in _ORDERS.items()},
}
