"""Checks that lifecycle rules of bucket copies expire or archive no object sooner than the source's."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import LifecycleEffect

Endings = tuple[LifecycleEffect, ...]
_LOST = Unavailable(UnavailableKind.ERROR, "The lifecycle was not among those read.")
_FORGETS = "forgets"
# What was overwritten three months ago is no mistake of the days before a failover.
_LATE = LifecycleEffect("", _FORGETS, 90, "", ())
_WANTED = "no rule earlier than the source's"


@check("no bucket copy expires or archives objects sooner than its source")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "REL09-BP01", "REL13-BP04", "NIST CP-9")
def kept_as_long(view: View) -> Iterator[Finding]:
    """Lifecycle rules are each bucket's own: an expiry or Glacier transition of the copy alone loses what it protects.

    Former versions that the copy alone deletes sooner are a warning: what was overwritten or deleted by mistake before
    the failover cannot be brought back after it. Kept for three months, it may be forgotten here.
    Source: S3 User Guide, "What isn't replicated" (lifecycle configuration). T30.
    """
    by_side = {
        side: {found.bucket: found.endings for found in view.get(s3_settings.lifecycles, side)}
        for side in (Side.PRIMARY, Side.DR)
    }

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        here, there = by_side[Side.PRIMARY].get(original.name, _LOST), by_side[Side.DR].get(copy.name, _LOST)
        if isinstance(here, Unavailable) or isinstance(there, Unavailable):
            dark = [endings for endings in (here, there) if isinstance(endings, Unavailable)]
            yield view.unknown(copy.name, _WANTED, dark[0])
            return
        sooner = tuple(result for result in there if not any(_as_soon(own, result) for own in (*here, _LATE)))
        if not sooner:
            yield view.ok(copy.name, _endings_text(there), _WANTED, "the copy retains what the source retains")
            return
        remedy = f"aws_s3_bucket_lifecycle_configuration of {copy.name}: the rules of {original.name}, not sooner."
        if all(result.kind == _FORGETS for result in sooner):
            reason = "after a failover what was overwritten or deleted by mistake before it cannot be brought back"
            yield view.warn(copy.name, _endings_text(sooner), _WANTED, reason, remedy)
        else:
            reason = "after a failover objects would be missing, or take hours to be restored from an archive"
            yield view.gap(copy.name, _endings_text(sooner), _WANTED, reason, remedy)

    yield from each_pair(view, _WANTED, judge)


def _as_soon(own: LifecycleEffect, other: LifecycleEffect) -> bool:
    """Whether the original's ``own`` ending ends all that ``other`` ends, no later, and at least as finally."""
    same_objects = other.prefix.startswith(own.prefix) and set(own.tags) <= set(other.tags)
    # Size filters narrow a rule: the copy's is no sooner where it takes no object that the source's leaves alone.
    if own.larger_than is not None:
        same_objects &= other.larger_than is not None and other.larger_than >= own.larger_than
    if own.smaller_than is not None:
        same_objects &= other.smaller_than is not None and other.smaller_than <= own.smaller_than
    # A copy may archive what the source deletes on that day: it keeps more, not less.
    as_final = own.kind == other.kind or (own.kind == "expires" and other.kind != _FORGETS)
    as_final &= own.versions <= other.versions
    return same_objects and as_final and own.after_days <= other.after_days


def _endings_text(endings: Endings) -> str:
    texts = [
        " ".join(
            (result.kind, *_objects_text(result), *result.tags, *_sizes(result), f"after {result.after_days} days")
        )
        for result in endings
    ]
    return "; ".join(texts) or "keeps all"


def _objects_text(result: LifecycleEffect) -> Iterator[str]:
    yield result.prefix or "all"
    if result.kind == _FORGETS:
        yield f"former versions but {result.versions}" if result.versions else "former versions"


def _sizes(result: LifecycleEffect) -> Iterator[str]:
    if result.larger_than is not None:
        yield f"over {result.larger_than} bytes"
    if result.smaller_than is not None:
        yield f"under {result.smaller_than} bytes"
