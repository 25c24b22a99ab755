"""Checks of Secrets Manager: secrets are readable and current in the DR region, and reference it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import (
    Area,
    Finding,
    Lag,
    Remedy,
    Severity,
    Status,
    View,
    check,
    cite,
    if_replicated,
    lag_source,
    weigh,
)
from dr_checks.derived.pairing import may_read, reads_other_fields_alone, tenant_definitions
from dr_checks.derived.standing import failover_may_be_in_force
from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, denial_of
from dr_estate.model.references import arn_region
from dr_estate.model.stores import SECRETS
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, secret_policies
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secret_policies import SecretPolicy
from dr_estate.readers.secretsmanager import Content, HiddenSecret, RotationFunction, Secret

_NONE = "no secret exists there: see secrets.secret-exists"
_OF_A_RUN = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:StopReplicationToReplica",
)


def _expected_names(view: View) -> list[tuple[str, str | None]]:
    """The names of the secrets the estate needs, each with its tenant; the master credentials have none."""
    names, env = view.env.names, view.env
    found: list[tuple[str, str | None]] = [(env.named(names.master_secret), None)] if names.master_secret else []
    of_tenants = view.tenants if names.tenant_secret else ()
    found += [(env.named(name), None) for name in names.secrets]
    return found + [(env.named(names.tenant_secret, tenant=tenant.id), tenant.id) for tenant in of_tenants]


def _state(view: View, side: Side = Side.DR) -> dict[str, Secret]:
    return {
        secret.name: secret for secret in view.get(readers_secretsmanager.secrets, side) if secret.deleted_at is None
    }


def _contents(view: View, side: Side = Side.DR) -> dict[str, Content | HiddenSecret]:
    return {content.name: content for content in view.get(readers_secretsmanager.contents, side)}


def _hidden_reason(content: Content | HiddenSecret | None) -> Unavailable | str:
    return content.unseen if isinstance(content, HiddenSecret) else "Its value was not returned."


@check("every secret the tenants need exists in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "SecretReplicaInSync", "REL09-BP01", "REL13-BP02", "NIST CP-7", "SOC2 A1.2")
def secret_exists(view: View) -> Iterator[Finding]:
    """By name, and not scheduled for deletion: its value could not be read any more. Source: ListSecrets."""
    there = {secret.name: secret for secret in view.get(readers_secretsmanager.secrets)}
    for name, tenant in _expected_names(view):
        secret = there.get(name)
        if secret and secret.deleted_at is None:
            yield view.ok(name, "present", "present", "a task of the DR region can read it", tenant)
        else:
            measured = (
                f"deleted at {secret.deleted_at:%Y-%m-%d %H:%M} UTC" if secret and secret.deleted_at else "absent"
            )
            reason = "no container that uses it starts: ECS resolves secrets before it runs a task"
            yield view.gap(name, measured, "present", reason, _present(view, name, secret), tenant)


def _present(view: View, name: str, secret: Secret | None) -> Remedy:
    """What brings a secret to the DR region: a deleted one is restored, there or in the primary region, first."""
    if secret is not None:
        restore = view.command("secretsmanager", "RestoreSecret", SecretId=secret.arn)
        return Remedy(f"Restore it in {view.region}, before its recovery window ends.", (restore,))
    secrets = view.read_for_remedy(readers_secretsmanager.secrets, Side.PRIMARY)
    if secrets is None:
        return Remedy(f"Replicate it from {view.env.regions.primary} once that region can be read.")
    source = next((row for row in secrets if row.name == name), None)
    if source is None:
        return Remedy(f"Apply aws_secretsmanager_secret '{name}' in {view.env.regions.primary}, with a replica block.")
    again = replicate(view, name)
    if source.deleted_at is None:
        return Remedy("Replicate it (aws_secretsmanager_secret.replica).", (again,))
    restore = view.command("secretsmanager", "RestoreSecret", Side.PRIMARY, SecretId=source.arn)
    return Remedy("Restore the deleted secret of the primary region, then replicate it.", (restore, again))


def replicate(view: View, name: str, *, over: bool = False) -> str:
    """The command that replicates a secret of the primary region; ``over``: also where one of its name stands."""
    more = {"ForceOverwriteReplicaSecret": True} if over else {}
    regions = [{"Region": view.region}]
    return view.command(
        "secretsmanager", "ReplicateSecretToRegions", Side.PRIMARY, SecretId=name, AddReplicaRegions=regions, **more
    )


def _replica_remedy(view: View, name: str) -> Remedy:
    """A replica in place of a secret of its own, whose values are lost by it."""
    sentence = f"Have it overwritten by a replica of {view.env.regions.primary}'s (aws_secretsmanager_secret.replica)."
    return Remedy(sentence, (replicate(view, name, over=True),))


@check(
    "every secret in the DR region has the same current version as in the primary region", none=("all secrets", _NONE)
)
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated, stops=True)
@cite("T18", "SecretReplicaInSync", "REL09-BP01", "NIST CP-9", "ISO22301 8.4", "SOC2 A1.2")
def in_sync(view: View) -> Iterator[Finding]:
    """A replica carries the primary's AWSCURRENT version id; a secret of its own is compared field by field (T18).

    One that was detached among replicas follows no rotation any more, though its values are alike today; a failover
    detaches some, and no warning is given then. One that names the DR region is of its own for that.
    """
    here, there = _state(view, Side.PRIMARY), _state(view)
    both = [(name, tenant) for name, tenant in _expected_names(view) if name in here and name in there]
    replicas = any(there[name].replica_of for name, _ in both)
    for name, tenant in both:
        if there[name].replica_of:
            yield _versions(view, here[name], there[name], tenant)
        else:
            finding = _values(view, name, tenant)
            lone = replicas and finding.status is Status.PASS and not _is_regional(view, name)
            yield _detached_finding(view, finding) if lone and not failover_may_be_in_force(view) else finding


def _is_regional(view: View, name: str) -> bool:
    """Whether a value names the DR region: a replica in its place would lead back to the primary one."""
    content = _contents(view).get(name)
    return isinstance(content, Content) and any(field.names_dr for field in content.fields)


def _detached_finding(view: View, finding: Finding) -> Finding:
    """Warn of a secret of its own with equal values, where others are replicas."""
    reason = "the others are replicas: the next rotation reaches them alone, and this tenant could not log in"
    remedy = _replica_remedy(view, finding.subject)
    return view.warn(finding.subject, finding.measured, "a replica", reason, remedy, finding.tenant)


def _versions(view: View, here: Secret, there: Secret, tenant: str | None) -> Finding:
    measured, wanted = f"version {there.current_version[:8]}", f"version {here.current_version[:8]}"
    if here.current_version and here.current_version == there.current_version:
        return view.ok(here.name, measured, wanted, "the replica follows its primary", tenant)
    reason = "a changed password was not replicated: the tenant could not log in to its database"
    remedy = Remedy(
        "Read the replica's StatusMessage (a key, a policy) and fix its cause, then replicate the secret again.",
        (replicate(view, here.name, over=True),),
    )
    return view.gap(here.name, measured, wanted, reason, remedy, tenant)


def _values(view: View, name: str, tenant: str | None) -> Finding:
    here, there = _contents(view, Side.PRIMARY).get(name), _contents(view).get(name)
    wanted = "the same values"
    if not isinstance(here, Content) or not isinstance(there, Content):
        return view.unknown(name, wanted, _hidden_reason(here if isinstance(here, HiddenSecret) else there), tenant)
    if failure := here.failure or there.failure:
        return view.unknown(name, wanted, f"A value that cannot be decrypted ({failure}) cannot be compared.", tenant)
    mine = {field.name: field for field in there.fields}
    differing = [
        field.name
        for field in here.fields
        # A field that names in each region its own differs for that, and rightly.
        if (own := mine.get(field.name)) and own.digest != field.digest and not (field.names_primary and own.names_dr)
    ]
    if not differing:
        reason = "both regions use the same credentials"
        return view.ok(name, "a secret of its own, the same values", wanted, reason, tenant)
    return view.gap(
        name,
        f"a secret of its own; differs in {', '.join(differing)}",
        wanted,
        "a secret maintained by hand in each region is outdated after the next rotation",
        _replica_remedy(view, name),
        tenant,
        # The database is restored with the users that it has: by another value nobody logs in.
        stops=any(_is_given(view, name, field, tenant) for field in differing),
    )


def _is_given(view: View, name: str, field: str, tenant: str | None) -> bool:
    """Whether the tenant's containers are known to be started with the field."""
    if tenant is None or view.read_for_remedy(ecs.task_definitions) is None:
        return False
    definition = tenant_definitions(view).get(tenant)
    return not isinstance(definition, Unavailable) and may_read(definition, name, field)


@check("every secret in the DR region can be decrypted there", none=("all secrets", _NONE))
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "T19", "KmsKeyUsableInRegion", "SecretReplicaInSync", "REL13-BP04", "NIST CP-7")
def decryptable(view: View) -> Iterator[Finding]:
    """The value is really read (and reduced to digests): existing is not the same as readable. Source: T19."""
    standing, contents = _state(view), _contents(view)
    expected = [(name, tenant) for name, tenant in _expected_names(view) if name in standing]
    for name, tenant in expected:
        content = contents.get(name)
        if not isinstance(content, Content):
            yield view.unknown(name, "readable", _hidden_reason(content), tenant)
        elif not content.failure:
            yield view.ok(name, "readable", "readable", "its key works in this region", tenant)
        else:
            reason = "the value cannot be read in the DR region: no task that needs it starts"
            remedy = (
                f"Enable the key {standing[name].key or 'it uses'} in {view.region}: see kms.key-usable. Or replicate "
                "the secret again under a key that works (aws_secretsmanager_secret.replica.kms_key_id)."
            )
            gap = view.gap(name, content.failure, "readable", reason, remedy, tenant)
            yield replace(gap, depends_on=standing[name].key)


@check("no secret in the DR region references the primary region")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T18", "SecretRegionalFields", "REL13-BP04", "NIST CP-10", "SOC2 A1.2")
def regional_fields(view: View) -> Iterator[Finding]:
    """No field holds a host name or ARN of the primary region: a replica keeps them word for word (T18).

    One that no container reads, of a secret of which they read others, warns: rotation wants the database's host there.
    A secret of the DR region's own is rotated by a function of that region, which is there. A replica's rotation is its
    original's. Source: Secrets Manager User Guide, "Replicate secrets across Regions".
    """
    contents, standing, wanted = _contents(view), _state(view), f"nothing of {view.env.region(Side.PRIMARY)}"
    readable = 0
    for name, tenant in _expected_names(view):
        content = contents.get(name)
        if content is None or (isinstance(content, Content) and content.failure):
            continue  # secrets.secret-exists and secrets.decryptable say so
        readable += 1
        if isinstance(content, HiddenSecret):
            yield view.unknown(name, wanted, content.unseen, tenant)
        elif regional := [field.name for field in content.fields if field.names_primary]:
            measured = f"named by {', '.join(regional)}"
            if reads_other_fields_alone(view, name, regional):
                reason = "no container reads it; a program that asks for the secret itself would get the lost region"
                remedy = "Let the DR region's programs take the host from their task definition's environment."
                yield view.warn(name, measured, wanted, reason, remedy, tenant)
                continue
            reason = "after a failover the tenant would connect to the lost region"
            remedy = (
                "Store a region-neutral name (a private zone's record in each region), or set the host in the DR "
                "task definition's environment."
            )
            yield view.gap(name, measured, wanted, reason, remedy, tenant)
        else:
            neutral = view.ok(name, "no regional name", wanted, "it is valid in either region", tenant)
            yield _rotation_finding(view, standing.get(name), tenant) or neutral
    if not readable:
        yield view.none_expected("all secrets", "none can be read: see secrets.decryptable")


def _rotation_finding(view: View, secret: Secret | None, tenant: str | None) -> Finding | None:
    """What is wrong with the function that rotates a secret of the DR region's own; None for nothing."""
    if secret is None or not secret.rotated_by or secret.replica_of:
        return None
    function, wanted = secret.rotated_by, f"rotated by a function of {view.region} that is there"
    reason = f"rotation fails once {arn_region(function)} is lost: the password stays as it is, and nothing reports it"
    if arn_region(function) == view.region:
        rows = view.get(readers_secretsmanager.rotation_functions, Side.DR)
        found = next((row for row in rows if isinstance(row, RotationFunction) and row.arn == function), None)
        if found is None:
            unseen = next((row for row in rows if isinstance(row, Unavailable)), "Its function was not looked up.")
            return view.unknown(secret.name, wanted, unseen, tenant)
        if found.exists:
            return None
        reason = "rotation fails each time: the password stays as it is, and nothing reports it"
    remedy = f"aws_secretsmanager_secret_rotation of '{secret.name}' in {view.region}: a rotation_lambda_arn of there."
    return view.gap(secret.name, f"rotated by {function}", wanted, reason, remedy, tenant)


@check("every secret has the same fields in both regions")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T18", "SecretRegionalFields", "REL13-BP04")
def same_fields(view: View) -> Iterator[Finding]:
    """The names of the fields, in any order: a field that only the primary has is a crash after a failover."""
    here, there = _contents(view, Side.PRIMARY), _contents(view)
    compared = 0
    for name, tenant in _expected_names(view):
        mine, theirs = there.get(name), here.get(name)
        if mine is None or theirs is None or _has_failure(mine) or _has_failure(theirs):
            continue  # secrets.secret-exists and secrets.decryptable say so
        compared += 1
        if not isinstance(mine, Content) or not isinstance(theirs, Content):
            yield view.unknown(
                name, "the same fields", _hidden_reason(mine if isinstance(mine, HiddenSecret) else theirs), tenant
            )
            continue
        names, wanted = {f.name for f in mine.fields}, {f.name for f in theirs.fields}
        if names == wanted:
            yield view.ok(name, "the same fields", "the same fields", "the container finds every field", tenant)
        else:
            reason = "a container that reads a missing field does not start"
            remedy = _replica_remedy(view, name)
            yield view.gap(name, ", ".join(sorted(names)), ", ".join(sorted(wanted)), reason, remedy, tenant)
    if not compared:
        yield view.none_expected("all secrets", _NONE)


@check("no policy of a secret in the DR region denies the operator's role what a run does with it")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T18", "REL13-BP04", "NIST CP-9", "NIST AC-6")
def admits_operator(view: View) -> Iterator[Finding]:
    """A run reads each tenant's secret and the master credentials, and writes one that leads to the primary region.

    A replica has the policy of its original. Source: Secrets Manager GetResourcePolicy.
    """
    standing, wanted = _state(view), "it denies the operator nothing"
    policies = {row.arn: row for row in view.get(secret_policies.policies) if isinstance(row, SecretPolicy)}
    unread = next((row for row in view.get(secret_policies.policies) if isinstance(row, Unavailable)), None)
    expected = [(standing[name], tenant) for name, tenant in _expected_names(view) if name in standing]
    for secret, tenant in expected:
        found = policies.get(secret.arn)
        if found is None and unread is None:
            continue  # what no task is started with and no rule names is no run's matter
        if found is None:
            yield view.unknown(secret.name, wanted, unread or "Its policy was not read.", tenant)
            continue
        answers = {action: denial_of(found.text, _of_operator(view, secret.arn, action)) for action in _OF_A_RUN}
        if denied := [action for action, answer in answers.items() if answer is PolicyAnswer.DENIED]:
            reason = "a run is refused in the middle: it can neither read the credentials nor lead them to this region"
            remedy = f"aws_secretsmanager_secret_policy of '{secret.name}': let {view.env.acting_role} through."
            yield view.gap(secret.name, f"denies {', '.join(denied)}", wanted, reason, remedy, tenant)
        elif PolicyAnswer.UNDECIDED in answers.values():
            reason = "It denies upon a condition that only AWS evaluates."
            yield view.undecided(secret.name, wanted, reason, f"the policy of {secret.name}", tenant)
        else:
            yield view.ok(secret.name, "denies it nothing", wanted, "a run reads and writes it", tenant)
    if not any(secret.arn in policies for secret, _ in expected) and unread is None:
        yield view.none_expected("all secrets", _NONE)


def _of_operator(view: View, arn: str, action: str) -> PolicyRequest:
    account, caller = view.env.account, view.env.acting_role_arn
    known = (
        ("aws:RequestedRegion", view.region),
        ("aws:PrincipalAccount", account),
        ("aws:PrincipalArn", caller),
        ("aws:ResourceAccount", account),
        ("aws:SecureTransport", "true"),
        *moment_keys(view.now),
    )
    return PolicyRequest((caller, f"arn:aws:iam::{account}:root"), action, arn, known)


def _has_failure(content: Content | HiddenSecret) -> bool:
    return isinstance(content, Content) and bool(content.failure)


@lag_source(SECRETS)
def secrets(view: View) -> Iterator[Lag]:
    """How long ago a change was made that a replica does not have yet; 0 where the versions agree."""
    if not view.env.replicates:
        return
    here, there = _state(view, Side.PRIMARY), _state(view)
    for name, tenant in _expected_names(view):
        if name not in here:
            yield Lag(SECRETS.id, name, tenant, Side.DR, None, "not in the primary region")
        elif name not in there:
            yield Lag(SECRETS.id, name, tenant, Side.DR, None, "no copy in the DR region", missing=True)
        elif here[name].current_version == there[name].current_version:
            yield Lag(SECRETS.id, name, tenant, Side.DR, 0.0, "Secrets Manager replica, same current version")
        elif not there[name].replica_of and (status := _values(view, name, tenant).status) is not Status.FAIL:
            alike = status is Status.PASS
            basis = "a secret of its own in each region, " + ("same values" if alike else "values that are not seen")
            yield Lag(SECRETS.id, name, tenant, Side.DR, 0.0 if alike else None, basis)
        else:
            changed = here[name].changed_at
            late = (view.now - changed).total_seconds() if changed else None
            yield Lag(SECRETS.id, name, tenant, Side.DR, late, "the DR region has an older version")
