"""Gaps that a failover makes and a failback ends: while the DR region serves they are expected, and no fault. Pure.

A copy that goes from the primary region to the DR region stands still from the failover on: its age, its mechanism and
its worst case say nothing of the data that the DR region writes now. What only a silent primary region could answer is
not needed for serving either. Everything else is judged as ever: a tenant that is not served is a gap in each posture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from dr_checks.core.model import Area, CheckResult, Finding, Status, worst
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Environment, Side

# Postures in which the DR region's database takes the writes that count.
AWAY = (PostureName.ON_DR, PostureName.RETURNING, PostureName.SPLIT)
# Checks of the copies that the primary region sends, and of the database that it sends them from.
COPIES = frozenset(
    {
        "backup-plan.worst-case",
        "backup.copy-age",
        "dynamodb.replication-latency",
        "efs.last-replicated",
        "efs.replication-state",
        "efs.sync-metric",
        "rds-copy.age",
        "rds-copy.automated-backups",
        "rds-copy.usable",
        "rds-replica.backups",
        "rds-replica.lag",
        "rds-replica.state",
        "rds.serves",
        "rpo.met",
        "rpo.skew",
        "s3-lag.latency",
    }
)
# No visitor is led to the primary region while all are led to the DR region; a failback starts its services first.
_OF_VISITORS = "sites.every-site-answers"


def with_failback_gaps(results: Iterable[CheckResult], posture: PostureName, env: Environment) -> list[CheckResult]:
    """The results in which each finding says whether the failback ends it; in other postures none does."""
    return [
        replace(result, findings=tuple(_with_mark(finding, posture, env) for finding in result.findings))
        for result in results
    ]


def _with_mark(finding: Finding, posture: PostureName, env: Environment) -> Finding:
    unseen, away = finding.unseen, posture in AWAY and finding.status in (Status.FAIL, Status.UNKNOWN, Status.WARN)
    silent = unseen is not None and unseen.is_silence_of(env.regions.primary)
    nobody_visits = posture is PostureName.ON_DR and finding.side is Side.PRIMARY and finding.check == _OF_VISITORS
    expected = away and (finding.until_failback or finding.check in COPIES or silent or nobody_visits)
    return finding if expected is finding.until_failback else replace(finding, until_failback=expected)


def unexpected_results(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results without what the failback ends; of one that holds nothing else the rest does not apply."""
    return tuple(_rest(result) for result in results)


def deciding(results: Sequence[CheckResult], posture: str) -> tuple[CheckResult, ...] | None:
    """The results that decide while a failover is in force: without what the failback ends; None where all do.

    The validation asks whether the DR region serves, the prerequisites whether a run may begin: no copy counts there.
    """
    areas = {result.area for result in results}
    of_copies = posture in AWAY and Area.VALIDATION not in areas and areas != {Area.PREREQUISITES}
    return unexpected_results(results) if of_copies else None


def expected_results(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results that are gaps for what the failback ends alone."""
    return tuple(
        result
        for result in results
        if any(finding.until_failback for finding in result.findings)
        and _rest(result).status not in (Status.FAIL, Status.UNKNOWN, Status.WARN)
    )


def _rest(result: CheckResult) -> CheckResult:
    if not any(finding.until_failback for finding in result.findings):
        return result
    left = tuple(finding for finding in result.findings if not finding.until_failback)
    status = worst([finding.status for finding in left]) if left else Status.NOT_APPLICABLE
    return replace(result, findings=left, status=status, reason="" if left else "the failback ends it")
