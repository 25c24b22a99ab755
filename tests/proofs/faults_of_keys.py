"""Faults of what a key's own policy says to the services of AWS that use it: EFS, ECR, Fargate and CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, files_of, policy_of, role_named
from tests.proofs.faults_made_again import encrypted_images, stored_under

_VIA, _AWS = "kms:ViaService", "aws:PrincipalIsAWSService"
_FOREIGN = {"aws:PrincipalOrgID": "o-elsewhere"}
Statement = dict[str, Any]


def _said(aws: Aws, *statements: Statement) -> list[Statement]:
    text = json.dumps(statements).replace("{dr}", aws.env.regions.dr).replace("{account}", aws.env.account)
    text = text.replace("{cluster}", aws.named(aws.env.names.cluster)).replace("{task}", role_named(aws, "task"))
    found: list[Statement] = json.loads(text)
    return found


def say(aws: Aws, kms: Any, key: str, *statements: Statement, whole: bool = False) -> object:
    """Add statements to a key's policy, or make them the ``whole`` of it."""
    before = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
    statement = policy_of(*([] if whole else before), *_said(aws, *statements))
    return kms.put_key_policy(KeyId=key, PolicyName="default", Policy=statement)


def deny(who: str, *actions: str, **condition: Mapping[str, str]) -> Statement:
    """A statement that denies a service, a role or everybody."""
    kind = "Service" if who.endswith(".amazonaws.com") else "AWS"
    principal: Any = "*" if who == "*" else {kind: who}
    statement = {"Effect": "Deny", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def allow(service: str, *actions: str, **condition: Mapping[str, str]) -> Statement:
    """A statement that admits a service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def _files_key(*statements: Statement, whole: bool = False) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        efs, name = files_of(aws)
        key = efs.describe_file_systems(FileSystemId=name)["FileSystems"][0]["KmsKeyId"]
        return say(aws, aws.client("kms", Side.DR), key, *statements, whole=whole)

    return make


def _images_key(*statements: Statement) -> Callable[[Aws], object]:
    return lambda aws: encrypted_images(lambda kms, key: say(aws, kms, key, *statements))(aws)


def _storage_key(*statements: Statement) -> Callable[[Aws], object]:
    return lambda aws: stored_under(lambda kms, key: say(aws, kms, key, *statements))(aws)


def logs_under_key(then: Callable[[Any, Any, str], object] | None = None) -> Callable[[Aws], object]:
    """Let the tenant's log group of the DR region encrypt under a key that admits it, and do ``then`` to the key."""

    def make(aws: Aws) -> object:
        kms, logs = aws.client("kms", Side.DR), aws.client("logs", Side.DR)
        key = kms.create_key()["KeyMetadata"]["Arn"]
        say(aws, kms, key, allow(f"logs.{aws.env.regions.dr}.amazonaws.com", "kms:*"))
        logs.associate_kms_key(logGroupName=aws.named(aws.env.names.log_group), kmsKeyId=key)
        return then(aws, kms, key) if then else None

    return make


_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
_ADMIN = {**_ROOT, "Principal": {"AWS": "arn:aws:iam::{account}:role/key-administrator"}}
_EFS, _ECR, _FARGATE = "elasticfilesystem.amazonaws.com", "ecr.amazonaws.com", "fargate.amazonaws.com"
_OF_EFS, _STORE = "elasticfilesystem.{dr}.amazonaws.com", ("kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")
_CLUSTER = "kms:EncryptionContext:aws:ecs:clusterName"

_FILES: dict[str, Callable[[Aws], object]] = {
    "files key denies EFS": _files_key(deny(_EFS, "kms:Decrypt")),
    "files key denies all that is encrypted": _files_key(deny("*", "kms:Decrypt", "kms:GenerateDataKey*")),
    "files key denies by EFS": _files_key(deny("*", "kms:Decrypt", StringEquals={_VIA: _OF_EFS})),
    "files key denies by other services": _files_key(deny("*", "kms:Decrypt", StringNotEquals={_VIA: _OF_EFS})),
    "files key denies another service": _files_key(deny(_ECR, "kms:Decrypt")),
    "files key denies the task role": _files_key(deny("arn:aws:iam::{account}:role/{task}", "kms:Decrypt")),
    "files key denies deletion": _files_key(deny("*", "kms:ScheduleKeyDeletion", "kms:DisableKey")),
    "files key denies people": _files_key(deny("*", "kms:Decrypt", Bool={_AWS: "false"})),
    "files key denies strangers but AWS": _files_key(
        deny("*", "kms:*", StringNotEquals=_FOREIGN, Bool={_AWS: "false"})
    ),
    "files key of administrator": _files_key(_ADMIN, whole=True),
}
_IMAGES: dict[str, Callable[[Aws], object]] = {
    "images key denies all": _images_key(deny("*", "kms:Decrypt")),
    "images key denies ECR": _images_key(deny(_ECR, "kms:Decrypt")),
    "images key denies EFS": _images_key(deny(_EFS, "kms:Decrypt")),
}
_TASKS: dict[str, Callable[[Aws], object]] = {
    "storage key of the account alone": _storage_key(),
    "storage key admits Fargate": _storage_key(allow(_FARGATE, *_STORE)),
    "storage key admits the cluster": _storage_key(allow(_FARGATE, *_STORE, StringEquals={_CLUSTER: "{cluster}"})),
    "storage key admits another cluster": _storage_key(allow(_FARGATE, *_STORE, StringEquals={_CLUSTER: "other"})),
    "storage key admits no grant": _storage_key(allow(_FARGATE, *_STORE[:1])),
    "storage key denies Fargate": _storage_key(allow(_FARGATE, *_STORE), deny(_FARGATE, "kms:CreateGrant")),
}
_LOGS: dict[str, Callable[[Aws], object]] = {
    "logs under a key": logs_under_key(),
    "logs key disabled": logs_under_key(lambda _, kms, key: kms.disable_key(KeyId=key)),
    "logs key closed": logs_under_key(lambda aws, kms, key: say(aws, kms, key, _ROOT, whole=True)),
}
KEYS = (
    *(Fault(name, NeedKind.FILES_KEY, ("efs", "kms"), make) for name, make in _FILES.items()),
    *(Fault(name, NeedKind.IMAGE_KEY, ("ecr", "kms"), make) for name, make in _IMAGES.items()),
    *(Fault(name, NeedKind.STORAGE_KEY, ("ecs", "kms"), make) for name, make in _TASKS.items()),
    *(Fault(name, NeedKind.LOG_GROUP, ("logs", "kms"), make) for name, make in _LOGS.items()),
)
