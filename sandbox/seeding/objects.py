"""Buckets with their copies in the DR region, and the Terraform state.

Objects are put after the replication rule, for older ones would never be copied (T30). Terraform state is copied even
where tenants' data is not: an estate that is rebuilt from Terraform needs its state in the region that survives (T39).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from moto.s3.models import s3_backends

from sandbox.core.state import now
from sandbox.seeding.site import Estate, Site, as_list, tag_map

_COUNTED = timedelta(days=2)


def build(estate: Estate) -> None:
    """Make data buckets, the state bucket, their copies and rules, and put first objects into them."""
    env = estate.environment
    for pattern in env.names.buckets:
        bucket = env.named(pattern)
        _bucket(estate.primary, bucket, data=True)
        if env.replicates:
            _create_copy(estate, bucket)
            if env.failback.objects_batch_role:
                _replicated_back(estate, bucket)
        for key in ("index.json", "2026/07/manifest.json", "README.txt"):
            body = json.dumps({"bucket": bucket, "key": key}).encode()
            estate.primary.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        _written_before(estate, bucket)
    if env.names.anchor_bucket:
        locked_bucket(estate.dr, env.named(env.names.anchor_bucket))
    state = env.named(env.names.state_bucket)
    _bucket(estate.primary, state)
    _create_copy(estate, state)
    estate.primary.client("s3").put_object(
        Bucket=state,
        Key=env.named(env.names.state_key),
        Body=json.dumps(_terraform_state(estate), indent=2).encode(),
        ContentType="application/json",
    )


def _written_before(estate: Estate, bucket: str) -> None:
    """Let the objects of a bucket, and of its copy, be as old as those that S3 has counted: it counts once a day."""
    known = s3_backends[estate.environment.account]["aws"].buckets
    for name in {bucket, estate.environment.named(estate.environment.names.bucket_copy, bucket=bucket)} & known.keys():
        for version in known[name].keys.values():
            version.last_modified = now() - _COUNTED


def location_of(region: str) -> dict[str, Any]:
    """The location of CreateBucket: us-east-1 is named by leaving it out, and refused by name (API_CreateBucket)."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _bucket(site: Site, bucket: str, data: bool = False) -> None:
    s3 = site.client("s3")
    s3.create_bucket(Bucket=bucket, **location_of(site.region))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [encryption]})
    s3.put_bucket_tagging(
        Bucket=bucket, Tagging={"TagSet": as_list(tag_map(site.environment, bucket, data=data and site.is_primary))}
    )


def locked_bucket(site: Site, bucket: str) -> None:
    """The bucket of deploy/cloudformation/evidence-bucket.yaml, in which journals are anchored too."""
    s3 = site.client("s3")
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **location_of(site.region))
    # In mode COMPLIANCE nobody can shorten a retention, the account's root user neither (S3 guide, Object Lock).
    retention = {"Mode": "COMPLIANCE", "Years": 1}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


def _create_copy(estate: Estate, bucket: str) -> None:
    copy = estate.environment.named(estate.environment.names.bucket_copy, bucket=bucket)
    _bucket(estate.dr, copy)
    # The only value that S3 takes (API_ReplicationTimeValue): the replication time control of 15 minutes.
    within = {"Minutes": 15}
    estate.primary.client("s3").put_bucket_replication(
        Bucket=bucket,
        ReplicationConfiguration={
            "Role": estate.roles["replication"],
            "Rules": [
                {
                    "ID": "to-dr",
                    "Priority": 1,
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Enabled"},
                    "Destination": {
                        "Bucket": f"arn:aws:s3:::{copy}",
                        "ReplicationTime": {"Status": "Enabled", "Time": within},
                        "Metrics": {"Status": "Enabled", "EventThreshold": within},
                    },
                }
            ],
        },
    )


def _replicated_back(estate: Estate, bucket: str) -> None:
    """Replicate what is written to the copy into the bucket: deletions are not taken back."""
    copy = estate.environment.named(estate.environment.names.bucket_copy, bucket=bucket)
    rule = {
        "ID": "to-primary",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"},
    }
    config = {"Role": estate.roles["replication"], "Rules": [rule]}
    estate.dr.client("s3").put_bucket_replication(Bucket=copy, ReplicationConfiguration=config)


def _terraform_state(estate: Estate) -> dict[str, Any]:
    """Return a state in Terraform's format version 4 that names the things it manages in both regions."""
    env = estate.environment
    provider = 'provider["registry.terraform.io/hashicorp/aws"]'

    def managed_resource(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
        instance = {"schema_version": 0, "attributes": attributes}
        return {"mode": "managed", "type": kind, "name": name, "provider": provider, "instances": [instance]}

    resources = []
    for site in estate.sites:
        resources += [
            managed_resource("aws_vpc", f"{site.side}_vpc", {"id": site.vpc, "cidr_block": site.vpc_cidr}),
            managed_resource("aws_efs_file_system", f"{site.side}_files", {"id": site.file_system, "encrypted": True}),
        ]
    return {
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": 214,
        "lineage": "5f0e5f0b-6c1d-4a2f-9d3b-2f6f5d1f7a10",
        "outputs": {"environment": {"value": env.name, "type": "string"}},
        "resources": resources,
        "check_results": None,
    }
