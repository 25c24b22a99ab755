"""The caller's identity in each region, from that region's STS (T15), and where a world beside AWS is served.

An endpoint that is not AWS's own says with each answer where its name server and its regions' sites are. A region's STS
is asked for that, for a visitor needs no control plane of Route 53 to reach either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dr_estate.aws.read_client import Answer
from dr_estate.aws.session_life import session_life
from dr_estate.config.environment import Side
from dr_estate.model.session_life import SessionLife
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"sts:GetCallerIdentity"})
SERVED_AT, SITES_AT = "x-world-name-server", "x-world-sites"


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """The caller as one region's STS knows it.

    ``served_at`` and ``sites_at`` are "" on AWS; an endpoint that is not AWS's own says there where its zones are
    served (address:port) and its regions' sites (region=address:http:https ...): the internet does not know them.
    ``session`` is how long the caller's keys last, where the caller has the role of a recovery.
    """

    account: str
    arn: str
    served_at: str = ""
    sites_at: str = ""
    session: SessionLife | None = None


@part(*REGIONAL, reads=READS)
def caller(context: ReadContext) -> CallerIdentity:
    """The caller's identity by the regional endpoint."""
    identity = context.call("sts", "get_caller_identity")
    found = context.understand(lambda: _caller(identity), "The caller")
    if f":assumed-role/{context.env.acting_role}/" not in found.arn:
        return found  # a reader's session need not last as long as a plan
    return replace(found, session=session_life(context.env, context.client.credentials, context.now))


def _caller(identity: Answer) -> CallerIdentity:
    headers = identity["ResponseMetadata"].get("HTTPHeaders", {})
    return CallerIdentity(identity["Account"], identity["Arn"], headers.get(SERVED_AT, ""), headers.get(SITES_AT, ""))


def any_region_caller(context: ReadContext) -> CallerIdentity:
    """The caller by the DR region's STS, or by the primary region's where that one is silent.

    Raises DataUnavailable.
    """
    try:
        return context.part(caller, Side.DR)
    except DataUnavailable:
        return context.part(caller, Side.PRIMARY)
