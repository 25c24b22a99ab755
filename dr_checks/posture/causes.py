"""Causes before their effects: which failed check explains which others, and what gave no answer. Pure.

A stopped database is one thing to repair and fails a dozen checks: the check of the database is the cause, the others
are its effects. ``EFFECTS`` holds the root first: what an earlier row explained is no cause of its own. An effect is
folded only where each of its findings is explained: those of another tenant, another region or another store stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dr_checks.core.model import Area, CheckResult, Finding, Remedy, Status, merged_remedies
from dr_checks.core.verdict import WEIGHT, failed_findings, fails, store_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import SILENT, Unavailable, UnavailableKind

_SITES = frozenset({"sites.edge-agrees", "sites.every-site-answers", "sites.in-good-time", "sites.own-identity"})
_ANSWERS = frozenset({"alarms.state", "answers.as-recorded", "answers.resolvers-agree", "health-checks.healthy-now"})
_TASKS = frozenset({"ecs.deployment-sound", "elbv2-routing.healthy-targets", "primary.services-running"})
_AGES = frozenset({"backup-plan.worst-case", "rpo.met", "rpo.skew"})
# The checks that fail because another one does, the root first.
EFFECTS: Mapping[str, frozenset[str]] = {
    "rds.serves": _SITES | _ANSWERS | _TASKS | _AGES | {"rds-copy.age"},
    "ecs.cluster-active": _SITES | _TASKS | {"ecs.desired-and-running", "ecs.service-exists"},
    "kms.key-usable": frozenset({"secrets.decryptable"}),
    "vpc-reach.way-in": frozenset({"vpc-reach.way-out"}),
    "primary.services-running": _SITES | _ANSWERS | {"elbv2-routing.healthy-targets"},
    "ecs.desired-and-running": _SITES | {"ecs.deployment-sound", "elbv2-routing.healthy-targets"},
    "elbv2-routing.healthy-targets": _SITES | _ANSWERS,
    "sites.every-site-answers": _SITES | _ANSWERS,
    "efs.replication-state": _AGES | {"efs.last-replicated", "efs.sync-metric"},
    "rds.retention": frozenset({"rds-copy.automated-backups"}),
    "rds-copy.automated-backups": _AGES | {"rds-copy.age", "rds-copy.usable"},
    "rds-copy.usable": _AGES | {"rds-copy.age"},
    "rds-replica.state": _AGES | {"rds-replica.lag"},
    "s3.replication-rule": _AGES | {"s3-lag.latency", "s3.delete-markers", "s3.measured-rules"},
    "dynamodb.table-active": _AGES | {"dynamodb.replica-status", "dynamodb.replication-latency"},
}
_UNANSWERED = {
    UnavailableKind.THROTTLED: "throttles the calls",
    UnavailableKind.DEADLINE: "did not answer in time",
    UnavailableKind.NOT_REACHABLE: "lets no connection in from here",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A failed check with the checks that it explains."""

    result: CheckResult
    effects: tuple[CheckResult, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong: the failed findings, else those that warn."""
        return failed_findings(self.result)

    @property
    def since(self) -> datetime | None:
        """From when on it is so, None where nothing shows that."""
        return min((finding.since for finding in self.findings if finding.since), default=None)

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What to do, each sentence once: the first is the remedy of the cause."""
        return merged_remedies(finding.healing for finding in self.findings)

    @property
    def warns(self) -> bool:
        """Whether it is a warning and no failure."""
        return self.result.status is Status.WARN

    @property
    def weight(self) -> int:
        """How bad it is with all that it explains."""
        return max(WEIGHT[result.severity] for result in (self.result, *self.effects))


def causes_of(results: Iterable[CheckResult]) -> tuple[Cause, ...]:
    """What failed, the gravest first, then what warns, each with the checks that it explains; an effect is no cause."""
    troubled = {r.check: r for r in results if r.status is Status.WARN or fails(r)}
    failed = {name: r for name, r in troubled.items() if r.status is not Status.WARN}
    folded: dict[str, str] = {}
    for root in (name for name in EFFECTS if name in failed):
        for name in EFFECTS[root] & troubled.keys() - {root} - folded.keys():
            of_copies = troubled[name].area is Area.REPLICATION
            if all(_explains(failed[root], finding, of_copies) for finding in failed_findings(troubled[name])):
                folded[name] = root

    def top(name: str) -> str:
        return top(folded[name]) if name in folded else name

    causes = [
        Cause(r, tuple(troubled[effect] for effect in sorted(folded) if top(effect) == name))
        for name, r in troubled.items()
        if name not in folded
    ]
    return tuple(sorted(causes, key=lambda c: (c.warns, -c.weight, -len(c.effects), c.result.check)))


def _explains(root: CheckResult, finding: Finding, of_copies: bool) -> bool:
    """Whether a failed finding of ``root`` is about the same tenant, region and store; a copy lies in the other one.

    What depends on one resource is explained by a fault of that one alone: another key may be broken beside it.
    """
    if finding.depends_on:
        return any(finding.depends_on in (cause.subject, *cause.members) for cause in failed_findings(root))
    if finding.store:
        return finding.store == store_of(root.check)
    return any(
        (cause.tenant is None or cause.tenant == finding.tenant)
        and (of_copies or cause.side is finding.side or Side.GLOBAL in (cause.side, finding.side))
        for cause in failed_findings(root)
    )


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What gave no answer, and the checks that nothing else keeps from being judged. ``service`` "": the region."""

    region: str
    service: str
    how: str
    results: tuple[CheckResult, ...]

    @property
    def place(self) -> str:
        """The region, or the service in it, as the begin of a sentence."""
        return f"{self.service} in {self.region}" if self.service else self.region


def silent_places(results: Iterable[CheckResult], silent: frozenset[str]) -> tuple[Unanswered, ...]:
    """What gave no answer: a region as a whole where it is one of ``silent``, else the service of it that was asked."""
    found: dict[tuple[str, str], list[CheckResult]] = {}
    for result in results:
        # A check that failed for one subject is a cause already, whatever was not seen of the others.
        if result.status is not Status.UNKNOWN or fails(result):
            continue
        unseen = [finding.unseen for finding in result.findings if finding.status is Status.UNKNOWN]
        places = {_place(reason, silent) for reason in unseen}
        # A check that two places keep from being judged stays by itself: no one answer settles it.
        if len(places) == 1 and (place := places.pop()) is not None:
            found.setdefault(place, []).append(result)
    return tuple(Unanswered(*place, _how(rows), tuple(rows)) for place, rows in found.items())


def _place(unseen: Unavailable | None, silent: frozenset[str]) -> tuple[str, str] | None:
    if unseen is None or unseen.kind not in SILENT or not unseen.region:
        return None
    if unseen.region in silent:
        return (unseen.region, "")
    service = unseen.service or unseen.part.partition(".")[0]  # earlier evidence names no service
    return (unseen.region, service) if service else None


def _how(results: Iterable[CheckResult]) -> str:
    unseen = [finding.unseen for result in results for finding in result.findings if finding.unseen]
    kinds = {reason.kind for reason in unseen}
    if kinds == {UnavailableKind.UNREACHABLE} and all(reason.http_status for reason in unseen):
        return "answers with errors"
    return _UNANSWERED.get(kinds.pop(), "is silent") if len(kinds) == 1 else "is silent"
