"""S3 Object Ownership of the estate's buckets: whether they take access control lists (ACLs) with uploads."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import s3
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3:GetBucketOwnershipControls"})
ENFORCED, WRITER = "BucketOwnerEnforced", "ObjectWriter"
_NONE = "OwnershipControlsNotFoundError"


@dataclass(frozen=True, slots=True)
class BucketOwnership:
    """The setting of one bucket, ObjectWriter where it has none, Unavailable where it could not be read."""

    bucket: str
    setting: str | Unavailable

    @property
    def takes_lists(self) -> bool:
        """Whether uploads may name an ACL; True too where that was not seen."""
        return self.setting != ENFORCED


@part(*REGIONAL, reads=READS)
def ownership(context: ReadContext) -> tuple[BucketOwnership, ...]:
    """That of each bucket of the primary region that is there, and of the copies of those that take ACLs.

    S3 has no batch read: one call a bucket, not a tenant. A bucket made before April 2023 may have no setting, and
    takes ACLs then. Source: S3 User Guide, "Controlling ownership of objects"; GetBucketOwnershipControls.
    """
    there = _copies_of_takers(context) if context.side is Side.DR else s3.names_there(context)
    found = context.maybe(lambda name: _of(context, name), there)
    return tuple(BucketOwnership(name, setting) for name, setting in zip(there, found, strict=True))


def _copies_of_takers(context: ReadContext) -> list[str]:
    """The copies whose sources take ACLs; none while the primary region is not seen."""
    try:
        sources = [row.bucket for row in context.part(ownership, Side.PRIMARY) if row.takes_lists]
    except DataUnavailable:
        sources = []
    return s3.copies_of(context, sources)


def _of(context: ReadContext, name: str) -> str:
    request = {"Bucket": name, "ExpectedBucketOwner": context.env.account}
    answer = context.find("s3", "get_bucket_ownership_controls", (_NONE,), **request)
    if answer is None:
        return WRITER
    return context.understand(lambda: str(answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]), name)
