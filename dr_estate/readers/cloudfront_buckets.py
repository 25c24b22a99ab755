"""The buckets from which the serving distribution fetches: those of the environment file, and any other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import OBJECTS
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudfront, kms, s3
from dr_estate.readers.cloudfront import Distribution, Origin
from dr_estate.readers.kms import KEY_READS, KmsKey
from dr_estate.reading.reader import GLOBAL, REGIONAL, ReadContext, part

_DOMAIN = re.compile(
    # Lazy: a bucket's name may have dots, and ".s3." in it.
    r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d+))?\.amazonaws\.com"
)


@dataclass(frozen=True, slots=True)
class AccessControl:
    """An origin access control and which requests it signs: always, never, no-override ..."""

    id: str
    signing: str


def bucket_of(origin: Origin) -> str:
    """The name of the bucket that an S3 origin is; "" for a domain of another form."""
    found = _DOMAIN.fullmatch(origin.domain)
    return found["bucket"] if found else ""


def region_of(origin: Origin, env: Environment) -> str | None:
    """Return a bucket's region, from its regional name or the estate's own buckets; None where neither shows it."""
    found = _DOMAIN.fullmatch(origin.domain)
    if found and found["region"]:
        return found["region"]
    regions, name = (env.regions.primary, env.regions.dr), bucket_of(origin)
    return next((regions[pair.index(name)] for pair in s3.pairs(env) if name in pair), None)


def bucket_origins(found: Distribution) -> tuple[Origin, ...]:
    """The origins that are buckets and that a behaviour leads to, alone or in a group."""
    targets = {found.target, *found.other_targets}
    targets |= {member for group in found.groups if group.id in targets for member in group.members}
    return tuple(origin for origin in found.origins if origin.kind == "s3" and origin.id in targets)


@part(*REGIONAL, reads=s3.BUCKET_READS)
def buckets(context: ReadContext) -> tuple[s3.Bucket | Unavailable, ...]:
    """Return the buckets of this region that the distribution fetches from.

    A bucket of unknown region is asked for in the DR region. The primary region's buckets that fill a bucket of the DR
    region are included. Buckets of the environment file are read already; every other bucket takes six calls. No call
    is made where no origin is a bucket.
    """
    found = cloudfront.serving(context.part(cloudfront.distributions, Side.GLOBAL), context.env.traffic)
    here = {
        name
        for origin in (bucket_origins(found) if found else ())
        # A bucket of unknown region counts as one of the DR region: it is asked for there, and not left out.
        if (name := bucket_of(origin)) and (region_of(origin, context.env) or context.env.regions.dr) == context.region
    }
    here |= _originals(context.env, found) if context.side is Side.PRIMARY else set()
    if not here:
        return ()
    own = tuple(row for row in context.part(s3.buckets) if isinstance(row, s3.Bucket) and row.name in here)
    others = sorted(here - {row.name for row in own})
    return (*own, *s3.read_buckets(context, others))


def _originals(env: Environment, found: Distribution | None) -> set[str]:
    """The buckets of the environment file whose copies the distribution fetches from."""
    fetched = {bucket_of(origin) for origin in bucket_origins(found)} if found else set()
    return {original for original, copy in s3.pairs(env) if copy in fetched}


@part(*GLOBAL, reads=frozenset({"cloudfront:ListOriginAccessControls"}))
def access_controls(context: ReadContext) -> tuple[AccessControl, ...]:
    """The origin access controls of the account, a hundred a page; none is asked for where no bucket is read by one."""
    found = cloudfront.serving(context.part(cloudfront.distributions), context.env.traffic)
    if not any(origin.access_control for origin in (bucket_origins(found) if found else ())):
        return ()
    rows = context.pages("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items")
    return context.rows(rows, lambda row: AccessControl(row["Id"], row["SigningBehavior"]), "Id")


@part(Side.DR, reads=KEY_READS)
def bucket_keys(context: ReadContext) -> tuple[KmsKey | Unavailable, ...]:
    """Return the customer keys that encrypt arriving replicas and uploads in these buckets: two calls per key.

    Where the primary region's buckets cannot be read, the replicas' keys are unknown: those buckets' own part reports
    it.
    """
    here = [row for row in context.part(buckets) if isinstance(row, s3.Bucket)]
    refs = {row.key for row in here if is_under_kms(row)}
    sources = context.part_if_seen(buckets, Side.PRIMARY) or ()
    refs |= {rule.replica_key for row in here for _, rule in filling(sources, row.name)}
    wanted = sorted(ref for ref in refs if ref and not kms.is_of_aws(ref))
    return tuple(context.maybe(lambda ref: kms.find_key(context, ref, {OBJECTS.id}), wanted))


def filling(rows: Iterable[s3.Bucket | Unavailable], name: str) -> list[tuple[s3.Bucket, s3.BucketReplicationRule]]:
    """The enabled rules of these buckets that copy to the one of this name, each with its bucket."""
    sources = [row for row in rows if isinstance(row, s3.Bucket)]
    return [(row, rule) for row in sources for rule in row.rules if rule.enabled and rule.destination == name]


def is_under_kms(bucket: s3.Bucket) -> bool:
    """Whether what is uploaded is encrypted under a key of KMS, unless the request says otherwise."""
    return bucket.encryption.startswith("aws:kms")
