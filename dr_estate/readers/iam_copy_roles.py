"""Roles that copy to the DR region, S3's and AWS Backup's, on their buckets, vault and keys, and the failback's role.

IAM's simulator judges what the roles may do; the policies of the buckets, keys and vaults are judged here.
Source: S3 User Guide, "Setting up permissions for live replication"; AWS Backup guide, "Vault access policies".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, condition_keys, denial_of, of_a_role
from dr_estate.iam.simulation_requests import ANY, REGION, ContextKey, SimulationRequest, of_the_account, via_service
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import backup, backup_plan, kms, s3, store_policies
from dr_estate.readers.iam_simulation import RoleAnswers, RoleRequest, SimulatedDecision, trust_of, worst_by_action
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"iam:GetRole", "iam:SimulatePrincipalPolicy", "backup:GetBackupVaultAccessPolicy"})
OBJECTS, BACKUPS, JOBS = "s3.amazonaws.com", "backup.amazonaws.com", "batchoperations.s3.amazonaws.com"
_READ_BUCKET = ("s3:GetReplicationConfiguration", "s3:ListBucket")
_READ_OBJECTS = ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging")
_WRITE_OBJECTS = ("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags")
_RESTORE_FILES = ("elasticfilesystem:CreateFileSystem", "elasticfilesystem:Restore")
_START_RESTORE, _START_BACKUP, _START_COPY = "backup:StartRestoreJob", "backup:StartBackupJob", "backup:StartCopyJob"
_COPY_BACKUPS, _TAKE_BACKUPS = ("backup:CopyIntoBackupVault",), ("backup:CopyFromBackupVault",)
# What AWS Backup does with a store in the role's name (AWSBackupServiceRolePolicyForBackup). What a table asks for
# hangs on its advanced features, a bucket has copies of its own.
_BACK_UP = {"RDS": ("rds:CreateDBSnapshot",), "EFS": ("elasticfilesystem:Backup",)}
_COPY_TARGETS = "backup:CopyTargets"
_LIST_FOR_JOB = ("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration")
_START_IN_JOB = ("s3:InitiateReplication",)
_GRANT, _OPEN = ("kms:CreateGrant", "kms:DescribeKey"), ("kms:Decrypt", "kms:GenerateDataKey")
_FOR_AWS = "kms:GrantIsForAWSResource"


@dataclass(frozen=True, slots=True)
class CopyRole:
    """A role that ``service`` copies as, and its decisions. ``trusted`` is None where it cannot be determined.

    ``trust_ends`` is when the service may no longer assume it, None where that is not soon.
    """

    arn: str
    service: str
    exists: bool
    trusted: bool | None
    decisions: tuple[SimulatedDecision, ...] = ()
    trust_ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobRole:
    """What the role of a job may do for the bucket ``copy`` that it replicates to the primary region."""

    copy: str
    role: CopyRole


@dataclass(frozen=True)
class _Need:
    """What a role does on one thing in one region, the policy that the thing bears, and ``where`` a backup goes.

    ``through`` is the service that asks for a key in the role's name. ``simulated``: IAM is asked too; AWS's own roles
    of AWS Backup may open a key by the grant that they create, so of those rights the key's policy alone is judged.
    """

    region: str
    actions: tuple[str, ...]
    resource: str
    policy: str = ""
    where: str = ""
    through: str = ""
    simulated: bool = True


@part(*GLOBAL, reads=READS)
def roles(context: ReadContext) -> tuple[CopyRole | Unavailable, ...]:
    """Every role that buckets and backup selections name: one call for each, and one for each kind of thing."""
    needs: defaultdict[tuple[str, str], list[_Need]] = defaultdict(list)
    unread: list[Unavailable] = []
    for service, role, need in (*_of_objects(context, unread), *_of_backups(context, unread)):
        needs[service, role].append(need)
    return (*_roles(context, needs), *dict.fromkeys(unread))


@part(*GLOBAL, reads=READS)
def restore_roles(context: ReadContext) -> tuple[CopyRole | Unavailable, ...]:
    """The roles that restores of files pass to AWS Backup: those that made the DR region's recovery points.

    Each also has the decision on starting the restore, and on the backup that a failback takes first, which the vault's
    policy may deny to the operator's role.
    Source: AWS managed policy AWSBackupServiceRolePolicyForRestores; AWS Backup guide, "Vault access policies".
    """
    env, region = context.env, context.env.regions.dr
    points = [point for point in context.part(backup.recovery_points, Side.DR) if point.resource_type == "EFS"]
    plans = partial(context.part, backup_plan.plans, Side.PRIMARY)
    names = sorted({point.role or backup_plan.backup_role(env, "EFS", points, plans) for point in points})
    if not names:
        return ()
    (policy,) = context.maybe(lambda side: _policy_of(context, side), [Side.DR])
    files = f"arn:aws:elasticfilesystem:{region}:{env.account}:file-system/any"
    unread: list[Unavailable] = []
    needs = [_Need(region, _RESTORE_FILES, files), *_keys_of_files(context, points, unread)]
    found = (*_roles(context, {(BACKUPS, arn): needs for arn in names}), *dict.fromkeys(unread))
    if isinstance(policy, Unavailable):
        return (*found, policy)
    point = f"arn:aws:backup:{region}:{env.account}:recovery-point:any"
    operator = env.acting_role_arn
    vault = _vault_arn(context, Side.DR)
    start = [_Need(region, (_START_RESTORE,), point, policy), _Need(region, (_START_BACKUP,), vault, policy)]
    (denied,) = context.maybe(lambda arn: tuple(_resource_refusals(context, arn, start)), [operator])
    if isinstance(denied, Unavailable):
        return (*found, denied)
    return tuple(
        replace(role, decisions=role.decisions + denied) if isinstance(role, CopyRole) else role for role in found
    )


def _keys_of_files(
    context: ReadContext, points: Sequence[backup.RecoveryPoint], unread: list[Unavailable]
) -> Iterator[_Need]:
    """The keys of the recovery points of files, which a restore opens."""
    named = {point.key_arn for point in points}
    for key in context.part(kms.copy_keys, Side.DR):
        if key.arn in named:
            unread += [policy for policy in (key.dark or key.policy,) if isinstance(policy, Unavailable)]
            yield from _of_key(key.arn, key.policy)


@part(*GLOBAL, reads=READS)
def job_roles(context: ReadContext) -> tuple[JobRole | Unavailable, ...]:
    """Return the role of the jobs of S3 Batch Replication in a failback, for each copy; empty where none is named.

    A manifest that S3 makes and does not store, and no report, take no other right. Source: S3 User Guide, "Configuring
    an IAM role for S3 Batch Replication", the policy for a generated manifest.
    """
    env, arn, region = context.env, context.env.failback.objects_batch_role, context.env.regions.dr
    if not arn:
        return ()
    copies, rows = {copy for _, copy in s3.data_pairs(env)}, context.part(s3.buckets, Side.DR)
    needs: dict[str, list[_Need]] = {}
    for bucket in (row for row in rows if isinstance(row, s3.Bucket) and row.region and row.name in copies):
        on = f"arn:aws:s3:::{bucket.name}"
        listing = _Need(region, _LIST_FOR_JOB, on, bucket.policy)
        needs[bucket.name] = [listing, _Need(region, _START_IN_JOB, f"{on}/{ANY}", bucket.policy)]
    unread = tuple(row for row in rows if isinstance(row, Unavailable))
    (role,) = context.maybe(lambda name: _role(context, JOBS, name), [arn])
    if isinstance(role, Unavailable) or not role.exists:
        return ((role,) if isinstance(role, Unavailable) else tuple(JobRole(copy, role) for copy in needs)) + unread
    todo = [
        RoleRequest(copy, arn, request)
        for copy, its_needs in needs.items()
        for request in _requests(context, its_needs)
    ]
    answers = RoleAnswers(context, todo)

    def job_role(copy: str) -> JobRole:
        return JobRole(copy, _role_with_decisions(context, role, needs[copy], answers, copy))

    return (*context.maybe(job_role, needs), *unread)


def _of_objects(context: ReadContext, unread: list[Unavailable]) -> Iterator[tuple[str, str, _Need]]:
    primary, region = context.env.regions.primary, context.env.regions.dr
    originals, copies = context.part(s3.buckets, Side.PRIMARY), context.part(s3.buckets, Side.DR)
    there = {copy.name: copy for copy in copies if isinstance(copy, s3.Bucket)}
    unread += [row for row in (*originals, *copies) if isinstance(row, Unavailable)]
    of_copies = (*context.part(kms.keys, Side.DR), *context.part(kms.replica_keys, Side.DR))
    keys = {key.arn: key.policy for key in of_copies if isinstance(key, kms.KmsKey)}
    own_keys = context.part_if_seen(kms.keys, Side.PRIMARY, unread) or ()
    # the customer's keys of the primary region, by the name under which a bucket has one
    sources = {key.ref: key for key in own_keys if isinstance(key, kms.KmsKey) and key.arn}
    rows = context.part(store_policies.policies, Side.PRIMARY)
    texts = {row.name: row.text for row in rows if isinstance(row, store_policies.StorePolicy)}
    for bucket in (row for row in originals if isinstance(row, s3.Bucket) and row.role):
        arn = f"arn:aws:s3:::{bucket.name}"
        if bucket.name not in texts:
            unread += [row for row in rows if isinstance(row, Unavailable)]
        text = texts.get(bucket.name, "")
        yield OBJECTS, bucket.role, _Need(primary, _READ_BUCKET, arn, text)
        yield OBJECTS, bucket.role, _Need(primary, _READ_OBJECTS, f"{arn}/any", text)
        for rule in bucket.rules:
            copy = there.get(rule.destination)
            if copy is None or not copy.region or not rule.enabled:
                continue
            yield OBJECTS, bucket.role, _Need(region, _WRITE_OBJECTS, f"arn:aws:s3:::{copy.name}/any", copy.policy)
            if rule.encrypted_objects and bucket.key in sources:
                key = sources[bucket.key]
                yield OBJECTS, bucket.role, _Need(primary, ("kms:Decrypt",), key.arn, key.policy, through="s3")
            if rule.encrypted_objects and rule.replica_key in keys:
                policy = keys[rule.replica_key]
                yield OBJECTS, bucket.role, _Need(region, ("kms:Encrypt",), rule.replica_key, policy, through="s3")


def _of_backups(context: ReadContext, unread: list[Unavailable]) -> Iterator[tuple[str, str, _Need]]:
    env, name = context.env, backup.vault_name(context.env, Side.DR)
    vault = next((row for row in context.part(backup.vaults, Side.DR) if row.name == name), None)
    roles = {s.role for plan in context.part(backup_plan.plans, Side.PRIMARY) for s in plan.selections}
    if vault is None or not roles:
        return
    sides = (Side.DR, Side.PRIMARY)
    policies = context.maybe(lambda side: _policy_of(context, side), sides)
    unread += [policy for policy in policies if isinstance(policy, Unavailable)]
    points = context.part_if_seen(backup.recovery_points, Side.PRIMARY, unread) or ()
    into, out = policies
    of_keys = list(_keys_of_vaults(context, vault, unread))
    for role in sorted(roles):
        if not isinstance(into, Unavailable):
            yield BACKUPS, role, _Need(env.regions.dr, _COPY_BACKUPS, vault.arn, into)
        if not isinstance(out, Unavailable):
            here, vault_here = env.regions.primary, _vault_arn(context, Side.PRIMARY)
            # A plan needs no right of IAM to start its jobs: only the vault's policy can refuse them.
            yield BACKUPS, role, _Need(here, (_START_BACKUP,), vault_here, out, simulated=False)
            # A point of each type that the role made; of all, where it made none yet: roles may divide the types
            own = [point for point in points if point.role in (role, "")]
            for point in sorted({point.resource_type: point.arn for point in own or points}.values()):
                yield BACKUPS, role, _Need(here, _TAKE_BACKUPS, point, out, vault.arn)
                yield BACKUPS, role, _Need(here, (_START_COPY,), point, out, simulated=False)
            # Of what it made itself alone: a role that divides the types needs no right on the others'.
            for kind, store in sorted({point.resource_type: point.resource_arn for point in own}.items()):
                if actions := _BACK_UP.get(kind):
                    yield BACKUPS, role, _Need(here, actions, store)
        for need in of_keys:
            yield BACKUPS, role, need


def _keys_of_vaults(context: ReadContext, vault: backup.Vault, unread: list[Unavailable]) -> Iterator[_Need]:
    """The keys of both vaults: what the primary's encrypts is opened, and encrypted again under the DR region's."""
    copies = {key.arn: key for key in context.part(kms.copy_keys, Side.DR)}
    if found := copies.get(vault.key_arn):
        unread += [policy for policy in (found.policy,) if isinstance(policy, Unavailable)]
        yield from _of_key(found.arn, found.policy)
    for key in context.part_if_seen(kms.keys, Side.PRIMARY, unread) or ():
        if isinstance(key, Unavailable):
            unread.append(key)
        elif kms.BACKUPS in key.uses:
            unread += [key.admits] if isinstance(key.admits, Unavailable) else []
            yield from _of_key(key.arn, key.policy)


def _of_key(arn: str, policy: str | Unavailable) -> Iterator[_Need]:
    """What AWS Backup does with a customer's key in its role's name; AWS's own keys ask nobody."""
    if policy and not isinstance(policy, Unavailable):
        yield _Need(arn_region(arn), _GRANT, arn, policy, through="backup")
        yield _Need(arn_region(arn), _OPEN, arn, policy, through="backup", simulated=False)


def _vault_arn(context: ReadContext, side: Side) -> str:
    env = context.env
    return f"arn:aws:backup:{env.region(side)}:{env.account}:backup-vault:{backup.vault_name(env, side)}"


def _policy_of(context: ReadContext, side: Side) -> str:
    """The access policy of a side's vault, "" where it has none."""
    name = backup.vault_name(context.env, side)
    found = context.client.call(
        "backup",
        context.env.region(side),
        lambda client: client.get_backup_vault_access_policy(BackupVaultName=name),
        ("ResourceNotFoundException",),
    )
    return str(found.get("Policy") or "") if found else ""


def _roles(context: ReadContext, needs: Mapping[tuple[str, str], list[_Need]]) -> list[CopyRole | Unavailable]:
    """The roles of the keys (service, ARN) that have an ARN, with the worst decision on each action."""
    wanted = sorted(key for key in needs if key[1])
    found = dict(zip(wanted, context.maybe(lambda key: _role(context, *key), wanted), strict=True))
    there = {key: role for key, role in found.items() if isinstance(role, CopyRole) and role.exists}
    todo = [RoleRequest(" ".join(key), key[1], request) for key in there for request in _requests(context, needs[key])]
    answers = RoleAnswers(context, todo)
    decided = context.maybe(
        lambda key: _role_with_decisions(context, there[key], needs[key], answers, " ".join(key)), there
    )
    found |= zip(there, decided, strict=True)
    return list(found.values())


def _role(context: ReadContext, service: str, arn: str) -> CopyRole:
    exists, trusted, ends = trust_of(context, arn.rpartition("/")[2], service, "")
    return CopyRole(arn, service, exists, trusted, (), ends)


def _role_with_decisions(
    context: ReadContext, role: CopyRole, needs: list[_Need], answers: RoleAnswers, name: str
) -> CopyRole:
    simulated = (_by_own_policy(context, role.arn, needs, *answer) for answer in answers.about(name))
    return replace(role, decisions=worst_by_action((*simulated, *_resource_refusals(context, role.arn, needs))))


def _requests(context: ReadContext, needs: list[_Need]) -> Iterator[SimulationRequest]:
    grouped: defaultdict[tuple[str, tuple[str, ...], str], set[str]] = defaultdict(set)
    for need in (need for need in needs if need.simulated):
        grouped[need.region, need.actions, need.where or need.through].add(need.resource)
    for (region, actions, target), resources in sorted(grouped.items()):
        of_key = actions[0].startswith("kms:")
        goes = (ContextKey(_COPY_TARGETS, "stringList", (target,)),) if target and not of_key else ()
        for_aws = ContextKey(_FOR_AWS, "boolean", ("true",))
        via = (via_service(target, region), *([for_aws] if actions == _GRANT else [])) if of_key else ()
        known = (*of_the_account(context.env.account, region, actions[0]), *goes, *via)
        yield SimulationRequest(region, actions, tuple(sorted(resources)), known)


def _by_own_policy(
    context: ReadContext, arn: str, needs: list[_Need], request: SimulationRequest, decision: SimulatedDecision
) -> SimulatedDecision:
    """IAM's decision; allowed where it is silent, and the very bucket, key or vault lets the role in by its policy."""
    resources = (decision.resource,) if decision.resource else request.resources
    wanted = [need for need in needs if need.resource in resources and decision.action in need.actions]
    answers = {_answer(context, (arn,), arn, need, decision.action) for need in wanted if decision.may_be_opened}
    if answers == {PolicyAnswer.ALLOWED}:
        return SimulatedDecision(decision.action, PolicyAnswer.ALLOWED, decision.region)
    return decision


def _answer(
    context: ReadContext,
    principals: tuple[str, ...],
    arn: str,
    need: _Need,
    action: str,
    ask: Callable[[str, PolicyRequest], PolicyAnswer] = answer_of,
) -> PolicyAnswer:
    target = ((_COPY_TARGETS, need.where),) if need.where else ()
    for_aws = ((_FOR_AWS, "true"),) if need.through == "backup" else ()
    by_role = (("aws:PrincipalArn", arn), ("aws:PrincipalAccount", context.env.account))
    # Services of AWS ask each other by TLS: the policy of most buckets denies all else.
    known = ((REGION, need.region), ("aws:SecureTransport", "true"), *target, *by_role, *moment_keys(context.now))
    if need.through:
        known = (*of_a_role(arn, context.env.account, need.region, need.through, context.now), *for_aws)
    return ask(need.policy, PolicyRequest(principals, action, need.resource, known))


def _resource_refusals(context: ReadContext, arn: str, needs: list[_Need]) -> Iterator[SimulatedDecision]:
    """What the policies of the copies' bucket, key or vault refuse, or may refuse: a key's by its silence too."""
    principals = (arn, f"arn:aws:iam::{context.env.account}:root")
    for need in needs:
        is_key = bool(need.through and need.policy)
        for action in need.actions:
            answer = _answer(context, principals, arn, need, action, answer_of if is_key else denial_of)
            on = f"{need.resource}, by its own policy"
            if answer is PolicyAnswer.DENIED or (is_key and answer is PolicyAnswer.SILENT):
                yield SimulatedDecision(action, answer, need.region, on, of_resource=True)
            elif answer is PolicyAnswer.UNDECIDED:
                undecided = condition_keys(need.policy)
                yield SimulatedDecision(action, PolicyAnswer.SILENT, need.region, on, undecided, of_resource=True)
