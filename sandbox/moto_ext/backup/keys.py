"""What AWS Backup does with the keys of vaults in the name of a role (AWS: encryption for backups in AWS Backup).

It asks for a grant, for which the role needs IAM and the key's policy, and opens the key by that grant: of this only
the key's own policy can keep it.
"""

from __future__ import annotations

from moto.kms.models import KmsBackend, kms_backends

from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest
from sandbox.moto_ext.iam.role_access import may_use_key, opens, role_of, said_to

GRANT, OPEN = ("kms:CreateGrant", "kms:DescribeKey"), ("kms:Decrypt", "kms:GenerateDataKey")


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
