"""Checks of the buckets from which the distribution fetches: the DR region's admits it, and is filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.edge.cloudfront import serving
from dr_estate.config.environment import Side
from dr_estate.iam.key_uses import KeyUse, answer_to
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import cloudfront_buckets, kms, s3
from dr_estate.readers.cloudfront import Distribution, Origin
from dr_estate.readers.cloudfront_buckets import bucket_of, bucket_origins, filling, is_under_kms, region_of

_CLOUDFRONT, _READ, _DECRYPT, _NEVER = "cloudfront.amazonaws.com", "s3:GetObject", "kms:Decrypt", "never"
_ADMITS = "its policy admits the distribution"
_UPLOADED = (
    "replicas keep the encryption of their sources; what is uploaded to this bucket after a failover is encrypted "
    "under it, and CloudFront is refused: pages come without it"
)
_CHOSEN = (
    "what names a key of KMS when it is written in the primary region arrives under it, and CloudFront is refused: "
    "pages come without it"
)
_WANTED = "it exists, and its policy admits the distribution"
_NOT_FOUND = "what it holds is not found once the primary region's bucket is lost: pages come without it"
_NO_BUCKET = "no behaviour of the distribution leads to a bucket"
_OF_IDENTITIES = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "


@check("every bucket from which the distribution fetches outside the primary region admits it")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("REL11-BP04", "REL13-BP04", "NIST CP-8")
def bucket_admits(view: View) -> Iterator[Finding]:
    """The bucket's own policy lets the distribution read, by its origin access control or its identity.

    A control that never signs asks as anybody. The policies of the keys under which replicas arrive must let the
    distribution decrypt: an identity, anybody, and a key that AWS manages never can. The bucket's own key counts for
    what is uploaded to it: a warning where rules fill it. Buckets of the primary region are lost with it:
    cloudfront.origin-follows wants another beside them. Source: CloudFront Developer Guide, "Restrict access to an
    Amazon S3 origin"; S3 User Guide, "How default bucket encryption affects replication".
    """
    found, judged = serving(view), 0
    for origin in bucket_origins(found) if found else ():
        if found and region_of(origin, view.env) != view.env.regions.primary:
            judged += 1
            yield _bucket_finding(view, found, origin)
    if not judged:
        yield view.none_expected(view.env.traffic.distribution_alias, _NO_BUCKET)


def _bucket_finding(view: View, found: Distribution, origin: Origin) -> Finding:
    name = bucket_of(origin)
    bucket = _bucket(view, Side.DR, name)
    if not isinstance(bucket, s3.Bucket):
        return view.unknown(name or origin.domain, _WANTED, bucket or "This evidence does not hold the bucket.")
    if not bucket.region:
        remedy = f"aws_s3_bucket '{name}', or the domain_name of origin {origin.id} of {found.id}."
        return view.gap(name, "no such bucket", _WANTED, _NOT_FOUND, remedy)
    rows = view.get(cloudfront_buckets.access_controls) if origin.access_control else ()
    control = next((row for row in rows if row.id == origin.access_control), None)
    if origin.access_control and control is None:
        return view.unknown(name, _WANTED, f"The origin access control {origin.access_control} was not read.")
    unsigned = control if control and control.signing == _NEVER else None
    # "never" turns the control off (API_OriginAccessControlConfig): S3 sees a request of nobody.
    if unsigned:
        origin = replace(origin, access_control="")
    answer = answer_of(bucket.policy, _request(view, found, origin))
    if _is_unsettled(bucket, origin, answer) and not (unsigned and answer is PolicyAnswer.SILENT):
        reason = "A canonical user, an ACL or a condition of the policy decides."
        return view.undecided(name, _WANTED, reason, f"the policy and the ACL of bucket {name}")
    # Who asks unsigned is refused by S3, whatever the policy says, where the bucket restricts public policies.
    if answer is PolicyAnswer.ALLOWED and not (_is_public(origin) and "RestrictPublicBuckets" in bucket.public_blocks):
        return _key_finding(view, found, origin, bucket)
    if unsigned:
        measured = f"its policy does not admit everybody, and {unsigned.id} signs no request of {found.id}"
        remedy = f'aws_cloudfront_origin_access_control {unsigned.id}: signing_behavior = "always".'
        return view.gap(name, measured, _WANTED, _NOT_FOUND, remedy)
    measured = f"its policy does not admit {found.id}" if answer is not PolicyAnswer.DENIED else f"it denies {found.id}"
    remedy = f"aws_s3_bucket_policy of '{name}': allow {_READ} to {_caller(origin)}, and deny it nowhere."
    return view.gap(name, measured, _WANTED, _NOT_FOUND, remedy)


@dataclass(frozen=True, slots=True)
class _KeyUse:
    """Whether CloudFront may use a key: ``detail`` names one that it may not, or why it is not known."""

    answer: PolicyAnswer
    detail: str | Unavailable = ""


def _key_finding(view: View, found: Distribution, origin: Origin, bucket: s3.Bucket) -> Finding:
    """Judge whether the distribution may use the keys of replicated objects and of uploads."""
    name, rules = bucket.name, _rules_into(view, bucket.name)
    if isinstance(rules, Unavailable):
        return view.unknown(name, _WANTED, rules)
    arriving: dict[str, bool] = {}
    for source, rule in rules:
        # True where the source bucket encrypts all under KMS; else only what names a key when it is written.
        if rule.encrypted_objects and rule.replica_key:
            arriving[rule.replica_key] = arriving.get(rule.replica_key, False) or is_under_kms(source)
    own = _use(view, found, origin, bucket.key) if is_under_kms(bucket) else _KeyUse(PolicyAnswer.ALLOWED)
    # Where no rule fills the bucket, all of it is uploaded: then its own key decides on every page.
    uses = [(own, not rules), *((_use(view, found, origin, ref), is_all) for ref, is_all in arriving.items())]
    refused = [(use.detail, is_all) for use, is_all in uses if use.answer is PolicyAnswer.DENIED]
    unsettled = [use.detail for use, _ in uses if use.answer is PolicyAnswer.UNDECIDED]
    measured = f"{_ADMITS}, and not {', '.join(sorted({str(detail) for detail, _ in refused}))}"
    remedy = (
        f"aws_kms_key of '{name}': enabled, with {_DECRYPT} allowed to {_CLOUDFRONT} for the distribution's ARN as "
        "aws:SourceArn, which is read by an origin access control alone; or encrypt by AES256 in both regions."
    )
    # Before the unknown: one key that refuses for certain is a gap, whatever another says.
    if any(is_all for _, is_all in refused):
        reason = "what arrives is encrypted under it, and CloudFront is refused: pages come without it"
        return view.gap(name, measured, _WANTED, reason, remedy)
    if unsettled and isinstance(unsettled[0], str):
        return view.undecided(name, _WANTED, unsettled[0], f"the key policy of bucket {name}")
    if unsettled:
        return view.unknown(name, _WANTED, unsettled[0])
    if refused:
        reason = _UPLOADED if own.answer is PolicyAnswer.DENIED else _CHOSEN
        return view.warn(name, measured, _WANTED, reason, remedy)
    return view.ok(name, _ADMITS, _WANTED, "it is read whichever region is lost")


def _rules_into(view: View, name: str) -> list[tuple[s3.Bucket, s3.BucketReplicationRule]] | Unavailable:
    """The enabled rules that fill the bucket, with the primary region's bucket of each, or why they were not seen."""
    try:
        rows = view.get(cloudfront_buckets.buckets, Side.PRIMARY)
    except DataUnavailable as error:
        return error.unavailable
    # A bucket that was not read may have the rule: without it "nothing fills it" would be a guess.
    unseen = next((row for row in rows if isinstance(row, Unavailable)), None)
    return unseen or filling(rows, name)


def _use(view: View, found: Distribution, origin: Origin, ref: str) -> _KeyUse:
    """Whether CloudFront may decrypt for the origin under the key, "" for the one that AWS manages."""
    key = _key_of(view, ref)
    if isinstance(key, Unavailable):
        return _KeyUse(PolicyAnswer.UNDECIDED, key)
    if key and isinstance(key.admits, Unavailable):
        return _KeyUse(PolicyAnswer.UNDECIDED, key.admits)
    works = key is not None and states.KEY[key.state].serves
    # It names itself for requests that it signs alone; of these a key knows the distribution, and nothing is sure
    # beside that: no page of AWS says whether S3 or CloudFront stands in kms:ViaService.
    request = _request(view, found, origin) if key and key.policy and origin.access_control else None
    use = KeyUse(_CLOUDFRONT, key.arn, (_DECRYPT,), request.principals, request.context) if key and request else None
    answer = answer_to(key.policy, use) if key and use else PolicyAnswer.SILENT
    if works and answer is PolicyAnswer.UNDECIDED:
        return _KeyUse(answer, "A condition of the key's policy decides.")
    if works and answer is PolicyAnswer.ALLOWED:
        return _KeyUse(answer)
    state = f", which is {key.state}" if key and not works else ""
    return _KeyUse(PolicyAnswer.DENIED, f"the key {ref or 'that AWS manages'}{state}")


def _key_of(view: View, ref: str) -> kms.KmsKey | Unavailable | None:
    """The key, why it was not seen, or None where AWS manages it."""
    if not ref or kms.is_of_aws(ref):
        return None
    rows = view.get(cloudfront_buckets.bucket_keys, Side.DR)
    found = next((row for row in rows if isinstance(row, kms.KmsKey) and row.ref == ref), None)
    return found or next((row for row in rows if isinstance(row, Unavailable)), None)


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


def _is_unsettled(bucket: s3.Bucket, origin: Origin, answer: PolicyAnswer) -> bool:
    """Whether something that is not read decides: a canonical user, the objects' ACLs."""
    # The ACL of an object may open it to everybody; reading them takes a call an object, so it stays unknown.
    by_acl = _is_public(origin) and "IgnorePublicAcls" not in bucket.public_blocks
    by_user = bool(origin.identity) and "CanonicalUser" in bucket.policy
    return answer is PolicyAnswer.UNDECIDED or (answer is PolicyAnswer.SILENT and (by_acl or by_user))


def _bucket(view: View, side: Side, name: str) -> s3.Bucket | Unavailable | None:
    """The bucket of this name as the side has it, why it was not seen, or None."""
    rows = view.get(cloudfront_buckets.buckets, side)
    found = next((row for row in rows if isinstance(row, s3.Bucket) and row.name == name), None)
    return found or next((row for row in rows if isinstance(row, Unavailable)), None)


@check("every bucket that stands in for one of the primary region behind the distribution is filled from it")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, GLOBAL)
@cite("T30", "REL11-BP04", "REL09-BP01", "NIST CP-6")
def bucket_filled(view: View) -> Iterator[Finding]:
    """In each origin group an enabled rule copies from the primary region's bucket to the one that takes its place.

    Buckets of the environment file are s3.replication-rule's matter. Source: S3 GetBucketReplication.
    """
    found, judged = serving(view), 0
    for source, copy in _stand_ins(view, found) if found else ():
        judged += 1
        yield _replication_finding(view, source, copy)
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


def _replication_finding(view: View, source: str, copy: str) -> Finding:
    bucket, wanted = _bucket(view, Side.PRIMARY, source), f"an enabled rule from {source}"
    if not isinstance(bucket, s3.Bucket):
        return view.unknown(copy, wanted, bucket or f"This evidence does not hold the bucket {source}.")
    rules = [rule for rule in bucket.rules if rule.destination == copy]
    if any(rule.enabled and rule.whole for rule in rules):
        return view.ok(copy, wanted, wanted, "what visitors put into the one is found in the other")
    if any(rule.enabled for rule in rules):
        # Which part of the bucket the pages need is not known here: a part is a warning.
        reason = "which objects the pages need is not known: those that no rule copies are missing after a failover"
        remedy = f"aws_s3_bucket_replication_configuration of '{source}': a rule of the whole bucket to '{copy}'."
        return view.warn(copy, "its rules copy a part of the bucket", wanted, reason, remedy)
    measured = "its rule is disabled" if rules else "no rule"
    reason = "the bucket admits the distribution and lacks what was added to the primary region's since"
    remedy = f"aws_s3_bucket_replication_configuration of '{source}' with '{copy}' as its destination."
    return view.gap(copy, measured, wanted, reason, remedy)
