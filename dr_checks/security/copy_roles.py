"""Checks of the roles that copy objects and backups to the DR region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived import role_limits
from dr_checks.derived.backup_promise import stores, tags_of, takes
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import backup_plan, dynamodb, iam_copy_roles
from dr_estate.readers.iam_copy_roles import CopyRole, JobRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.store_policies import table_arn

_WANTED = "it exists, its service may assume it, and each action is allowed"


# As s3.replication-rule: objects have no second copy, and without this role no rule writes any.
@check("the roles that replicate objects to the DR region may read the originals and write the copies")
@weigh(Severity.BLOCKER, Area.REPLICATION, GLOBAL, applies=if_replicated)
@cite("T30", "S3ReplicationRuleEnabled", "REL09-BP01", "REL13-BP02", "NIST CP-9", "NIST AC-6")
def may_replicate(view: View) -> Iterator[Finding]:
    """GetRole, the trust policy, IAM's simulator on the real ARNs, and the policies of bucket and key.

    A deny there stops copies without a word: what was copied before stays, and grows old.
    """
    yield from _of_copies(view, iam_copy_roles.OBJECTS, "no bucket replicates")


@check("the roles that copy backups to the DR region may read the originals and write the copies")
@weigh(Severity.CRITICAL, Area.REPLICATION, GLOBAL, applies=if_replicated)
@cite("T25", "REL09-BP01", "REL13-BP02", "NIST CP-9", "NIST AC-6")
def may_copy(view: View) -> Iterator[Finding]:
    """GetRole, the trust policy, IAM's simulator on the real ARNs, and the policies of key and vault.

    A deny there stops copies without a word: what was copied before stays, and grows old.
    """
    yield from _of_copies(view, iam_copy_roles.BACKUPS, "no backup selection names a role")


def _of_copies(view: View, service: str, none: str) -> Iterator[Finding]:
    """A finding for each role that ``service`` copies as, and for each thing of either that was not read."""
    rows, strangers = view.get(iam_copy_roles.roles), _of_strangers(view)
    found = [row for row in rows if isinstance(row, Unavailable) or row.service == service]
    for role in found:
        if isinstance(role, Unavailable):
            yield view.unknown("a role", _WANTED, role)
        elif service == iam_copy_roles.BACKUPS and role.arn in strangers:
            measured = "its selections include no resource of the platform"
            yield view.ok(role.arn, measured, _WANTED, "no copy hangs on it")
        else:
            yield _role_finding(view, role, f"{role.service} copies nothing more as it, and the copies grow old")
    if not found:
        yield view.none_expected("all roles", none)


@check(
    "the role that restores files from a backup may do so in the DR region, and the vault there lets the restore start",
    none=("all roles", "the DR vault holds no recovery point of files"),
)
@weigh(Severity.CRITICAL, Area.REPLICATION, GLOBAL, applies=if_replicated)
@cite("T14", "T25", "REL09-BP04", "REL13-BP02", "NIST CP-9", "NIST CP-10")
def may_restore(view: View) -> Iterator[Finding]:
    """The role that made a recovery point restores it: GetRole, its trust policy, IAM's simulator, the vault's policy.

    The database is restored through RDS itself, and needs no such role.
    """
    found = view.get(iam_copy_roles.restore_roles)
    for role in found:
        if isinstance(role, Unavailable):
            yield view.unknown("a role", _WANTED, role)
        else:
            yield _role_finding(view, role, f"{role.service} restores no files as it: a restore job fails at once")


def _objects_by_jobs(env: Environment) -> str | None:
    named = None if env.failback.objects_batch_role else "no role is named for jobs of S3 (failback.objects_batch_role)"
    return if_replicated(env) or named


# No graver: where no job can be started, the failback copies every object itself.
@check(
    "the role of S3 Batch Replication jobs trusts S3 Batch Operations, and may replicate every bucket copy back",
    none=("all roles", "the DR region holds no copy of a bucket of tenants' data"),
)
@weigh(Severity.NORMAL, Area.REPLICATION, GLOBAL, applies=_objects_by_jobs)
@cite("T14", "T30", "REL13-BP02", "NIST AC-6")
def may_bring_home(view: View) -> Iterator[Finding]:
    """GetRole, its trust policy, IAM's simulator on each bucket copy, and that bucket's policy, as a failback asks.

    What hangs on a condition key that only the job shows is unknown. Source: S3 User Guide, "Configuring an IAM role
    for S3 Batch Replication".
    """
    found = view.get(iam_copy_roles.job_roles)
    for row in found:
        if isinstance(row, Unavailable):
            yield view.unknown("a role or a bucket copy", _WANTED, row)
        else:
            yield _of_job(view, row)


def _of_job(view: View, row: JobRole) -> Finding:
    role, wanted = row.role, f"{_WANTED} for {row.copy}"
    denied, doubts = role_limits.denied_decisions(role), role_limits.doubts(role)
    reason = f"no job of S3 copies back what {row.copy} holds: the failback copies each object itself, and takes longer"
    # What is sure stands before what is doubtful: one deny is enough for a gap.
    if not role.exists or role.trusted is False or denied:
        return _role_finding(view, replace(role, decisions=tuple(denied)), reason, wanted)
    if doubts:
        return _undecided_finding(view, role, wanted, doubts)
    return _unless_it_ends(view, role, reason, wanted)


def _unless_it_ends(view: View, role: CopyRole, reason: str, wanted: str) -> Finding:
    if role.trust_ends is None:
        return view.ok(role.arn, f"{len(role.decisions)} actions allowed", wanted, "it may do all of it")
    policy = f"the trust policy of '{role.arn.rpartition('/')[2]}'"
    measured, remedy = role_limits.ends_on(policy, role.trust_ends), role_limits.prolongation(policy, role.trust_ends)
    return view.warn(role.arn, measured, wanted, f"from then on {reason}", remedy)


def _undecided_finding(view: View, role: CopyRole, wanted: str, doubts: Sequence[str]) -> Finding:
    name = role.arn.rpartition("/")[2]
    compared = role_limits.to_compare(name, role_limits.doubtful(role)) or f"the trust policy of '{name}'"
    return view.undecided(role.arn, wanted, f"{'; '.join(doubts)}.", compared)


def _of_strangers(view: View) -> set[str]:
    """The roles of backup selections that take neither database, files nor tables; none where that is not seen."""
    try:
        plans, tags = view.get(backup_plan.plans, Side.PRIMARY), tags_of(view)
        ours = [store.arn for store in stores(view)]
    except DataUnavailable:
        return set()
    region = view.env.regions.primary
    ours += [table_arn(view.env.account, region, name) for name in dynamodb.names(view.env)]
    selections = [selection for plan in plans for selection in plan.selections]
    # An account has backups that are none of the platform's: their roles must not fail this check.
    useful = {s.role for s in selections if any(takes(s, arn, tags.get(arn, {})) for arn in ours)}
    return {selection.role for selection in selections} - useful


def _role_finding(view: View, role: CopyRole, reason: str, wanted: str = _WANTED) -> Finding:
    name, denied, doubts = role.arn.rpartition("/")[2], role_limits.denied_decisions(role), role_limits.doubts(role)
    if not role.exists:
        return view.gap(role.arn, "no such role", wanted, reason, f"aws_iam_role '{name}', as the copies name it.")
    if role.trusted is False:
        measured = f"does not trust {role.service}"
        return view.gap(role.arn, measured, wanted, reason, f"aws_iam_role '{name}': assume_role_policy.")
    if denied:
        measured = "; ".join(f"{d.action}: {d.decision} on {d.on}" for d in denied)
        remedy = " ".join(dict.fromkeys(_role_remedy(name, d) for d in denied))
        return view.gap(role.arn, measured, wanted, reason, remedy)
    if doubts:
        return _undecided_finding(view, role, wanted, doubts)
    return _unless_it_ends(view, role, reason, wanted)


def _role_remedy(role: str, decision: SimulatedDecision) -> str:
    """What lets the role: no allow is stronger than a deny, and none widens a boundary."""
    # A key's policy that says nothing admits nobody, IAM's allow or not (KMS guide, key policies).
    if decision.of_resource and decision.decision == PolicyAnswer.SILENT:
        return f"The policies of these keys: admit '{role}', or the account, so that IAM decides."
    if decision.of_resource:
        return "Take the Deny of these out of the policy of bucket, key or vault."
    own = f"aws_iam_role_policy of '{role}' with these ARNs, and with conditions that hold there."
    return role_limits.stronger(role, decision) or own
