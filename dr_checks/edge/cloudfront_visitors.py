"""Checks of what CloudFront does with the tenants' visitors: which distribution answers them, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.edge.cloudfront import follows, is_bucket, origins_of, serving
from dr_checks.edge.cloudfront_routing import following
from dr_estate.config.environment import Environment, Side
from dr_estate.config.settings import WORDPRESS
from dr_estate.readers import cloudfront
from dr_estate.readers.cloudfront import DEFAULT_BEHAVIOUR, Behaviour, Distribution, nearest_alias
from dr_estate.snapshot import tenants
from dr_estate.snapshot.tenants import Tenant

_WORDPRESS = "wp-"
_TOP = "/"
_WANTED = f"POST of /{' and /'.join(WORDPRESS.posts)} admitted"
_ABSENT = "there is no distribution: see cloudfront.distribution-serves"
_WILD = frozenset("*?")


def _profile_reason(env: Environment) -> str | None:
    """For ``applies``: which paths take what visitors write is known of the profile, or nobody can say it."""
    return None if env.application.posts else f"the profile {env.profile} names no path that visitors write to"


@check("the distributions of the tenants let people log in and write")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, GLOBAL, applies=_profile_reason)
@cite("REL11-BP04", "REL13-BP04", "NIST CP-8")
def posts_admitted(view: View) -> Iterator[Finding]:
    """The behaviour that takes the login and the editor admits POST, and leads it to where the traffic leads.

    Behaviours are asked in their order, the default one last; WordPress may stand below a directory that a pattern
    names, which is known where the pattern is of WordPress's own files. Of an origin group only the first origin is
    asked by POST: CloudFront fails over for GET, HEAD and OPTIONS.
    Sources: CloudFront API, CacheBehavior; Developer Guide, "Optimize high availability with origin failover".
    """
    found = view.need(serving(view), view.env.traffic.distribution_alias, _ABSENT)
    answering = {row.id: row for row in (found, *apart(view).values())}.values()
    leading = [row for row in answering if not row.behaviours or _leads_on(row)]
    view.need(leading, found.id, "no behaviour leads to a load balancer: see cloudfront.origin-follows")
    yield from (_methods_finding(view, row) for row in leading)


def _leads_on(found: Distribution) -> bool:
    """Whether a behaviour of the distribution leads to more than buckets."""
    return not all(is_bucket(origin) for row in found.behaviours for origin in origins_of(found, row.target))


def _methods_finding(view: View, found: Distribution) -> Finding:
    if not found.behaviours or any(behaviour.methods is None for behaviour in found.behaviours):
        return view.unknown(found.id, _WANTED, "This evidence does not hold which methods are admitted.")
    refusals = {root: _refusals(view, found, root) for root in _roots(found)}
    admitting = [root for root, refused in refusals.items() if not refused]
    # A directory counts only where a pattern names WordPress's files in it: a shop's API may admit POST as well.
    if any(root == _TOP or _names_wordpress(found, root) for root in admitting):
        return view.ok(found.id, "admitted", _WANTED, "people who write, order or log in are let through")
    patterns = ", ".join(dict.fromkeys(refusals[_TOP].values()))
    if admitting:
        return _unplaced_finding(view, found, patterns, ", ".join(admitting))
    reason = "nobody logs in, and nothing is written or ordered, in the region that serves"
    remedy = (
        f"aws_cloudfront_distribution {found.id}, {patterns}: allowed_methods with POST, PUT, PATCH and DELETE, and as "
        f"target_origin_id the origin {view.env.traffic.origin_record}, not an origin group."
    )
    return view.gap(found.id, f"refused by {patterns}", _WANTED, reason, remedy)


def _unplaced_finding(view: View, found: Distribution, patterns: str, directories: str) -> Finding:
    reason = f"{patterns} refuses it, and nothing shows whether WordPress stands below {directories} alone."
    remedy = (
        f"aws_cloudfront_distribution {found.id}, {patterns}: allowed_methods with POST, PUT, PATCH and DELETE; or, "
        f"where WordPress stands below {directories} alone, accept this finding by an exception."
    )
    return replace(view.unknown(found.id, _WANTED, reason), remedy=remedy)


def _refusals(view: View, found: Distribution, root: str) -> Mapping[str, str]:
    """By path of a WordPress below ``root``: the pattern of the behaviour that refuses a POST."""
    taking = {path: _behaviour(found, f"{root}{path}") for path in view.env.application.posts}
    return {path: row.pattern for path, row in taking.items() if not _posts(view, found, row)}


def _posts(view: View, found: Distribution, behaviour: Behaviour) -> bool:
    """Whether a POST passes, to an origin that need not be the lost region's."""
    origins = origins_of(found, behaviour.target)[:1]
    # A bucket runs no PHP; a target without any origin is refused as well, for all() of nothing is true.
    if "POST" not in (behaviour.methods or ()) or all(map(is_bucket, origins)):
        return False
    grouped = any(group.id == behaviour.target for group in found.groups)
    return not grouped or follows(view, found, origins[0].id) is not False


def _roots(found: Distribution) -> list[str]:
    """Where WordPress may stand: at "/", or in a directory that a pattern begins with and that is none of its own."""
    directories = (
        row.pattern.lstrip("/").partition("/") for row in found.behaviours if row.pattern != DEFAULT_BEHAVIOUR
    )
    named = [first for first, slash, _ in directories if slash and not set(first) & _WILD]
    return [_TOP, *(f"/{name}/" for name in dict.fromkeys(named) if not name.startswith(_WORDPRESS))]


def _names_wordpress(found: Distribution, root: str) -> bool:
    """Whether a pattern names files of WordPress below ``root``: any other may be of something else."""
    return any(f"/{row.pattern.lstrip('/')}".startswith(f"{root}{_WORDPRESS}") for row in found.behaviours)


def _behaviour(found: Distribution, path: str) -> Behaviour:
    """The behaviour that takes a request for the path: the first whose pattern fits, else the default one."""
    # CloudFront compares patterns in the order of the list, and takes the default where none fits (API_CacheBehavior).
    default, *others = found.behaviours
    return next(
        (row for row in others if fnmatchcase(path, f"/{row.pattern.lstrip('/')}".replace("[", "[[]"))), default
    )


@check("no other distribution takes a tenant's visitors away from the traffic name")
@weigh(Severity.BLOCKER, Area.TENANTS, GLOBAL)
@cite("T08", "REL11-BP04", "NIST CP-8")
def nobody_led_apart(view: View) -> Iterator[Finding]:
    """Of two distributions with an alias for a host the one with the nearer alias answers, whatever DNS says.

    Its origins must follow the traffic, and are asked, as those of the distribution that serves the tenants. Source:
    CloudFront Developer Guide, "Restrictions on using alternate domain names".
    """
    found = view.need(serving(view), view.env.traffic.distribution_alias, _ABSENT)
    others = apart(view)
    hosts = {tenant.id: tenants.host_of(tenant, view.env) for tenant in view.tenants}
    yield from (_alias_finding(view, found, other, hosts[name], name) for name, other in others.items())
    if not others:
        yield view.ok(found.id, "the only one", "follows the traffic", "no other distribution names a tenant's host")


def _alias_finding(view: View, found: Distribution, other: Distribution, host: str, tenant: str) -> Finding:
    targets = dict.fromkeys((other.target, *other.other_targets))
    answers = {target: follows(view, other, target) for target in targets}
    lost = sorted(target for target, leads in answers.items() if leads is False)
    wanted, measured = "follows the traffic", f"answered by {other.id}"
    # Before the unknown: an origin that leads elsewhere for certain is a gap, whatever the others do.
    if lost:
        reason = "this tenant's visitors are not led to the region that serves"
        remedy = (
            f"aws_cloudfront_distribution {other.id}: domain_name = {view.env.traffic.origin_record} of origin "
            f"{', '.join(lost)}; or {_matching_alias(found, other, host)}, so that {found.id} answers."
        )
        return view.gap(host, f"{measured}, from {', '.join(lost)}", wanted, reason, remedy, tenant)
    if None in answers.values():
        return view.unknown(host, wanted, f"Nothing shows which region {other.id} fetches from.", tenant)
    if None not in (found.countries, other.countries) and found.countries != other.countries:
        reason = "visitors of some countries are refused, and other tenants' are not"
        remedy = f"aws_cloudfront_distribution {other.id}: geo_restriction as {found.id} has it, or accept it."
        return view.warn(host, f"{measured}, {_country_list(other)}", _country_list(found), reason, remedy, tenant)
    known = {(origin.protocol_policy, origin.ports, origin.headers) for origin in following(view, found)}
    ways = {o.id: (o.protocol_policy, o.ports, o.headers) for o in following(view, other)}
    if origin := next((name for name, way in ways.items() if known and way not in known), ""):
        reason = "what the load balancer of the DR region listens on and demands is judged of the other's origin alone"
        remedy = (
            f"Give origin {origin} of {other.id} the ports, the protocol and the headers that {found.id} has there."
        )
        return view.warn(host, f"{measured}, by {origin} otherwise", f"asks as {found.id}", reason, remedy, tenant)
    return view.ok(host, measured, wanted, "its origins follow the traffic record", tenant)


def _matching_alias(found: Distribution, other: Distribution, host: str) -> str:
    """What makes ``found`` answer for the host: a name of its own goes before any pattern."""
    if host not in other.aliases:
        return f"add {host} to the aliases of {found.id}"
    added = "" if nearest_alias(found.aliases, host) else f", and add it to those of {found.id}"
    return f"take {host} out of its aliases{added}"


def _country_list(found: Distribution) -> str:
    return " ".join(found.countries or ()) or "every country"


def apart(view: View) -> Mapping[str, Distribution]:
    """By tenant's id the distribution that answers for its host in the place of the one that serves the tenants."""
    found = serving(view)
    live = [row for row in view.get(cloudfront.distributions, Side.GLOBAL) if row.enabled and not row.staging]
    answering = {tenant.id: _answering(view, live, tenant) for tenant in view.tenants}
    return {name: row for name, row in answering.items() if found and row and row.id != found.id}


def _answering(view: View, live: list[Distribution], tenant: Tenant) -> Distribution | None:
    host = tenants.host_of(tenant, view.env)
    naming = {nearest_alias(row.aliases, host): row for row in live}  # AWS lets no two have the same alias
    nearest = nearest_alias(naming, host)
    return naming[nearest] if nearest else None
