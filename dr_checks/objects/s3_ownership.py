"""Check that bucket copies take uploads with access control lists (ACLs) as their sources do."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_settings

_LOST = Unavailable(UnavailableKind.ERROR, "The bucket's object ownership was not among those read.")
_WANTED = "it takes access control lists, as its source does"


@check("every bucket copy takes uploads with access control lists as its source does")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("REL13-BP04", "NIST CP-2")
def lists_taken(view: View) -> Iterator[Finding]:
    """Warn where the source takes ACLs and the copy has BucketOwnerEnforced, the default of buckets since April 2023.

    The copy refuses uploads that name an ACL, and ignores those of the objects that it holds. Only who writes there
    knows whether any does. Source: S3 User Guide, "Controlling ownership of objects".
    """
    there, here = (
        {row.bucket: row.setting for row in view.get(s3_settings.ownership, side)} for side in (Side.PRIMARY, Side.DR)
    )

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        wanted = there.get(original.name, _LOST)
        # BucketOwnerEnforced switches ACLs off: such a source takes none, so the copy need not either.
        if wanted == s3_settings.ENFORCED:
            yield view.ok(copy.name, "its source takes none", _WANTED, "nobody uploads with access control lists")
            return
        found = here.get(copy.name, _LOST)
        if isinstance(found, Unavailable) or isinstance(wanted, Unavailable):
            unseen = (row for row in (wanted, found) if isinstance(row, Unavailable))
            yield view.unknown(copy.name, _WANTED, next(unseen))
        elif found == s3_settings.ENFORCED:
            reason = "after a failover it refuses uploads that name a list, and what a list makes public is not served"
            controls = {"Rules": [{"ObjectOwnership": wanted}]}
            command = view.command("s3", "PutBucketOwnershipControls", Bucket=copy.name, OwnershipControls=controls)
            attribute = f"aws_s3_bucket_ownership_controls of {copy.name} in {view.region}: {wanted}."
            sentence = f"{attribute} Where no upload names a list, accept this finding instead."
            yield view.warn(copy.name, f"{found}, its source {wanted}", _WANTED, reason, Remedy(sentence, (command,)))
        else:
            yield view.ok(copy.name, found, _WANTED, "uploads that name a list are taken in both regions")

    yield from each_pair(view, _WANTED, judge)
