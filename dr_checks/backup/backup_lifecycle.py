"""Check of the time that the lifecycle of backup copies leaves: until the next one arrives, and a recovery is over."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.backup_copies import newest_copies
from dr_checks.derived.backup_promise import BackupPromise, copied_resources, is_dr_vault, promise
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.readers import backup, backup_plan

_MINUTE_S = 60
_DAY_S = 86400


@check("every backup copy lasts, outside cold storage, until the next one has arrived and a recovery from it is over")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T25", "REL09-BP01", "REL13-BP01", "NIST CP-9", "NIST CP-10", "SOC2 A1.2")
def copies_last(view: View) -> Iterator[Finding]:
    """Days that the best copying rule keeps its copies, against its worst case and the recovery time; then the newest.

    Source: AWS Backup API, Lifecycle and CalculatedLifecycle; restores from cold storage take hours longer.
    """
    copies, wanted = newest_copies(view), copied_resources(view)
    view.need(wanted, "all stores", "no plan copies anything there: see backup-plan.copies-to-dr")
    for arn in wanted:
        promised = promise(view, arn)
        # No rule copies it: backup-plan.covers-stores reports that once, and there is no lifecycle to judge.
        if promised is None:
            continue
        yield from (
            _retention_finding(view, arn, promised, copy)
            for copy in promised.rule.copies
            if is_dr_vault(view, copy.vault_arn)
        )
        if arn in copies:
            yield _present(view, arn, copies[arn])


def _recovery_s(view: View) -> float:
    return view.env.objectives.rto_minutes * _MINUTE_S


def _retention_finding(view: View, arn: str, promised: BackupPromise, copy: backup_plan.CopyAction) -> Finding:
    """Whether a copy made by the rule is still there, and warm, when the next one is late and a recovery runs."""
    # The copy must outlast both: the wait for a next one that never comes, and the restore that reads it (T25).
    needed_s = promised.worst_minutes * _MINUTE_S + _recovery_s(view)
    subject, wanted = f"{arn}, rule {promised.rule.name}", f"{duration(needed_s)} or more"
    limits = ((copy.delete_after_days, "deleted"), (copy.cold_after_days, "in cold storage"))
    # Whichever comes first counts: a copy in cold storage is there, and too slow for the recovery time.
    spans = sorted((days * _DAY_S, end) for days, end in limits if days)
    if not spans or spans[0][0] >= needed_s:
        measured = duration(spans[0][0]) if spans else "for ever"
        return view.ok(subject, measured, wanted, f"a copy is always there, and warm: {promised.basis}")
    seconds, end = spans[0]
    reason = f"the newest copy may be {end} before the next has arrived or a recovery is over ({promised.basis})"
    remedy = (
        "Set copy_action.lifecycle (aws_backup_plan): delete_after and cold_storage_after longer than this, or none."
    )
    return view.gap(subject, f"{end} after {duration(seconds)}", wanted, reason, remedy)


def _present(view: View, arn: str, point: backup.RecoveryPoint) -> Finding:
    """Whether a recovery that begins now could end with the newest copy."""
    wanted = f"warm for {duration(_recovery_s(view))} or more"
    where = f"{backup.vault_name(view.env, Side.DR)} in {view.env.regions.dr}"
    # Cold comes before the end: AWS keeps a copy in cold storage for 90 days at least (API_Lifecycle), so it is there.
    if point.cold:
        reason = "it is in cold storage: a restore from there takes hours longer"
        return view.gap(arn, "in cold storage", wanted, reason, f"Make a warm copy in {where}: start a copy job.")
    # No DeleteAt in the calculated lifecycle: nothing ends this copy.
    if point.ends_at is None:
        return view.ok(arn, "no end is set", wanted, f"the newest copy stays in {where}")
    left_s = (point.ends_at - view.now).total_seconds()
    measured = f"deleted in {duration(left_s)}" if left_s > 0 else "deleted by now"
    if left_s >= _recovery_s(view):
        return view.ok(arn, measured, wanted, "a recovery that begins now ends before it is deleted")
    reason = "its lifecycle deletes the newest copy before a recovery that begins now is over"
    return view.gap(arn, measured, wanted, reason, f"Copy a younger one to {where} now: start a copy job.")
