"""The services of AWS that use the keys of the DR region, by what is encrypted under them. Pure.

Sources: EFS User Guide, "Encrypting data at rest"; ECR User Guide, "Encryption at rest"; DynamoDB Developer Guide,
"DynamoDB encryption at rest"; ECS Developer Guide, "Create an encryption key for Fargate ephemeral storage";
CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from dr_checks.core.model import Finding, Remedy, View
from dr_checks.derived.pairing import clusters
from dr_estate.iam.key_uses import KeyRefusal, KeyUse, by_role, by_service, refusal_of
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.model.invocation import aws_command
from dr_estate.model.stores import DATABASE, SECRETS, STORES
from dr_estate.readers import kms

# What makes a KMS key usable again, by its state, or keeps it so. Pure.
#
# Source: KMS Developer Guide, "Key states of KMS keys", "Setting an expiration time".

_DOOMED = frozenset({"PendingDeletion", "PendingReplicaDeletion"})
_EMPTY, _DISCONNECTED = "PendingImport", "Unavailable"
ENDS = "KMS then deletes the key material, and what is encrypted under the key is opened by nobody"


def ending(view: View, until: datetime | None) -> str:
    """Until when imported key material is there, where that ends as soon as a certificate may; "" else."""
    soon = until is not None and until - view.now < timedelta(days=view.env.thresholds.certificate_days)
    return f"until {until:%Y-%m-%d}" if until is not None and soon else ""


def material_again(region: str, arn: str) -> Remedy:
    """The remedy of a key whose material expires."""
    return Remedy(
        f"Import the same key material of {arn} in {region} again, with a later ValidTo or none: "
        "get-parameters-for-import, then import-key-material."
    )


def usable_again(region: str, arn: str, state: str) -> Remedy:
    """The remedy of a key in a state in which it does not decrypt."""
    # Before EnableKey, which KMS refuses for a key without material.
    if state == _EMPTY:
        sentence = (
            f"Import the key material of {arn} in {region} again, the same as before: get-parameters-for-import, then "
            "import-key-material. AWS has no copy of it, and enable-key is refused until then."
        )
        return Remedy(sentence)
    if state == _DISCONNECTED:
        return Remedy(f"Connect the custom key store of {arn} in {region} (connect-custom-key-store).")
    enable = aws_command("kms", "EnableKey", region, KeyId=arn)
    # Two commands: CancelKeyDeletion leaves the key Disabled (API_CancelKeyDeletion).
    if state in _DOOMED:  # once that is cancelled the key is disabled
        cancel = aws_command("kms", "CancelKeyDeletion", region, KeyId=arn)
        return Remedy("Cancel the deletion of the key, then enable it.", (cancel, enable))
    return Remedy(f"Enable the key in {region}.", (enable,))


_READS, _LOGS = ("kms:Decrypt",), ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
_FARGATE = ("kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")
# Services that were given a grant when the resource was made.
_BY_GRANT = {**{store.id: store.key_grant for store in STORES if store.key_grant}, kms.CONTROL: "dynamodb"}


def uses_of(view: View, key: kms.KmsKey) -> Iterator[KeyUse]:
    """The uses of the key by services, without those by roles of the account, which the checks of the roles judge."""
    account, now = view.env.account, view.now
    for noun in key.uses:
        if noun in _BY_GRANT:
            yield by_service(_BY_GRANT[noun], account, key.arn, _READS, now, by_grant=True)
        elif noun == kms.TASKS:
            for name in _clusters_of(view, key):
                of_cluster = (
                    ("kms:EncryptionContext:aws:ecs:clusterAccount", account),
                    ("kms:EncryptionContext:aws:ecs:clusterName", name),
                    ("kms:GrantOperations", "Decrypt"),
                )
                yield by_service("fargate", account, key.arn, _FARGATE, now, of_cluster)


def _clusters_of(view: View, key: kms.KmsKey) -> Iterable[str]:
    """The clusters whose tasks store under the key."""
    names = view.env.clusters
    return names if len(names) == 1 else [row.name for row in clusters(view) if row.storage_key == key.ref]


def uses_by_operator(view: View, key: kms.KmsKey) -> Iterator[KeyUse]:
    """What the operator's role does with the key through services, where a run writes under it.

    Secrets are written under theirs (Secrets Manager User Guide, "Secret encryption and decryption"); a database is
    created under its own by a grant (RDS User Guide, "Encrypting Amazon RDS resources").
    """
    account, role = view.env.account, view.env.acting_role_arn
    writes = {SECRETS.id: ("secretsmanager", "kms:GenerateDataKey"), DATABASE.id: ("rds", "kms:CreateGrant")}
    for service, action in (writes[noun] for noun in key.uses if noun in writes):
        yield by_role(role, account, key.arn, service, (action,), view.now)


def use_by_logs(view: View, arn: str, group: str) -> KeyUse:
    """The use of the key ``arn`` by CloudWatch Logs, for one log group."""
    account, region = view.env.account, view.region
    of_group = ("kms:EncryptionContext:aws:logs:arn", f"arn:aws:logs:{region}:{account}:log-group:{group}")
    return by_service(f"logs.{region}", account, arn, _LOGS, view.now, (of_group,))


def refusal(policy: str, uses: Iterable[KeyUse]) -> KeyRefusal | None:
    """The first refusal of ``uses`` by a key's policy, what is certain before what is not. Raises DataUnavailable."""
    found = [refused for use in uses if (refused := refusal_of(policy, use))]
    # A certain refusal goes first: behind an undecided one it would be reported as unknown.
    return min(found, key=lambda refused: refused.answer is PolicyAnswer.UNDECIDED, default=None)


def refusal_finding(view: View, subject: str, key: str, found: KeyRefusal, reason: str) -> Finding:
    """What is found of a key whose policy keeps a user out, or may do so."""
    wanted, who = f"admits {found.user}", f"{found.user}: {found.action}"
    if found.answer is PolicyAnswer.UNDECIDED:
        why = f"The policy of the key lets {who} or not by conditions that only AWS evaluates."
        return view.undecided(subject, wanted, why, f"the policy of {key}")
    if found.answer is PolicyAnswer.DENIED:
        remedy = f"Take the Deny of {found.action} to {found.user} out of the policy of {key} in {view.region}."
    else:
        remedy = f"aws_kms_key {key} in {view.region}: a policy that allows {found.user} {found.action}."
    return view.gap(subject, f"{who}: {found.answer}", wanted, reason, remedy)
