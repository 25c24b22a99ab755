"""Check that browsers may do with bucket copies what they may do with their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from dr_checks.core.model import Area, Finding, Severity, View, replication_expected
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.regional_names import neutral
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_cors
from dr_estate.readers.s3_cors import CorsRule

_LOST = Unavailable(UnavailableKind.ERROR, "The CORS rules were not among those read.")
_WANTED = "those of its source"


@check(
    "every bucket copy lets the pages of the sites read and upload as its source does",
    severity=Severity.NORMAL,
    area=Area.REPLICATION,
    rules=("REL13-BP04", "NIST CP-2"),
    applies=replication_expected,
)
def alike(view: View) -> Iterator[Finding]:
    """Each CORS rule of the source has one in the copy that allows as much; what the copy allows besides is not judged.

    Replication copies no settings of a bucket. Source: S3 User Guide, "What isn't replicated"; GetBucketCors.
    """
    there, here = ({row.bucket: row.rules for row in view.get(s3_cors.cors, side)} for side in (Side.PRIMARY, Side.DR))

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        wanted = there.get(original.name, _LOST)
        found = here.get(copy.name, _LOST) if wanted else ()
        if isinstance(found, Unavailable) or isinstance(wanted, Unavailable):
            unseen = (row for row in (wanted, found) if isinstance(row, Unavailable))
            yield view.unknown(copy.name, _WANTED, next(unseen))
            return
        known = [_plain(view, rule, Side.DR) for rule in found]
        lacking = [rule for rule in wanted if not _is_allowed(known, _plain(view, rule, Side.PRIMARY))]
        if lacking:
            measured = f"none for {'; '.join(map(_shown, lacking))}"
            reason = "after a failover browsers refuse what pages ask of it: fonts, scripts' requests, uploads"
            yield view.gap(copy.name, measured, _WANTED, reason, _put(view, copy.name, found, lacking))
        else:
            measured = "; ".join(map(_shown, found)) or "none"
            yield view.ok(copy.name, measured, _WANTED, "browsers may do with it what they may do with its source")

    yield from each_pair(view, _WANTED, judge)


def _is_allowed(known: list[CorsRule], wanted: CorsRule) -> bool:
    """Whether each method is allowed to each origin, by one rule or by several: a browser asks for one at a time."""
    requests = (replace(wanted, origins=(o,), methods=(m,)) for o in wanted.origins for m in wanted.methods)
    return all(any(_allows(rule, request) for rule in known) for request in requests)


def _allows(rule: CorsRule, wanted: CorsRule) -> bool:
    """Whether the rule allows all that the wanted one allows; header names are the same in capitals."""
    return (
        _covers(rule.origins, wanted.origins)
        and set(wanted.methods) <= set(rule.methods)
        and _covers(_lower(rule.headers), _lower(wanted.headers))
        and set(_lower(wanted.exposed)) <= set(_lower(rule.exposed))
    )


def _plain(view: View, rule: CorsRule, side: Side) -> CorsRule:
    """The rule without the region in the names of its origins."""
    return replace(rule, origins=tuple(neutral(origin, view.env.region(side)) for origin in rule.origins))


def _covers(patterns: Iterable[str], wanted: Iterable[str]) -> bool:
    known = list(patterns)
    return all(any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in known) for name in wanted)


def _lower(names: Iterable[str]) -> list[str]:
    return [name.lower() for name in names]


def _put(view: View, copy: str, found: Iterable[CorsRule], lacking: Iterable[CorsRule]) -> Remedy:
    """Set the copy's rules, and those of the source that it lacks behind them, with the DR region's name."""
    home, away = view.env.regions.primary, view.env.regions.dr
    added = (replace(rule, origins=tuple(o.replace(home, away) for o in rule.origins)) for rule in lacking)
    configuration = {"CORSRules": [_row(rule) for rule in (*found, *added)]}
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


def _shown(rule: CorsRule) -> str:
    return f"{', '.join(rule.methods)} of {', '.join(rule.origins)}"
