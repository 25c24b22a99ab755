"""Faults of what the distribution fetches from buckets: a group of one in each region, or the DR region's alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, policy_of

_NAMES = {Side.PRIMARY: "pictures-of-primary", Side.DR: "pictures-of-dr"}
_CONTROL = {
    "Name": "pictures",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}
_SERVICE = {"Service": "cloudfront.amazonaws.com"}
_IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "


def _says(principal: Any, effect: str = "Allow", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": "{bucket}/*", **more}


def _of(distribution: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"aws:SourceArn": distribution}}}


_ADMITS = _says(_SERVICE, **_of("{distribution}"))
_DENIES = _says("*", "Deny")


def _fetched(
    *statements: dict[str, Any],
    sides: tuple[Side, ...] = (Side.PRIMARY, Side.DR),
    access: str = "control",
    signing: str = "always",
    closed: bool = False,
    there: bool = True,
) -> Callable[[Aws], object]:
    """Lead pictures to buckets on these sides; the DR region's has these ``statements``, where it is ``there``."""

    def make(aws: Aws) -> object:
        edge = aws.client("cloudfront", Side.GLOBAL)
        found = edge.list_distributions()["DistributionList"]["Items"][0]
        for side in sides if there else ():
            _bucket(aws, side, statements if side is Side.DR else (), found["ARN"], closed)
        wanted = {**_CONTROL, "SigningBehavior": signing}
        control = edge.create_origin_access_control(OriginAccessControlConfig=wanted)["OriginAccessControl"]["Id"]
        origins = [_origin(aws, side, control if access == "control" else "", access) for side in sides]
        config = edge.get_distribution_config(Id=found["Id"])
        changed = _led(config["DistributionConfig"], origins)
        return edge.update_distribution(Id=found["Id"], IfMatch=config["ETag"], DistributionConfig=changed)

    return make


def _encrypted(
    fetched: Callable[[Aws], object], *statements: dict[str, Any], own: bool = True
) -> Callable[[Aws], object]:
    """Let the DR region's bucket encrypt what arrives, under a key whose policy has these ``statements`` besides."""

    def make(aws: Aws) -> object:
        done = fetched(aws)
        kms, default = aws.client("kms", Side.DR), {"SSEAlgorithm": "aws:kms"}
        if own:
            key = kms.create_key(Description="Pictures")["KeyMetadata"]["Arn"]
            before = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
            found = aws.client("cloudfront", Side.GLOBAL).list_distributions()["DistributionList"]["Items"][0]
            text = policy_of(*before, *statements).replace("{distribution}", found["ARN"])
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)
            default["KMSMasterKeyID"] = key
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        aws.client("s3", Side.DR).put_bucket_encryption(Bucket=_NAMES[Side.DR], ServerSideEncryptionConfiguration=rules)
        return done

    return make


def _bucket(aws: Aws, side: Side, statements: tuple[dict[str, Any], ...], distribution: str, closed: bool) -> None:
    s3, name, region = aws.client("s3", side), _NAMES[side], aws.env.region(side)
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **location)
    if closed:
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    if statements:
        text = policy_of(*statements).replace("{bucket}", f"arn:aws:s3:::{name}")
        s3.put_bucket_policy(Bucket=name, Policy=text.replace("{distribution}", distribution))


def _origin(aws: Aws, side: Side, control: str, access: str) -> dict[str, Any]:
    identity = "origin-access-identity/cloudfront/E9" if access == "identity" else ""
    return {
        "Id": f"pictures-{side}",
        "DomainName": f"{_NAMES[side]}.s3.{aws.env.region(side)}.amazonaws.com",
        "OriginAccessControlId": control,
        "S3OriginConfig": {"OriginAccessIdentity": identity},
    }


def _led(config: dict[str, Any], origins: list[dict[str, Any]]) -> dict[str, Any]:
    """The configuration with a behaviour that leads to the origins, as a group where they are two."""
    listed = [*config["Origins"]["Items"], *origins]
    members = [{"OriginId": origin["Id"]} for origin in origins]
    group = {
        "Id": "pictures",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}},
        "Members": {"Quantity": len(members), "Items": members},
    }
    alone = len(origins) == 1
    behaviour = {
        **{key: config["DefaultCacheBehavior"][key] for key in ("ViewerProtocolPolicy", "CachePolicyId", "Compress")},
        "PathPattern": "/pictures/*",
        "TargetOriginId": origins[0]["Id"] if alone else "pictures",
    }
    return {
        **config,
        "Origins": {"Quantity": len(listed), "Items": listed},
        "CacheBehaviors": {"Quantity": 1, "Items": [behaviour]},
        **({} if alone else {"OriginGroups": {"Quantity": 1, "Items": [group]}}),
    }


_ALONE, _PRIMARY = (Side.DR,), (Side.PRIMARY,)
_OAI = _says({"AWS": f"{_IDENTITY}E9"})
_DECRYPTS = {"Effect": "Allow", "Principal": _SERVICE, "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": "*"}
_CASES: dict[str, Callable[[Aws], object]] = {
    "buckets admit": _fetched(_ADMITS),
    "bucket silent": _fetched(),
    "bucket admits the service": _fetched(_says(_SERVICE)),
    "bucket admits another": _fetched(_says(_SERVICE, **_of("arn:aws:cloudfront::1:distribution/E0"))),
    "bucket admits every distribution": _fetched(_says(_SERVICE, **_of("arn:aws:cloudfront::*"))),
    "bucket admits by pattern": _fetched(
        _says(_SERVICE, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*"}})
    ),
    "bucket admits writing": _fetched(_says(_SERVICE, action="s3:PutObject")),
    "bucket admits all actions": _fetched(_says(_SERVICE, action="s3:*")),
    "bucket denies all": _fetched(_ADMITS, _DENIES),
    "bucket denies writing": _fetched(_ADMITS, _says("*", "Deny", "s3:PutObject")),
    "bucket denies others": _fetched(_ADMITS, _says({"AWS": "arn:aws:iam::1:role/nobody"}, "Deny", "s3:*")),
    "bucket denies all but it": _fetched(
        _ADMITS, _says("*", "Deny", Condition={"StringNotEquals": {"aws:SourceArn": "{distribution}"}})
    ),
    "buckets absent": _fetched(there=False),
    "bucket of DR alone": _fetched(_ADMITS, sides=_ALONE),
    "bucket of DR alone silent": _fetched(sides=_ALONE),
    "bucket of primary alone": _fetched(sides=_PRIMARY),
    "bucket of identity": _fetched(_OAI, access="identity"),
    "bucket of another identity": _fetched(_says({"AWS": f"{_IDENTITY}E8"}), access="identity"),
    "bucket of identity and the service": _fetched(_ADMITS, access="identity"),
    "bucket of identity denied": _fetched(_OAI, _DENIES, access="identity"),
    "bucket of the public": _fetched(_says("*"), access="public"),
    "bucket closed to the public": _fetched(_says("*"), access="public", closed=True),
    "bucket closed, and admits": _fetched(_ADMITS, closed=True),
    "control never signs": _fetched(_ADMITS, signing="never"),
    "control never signs for the public": _fetched(_says("*"), signing="never"),
    "control signs unless told": _fetched(_ADMITS, signing="no-override"),
    "bucket key admits": _encrypted(_fetched(_ADMITS), _DECRYPTS | _of("{distribution}")),
    "bucket key silent": _encrypted(_fetched(_ADMITS)),
    "bucket key admits another": _encrypted(
        _fetched(_ADMITS), _DECRYPTS | _of("arn:aws:cloudfront::1:distribution/E0")
    ),
    "bucket key denies": _encrypted(_fetched(_ADMITS), _DECRYPTS, {**_DECRYPTS, "Effect": "Deny"}),
    "bucket key of AWS": _encrypted(_fetched(_ADMITS), own=False),
    "bucket key of identity": _encrypted(_fetched(_OAI, access="identity"), _DECRYPTS),
}


def _by_tls(policy: str, protocol: str = "https-only") -> Callable[[Aws], object]:
    """Let the distribution ask its origin by ``protocol``, and the DR region's listener speak by ``policy``."""

    def make(aws: Aws) -> object:
        edge, elb = aws.client("cloudfront", Side.GLOBAL), aws.client("elbv2", Side.DR)
        found = edge.list_distributions()["DistributionList"]["Items"][0]
        config = edge.get_distribution_config(Id=found["Id"])
        changed = config["DistributionConfig"]
        changed["Origins"]["Items"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] = protocol
        edge.update_distribution(Id=found["Id"], IfMatch=config["ETag"], DistributionConfig=changed)
        name = aws.named(aws.env.names.load_balancer)
        arn = elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]["LoadBalancerArn"]
        rows = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        listener = next(row["ListenerArn"] for row in rows if row["Protocol"] == "HTTPS")
        return elb.modify_listener(ListenerArn=listener, SslPolicy=policy)

    return make


_TLS: dict[str, Callable[[Aws], object]] = {
    "origin by TLS 1.3 alone": _by_tls("ELBSecurityPolicy-TLS13-1-3-2021-06"),
    "origin by TLS 1.2 or 1.3": _by_tls("ELBSecurityPolicy-TLS13-1-2-Res-2021-06"),
    "origin by HTTP, TLS 1.3 alone": _by_tls("ELBSecurityPolicy-TLS13-1-3-2021-06", "http-only"),
}
EDGE = (
    *(Fault(name, NeedKind.ORIGIN, ("cloudfront", "elbv2"), make) for name, make in _TLS.items()),
    *(Fault(name, NeedKind.ORIGIN_BUCKET, ("cloudfront", "s3"), make) for name, make in _CASES.items()),
)
