"""Examples of the checks of the buckets from which the distribution fetches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import cloudfront_buckets
from dr_estate.readers.cloudfront import OriginGroup
from dr_estate.readers.cloudfront_buckets import AccessControl
from dr_estate.readers.kms import ACCOUNT, KmsKey
from dr_estate.readers.s3 import Bucket, BucketReplicationRule
from tests.dr_checks.edges import BEHAVIOUR, DISTRIBUTION, traffic
from tests.dr_checks.examples.cloudfront_routing import ASSETS
from tests.dr_checks.worlds import DENIED, SIT, Example, world

SOURCE_ARN = {"aws:SourceArn": f"arn:aws:cloudfront::{SIT.account}:distribution/{DISTRIBUTION.id}"}
SERVICE, IDENTITY = {"Service": "cloudfront.amazonaws.com"}, "origin-access-identity/cloudfront/E9"
SIGNED, NAMED = replace(ASSETS, access_control="oac-1"), replace(ASSETS, identity=IDENTITY)
AWAY = replace(SIGNED, id="away", domain=f"pictures.s3.{SIT.regions.primary}.amazonaws.com")
RULE = BucketReplicationRule("all", True, "assets", True, True, True, True, True, "")
SIGNS, NEVER = AccessControl("oac-1", "always"), AccessControl("oac-1", "never")
KEY_ARN = f"arn:aws:kms:{SIT.regions.dr}:{SIT.account}:key/1"
REPLICAS_ARN = f"arn:aws:kms:{SIT.regions.dr}:{SIT.account}:key/2"
CLOSED = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def statement(principal: Any, effect: str = "Allow", condition: Any = None, action: str = "s3:GetObject") -> Any:
    """A statement about the bucket's objects."""
    row = {"Effect": effect, "Principal": principal, "Action": action, "Resource": "arn:aws:s3:::assets/*"}
    return row | ({"Condition": condition} if condition else {})


ADMITS = statement(SERVICE, condition={"StringEquals": SOURCE_ARN})
OF_IDENTITY = statement({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E9"})


def bucket(*statements: Any, region: str = SIT.regions.dr, closed: tuple[str, ...] = CLOSED) -> Bucket:
    """The bucket of the DR region, with these statements as its policy."""
    policy = json.dumps({"Statement": list(statements)}) if statements else ""
    return Bucket("assets", region, "Enabled", "AES256", "", closed, (), policy=policy)


def fetched(
    check: str,
    expected: Status,
    *there: Any,
    origin: Any = SIGNED,
    source: Any = (),
    seen: Any = None,
    controls: Any = (SIGNS,),
    keys: Any = (),
) -> Example:
    """A behaviour leads to a group of the primary region's bucket and ``origin``; ``there`` are the DR region's."""
    group = OriginGroup("both", ("away", origin.id), (502, 503, 504))
    behaviour = replace(BEHAVIOUR, pattern="/uploads/*", target="both")
    found = replace(
        DISTRIBUTION,
        origins=(*DISTRIBUTION.origins, AWAY, origin),
        groups=(group,),
        other_targets=("both",),
        behaviours=(BEHAVIOUR, behaviour),
    )
    parts = {
        **traffic(distributions=(found,)),
        (cloudfront_buckets.buckets, Side.DR): there if seen is None else seen,
        (cloudfront_buckets.buckets, Side.PRIMARY): source,
        (cloudfront_buckets.access_controls, Side.GLOBAL): controls,
        (cloudfront_buckets.bucket_keys, Side.DR): keys,
    }
    subjects = frozenset({"assets"}) if expected is not Status.NOT_APPLICABLE else frozenset[str]()
    return Example(f"cloudfront-origins.{check}", expected, world(parts), subjects)


def admitted(expected: Status, *statements: Any, **more: Any) -> Example:
    """The DR region's bucket has a policy of these statements."""
    about = {key: more.pop(key) for key in ("region", "closed") if key in more}
    return fetched("bucket-admits", expected, bucket(*statements, **about), **more)


def filled(expected: Status, *rules: BucketReplicationRule, seen: Any = None, **more: Any) -> Example:
    """The primary region's bucket has these rules."""
    source = replace(bucket(region=SIT.regions.primary), name="pictures", rules=rules)
    return fetched("bucket-filled", expected, bucket(ADMITS), source=(source,) if seen is None else seen, **more)


def key(*statements: Any, state: str = "Enabled", **more: Any) -> KmsKey:
    """A key of the DR region, with these statements as its policy."""
    policy = json.dumps({"Statement": list(statements)})
    found = KmsKey(KEY_ARN, KEY_ARN, state, ("objects",), "", (), None, (ACCOUNT,), policy)
    return replace(found, **more)


def replicated(
    expected: Status, *keys: Any, default: str = "", to: str = REPLICAS_ARN, under: str = "aws:kms", **rule: Any
) -> Example:
    """Objects under KMS arrive under the key ``to``; what is uploaded to the bucket is encrypted under ``default``."""
    admits = bucket(ADMITS, OF_IDENTITY, statement("*"), closed=())
    there = replace(admits, encryption="aws:kms" if default else "AES256", key=default)
    chosen = replace(RULE, **{"encrypted_objects": bool(to), "replica_key": to, **rule})
    source = replace(bucket(region=SIT.regions.primary), name="pictures", rules=(chosen,), encryption=under)
    return fetched("bucket-admits", expected, there, keys=keys, source=(source,))


def encrypted(expected: Status, *keys: Any, of_aws: bool = False, **more: Any) -> Example:
    """The bucket admits the distribution, and encrypts under the first of the keys, or under one that AWS manages."""
    admits = (ADMITS, OF_IDENTITY, statement("*"))
    there = replace(bucket(*admits, closed=()), encryption="aws:kms", key="" if of_aws else KEY_ARN)
    return fetched("bucket-admits", expected, there, keys=keys, **more)


def of_replicas(*statements: Any, **more: Any) -> KmsKey:
    """The key under which replicas arrive, with these statements as its policy."""
    return key(*statements, ref=REPLICAS_ARN, arn=REPLICAS_ARN, **more)


def decrypts(condition: Any = None, effect: str = "Allow") -> Any:
    """A statement of a key's policy."""
    row = {"Effect": effect, "Principal": SERVICE, "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": "*"}
    return row | ({"Condition": condition} if condition else {})


NOBODYS = world(traffic())

EXAMPLES = [
    admitted(Status.PASS, ADMITS),
    admitted(Status.PASS, statement(SERVICE)),
    admitted(Status.PASS, ADMITS, statement("*", "Deny", action="s3:PutObject")),
    admitted(Status.PASS, OF_IDENTITY, origin=NAMED),
    admitted(Status.PASS, statement("*"), origin=ASSETS, closed=()),
    admitted(Status.PASS, ADMITS, origin=replace(SIGNED, domain="assets.s3.amazonaws.com")),
    admitted(Status.FAIL),
    admitted(Status.FAIL, statement(SERVICE, condition={"StringEquals": {"aws:SourceArn": "arn:of-another"}})),
    admitted(Status.FAIL, ADMITS, statement("*", "Deny")),
    admitted(Status.FAIL, ADMITS, region=""),
    admitted(Status.FAIL, OF_IDENTITY),
    admitted(Status.FAIL, ADMITS, origin=NAMED),
    admitted(Status.FAIL, statement("*"), origin=ASSETS),
    admitted(Status.UNKNOWN, origin=ASSETS, closed=()),
    admitted(Status.UNKNOWN, statement({"CanonicalUser": "79a5"}), origin=NAMED),
    admitted(Status.UNKNOWN, statement(SERVICE, condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    admitted(Status.FAIL, ADMITS, controls=(NEVER,)),
    admitted(Status.FAIL, ADMITS, controls=(NEVER,), closed=()),
    admitted(
        Status.UNKNOWN,
        statement("*", condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        controls=(NEVER,),
    ),
    admitted(Status.FAIL, statement("*"), controls=(NEVER,)),
    admitted(Status.PASS, statement("*"), controls=(NEVER,), closed=()),
    admitted(Status.PASS, ADMITS, controls=(AccessControl("oac-1", "no-override"),)),
    admitted(Status.UNKNOWN, ADMITS, controls=(AccessControl("oac-2", "always"),)),
    Example(
        "cloudfront-origins.bucket-admits",
        Status.UNKNOWN,
        admitted(Status.UNKNOWN, ADMITS, controls=DENIED).snapshot,
    ),
    encrypted(Status.PASS, key(decrypts({"StringEquals": SOURCE_ARN}))),
    encrypted(Status.PASS, key(decrypts())),
    encrypted(Status.FAIL, key()),
    encrypted(Status.FAIL, key(decrypts({"StringEquals": {"aws:SourceArn": "arn:of-another"}}))),
    encrypted(Status.FAIL, key(decrypts(), decrypts(effect="Deny"))),
    encrypted(Status.FAIL, key(decrypts(), state="Disabled")),
    encrypted(Status.FAIL, key(state="absent", arn="", policy="")),
    encrypted(Status.FAIL, key(state="elsewhere", policy="")),
    encrypted(Status.FAIL, key(decrypts()), origin=NAMED),
    encrypted(Status.FAIL, key(decrypts()), origin=ASSETS),
    encrypted(Status.FAIL, of_aws=True),
    encrypted(Status.UNKNOWN, key(decrypts({"StringEquals": {"kms:ViaService": "s3"}}))),
    encrypted(Status.UNKNOWN, key(decrypts(), admits=DENIED)),
    encrypted(Status.UNKNOWN, DENIED),
    replicated(Status.PASS, of_replicas(decrypts())),
    replicated(Status.PASS, of_replicas(decrypts()), key(decrypts()), default=KEY_ARN),
    replicated(Status.FAIL, of_replicas()),
    replicated(Status.FAIL, of_replicas(), key(decrypts()), default=KEY_ARN),
    replicated(Status.FAIL, of_replicas(decrypts(), state="PendingDeletion")),
    replicated(Status.FAIL, to=f"arn:aws:kms:{SIT.regions.dr}:{SIT.account}:alias/aws/s3"),
    replicated(Status.WARN, of_replicas(), under="AES256"),
    replicated(Status.WARN, of_replicas(decrypts()), key(), default=KEY_ARN),
    replicated(Status.WARN, key(), default=KEY_ARN, to="", under="AES256"),
    replicated(Status.FAIL, key(), default=KEY_ARN, to="", under="AES256", enabled=False),
    replicated(Status.FAIL, key(), default=KEY_ARN, to="", under="AES256", destination="another"),
    replicated(Status.PASS, of_replicas(), enabled=False),
    replicated(Status.PASS, of_replicas(), encrypted_objects=False),
    replicated(Status.UNKNOWN, of_replicas(decrypts({"StringEquals": {"kms:ViaService": "s3"}}))),
    replicated(Status.UNKNOWN, DENIED),
    fetched("bucket-admits", Status.UNKNOWN, bucket(ADMITS), source=(DENIED,)),
    fetched("bucket-admits", Status.UNKNOWN, bucket(ADMITS), source=DENIED),
    fetched("bucket-admits", Status.FAIL, bucket(), source=DENIED),
    fetched("bucket-admits", Status.UNKNOWN),
    fetched("bucket-admits", Status.UNKNOWN, DENIED),
    Example("cloudfront-origins.bucket-admits", Status.UNKNOWN, world(traffic(distributions=DENIED))),
    Example("cloudfront-origins.bucket-admits", Status.NOT_APPLICABLE, NOBODYS),
    Example("cloudfront-origins.bucket-admits", Status.NOT_APPLICABLE, world(traffic(distributions=()))),
    filled(Status.PASS, RULE),
    filled(Status.PASS, replace(RULE, enabled=False), RULE),
    filled(Status.WARN, replace(RULE, whole=False)),
    filled(Status.PASS, replace(RULE, whole=False), RULE),
    filled(Status.FAIL),
    filled(Status.FAIL, replace(RULE, enabled=False)),
    filled(Status.FAIL, replace(RULE, destination="another")),
    filled(Status.UNKNOWN, seen=(DENIED,)),
    Example("cloudfront-origins.bucket-filled", Status.UNKNOWN, world(traffic(distributions=DENIED))),
    Example("cloudfront-origins.bucket-filled", Status.NOT_APPLICABLE, NOBODYS),
]
