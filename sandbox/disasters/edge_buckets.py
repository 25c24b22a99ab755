"""Buckets behind the distribution whose place in the DR region does not serve."""

from __future__ import annotations

import json

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.edge import BEHAVES_ALIKE, Config, distribution_id, update_distribution
from sandbox.seeding.objects import location_of
from sandbox.world.world import World

_BUCKETS = {Side.PRIMARY: "shop-pictures", Side.DR: "shop-pictures-copy"}


def _lead_to_buckets(world: World, names: dict[Side, str], signing: str = "always") -> None:
    """Let the distribution fetch uploads from a group of two buckets, under an origin access control."""
    control = _access_control(world, signing)
    origins = [
        {
            "Id": f"uploads-{side}",
            # The regional name, as the CloudFront guide gives it for an S3 origin.
            "DomainName": f"{name}.s3.{world.environment.region(side)}.amazonaws.com",
            "OriginAccessControlId": control,
            # Empty, for an access control takes its place (CloudFront guide, restrict access to S3).
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        for side, name in names.items()
    ]
    group = {
        "Id": "uploads",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}},
        "Members": {"Quantity": len(origins), "Items": [{"OriginId": origin["Id"]} for origin in origins]},
    }

    def change(config: Config) -> None:
        listed = [*config["Origins"]["Items"], *origins]
        config["Origins"] = {"Quantity": len(listed), "Items": listed}
        config["OriginGroups"] = {"Quantity": 1, "Items": [group]}
        wanted = {"PathPattern": "/wp-content/uploads/*", "TargetOriginId": "uploads"}
        behaviour = {k: v for k, v in config["DefaultCacheBehavior"].items() if k in BEHAVES_ALIKE} | wanted
        config["CacheBehaviors"] = {"Quantity": 1, "Items": [behaviour]}

    update_distribution(world, change)


def _access_control(world: World, signing: str) -> str:
    how = {"SigningProtocol": "sigv4", "SigningBehavior": signing, "OriginAccessControlOriginType": "s3"}
    wanted = {"Name": "uploads", **how}
    answer = world.call(Side.GLOBAL, "cloudfront", "create_origin_access_control", OriginAccessControlConfig=wanted)
    control = str(answer["OriginAccessControl"]["Id"])
    world.undo(Side.GLOBAL, "cloudfront", "delete_origin_access_control", Id=control, IfMatch=answer["ETag"])
    return control


def _admit(world: World, side: Side, bucket: str) -> None:
    """Let the bucket's policy admit the distribution."""
    arn = f"arn:aws:cloudfront::{world.environment.account}:distribution/{distribution_id(world)}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        # The bucket policy of the CloudFront guide for an origin access control.
        "Condition": {"StringEquals": {"aws:SourceArn": arn}},
    }
    world.undo(side, "s3", "delete_bucket_policy", Bucket=bucket)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.call(side, "s3", "put_bucket_policy", Bucket=bucket, Policy=policy)


@disaster(
    "edge-bucket-closed",
    "Uploads are fetched from buckets, and the policy of the DR region's does not admit the distribution",
    trips=("cloudfront-origins.bucket-admits",),
)
def bucket_closed(world: World) -> None:
    """Lead uploads to a bucket of the estate and its copy, and admit the distribution to the first alone."""
    source = world.environment.named(world.environment.names.buckets[0])
    copy = world.environment.named(world.environment.names.bucket_copy, bucket=source)
    _lead_to_buckets(world, {Side.PRIMARY: source, Side.DR: copy})
    # The DR region's copy is left out: that is the disaster.
    _admit(world, Side.PRIMARY, source)


@disaster(
    "edge-bucket-unfilled",
    "Pictures are fetched from a bucket that nothing copies to the one in its place in the DR region",
    trips=("cloudfront-origins.bucket-filled",),
)
def bucket_unfilled(world: World) -> None:
    """Make two buckets that admit the distribution, without a rule between them."""
    for side, name in _BUCKETS.items():
        # Recorded before the policy's undo, so replayed after it.
        world.undo(side, "s3", "delete_bucket", Bucket=name)
        world.call(side, "s3", "create_bucket", Bucket=name, **location_of(world.environment.region(side)))
        _admit(world, side, name)
    _lead_to_buckets(world, _BUCKETS)


@disaster(
    "edge-bucket-unsigned",
    "Uploads are fetched from buckets that admit the distribution, by an access control that signs no request",
    trips=("cloudfront-origins.bucket-admits",),
)
def bucket_unsigned(world: World) -> None:
    """Lead uploads to a bucket of the estate and its copy, both of which admit the distribution, unsigned."""
    source = world.environment.named(world.environment.names.buckets[0])
    copy = world.environment.named(world.environment.names.bucket_copy, bucket=source)
    _lead_to_buckets(world, {Side.PRIMARY: source, Side.DR: copy}, signing="never")
    _admit(world, Side.PRIMARY, source)
    _admit(world, Side.DR, copy)
