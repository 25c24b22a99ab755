"""Keys by plain boto3: who copies, restores and logs under a key is kept out by its policy, and `status` reports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_estate.config.environment import Side, load_environment
from tests.proofs.changes import Aws
from tests.proofs.fault import iam_of, policy_of
from tests.proofs.faults_of_keys import deny, logs_under_key, say
from tests.proofs.watching import Watch, judged, not_passed, watch
from tests.utils.running import ROOT
from tests.worlds import borrowed

pytestmark = pytest.mark.proof
BEFORE = "before the key changes"
COPY, RESTORE, LOGS = "copy-roles.may-copy", "copy-roles.may-restore", "logs.keys-usable"
PARITY, SOURCE = "kms.policy-parity", "kms.source-key-usable"
_ADMIN = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::{account}:role/key-administrator"},
    "Action": "kms:*",
    "Resource": "*",
}
_ROOT = {**_ADMIN, "Principal": {"AWS": "arn:aws:iam::{account}:root"}, "Action": "kms:*"}


def _key(
    side: Side, *statements: dict[str, Any], whole: bool = False, named: str = "backup"
) -> Callable[[Aws], object]:
    """Let the vault's key, or the one ``named`` so, say more, or this alone."""

    def make(aws: Aws) -> object:
        kms = aws.client("kms", side)
        key = kms.describe_key(KeyId=f"alias/{aws.env.name}-{named}")["KeyMetadata"]["Arn"]
        return say(aws, kms, key, *statements, whole=whole)

    return make


def _vault_denies(side: Side, who: str, *actions: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        name = aws.env.named(aws.env.names.primary_vault if side is Side.PRIMARY else aws.env.names.dr_vault)
        text = policy_of(deny(who, *actions)).replace("{account}", aws.env.account)
        backup = aws.client("backup", side)
        return backup.put_backup_vault_access_policy(BackupVaultName=name, Policy=text)

    return make


def _role_may_not(action: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        denied = policy_of({"Effect": "Deny", "Action": action, "Resource": "*"})
        role = f"{aws.env.name}-backup-role"
        return iam_of(aws).put_role_policy(RoleName=role, PolicyName="closed", PolicyDocument=denied)

    return make


_BACKUP, _NOBODY = "arn:aws:iam::{account}:role/sit-backup-role", "arn:aws:iam::{account}:role/nobody"
_BY_BACKUP = {**_ADMIN, "Principal": {"AWS": _BACKUP}}
FAULTS: dict[str, tuple[Callable[[Aws], object], set[str]]] = {
    "DR vault's key denies the role": (_key(Side.DR, deny(_BACKUP, "kms:Decrypt")), {COPY, RESTORE}),
    "DR vault's key denies grants to all": (_key(Side.DR, deny("*", "kms:CreateGrant")), {COPY, RESTORE}),
    "DR vault's key is an administrator's": (
        _key(Side.DR, _ADMIN, {**_ROOT, "Action": ["kms:Describe*", "kms:Get*"]}, whole=True),
        {COPY, RESTORE},
    ),
    "primary vault's key denies the role": (_key(Side.PRIMARY, deny(_BACKUP, "kms:Decrypt")), {COPY}),
    "primary vault denies backups": (_vault_denies(Side.PRIMARY, "*", "backup:StartBackupJob"), {COPY}),
    "primary vault denies copies": (_vault_denies(Side.PRIMARY, _BACKUP, "backup:StartCopyJob"), {COPY}),
    "DR vault denies copies": (_vault_denies(Side.DR, _BACKUP, "backup:CopyIntoBackupVault"), {COPY}),
    "DR vault denies backups": (_vault_denies(Side.DR, "*", "backup:StartBackupJob"), {RESTORE}),
    "secrets' key denies data keys": (_key(Side.DR, deny("*", "kms:GenerateDataKey"), named="secrets"), {PARITY}),
    "primary secrets' key denies data keys": (
        _key(Side.PRIMARY, deny("*", "kms:GenerateDataKey"), named="secrets"),
        {SOURCE},
    ),
    "primary database's key denies grants": (
        _key(Side.PRIMARY, deny("*", "kms:CreateGrant"), named="rds"),
        {SOURCE},
    ),
    "the role may ask for no grant": (_role_may_not("kms:CreateGrant"), {COPY, RESTORE}),
    "the logs' key is closed to logs": (
        logs_under_key(lambda aws, kms, key: say(aws, kms, key, _ROOT, whole=True)),
        {LOGS},
    ),
    "the logs' key is disabled": (logs_under_key(lambda _, kms, key: kms.disable_key(KeyId=key)), {LOGS}),
}
HARMLESS: dict[str, Callable[[Aws], object]] = {
    "DR vault's key denies another role": _key(Side.DR, deny(_NOBODY, "kms:*")),
    "DR vault's key denies its deletion": _key(Side.DR, deny("*", "kms:ScheduleKeyDeletion")),
    "DR vault's key denies other accounts": _key(
        Side.DR, deny("*", "kms:*", StringNotEquals={"kms:CallerAccount": "{account}"})
    ),
    "primary vault denies another role": _vault_denies(Side.PRIMARY, _NOBODY, "backup:*"),
    "secrets' key denies another role": _key(Side.DR, deny(_NOBODY, "kms:GenerateDataKey"), named="secrets"),
    "primary database's key denies its deletion": _key(Side.PRIMARY, deny("*", "kms:ScheduleKeyDeletion"), named="rds"),
    "DR vault denies deletion": _vault_denies(Side.DR, "*", "backup:DeleteRecoveryPoint"),
    "primary vault's key denies another role": _key(Side.PRIMARY, deny(_NOBODY, "kms:*")),
    "logs under a key": logs_under_key(),
}


@pytest.fixture(scope="module")
def sit() -> Iterator[Watch]:
    env = load_environment(ROOT / "environments", "sit")
    with borrowed(env, 1) as world:
        world.keep(BEFORE)
        yield watch(world, env)


def _after(sit: Watch, change: Callable[[Aws], object]) -> dict[str, Status]:
    world = sit.world
    sit.renew()
    try:
        change(Aws(world.url, world.people["admin"], sit.environment, world.state()["tenants"][-1]))
        return not_passed(judged(sit.again({"kms", "logs", "iam", "backup"}), sit.environment))
    finally:
        world.return_to(BEFORE)


@pytest.mark.parametrize("name", FAULTS)
def test_a_key_that_keeps_its_user_out_is_a_failure(name: str, sit: Watch) -> None:
    change, wanted = FAULTS[name]
    red = _after(sit, change)
    assert {check for check, status in red.items() if status is Status.FAIL} >= wanted, red


@pytest.mark.parametrize("name", HARMLESS)
def test_what_keeps_nobody_out_that_uses_the_key_turns_no_check(name: str, sit: Watch) -> None:
    assert _after(sit, HARMLESS[name]) == {}


def test_a_copy_under_a_key_that_is_closed_to_its_role_fails(sit: Watch) -> None:
    world, env = sit.world, sit.environment
    aws = Aws(world.url, world.people["admin"], env, world.state()["tenants"][-1])
    backup, vault = aws.client("backup", Side.PRIMARY), env.named(env.names.primary_vault)
    try:
        point = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"][0]
        target = f"arn:aws:backup:{env.regions.dr}:{env.account}:backup-vault:{env.named(env.names.dr_vault)}"
        copy = {
            "RecoveryPointArn": point["RecoveryPointArn"],
            "SourceBackupVaultName": vault,
            "DestinationBackupVaultArn": target,
            "IamRoleArn": f"arn:aws:iam::{env.account}:role/{env.name}-backup-role",
        }
        before = backup.start_copy_job(**copy)["CopyJobId"]
        _key(Side.DR, deny(_BACKUP, "kms:Decrypt"))(aws)
        after = backup.start_copy_job(**copy)["CopyJobId"]
        world.age(7200)
        states = [backup.describe_copy_job(CopyJobId=job)["CopyJob"]["State"] for job in (before, after)]
        assert states == ["COMPLETED", "FAILED"]
    finally:
        world.return_to(BEFORE)
