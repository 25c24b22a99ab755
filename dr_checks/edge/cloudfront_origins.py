"""Checks of the buckets from which the distribution fetches: the DR region's admits it, and is filled."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import GLOBAL, check
from dr_checks.edge.cloudfront import serving
from dr_estate.config.environment import Side
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudfront_buckets, s3
from dr_estate.readers.cloudfront import Distribution, Origin
from dr_estate.readers.cloudfront_buckets import bucket_of, bucket_origins, region_of

_CLOUDFRONT, _READ = "cloudfront.amazonaws.com", "s3:GetObject"
_WANTED = "it exists, and its policy admits the distribution"
_NO_BUCKET = "no behaviour of the distribution leads to a bucket"
_OF_IDENTITIES = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "


@check(
    "every bucket from which the distribution fetches outside the primary region admits it",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    sides=GLOBAL,
    rules=("REL11-BP04", "REL13-BP04", "NIST CP-8"),
)
def bucket_admits(view: View) -> Iterator[Finding]:
    """The bucket's own policy lets the distribution read, by its origin access control or its identity.

    Those of the primary region are lost with it: cloudfront.origin-follows wants another beside them. Source:
    CloudFront Developer Guide, "Restrict access to an Amazon S3 origin".
    """
    found, judged = serving(view), 0
    for origin in bucket_origins(found) if found else ():
        if found and region_of(origin, view.env) != view.env.regions.primary:
            judged += 1
            yield _admitted(view, found, origin)
    if not judged:
        yield view.none_expected(view.env.traffic.distribution_alias, _NO_BUCKET)


def _admitted(view: View, found: Distribution, origin: Origin) -> Finding:
    name = bucket_of(origin)
    bucket = _bucket(view, Side.DR, name)
    if not isinstance(bucket, s3.Bucket):
        return view.unknown(name or origin.domain, _WANTED, bucket or "This evidence does not hold the bucket.")
    reason = "what it holds is not found once the primary region's bucket is lost: pages come without it"
    if not bucket.region:
        remedy = f"aws_s3_bucket '{name}', or the domain_name of origin {origin.id} of {found.id}."
        return view.gap(name, "no such bucket", _WANTED, reason, remedy)
    answer = answer_of(bucket.policy, _request(view, found, origin))
    if _is_unsettled(bucket, origin, answer):
        return view.unknown(name, _WANTED, "A canonical user, an ACL or a condition of the policy decides.")
    if answer is PolicyAnswer.ALLOWED and not _is_closed(bucket, origin):
        return view.ok(name, "its policy admits the distribution", _WANTED, "it is read whichever region is lost")
    measured = f"its policy does not admit {found.id}" if answer is not PolicyAnswer.DENIED else f"it denies {found.id}"
    remedy = f"aws_s3_bucket_policy of '{name}': allow {_READ} to {_caller(origin)}, and deny it nowhere."
    return view.gap(name, measured, _WANTED, reason, remedy)


def _caller(origin: Origin) -> str:
    """Who reads the bucket, as its policy names it."""
    if origin.access_control:
        return f"{_CLOUDFRONT} with the distribution's ARN as aws:SourceArn"
    return f"{_OF_IDENTITIES}{origin.identity.rpartition('/')[2]}" if origin.identity else "everybody"


def _request(view: View, found: Distribution, origin: Origin) -> PolicyRequest:
    """What CloudFront asks of S3 for the origin: as a service, as an identity, or as anybody."""
    objects, account = f"arn:aws:s3:::{bucket_of(origin)}/any", view.env.account
    if origin.access_control:
        source = f"arn:aws:cloudfront::{account}:distribution/{found.id}"
        context = (("aws:SourceArn", source), ("aws:SourceAccount", account))
        return PolicyRequest((_CLOUDFRONT,), _READ, objects, context)
    identity = origin.identity.rpartition("/")[2]
    return PolicyRequest((f"{_OF_IDENTITIES}{identity}",) if identity else (), _READ, objects)


def _is_public(origin: Origin) -> bool:
    return not origin.access_control and not origin.identity


def _is_closed(bucket: s3.Bucket, origin: Origin) -> bool:
    """Whether S3 refuses anonymous requests, whatever the policy says."""
    return _is_public(origin) and "RestrictPublicBuckets" in bucket.public_blocks


def _is_unsettled(bucket: s3.Bucket, origin: Origin, answer: PolicyAnswer) -> bool:
    """Whether something that is not read decides: a canonical user, the objects' ACLs."""
    by_acl = _is_public(origin) and "IgnorePublicAcls" not in bucket.public_blocks
    by_user = bool(origin.identity) and "CanonicalUser" in bucket.policy
    return answer is PolicyAnswer.UNDECIDED or (answer is PolicyAnswer.SILENT and (by_acl or by_user))


def _bucket(view: View, side: Side, name: str) -> s3.Bucket | Unavailable | None:
    """The bucket of this name as the side has it, why it was not seen, or None."""
    rows = view.get(cloudfront_buckets.buckets, side)
    found = next((row for row in rows if isinstance(row, s3.Bucket) and row.name == name), None)
    return found or next((row for row in rows if isinstance(row, Unavailable)), None)


@check(
    "every bucket that stands in for one of the primary region behind the distribution is filled from it",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    sides=GLOBAL,
    rules=("REL11-BP04", "REL09-BP01", "NIST CP-6"),
    traps=("T30",),
)
def bucket_filled(view: View) -> Iterator[Finding]:
    """In each origin group an enabled rule copies from the primary region's bucket to the one that takes its place.

    Buckets of the environment file are s3.replication-rule's matter. Source: S3 GetBucketReplication.
    """
    found, judged = serving(view), 0
    for source, copy in _stand_ins(view, found) if found else ():
        judged += 1
        yield _filled(view, source, copy)
    if not judged:
        reason = "no origin group has a bucket in the place of the primary region's, but those of the environment file"
        yield view.none_expected(view.env.traffic.distribution_alias, reason)


def _stand_ins(view: View, found: Distribution) -> Iterator[tuple[str, str]]:
    origins = {origin.id: origin for origin in bucket_origins(found)}
    for group in found.groups:
        members = [origins[name] for name in group.members if name in origins]
        lost = [bucket_of(o) for o in members if region_of(o, view.env) == view.env.regions.primary]
        left = [bucket_of(o) for o in members if region_of(o, view.env) == view.env.regions.dr]
        yield from ((a, b) for a in lost for b in left if (a, b) not in s3.pairs(view.env))


def _filled(view: View, source: str, copy: str) -> Finding:
    bucket, wanted = _bucket(view, Side.PRIMARY, source), f"an enabled rule from {source}"
    if not isinstance(bucket, s3.Bucket):
        return view.unknown(copy, wanted, bucket or f"This evidence does not hold the bucket {source}.")
    rules = [rule for rule in bucket.rules if rule.destination == copy]
    if any(rule.enabled for rule in rules):
        return view.ok(copy, wanted, wanted, "what visitors put into the one is found in the other")
    measured = "its rule is disabled" if rules else "no rule"
    reason = "the bucket admits the distribution and lacks what was added to the primary region's since"
    remedy = f"aws_s3_bucket_replication_configuration of '{source}' with '{copy}' as its destination."
    return view.gap(copy, measured, wanted, reason, remedy)
