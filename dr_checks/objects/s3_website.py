"""Check that bucket copies answer as websites as their sources do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_settings

_LOST = Unavailable(UnavailableKind.ERROR, "The website settings were not among those read.")
_WANTED = "that of its source"


@check("every bucket copy answers as a website as its source does")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("REL13-BP04", "NIST CP-2")
def alike(view: View) -> Iterator[Finding]:
    """Index and error pages, redirections and their rules, which lead to the DR region and its buckets.

    Replication copies no settings of a bucket; a copy that answers where its source does not is not judged. Sources: S3
    User Guide, "What isn't replicated", "Hosting a static website"; GetBucketWebsite.
    """
    there, here = (
        {row.bucket: row.setting for row in view.get(s3_settings.websites, side)} for side in (Side.PRIMARY, Side.DR)
    )

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        theirs = there.get(original.name, _LOST)
        mine = here.get(copy.name, _LOST) if theirs else ""
        if isinstance(theirs, Unavailable) or isinstance(mine, Unavailable):
            yield view.unknown(copy.name, _WANTED, theirs if isinstance(theirs, Unavailable) else mine)
        elif not theirs or mine == (wanted := _in_dr(view, theirs)):
            reason = "who asks it for a page gets what the source gives"
            yield view.ok(copy.name, _text(mine or theirs), _WANTED, reason)
        else:
            settings = {"Bucket": copy.name, "WebsiteConfiguration": _parts(wanted)}
            commands = (view.command("s3", "PutBucketWebsite", **settings),)
            remedy = Remedy(f"aws_s3_bucket_website_configuration of {copy.name} in {view.region}.", commands)
            reason = "who asks it for a page gets an error, another page, or is led to the lost region"
            yield view.gap(copy.name, _text(mine), _text(wanted), reason, remedy)

    yield from each_pair(view, _WANTED, judge)


def _in_dr(view: View, setting: str) -> str:
    """The setting with the names of copies for those of their sources, and of the DR region for the primary one."""
    for source, copy in s3.pairs(view.env):
        setting = setting.replace(source, copy)
    return setting.replace(view.env.regions.primary, view.env.regions.dr)


def _parts(setting: str) -> dict[str, Any]:
    """The parts of a setting; none where evidence from elsewhere holds what no reader writes."""
    try:
        found = json.loads(setting)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(setting: str) -> str:
    found = _parts(setting)
    pages = [f"{key} {value}" for part in found.values() if isinstance(part, dict) for key, value in part.items()]
    rules = found.get("RoutingRules") or ()
    return ", ".join([*pages, *([f"rules: {len(rules)}"] if rules else [])]) or "no website"
