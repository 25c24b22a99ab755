"""Checks of KMS: keys of files, objects, tables and secrets are usable in the DR region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_checks.core.model import PRIMARY_ONLY, Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived import key_users
from dr_checks.derived.key_users import ENDS, ending, material_again, usable_again
from dr_estate.config.environment import Side
from dr_estate.iam.key_uses import KeyRefusal
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.model import states
from dr_estate.model.stores import SECRETS, STORES
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import kms
from dr_estate.readers.kms import KmsKey

_NONE = "nothing here is encrypted under a customer key"
_OPENS = "Enabled, in its own region"
_NO_START = "Fargate starts no task of the cluster, for it cannot encrypt what the task stores"


def _seen_keys(view: View, side: Side) -> list[KmsKey]:
    return [key for key in view.get(kms.keys, side) if isinstance(key, KmsKey)]


def _unseen_findings(view: View, wanted: str, *sides: Side) -> list[Finding]:
    """What of the keys of ``sides`` could not be seen: those keys are not known to be fine."""
    dark = {key for side in sides for key in view.get(kms.keys, side) if isinstance(key, Unavailable)}
    return [view.unknown("a key", wanted, unavailable) for unavailable in _in_order(dark)]


def _in_order(unavailable: set[Unavailable]) -> list[Unavailable]:
    return sorted(unavailable, key=lambda entry: (entry.why, entry.part))


def _usable(
    view: View, reason: str, beside: Sequence[KmsKey | Unavailable] = (), by_services: bool = False
) -> Iterator[Finding]:
    """What is found of each key's state; ``by_services``: of what its policy denies to services too."""
    found = (*view.get(kms.keys), *beside)
    for key in found:
        if isinstance(key, Unavailable):
            yield view.unknown("a key", _OPENS, key)
        elif not states.KEY[key.state].known:
            yield view.undocumented(key.ref, _OPENS, key.state)
        elif states.KEY[key.state].serves and (until := ending(view, key.material_until)):
            yield view.warn(key.ref, f"{key.state} {until}", _OPENS, ENDS, material_again(view.region, key.arn))
        elif by_services and (denial := _denial(view, key)):
            lost = "a failback can write nothing under it" if ":role/" in denial.user else reason
            yield key_users.refusal_finding(view, key.ref, key.arn, denial, f"{lost} ({', '.join(key.uses)})")
        elif states.KEY[key.state].serves:
            yield view.ok(key.ref, key.state, _OPENS, f"it decrypts the {' and '.join(key.uses)}")
        else:
            when = f" on {key.deletion_at:%Y-%m-%d}" if key.deletion_at else ""
            lost = _NO_START if kms.TASKS in key.uses else reason
            yield view.gap(key.ref, key.state + when, _OPENS, f"{lost} ({', '.join(key.uses)})", _remedy(view, key))
    if not found:
        yield view.none_expected("all keys", _NONE)


def _denial(view: View, key: KmsKey) -> KeyRefusal | None:
    """The right that a key's policy surely denies to a service which holds a grant of it, or to the operator's role."""
    if not (key.arn and states.KEY[key.state].serves):
        return None
    uses = (*key_users.uses_of(view, key), *key_users.uses_by_operator(view, key))
    found = key_users.refusal(key.policy, uses)
    return found if found and found.answer is PolicyAnswer.DENIED else None


def _of_replicas(view: View) -> Sequence[KmsKey | Unavailable]:
    """The keys of replicated objects that encrypt nothing else; none where that part was not asked for."""
    # A key of replicated objects that encrypts more is judged with the rest: it stands once.
    known = {key.arn for key in _seen_keys(view, view.side) if key.arn}
    try:
        found = view.get(kms.replica_keys)
    except DataUnavailable as unseen:
        return [] if unseen.unavailable.kind is UnavailableKind.UNSUPPORTED else [unseen.unavailable]
    return [key for key in found if isinstance(key, Unavailable) or key.arn not in known]


def _remedy(view: View, key: KmsKey) -> Remedy:
    if states.KEY[key.state].gone:
        again = f"Encrypt again under a key of {view.region}: aws_kms_key and aws_kms_alias with its provider."
        return Remedy(again)
    return usable_again(view.region, key.arn, key.state)


@check("every KMS key that encrypts data in the DR region is enabled there")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite(
    "T19",
    "KmsKeyUsableInRegion",
    "KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
    "kms_cmk_not_deleted_unintentionally",
    "REL09-BP02",
    "NIST SC-12",
    "SOC2 A1.2",
)
def key_usable(view: View) -> Iterator[Finding]:
    """A state that decrypts, in the DR region; a copy whose key does not work cannot be opened by anybody (T19).

    A task does not start without the key of its storage, and key material that expires takes the key with it. Sources:
    ECS Developer Guide, "Customer managed keys for AWS Fargate ephemeral storage"; KMS API, KeyMetadata (ValidTo).
    """
    yield from _usable(view, "a copy under this key cannot be decrypted", _of_replicas(view))


@check("the policy of each KMS key in use in the DR region admits the services of AWS that use it")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T19", "KmsKeyUsableInRegion", "REL13-BP04", "NIST CP-7", "NIST SC-12")
def services_admitted(view: View) -> Iterator[Finding]:
    """EFS, ECR and DynamoDB use a key by a grant, over which a deny of its policy wins; Fargate by the policy alone.

    Uses by roles are judged with the roles: roles.tasks-allowed, copy-roles.may-copy, rds-copy.key-usable.
    """
    judged = False
    for key in _seen_keys(view, view.side):
        # A key that does not work admits nobody, which kms.key-usable says already.
        uses = list(key_users.uses_of(view, key)) if key.arn and states.KEY[key.state].serves else []
        judged = judged or bool(uses)
        if uses and isinstance(key.admits, Unavailable):
            yield view.unknown(key.ref, "admits what uses it", key.admits)
        elif found := key_users.refusal(key.policy, uses):
            reason = f"what lies under it cannot be opened ({', '.join(key.uses)}), though the key is {key.state}"
            yield key_users.refusal_finding(view, key.ref, key.arn, found, reason)
        elif uses:
            who = ", ".join(sorted({use.user for use in uses}))
            yield view.ok(key.ref, "refuses none", f"admits {who}", f"it serves the {' and '.join(key.uses)}")
    dark = _unseen_findings(view, "admits what uses it", view.side)
    yield from dark
    if not judged and not dark:
        yield view.none_expected("all keys", _NONE)


@check(
    "every KMS key that encrypts the source data in the primary region is enabled, and denies no service that uses it"
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, PRIMARY_ONLY)
@cite(
    "T19",
    "KmsKeyUsableInRegion",
    "KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
    "kms_cmk_not_deleted_unintentionally",
    "NIST SC-12",
)
def source_key_usable(view: View) -> Iterator[Finding]:
    """A source key that stops working stops the replication of what is under it, and there is nothing to return to.

    RDS ends a database whose key it cannot use, and a backup under such a key cannot be copied. A deny of the key's
    policy wins over the grants by which RDS, EFS and DynamoDB use it. Source: RDS User Guide, "Encrypting Amazon RDS
    resources"; AWS Backup guide, "Encryption for backups"; KMS Developer Guide, "Grants in AWS KMS".
    """
    yield from _usable(view, "source data under this key can be neither read nor replicated", by_services=True)


@check("every multi-Region key in use has its related key in the other region")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, applies=if_replicated)
@cite("T19", "KmsKeyUsableInRegion", "kms_cmk_not_multi_region", "REL13-BP04", "NIST SC-12")
def related_key(view: View) -> Iterator[Finding]:
    """MultiRegionConfiguration of the primary's keys lists the DR region.

    Prowler's kms_cmk_not_multi_region calls such keys a fault; recovery in another region needs them (T19).
    """
    dark = _unseen_findings(view, "its related key", Side.PRIMARY)
    # What is encrypted again on its way into the DR region needs no key of both regions.
    again = {kms.BACKUPS, *(store.id for store in STORES if store.reencrypted)}
    mine = [key for key in _seen_keys(view, Side.PRIMARY) if key.multi_region and not again.issuperset(key.uses)]
    yield from dark
    for key in mine:
        measured, wanted = ", ".join(key.related_regions), f"{view.region} among them"
        if view.region in key.related_regions:
            yield view.ok(key.ref, measured, wanted, f"the {' and '.join(key.uses)} can be decrypted in both regions")
        else:
            reason = "client-side encrypted data cannot be decrypted in the DR region"
            remedy = Remedy(
                f"Replicate the key to {view.region} (aws_kms_replica_key).",
                (view.command("kms", "ReplicateKey", Side.PRIMARY, KeyId=key.arn, ReplicaRegion=view.region),),
            )
            yield view.gap(key.ref, measured or "no replica", wanted, reason, remedy)
    if not mine and not dark:
        yield view.none_expected("all keys", "no multi-Region key is in use")


@check("the KMS keys of the DR region grant the access that the primary region's keys grant")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=if_replicated)
@cite("T19", "KmsKeyUsableInRegion", "REL13-BP04", "NIST CP-7", "NIST SC-12")
def policy_parity(view: View) -> Iterator[Finding]:
    """Key policies are not shared, not even by multi-Region keys: who may use a key is compared noun by noun (T19)."""
    here, there = _by_noun(view, Side.PRIMARY), _by_noun(view)
    dark_keys = _unseen_findings(view, "policies alike", Side.PRIMARY, Side.DR)
    yield from dark_keys
    for noun in sorted(here.keys() & there.keys()):
        admitted = {who for key in here[noun] if not isinstance(key.admits, Unavailable) for who in key.admits}
        dark = {key.admits for key in (*here[noun], *there[noun]) if isinstance(key.admits, Unavailable)}
        for unavailable in _in_order(dark):
            yield view.unknown(noun, "policies alike", unavailable)
        for key in there[noun]:
            if not isinstance(key.admits, Unavailable):
                denial = _denial(view, key) if noun == SECRETS.id else None
                reason = "a failover writes no secret under it"
                denied = (
                    key_users.refusal_finding(view, f"{noun}: {key.ref}", key.arn, denial, reason) if denial else None
                )
                yield denied or _admission_finding(view, noun, key, admitted)
    if not here.keys() & there.keys() and not dark_keys:
        yield view.none_expected("all keys", _NONE + " on both sides")


def _by_noun(view: View, side: Side = Side.DR) -> dict[str, list[KmsKey]]:
    found: dict[str, list[KmsKey]] = {}
    for key in _seen_keys(view, side):
        # A key of another region has its policy there: it cannot be compared from here.
        for noun in key.uses if key.arn and key.state != "elsewhere" else ():
            found.setdefault(noun, []).append(key)
    return found


def _admission_finding(view: View, noun: str, key: KmsKey, admitted: set[str]) -> Finding:
    mine = () if isinstance(key.admits, Unavailable) else key.admits
    missing, wanted = sorted(admitted - set(mine)), ", ".join(sorted(admitted))
    subject, measured = f"{noun}: {key.ref}", ", ".join(mine) or "nobody"
    remedy = f"aws_kms_key {key.arn} in {view.region}: policy as the primary's."
    if not missing:
        return view.ok(subject, measured, wanted, "everyone who may read the source data may read the copies")
    # A policy that admits the account leaves it to IAM: who is missing there may be let in by a policy of their own.
    if kms.ACCOUNT in mine:
        reason = f"{', '.join(missing)} is allowed by IAM policies only here, if at all"
        return view.warn(subject, measured, wanted, reason, remedy)
    return view.gap(subject, measured, wanted, f"{', '.join(missing)} would be refused in the DR region", remedy)
