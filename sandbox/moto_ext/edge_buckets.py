"""What a distribution fetches from buckets once one region alone stands: S3 lets it, by the bucket's policy, or not.

An access control that never signs asks as anybody. What arrives under a key of KMS is read by who may use the key: as
an identity, or as anybody, CloudFront never may. Source: CloudFront Developer Guide, "Restrict access to an Amazon S3
origin"; S3 User Guide, "Blocking public access".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudfront.models import Distribution, Origin, cloudfront_backends
from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, s3_backends

from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, statements
from sandbox.moto_ext.iam.role_access import decide_now, named_principals, opens

_CLOUDFRONT = "cloudfront.amazonaws.com"
_IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "


def fetch_faults(account: str, region: str) -> Iterator[str]:
    """Why requests that lead to buckets alone would be answered by none of them while ``region`` alone stands."""
    for distribution in cloudfront_backends[account]["aws"].distributions.values():
        config: Any = distribution.distribution_config
        origins = {origin.id: origin for origin in config.Origins["Items"]}
        groups = {
            group["Id"]: [row["OriginId"] for row in group["Members"]["Items"]]
            for group in (config.OriginGroups or {}).get("Items") or ()
        }
        behaviours = (config.DefaultCacheBehavior, *((config.CacheBehaviors or {}).get("Items") or ()))
        for target in dict.fromkeys(behaviour.target_origin_id for behaviour in behaviours if config.Enabled):
            # An origin group fails over: it answers as long as one member does.
            members = [origins[name] for name in groups.get(target, [target])]
            reasons = [_refusal(account, region, distribution, origin) for origin in members]
            if all(reasons):
                yield f"{target}: {'; '.join(reasons)}"


def _refusal(account: str, region: str, distribution: Distribution, origin: Origin) -> str:
    """Why the origin answers no request, "" where it does; a load balancer is tried elsewhere."""
    if "s3_origin_config" not in origin.__dict__:
        return ""
    # NAME.s3.REGION.amazonaws.com.
    name = origin.domain_name.partition(".s3.")[0]
    bucket: FakeBucket | None = s3_backends[account]["aws"].buckets.get(name)
    if bucket is None or bucket.region_name != region:
        return f"no bucket {name} in {region}"
    policy = bucket.policy.decode() if isinstance(bucket.policy, bytes) else str(bucket.policy or "")
    signed, identity = _signs(account, origin), origin.s3_access_identity.rpartition("/")[2]
    # An access control signs as CloudFront for this distribution; policies limit it by these keys.
    context = {"aws:SourceArn": (distribution.arn,), "aws:SourceAccount": (account,)} if signed else {}
    request = AccessRequest("s3:GetObject", f"arn:aws:s3:::{name}/any", context)
    callers = {_CLOUDFRONT} if signed else {f"{_IDENTITY}{identity}"} if identity else set()
    blocked = bucket.public_access_block
    # Who asks as anybody is refused where the bucket restricts public policies.
    if not callers and blocked is not None and blocked.restrict_public_buckets:
        return f"{name}: AccessDenied"
    spoken = [row for row in statements(policy) if named_principals(row) & {"*", *callers}] if policy else []
    word = decide_now([IamPolicy("bucket", json.dumps({"Statement": spoken}))], request).word
    if word != ALLOWED:
        return f"{name}: AccessDenied"
    return "" if _decrypts(account, region, bucket, context) else f"{name}: AccessDenied (KMS)"


def _signs(account: str, origin: Origin) -> bool:
    """Whether the origin has an access control that signs what the distribution asks of it."""
    control = cloudfront_backends[account]["aws"].origin_access_controls.get(
        origin.__dict__["origin_access_control_id"]
    )
    return control is not None and control.signing_behavior != "never"


def _decrypts(account: str, region: str, bucket: FakeBucket, context: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a request of this ``context``, which is empty where none signs it, may read what arrives."""
    default = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
    if not str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
        return True
    named = str(default.get("KMSMasterKeyID") or "")
    # AWS's own key of S3 serves principals of the account alone: CloudFront is none.
    if not context or not named or "alias/aws/" in named or not opens(account, region, named):
        return False
    kms = kms_backends[account][region]
    key = kms.keys[kms.any_id_to_key_id(named)]
    spoken = [row for row in statements(key.policy) if named_principals(row) & {"*", _CLOUDFRONT}]
    policy = IamPolicy("key", json.dumps({"Statement": spoken}))
    return decide_now([policy], AccessRequest("kms:Decrypt", key.arn, context)).word == ALLOWED
