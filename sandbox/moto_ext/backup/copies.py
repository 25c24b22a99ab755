"""How AWS Backup copies a recovery point into another vault, and what it does with the keys of vaults in a role's name.

It asks for a grant, for which the role needs IAM and the key's policy, and opens the key by that grant: of this only
the key's own policy can keep it. Source: AWS: recov-point-create-a-copy; encryption for backups in AWS Backup; T25.
"""

from __future__ import annotations

from typing import Any

from moto.backup.models import BackupBackend, Vault
from moto.kms.models import KmsBackend, kms_backends

from sandbox.core import truth
from sandbox.moto_ext.backup.model import BackupPoint, SimulatedJob, jobs, point_arn, points
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest
from sandbox.moto_ext.iam.role_access import may_use_key, opens, role_of, said_to

GRANT, OPEN = ("kms:CreateGrant", "kms:DescribeKey"), ("kms:Decrypt", "kms:GenerateDataKey")


def copy_of(
    source: BackupBackend, target: BackupBackend, vault: Vault | None, point: BackupPoint, how: dict[str, Any]
) -> SimulatedJob:
    """Copy a point into a vault of another (or the same) region; the job stands in the source region.

    ``how``: id, begins, ends, lifecycle, failure ("" when it works) and target_arn.
    """
    # From the source's ARN: whenever the same run is played the copy has the same ARN.
    copy_arn = point_arn(target, point.resource.kind, f"{how['id']}:{point.arn}")
    answer = {
        "SourceBackupVaultArn": point.vault.backup_vault_arn,
        "SourceRecoveryPointArn": point.arn,
        "DestinationBackupVaultArn": how["target_arn"],
        "DestinationRecoveryPointArn": None if how["failure"] else copy_arn,
        "ResourceArn": point.resource.arn,
        "IamRoleArn": point.role,
        "CreatedBy": point.by,
        "AccountId": source.account_id,
    }
    region = source.region_name
    job = SimulatedJob(how["id"], how["begins"], how["ends"], region, point.resource, answer, how["failure"])
    jobs(source, "copy")[job.id] = job
    if vault is not None and not how["failure"]:
        points(target)[copy_arn] = BackupPoint(
            copy_arn,
            vault,
            point.resource,
            # Of the source region: a copy is complete when that region's
            # work has gone so far, and stands still with it.
            region,
            point.created if truth.answer("backup.copy-keeps-creation-date") else how["begins"],
            how["ends"],
            point.role,
            point.by,
            how["lifecycle"],
            point.vault.backup_vault_arn,
        )
    return job


def key_fault(account: str, role: str, *keys: str) -> str:
    """Why a job in the name of ``role`` fails at one of the ``keys``, "" where it does not, or no such role is made."""
    # Plain programs name any ARN as role: nothing is judged where no such role was made.
    if role_of(account, role) is None:
        return ""
    return next((reason for key in keys if key.startswith("arn:") and (reason := _key_fault(account, role, key))), "")


def _key_fault(account: str, role: str, key: str) -> str:
    region = key.split(":")[3]
    if not opens(account, region, key):
        return f"The key {key} is disabled, pending deletion or missing."
    known = {
        "aws:RequestedRegion": (region,),
        "aws:PrincipalArn": (role,),
        "aws:PrincipalAccount": (account,),
        "aws:SecureTransport": ("true",),
        "kms:CallerAccount": (account,),
        # AWS Backup calls KMS in the role's name: policies see the service by this key (KMS guide, kms:ViaService).
        "kms:ViaService": (f"backup.{region}.amazonaws.com",),
        # Key policies allow CreateGrant under this condition alone, as AWS's own examples do.
        "kms:GrantIsForAWSResource": ("true",),
    }
    kms: KmsBackend = kms_backends[account][region]
    policy = kms.keys[kms.any_id_to_key_id(key)].policy
    principals = (role, f"arn:aws:iam::{account}:root")
    for action in GRANT:
        if not may_use_key(account, region, role, AccessRequest(action, key, known), key):
            return f"Access denied to call {action} on {key} as {role}."
    # By the grant, for which only the key's own policy can say no: the role's policies are not asked.
    for action in OPEN:
        if said_to(policy, principals, AccessRequest(action, key, known)) != ALLOWED:
            return f"Access denied to call {action} on {key} as {role}."
    return ""
