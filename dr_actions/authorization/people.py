"""Who a caller is: persons by the identities the environment file gives them, not by what they say. Pure.

Two identities are the same person where the file states it, or where their own names agree: a person does not become
two by assuming another role or by signing in as a user as well (rule ``authority.two-people``).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from dr_estate.config.environment import Environment

_SESSION = re.compile(r"arn:[^:]+:sts::\d{12}:assumed-role/[^/]+/(?P<name>.+)")
_NAMED = re.compile(r"arn:[^:]+:iam::\d{12}:[a-z-]+/(?:.*/)?(?P<name>[^/]+)")


def own_name(arn: str) -> str:
    """The caller's own name in an ARN: the session's or the user's, in lower case and without a mail domain."""
    found = _SESSION.fullmatch(arn) or _NAMED.fullmatch(arn)
    # IAM Identity Center names a session by the mail address: the same person is a user without a domain elsewhere.
    return (found["name"] if found else arn).partition("@")[0].casefold()


def person_of(arn: str, env: Environment) -> str:
    """The configured person whose identities hold ``arn``; else the caller's own name."""
    for person, patterns in env.approvals.identities.items():
        if any(fnmatchcase(arn, pattern) for pattern in patterns):
            return person
    return own_name(arn)


def is_configured(arn: str, env: Environment) -> bool:
    """Whether the environment file knows whose identity ``arn`` is."""
    return any(fnmatchcase(arn, pattern) for patterns in env.approvals.identities.values() for pattern in patterns)


def is_approver(arn: str, env: Environment) -> bool:
    """Whether ``arn`` is an identity the environment file gives an approver; being called like one is not enough."""
    return is_configured(arn, env) and person_of(arn, env) in env.approvals.approvers


def same_principal(first: str, other: str) -> bool:
    """Whether two ARNs are one user's, or sessions of one role."""
    return _principal(first) == _principal(other)


def same_person(first: str, other: str, env: Environment) -> bool:
    """Whether two ARNs are one person's, under whichever session or role."""
    return bool(_names(first, env) & _names(other, env))


def _principal(arn: str) -> str:
    return arn.rpartition("/")[0] if _SESSION.fullmatch(arn) else arn


def _names(arn: str, env: Environment) -> set[str]:
    """Every name by which the person behind ``arn`` may be met."""
    person = person_of(arn, env)
    # A name alone makes nobody a configured person: else anybody could take the name of one.
    patterns = env.approvals.identities.get(person, ()) if is_configured(arn, env) else ()
    return {own_name(arn), person.casefold()} | {own_name(pattern) for pattern in patterns if "*" not in pattern}
