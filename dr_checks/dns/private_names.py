"""Checks of private names: by them secrets and settings name the database, in each region its own."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import route53_private_names
from dr_estate.readers.route53_private_names import PrivateNames


@check("every private name of the database in the primary region's VPC leads to the DR region's own database there")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T18", "REL11-BP02", "REL13-BP02", "NIST CP-7")
def database(view: View) -> Iterator[Finding]:
    """A private zone of the DR region's VPC has the same name, for an instance of the same identifier in that region.

    A replica of a secret keeps the host that the primary wrote: a name that each region resolves by itself. Source:
    T18, ListHostedZonesByVPC.
    """
    read, identifier = view.get(route53_private_names.names), view.env.database_on(Side.PRIMARY)
    for row in read:
        if isinstance(row, Unavailable):
            yield view.unknown(identifier, "the same names in both VPCs", row)
    known = {row.side: row.names for row in read if isinstance(row, PrivateNames)}
    there, here = known.get(Side.PRIMARY), known.get(Side.DR)
    ours = [name for name in there or () if name.target.partition(".")[0] == identifier]
    targets = {name.name: name.target for name in here or ()}
    for name in ours if here is not None else ():
        yield _leads(view, name.name, targets.get(name.name, ""))
    if known and (not ours or (here is None and Side.DR in known)):
        yield view.none_expected(identifier, "no such name in the primary region's VPC, or no VPC: see vpc.available")


def _leads(view: View, name: str, target: str) -> Finding:
    region, identifier = view.env.region(Side.DR), view.env.database_on(Side.DR)
    wanted = f"{identifier} of {region}"
    # Both: the lost region's database has the same identifier, and another one of this region the same suffix.
    if target.partition(".")[0] == identifier and f".{region}.rds." in target:
        return view.ok(name, target, wanted, "tasks of the DR region find their own database by it")
    reason = "tasks of the DR region would find no database, or that of the lost region, whatever was restored"
    remedy = f"aws_route53_record '{name}' in a private zone of the VPC of {region}: CNAME to the endpoint of {wanted}."
    return view.gap(name, target or "no such name", wanted, reason, remedy)


@check("no private zone of the DR region's VPC takes the names of AWS away from its tasks")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("REL11-BP02", "REL13-BP02", "NIST CP-7")
def aws_names(view: View) -> Iterator[Finding]:
    """A zone of amazonaws.com or below answers alone for all its names: what it has no record of does not exist.

    Judged are the names that a task asks for as it starts, and the database endpoints of its variables. Source:
    Route 53 guide, "Considerations when working with a private hosted zone"; ListHostedZonesByVPC.
    """
    name, wanted = f"names of AWS in {view.env.regions.dr}", "found in the VPC"
    for row in view.get(route53_private_names.names):
        if isinstance(row, Unavailable):
            yield view.unknown(name, wanted, row)
        # What the primary region's tasks do not find is that region's matter: a failover needs none of its names.
        elif row.side is not Side.DR:
            continue
        elif row.names is None:
            yield view.none_expected(name, "there is no VPC: see vpc.available")
        elif not row.taken:
            yield view.ok(name, wanted, wanted, "no private zone stands before them")
        for found in row.taken if isinstance(row, PrivateNames) else ():
            measured, reason = f"not in the private zone {found.zone}", "a task would not find it: no start, or no page"
            remedy = (
                f"aws_route53_zone '{found.zone}' ({found.zone_id}): a record of {found.host}, or take the zone off "
                f"the VPC of {view.env.regions.dr}."
            )
            yield view.gap(found.host, measured, wanted, reason, remedy)


@check("no private zone of the DR region's VPC hides the tenants' own sites from their tasks")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite("REL13-BP04", "NIST CP-7")
def own_sites(view: View) -> Iterator[Finding]:
    """A task calls its own site by its public name, for its scheduled work: a private zone of the domain hides it.

    Where the primary region's VPC hides the same sites, they do without. Source: WordPress, wp-cron (loopback
    requests); Route 53 guide, "Considerations when working with a private hosted zone".
    """
    name, wanted = f"*.{view.env.traffic.tenant_domain}", "found in the VPC as in the primary region's"
    rows = view.get(route53_private_names.names)
    for row in rows:
        if isinstance(row, Unavailable):
            yield view.unknown(name, wanted, row)
    known = {row.side: row for row in rows if isinstance(row, PrivateNames) and row.names is not None}
    # One VPC alone shows no difference, and a difference is all that is judged.
    if len(known) < len(rows):
        if not any(isinstance(row, Unavailable) for row in rows):
            yield view.none_expected(name, "there is no VPC: see vpc.available")
        return
    there, here = (known[side].sites for side in (Side.PRIMARY, Side.DR))
    if there is None or here is None:
        yield view.unknown(name, wanted, "Which sites private zones hide was not seen in both regions.")
        return
    usual = {found.host for found in there}
    hidden = [found for found in here if found.host not in usual]
    for zone, zone_id in sorted({(found.zone, found.zone_id) for found in hidden}):
        hosts = ", ".join(found.host for found in hidden if found.zone_id == zone_id)
        reason = "their tasks do not reach themselves: what they do by schedule stands still"
        remedy = f"aws_route53_zone '{zone}' ({zone_id}): a record of each, or take it off the VPC."
        yield view.gap(f"{zone} ({zone_id})", f"hides {hosts}", wanted, reason, remedy)
    if not hidden:
        yield view.ok(name, wanted, wanted, "tasks reach their own sites as they do in the primary region")
