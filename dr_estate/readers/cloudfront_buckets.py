"""The buckets from which the serving distribution fetches: those of the environment file, and any other."""

from __future__ import annotations

import re

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudfront, s3
from dr_estate.readers.cloudfront import Distribution, Origin
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

_DOMAIN = re.compile(
    r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d+))?\.amazonaws\.com"
)


def bucket_of(origin: Origin) -> str:
    """The name of the bucket that an S3 origin is; "" for a domain of another form."""
    found = _DOMAIN.fullmatch(origin.domain)
    return found["bucket"] if found else ""


def region_of(origin: Origin, env: Environment) -> str | None:
    """The region of a bucket, by its regional name or as one of the estate's own; None where nothing tells."""
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
    """The buckets of this region that the distribution fetches from; what tells no region is asked in the DR region.

    Those of the environment file are read already; six calls for each other one, none where no origin is a bucket.
    """
    found = cloudfront.serving(context.part(cloudfront.distributions, Side.GLOBAL), context.env.traffic)
    here = {
        name
        for origin in (bucket_origins(found) if found else ())
        if (name := bucket_of(origin)) and (region_of(origin, context.env) or context.env.regions.dr) == context.region
    }
    if not here:
        return ()
    own = tuple(row for row in context.part(s3.buckets) if isinstance(row, s3.Bucket) and row.name in here)
    others = sorted(here - {row.name for row in own})
    return (*own, *context.maybe(lambda name: s3.bucket_named(context, name), others))
