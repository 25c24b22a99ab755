"""Exceptions as code: findings accepted by a named person until a day. Never counted as passed (T49). Pure."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dr_checks.core.model import CheckResult, Finding, Status, worst


class ExceptionsFileError(Exception):
    """The exceptions file cannot be used. The message names the entry and the fix."""


@dataclass(frozen=True, slots=True)
class ExceptionRule:
    """One accepted gap: the check, a pattern of subjects (shell wildcards), who accepted it, why, and until when."""

    check: str
    subject: str
    who: str
    why: str
    until: date


# "*", "?*" and "*-*" fit whatever is found, also what nobody has seen yet. A year is how long a review of risks counts.
_WILDCARDS = re.compile(r"\[[^\]]*\]|[*?]")
_LEAST_NAMED, _LONGEST = 3, timedelta(days=366)
_KEYS = {"check": str, "subject": str, "who": str, "why": str, "until": date}


def parse_exceptions(text: str, source: str, known_checks: frozenset[str]) -> tuple[ExceptionRule, ...]:
    """Read ``[[exception]]`` tables of TOML. Raises ExceptionsFileError for a typo, a missing key, an unknown check."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as typo:
        raise ExceptionsFileError(f"{source}: not readable as TOML: {typo}.") from typo
    unknown = set(data) - {"exception"}
    if unknown:
        raise ExceptionsFileError(f"{source}: unknown key {min(unknown)}: only [[exception]] tables belong here.")
    return tuple(
        _rule(row, f"{source}: exception {n}", known_checks) for n, row in enumerate(data.get("exception", []), 1)
    )


def _rule(row: dict[str, Any], place: str, known_checks: frozenset[str]) -> ExceptionRule:
    for key, kind in _KEYS.items():
        # Python takes a datetime for a date, and then refuses to compare the two.
        if not isinstance(row.get(key), kind) or isinstance(row[key], datetime) or not row[key]:
            raise ExceptionsFileError(f"{place}: {key} is missing or not a {kind.__name__}. Add it.")
    extra = set(row) - set(_KEYS)
    if extra:
        raise ExceptionsFileError(f"{place}: unknown key {min(extra)}. Remove it.")
    if row["check"] not in known_checks:
        raise ExceptionsFileError(f"{place}: there is no check {row['check']} (docs/checks.md lists all).")
    return ExceptionRule(**row)


def loose_exceptions(rules: Sequence[ExceptionRule], today: date) -> Iterator[str]:
    """Name each rule in force that accepts more than a person can have seen: who, until when, and what is wrong."""
    for rule in rules:
        faults = [*_faults(rule, today)]
        if faults and today <= rule.until:
            yield f"the exception of {rule.check} for {rule.subject}, {_terms(rule)}: {' and '.join(faults)}"


def _faults(rule: ExceptionRule, today: date) -> Iterator[str]:
    named = _WILDCARDS.sub("", rule.subject)
    if named != rule.subject and sum(map(str.isalnum, named)) < _LEAST_NAMED:
        yield "its subject fits whatever is found"
    if rule.until > today + _LONGEST:
        yield "it ends more than a year from now"


def apply_exceptions(result: CheckResult, rules: Sequence[ExceptionRule], today: date) -> CheckResult:
    """Mark what a rule accepts as excepted; an expired rule leaves it as it is and is named.

    Accepted is what failed, is warned of, or stays undecided though all was read: never what could not be read.
    """
    mine = [rule for rule in rules if rule.check == result.check]
    if not mine or result.status is Status.NOT_APPLICABLE:
        return result
    findings = tuple(_apply_rules(finding, mine, today) for finding in result.findings)
    return replace(result, findings=findings, status=worst([finding.status for finding in findings]))


def _apply_rules(finding: Finding, rules: Sequence[ExceptionRule], today: date) -> Finding:
    # Nobody can accept what was not seen: the exception would cover whatever is there.
    undecided = finding.status is Status.UNKNOWN and finding.unseen is None
    if not undecided and finding.status not in (Status.FAIL, Status.WARN):
        return finding
    fitting = [rule for rule in rules if fnmatch.fnmatchcase(finding.subject, rule.subject)]
    # One in force decides beside an expired one, whichever stands first: an acceptance is renewed by a second entry.
    for rule in fitting:
        if today <= rule.until:
            return replace(finding, status=Status.EXCEPTED, because=f"{finding.because} ({_terms(rule)})")
    accepted = _by_members(finding, rules, today)
    if accepted.status is Status.EXCEPTED or not fitting:
        return accepted
    return replace(finding, because=f"{finding.because} (an exception expired: {_terms(fitting[0])})")


def _by_members(finding: Finding, rules: Sequence[ExceptionRule], today: date) -> Finding:
    """Except a finding about a list where each thing of the list is accepted: one more of them is not."""
    in_force = [rule for rule in rules if today <= rule.until]
    taken = [[rule for rule in in_force if fnmatch.fnmatchcase(name, rule.subject)][:1] for name in finding.members]
    if not taken or not all(taken):
        return finding
    terms = "; ".join(dict.fromkeys(_terms(rule) for found in taken for rule in found))
    return replace(finding, status=Status.EXCEPTED, because=f"{finding.because} ({terms})")


def _terms(rule: ExceptionRule) -> str:
    return f"accepted by {rule.who} until {rule.until}: {rule.why}"
