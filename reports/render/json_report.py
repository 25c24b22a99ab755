"""The report as JSON: stable, documented in docs/json.md, checked against docs/report.schema.json by a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from dr_checks.core.model import CheckResult, Lag, Remedy, Status
from dr_checks.core.verdict import Verdict
from dr_checks.posture.causes import Cause
from dr_estate.model.visible import json_bytes, visible
from dr_estate.snapshot.snapshot import SnapshotPart
from reports.values import drill_summary, run_summary
from reports.values.report import SCHEMA, Report, control_to_dict, gate_to_dict, next_line

_MARK = "\0"
# Where the results' text goes: no JSON text has this character.
_PLACE = orjson.Fragment(_MARK)
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def pieces(report: Report) -> Iterator[str]:
    """The report as an indented JSON document with a final newline, piece by piece.

    Plain values take several times the memory of their text, so those of one result are there at a time.
    """
    before, after = json_bytes(_document(report), _OPTIONS).decode().split(_MARK)
    start = "["
    yield visible(before)
    for result in report.verdict.results:
        text = json_bytes(_result(result), orjson.OPT_INDENT_2).decode().replace("\n", "\n    ")
        yield visible(f"{start}\n    {text}")
        start = ","
    yield visible(("[]" if start == "[" else "\n  ]") + after)


def _document(report: Report) -> dict[str, Any]:
    """The report as plain values, its results left out."""
    verdict = report.verdict
    plain = _plain(report, verdict)
    if report.ran is not None:
        plain |= {"run": run_summary.to_dict(report.ran)}
    if report.gate is not None:
        plain |= {"gate": gate_to_dict(report.gate)}
    if report.drills:
        plain |= {"drills": [drill_summary.to_dict(drill) for drill in report.drills]}
    if report.assessment is None:
        return plain
    from reports.values import assessment as values_assessment

    weighed = values_assessment.to_dict(report.assessment, report.environment)
    # The advice of the assessment takes the key of the recommendation: that of the checks gets one of its own.
    return plain | {"readiness": verdict.recommendation} | weighed


def _plain(report: Report, verdict: Verdict) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "command": report.command,
        "environment": report.environment.name,
        "account": report.environment.account,
        "regions": {"primary": report.environment.regions.primary, "dr": report.environment.regions.dr},
        "world": report.world,
        "observed_at": report.observed_at,
        "posture": report.posture,
        "posture_says": report.posture_says,
        "writers": report.writers,
        "visitors": asdict(report.visitors) | {"says": report.first_line} if report.visitors else None,
        "posture_severity": report.posture_severity,
        "posture_next": report.invocation.complete(report.posture_next),
        "next_step": report.invocation.complete(report.next_step),
        "next_command": next_line(report.invocation.complete(report.next_step))[1],
        "served": _served_values(report),
        "causes": [_root(cause) for cause in report.causes],
        "expected": [result.check for result in report.failback_gaps],
        "unanswered": [
            {"region": place.region, "service": place.service, "how": place.how, "checks": _checks(place.results)}
            for place in report.silent_places
        ],
        "score": verdict.score,
        "recommendation": verdict.recommendation,
        "reasons": list(verdict.reasons),
        "tenants": list(report.tenants),
        "rpo": asdict(verdict.rpo),
        "lags": [_lag(lag) for lag in verdict.lags],
        "results": _PLACE,
        "unseen": [_unseen_values(part) for part in report.unseen],
        "exceptions": [
            {
                "check": rule.check,
                "subject": rule.subject,
                "who": rule.who,
                "why": rule.why,
                "until": rule.until,
                "state": report.exception_state(rule),
            }
            for rule in report.exceptions
        ],
        "rules": {"digest": report.rules.digest, "version": report.rules.version} if report.rules else None,
        "standing": control_to_dict(report.standing),
        "waiting": [asdict(start) for start in report.waiting],
        "api_calls": report.api_calls,
        "exit": report.exit,
        "files": {title: str(path) for title, path in report.files.items()},
        "notes": list(report.notes),
    }


def _served_values(report: Report) -> dict[str, Any] | None:
    """What the DR region serves while its database takes the writes."""
    if report.served is None:
        return None
    good, total = report.served
    region, since = report.environment.regions.dr, report.unprotected_since
    return {"region": region, "tenants": good, "of": total, "unprotected_since": since}


def _root(cause: Cause) -> dict[str, Any]:
    remedy = cause.remedies[0] if cause.remedies else Remedy("")
    return {
        "check": cause.result.check,
        "severity": cause.result.severity,
        "status": Status.WARN if cause.warns else Status.FAIL,
        "since": cause.since,
        "effects": _checks(cause.effects),
        "remedy": remedy.sentence,
        "commands": list(remedy.commands),
    }


def _checks(results: Iterable[CheckResult]) -> list[str]:
    return [result.check for result in results]


def _lag(lag: Lag) -> dict[str, Any]:
    """A copy that is missing has no seconds either; ``basis`` says which of the two it is."""
    return {name: value for name, value in asdict(lag).items() if name not in ("missing", "unseen", "at_most_s")}


def _unseen_values(part: SnapshotPart) -> dict[str, Any]:
    return {"part": part.name, "side": part.side, "region": part.region, "kind": part.value.kind, "why": part.value.why}


def _result(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check,
        "scenario": result.scenario,
        "feature": result.feature,
        "area": result.area,
        "severity": result.severity,
        "status": result.status,
        "reason": result.reason,
        "findings": [
            {
                "side": finding.side,
                "subject": finding.subject,
                "tenant": finding.tenant,
                "status": finding.status,
                "measured": finding.measured,
                "wanted": finding.wanted,
                "because": finding.because,
                "remedy": finding.remedy,
                "commands": list(finding.commands),
                "unseen": None
                if finding.unseen is None
                else {"kind": finding.unseen.kind, "region": finding.unseen.region, "part": finding.unseen.part},
                **({"members": list(finding.members)} if finding.members else {}),
                **({"until_failback": True} if finding.until_failback else {}),
                **({"stops": True} if finding.stops else {}),
            }
            for finding in result.findings
        ],
    }
