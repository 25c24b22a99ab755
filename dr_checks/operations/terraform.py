"""Checks of Terraform's state and lock, read from the DR region."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import control_table, efs, ssm_parameters, terraform_state, vpc

_A_RUN_S = 3600.0  # no plan or apply of the platform takes longer
_AWAY = (control_table.ON_DR, control_table.FAILING_BACK, control_table.ABORTING)


@check("the Terraform state can be read from the DR region")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, applies=if_replicated)
@cite("T39", "TfStateReachableFromDr", "REL13-BP02")
def state_reachable(view: View) -> Iterator[Finding]:
    """The state's copy is in the DR region's bucket. Source: S3 HeadObject, T39."""
    copy = view.get(terraform_state.state)
    subject = f"s3://{copy.bucket}/{copy.key}"
    # An empty object is no state: Terraform would plan to make all that stands.
    if copy.size:
        yield view.ok(subject, f"{copy.size} bytes", "a state", "provisioning does not need the primary region")
    else:
        reason = "with the state in the lost region Terraform cannot provision"
        remedy = _copy_remedy(
            view,
            f"Copy it, and see that it replicates: aws_s3_bucket_replication_configuration to {copy.bucket}.",
            copy,
            view.read_for_remedy(terraform_state.state, Side.PRIMARY),
        )
        yield view.gap(subject, "absent" if copy.size is None else "empty", "a state", reason, remedy)


@check("the Terraform state in the DR region is the primary region's current one")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, applies=if_replicated)
@cite("T30", "T39", "TfStateReachableFromDr")
def state_current(view: View) -> Iterator[Finding]:
    """Copy and original have one size and one ETag, where that is of their content, and the original has no failed
    replication: a state of another serial or lineage is another one. While the DR region serves, Terraform may have
    written there. Source: HeadObject, T30.
    """
    copy, original = view.get(terraform_state.state), view.get(terraform_state.state, Side.PRIMARY)
    subject = f"s3://{copy.bucket}/{copy.key}"
    is_other = bool(copy.digest and original.digest and copy.digest != original.digest)
    if not copy.size or original.size is None:
        yield view.none_expected(subject, "there is no pair to compare: see terraform.state-reachable")
    elif (is_other or copy.size != original.size) and _serves_from_dr(view):
        wanted = f"{original.size} bytes, or what was written in {view.region} since"
        reason = "Terraform may have written there while that region serves, and no failback copies it back"
        healing = "Before the next plan in the primary region: terraform state push."
        yield view.warn(subject, f"{copy.size} bytes", wanted, reason, healing)
    elif is_other and copy.size == original.size:
        measured, wanted = f"{copy.size} bytes, ETag {copy.digest[:8]}", f"ETag {original.digest[:8]}"
        reason = "it is another state (serial or lineage): Terraform would plan from it, or refuse to write it back"
        original_key = f"{original.bucket}/{original.key}"
        remedy = Remedy(
            "Copy the original over it, and find who wrote the copy.",
            (view.command("s3", "CopyObject", Bucket=copy.bucket, Key=copy.key, CopySource=original_key),),
        )
        yield view.gap(subject, measured, wanted, reason, remedy)
    elif copy.size == original.size and original.replication != "FAILED":
        yield view.ok(subject, f"{copy.size} bytes", f"{original.size} bytes", "the copy equals the source")
    else:
        yield view.gap(
            subject,
            f"{copy.size} bytes ({original.replication or 'no replication status'})",
            f"{original.size} bytes",
            "Terraform would plan from an old state, and may destroy resources missing in it",
            _copy_remedy(view, "Copy it; then find why replication fell behind.", copy, original),
        )


def _serves_from_dr(view: View) -> bool:
    """Whether an incident is known to be open whose failover was done, and whose failback was not."""
    try:
        incident = view.get(control_table.standing, Side.DR).known_incident
    except DataUnavailable:
        return False
    return incident is not None and incident.phase in _AWAY


def _copy_remedy(
    view: View, sentence: str, copy: terraform_state.StateObject, original: terraform_state.StateObject | None
) -> Remedy:
    if original is None or not original.size:
        return Remedy(sentence)
    source = quote(f"{original.bucket}/{original.key}")
    return Remedy(sentence, (view.command("s3", "CopyObject", Bucket=copy.bucket, Key=copy.key, CopySource=source),))


@check("Terraform finds a lock table in the DR region")
@weigh(Severity.NORMAL, Area.PREREQUISITES, applies=if_replicated)
@cite("T39", "TfStateReachableFromDr")
def lock_table(view: View) -> Iterator[Finding]:
    """At least one of the accepted names is an active table. Source: DynamoDB DescribeTable, T39."""
    tables = view.get(terraform_state.lock_tables)
    active = [table.name for table in tables if states.TABLE[table.status or "absent"].takes_writes]
    names = " or ".join(table.name for table in tables)
    # Any of the accepted names: the platform's own files spell the table in four ways.
    if active:
        yield view.ok(active[0], "ACTIVE", "ACTIVE", "two people cannot provision at once")
    else:
        reason = "Terraform cannot take its lock, and runs without one may corrupt the state"
        remedy = f"Add a replica of the lock table in {view.region}, or use S3 locking (use_lockfile = true)."
        yield view.gap(names, "absent", "one ACTIVE", reason, remedy)


@check("no lock was left on the Terraform state")
@weigh(Severity.NORMAL, Area.PREREQUISITES, applies=if_replicated)
@cite("T39", "TfStateReachableFromDr")
def not_locked(view: View) -> Iterator[Finding]:
    """No lock on the state or its copy is an hour old: a run that lost its region never gives its lock back.

    Source: DynamoDB GetItem of LockID, S3 HeadObject of .tflock.
    """
    locks, wanted = view.get(terraform_state.held_locks), "no lock, or one of this hour"
    for lock in locks:
        if isinstance(lock, Unavailable):
            yield view.unknown("locks", wanted, lock)
            continue
        subject, age_s = f"{lock.place}: {lock.path}", (view.now - lock.since).total_seconds() if lock.since else None
        measured = f"{lock.operation or 'locked'}, {'of unknown age' if age_s is None else duration(age_s)}"
        # A lock of unknown age counts as an old one: nobody can be seen to work under it.
        if age_s is not None and age_s < _A_RUN_S:
            yield view.ok(subject, measured, wanted, "somebody provisions now, and gives it back")
        else:
            reason = "Terraform waits for it in either region, and provisions nothing in the failover"
            yield view.gap(subject, measured, wanted, reason, _unlock_text(lock))
    tables = ", ".join(table.name for table in view.get(terraform_state.lock_tables) if table.status)
    if not locks and tables:
        yield view.ok(tables, "no lock", wanted, "a failover can provision at once")
    elif not locks:
        yield view.none_expected("locks", "there is no lock table, and no lock's file: see terraform.lock-table")


def _unlock_text(lock: terraform_state.StateLock) -> str:
    if not lock.id:
        return f"See that no run goes on; then delete the lock's file beside {lock.path} in {lock.place}."
    return f"See that no run goes on, and how far it came; then `terraform force-unlock {lock.id}`."


@check("the DR region has every SSM parameter of the primary region, with values of its own")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T18", "SsmParameterParity")
def parameter_parity(view: View) -> Iterator[Finding]:
    """Same names under the environment's path, none naming the primary region. Source: SSM GetParametersByPath."""
    here = {p.name: p for p in view.get(ssm_parameters.parameters)}
    wanted = view.get(ssm_parameters.parameters, Side.PRIMARY)
    view.need(wanted, view.env.named(view.env.names.parameter_path), "the primary region has no parameters")
    for there in wanted:
        mine = here.get(there.name)
        if mine is None or mine.type != there.type:
            measured = mine.type if mine else "absent"
            reason = "a deployment in the DR region would not find its setting"
            remedy = f"aws_ssm_parameter '{there.name}' in {view.region}."
            yield view.gap(there.name, measured, there.type, reason, remedy)
        elif mine.names_primary:
            reason = "the DR region would use a resource of the lost region"
            remedy = f"aws_ssm_parameter '{there.name}' in {view.region}: the value of that region's own resource."
            yield view.gap(there.name, "names the primary region", "its own region", reason, remedy)
        else:
            yield view.ok(there.name, mine.type, there.type, "the DR region has its own value")


@check("no SSM parameter of the DR region names a thing of the primary region, or differs in more than the region")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T18", "SsmParameterParity", "REL13-BP04", "NIST CP-2")
def parameter_values(view: View) -> Iterator[Finding]:
    """Ids of the primary region's things are a gap, ids that are in neither region a warning, as is another value.

    An old release, another tenant's value or a dead name is another value. Of a SecureString nothing is read, and what
    names the primary region is terraform.parameter-parity's matter. Source: SSM GetParametersByPath.
    """
    primary, own = _things(view, Side.PRIMARY), _things(view)
    there = {p.name: p for p in view.get(ssm_parameters.parameters, Side.PRIMARY)}
    read = [p for p in view.get(ssm_parameters.parameters) if p.type != "SecureString" and not p.names_primary]
    both = [p for p in read if p.name in there]
    wanted = "as in the primary region, but for the region"
    view.need(both, view.env.named(view.env.names.parameter_path), "no parameter is in both regions")
    for mine in both:
        remedy = f"Set aws_ssm_parameter '{mine.name}' in {view.region} {wanted}."
        lost, strange = sorted(primary & set(mine.ids)), sorted(set(mine.ids) - own)
        if lost:
            reason = "a deployment in the DR region would use a thing of the lost region"
            yield view.gap(mine.name, f"names {', '.join(lost)}", wanted, reason, remedy)
        # A warning: the id may be of a thing that no reader lists.
        elif strange:
            reason = "none of the platform's things in this region has this id: it may be gone"
            yield view.warn(mine.name, f"names {', '.join(strange)}", wanted, reason, remedy)
        elif mine.neutral != there[mine.name].neutral:
            reason = "nothing shows whether the region wants this, or somebody forgot to change it"
            yield view.warn(mine.name, "another value", wanted, reason, remedy)
        else:
            yield view.ok(mine.name, "alike", wanted, "the value differs by the region alone")


def _things(view: View, side: Side = Side.DR) -> set[str]:
    """The ids of the platform's network and files on a side."""
    network = view.get(vpc.vpc, side)
    found = {system.id for system in view.get(efs.file_systems, side)} | ({network.id} if network else set())
    found |= {subnet.id for subnet in view.get(vpc.subnets, side)}
    return found | {group.id for group in view.get(vpc.security_groups, side)}
