"""Check that browsers may do with bucket copies what they may do with their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.references import neutral
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_settings
from dr_estate.readers.s3_settings import CorsRule

_LOST = Unavailable(UnavailableKind.ERROR, "The CORS rules were not among those read.")
_WANTED = "those of its source"


@check("every bucket copy lets the pages of the sites read and upload as its source does")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("REL13-BP04", "NIST CP-2")
def alike(view: View) -> Iterator[Finding]:
    """Each CORS rule of the source has one in the copy that allows as much; what the copy allows besides is not judged.

    S3 answers by the first rule that fits, so one before it must not expose less. Replication copies no settings of a
    bucket. Sources: S3 User Guide, "What isn't replicated", "Using cross-origin resource sharing"; GetBucketCors.
    """
    there, here = (
        {row.bucket: row.rules for row in view.get(s3_settings.cors, side)} for side in (Side.PRIMARY, Side.DR)
    )

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        wanted = there.get(original.name, _LOST)
        found = here.get(copy.name, _LOST) if wanted else ()
        if isinstance(found, Unavailable) or isinstance(wanted, Unavailable):
            unseen = (row for row in (wanted, found) if isinstance(row, Unavailable))
            yield view.unknown(copy.name, _WANTED, next(unseen))
            return
        theirs = [_plain(view, rule, Side.PRIMARY) for rule in wanted]
        mine = [_plain(view, rule, Side.DR) for rule in found]
        lacking = [rule for rule, plain in zip(wanted, theirs, strict=True) if not _is_served(plain, theirs, mine)]
        if lacking:
            measured = f"none for {'; '.join(map(_rule_text, lacking))}"
            others = [rule for rule, plain in zip(found, mine, strict=True) if plain not in theirs]
            reason = "after a failover browsers refuse what pages ask of it: fonts, scripts' requests, uploads"
            yield view.gap(copy.name, measured, _WANTED, reason, _put(view, copy.name, wanted, others))
        else:
            measured = "; ".join(map(_rule_text, found)) or "none"
            yield view.ok(copy.name, measured, _WANTED, "browsers may do with it what they may do with its source")

    yield from each_pair(view, _WANTED, judge)


def _is_served(rule: CorsRule, wanted: Sequence[CorsRule], found: Sequence[CorsRule]) -> bool:
    """Whether the copy allows each method to each origin of ``rule``: a browser asks for one at a time."""
    # A browser's preflight names one origin and one method: several rules of the copy may serve together what one did.
    requests = (replace(rule, origins=(o,), methods=(m,)) for o in rule.origins for m in rule.methods)
    return all(_is_allowed(request, wanted[: wanted.index(rule)], found) for request in requests)


def _is_allowed(request: CorsRule, earlier: Iterable[CorsRule], found: Iterable[CorsRule]) -> bool:
    """Whether a rule of the copy allows as much, and none hides it before unless one of ``earlier`` does there."""
    # S3 answers by the first rule that matches, so the order is a part of what a bucket allows.
    is_hidden = any(_hides(rule, request) for rule in earlier)
    for rule in found:
        # Whether the rule allows all that the wanted one allows; header names are the same in capitals
        if (
            _covers(rule.origins, request.origins)
            and set(request.methods) <= set(rule.methods)
            and _covers(_lower(rule.headers), _lower(request.headers))
            and set(_lower(request.exposed)) <= set(_lower(rule.exposed))
        ):
            return True
        if not is_hidden and _hides(rule, request):
            return False
    return False


def _hides(other: CorsRule, rule: CorsRule) -> bool:
    """Whether a request of ``rule`` is answered by the other, which lets pages read fewer headers."""
    meets = _covers(other.origins, rule.origins) or _covers(rule.origins, other.origins)
    exposes = set(_lower(rule.exposed)) <= set(_lower(other.exposed))
    return meets and not exposes and not set(other.methods).isdisjoint(rule.methods)


def _plain(view: View, rule: CorsRule, side: Side) -> CorsRule:
    """The rule without the region in the names of its origins."""
    return replace(rule, origins=tuple(neutral(origin, view.env.region(side)) for origin in rule.origins))


def _covers(patterns: Iterable[str], wanted: Iterable[str]) -> bool:
    known = list(patterns)
    return all(any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in known) for name in wanted)


def _lower(names: Iterable[str]) -> list[str]:
    return [name.lower() for name in names]


def _put(view: View, copy: str, wanted: Iterable[CorsRule], others: Iterable[CorsRule]) -> Remedy:
    """Set the source's rules in their order, with the DR region's name, and behind them what the copy has besides."""
    home, away = view.env.regions.primary, view.env.regions.dr
    moved = (replace(rule, origins=tuple(o.replace(home, away) for o in rule.origins)) for rule in wanted)
    configuration = {"CORSRules": [_row(rule) for rule in (*moved, *others)]}
    command = view.command("s3", "PutBucketCors", Bucket=copy, CORSConfiguration=configuration)
    return Remedy(f"aws_s3_bucket_cors_configuration of {copy} in {view.region}: the rules of its source.", (command,))


def _row(rule: CorsRule) -> dict[str, object]:
    given = {
        "AllowedOrigins": list(rule.origins),
        "AllowedMethods": list(rule.methods),
        "AllowedHeaders": list(rule.headers),
        "ExposeHeaders": list(rule.exposed),
        "MaxAgeSeconds": rule.age_s,
    }
    return {key: value for key, value in given.items() if value}


def _rule_text(rule: CorsRule) -> str:
    return f"{', '.join(rule.methods)} of {', '.join(rule.origins)}"
