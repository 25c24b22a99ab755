"""Checks of the values in task definitions: those of the DR region are the primary region's, but for the region."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.database_copies import database_engine
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Environment, Side
from dr_estate.model.kept_values import DIGEST, is_secret, pointer_or_digest
from dr_estate.model.references import ReferenceKind, unregional
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, rds, s3
from dr_estate.readers.secretsmanager import without_names
from dr_estate.snapshot.tenants import Tenant

_NONE = "no service exists on both sides: see ecs.service-exists"
_PORT = re.compile(r"\.rds\.amazonaws\.com(?::(\d+))?")
_DATABASE_PORT = re.compile(rf"(\{{{ReferenceKind.DATABASE} [^}}]*\}}):(\d+)$")
_OWN_ADDRESS = re.compile(r"(?:HOME|SITE_?URL|BASE_?URL|APP_URL)$")
_HOST = re.compile(r"https?://([^/:?#]+)")
_ENDPOINT = re.compile(r"(?<![\w.-])([a-z][a-z0-9-]*)\.[a-z0-9]+\.([a-z0-9-]+)\.rds\.amazonaws\.com")
_TASK_OR_ADDRESS = re.compile(r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$", re.IGNORECASE)
_SCHEMA = re.compile(r"(?:^|_)(?:DB_NAME|DB_DATABASE|DATABASE|DATABASE_NAME|MYSQL_DATABASE)$")
_Pairs = Mapping[str, tuple[str, str]]


def _own_schema(env: Environment) -> str | None:
    """For ``applies``: that tenants have schemas of their own is known of the profile."""
    return None if env.application.own_schema else f"services of the profile {env.profile} may share a schema"


@check(
    "no tenant's variables in the DR region differ from the primary region's in a way that the other tenants' do not"
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("EcsTaskDefFamilyParity", "REL13-BP04", "NIST CP-2")
def alike(view: View) -> Iterator[Finding]:
    """Values are equal except for region, ids and tenant name; equal text is equal, whatever it names.

    A difference that most tenants share may be the region's, or made for all alike: a warning, once, until somebody
    accepts it, and a gap where it is the site's own address: of another host it leads every visitor away. So is the
    name of another tenant, whose things the tasks would take for their own, and a name of no table in the place of a
    table's. Secret values may differ; a value that points nowhere is known only by its digest. One that names the
    primary region is reported by definitions.primary-region-names. With a single tenant a setting cannot be
    distinguished from a mistake: a warning. Source: DescribeTaskDefinition.
    """
    pairs = _pairs(view)
    # What most tenants have in common is judged once, so that one change is not a finding for each of 2,000 tenants.
    wanted = "as in the primary region"
    tables = _tables_by_digest(view)
    usual = _usual({tenant: found for tenant, found in pairs.items() if not isinstance(found, Unavailable)})
    names = frozenset(name for tenant in view.tenants for name in (tenant.id, tenant.dns))
    for name, (theirs, mine) in sorted(usual.items()):
        if theirs != mine:
            reason = "most tenants have it, which makes it no better: by another table prefix nobody finds data"
            remedy = f"Set {name} in {view.region} as in the primary region, or accept it by an exception."
            # Of a site's own address that is no setting of the region: its pages and logins lead to that host.
            texts = (name, _value_text(mine), _value_text(theirs), reason, remedy)
            pair = theirs, mine
            away = _leads_away(name, pair) or _is_of_another(pair, names) or _is_of_no_table(pair, tables)
            yield view.gap(*texts, stops=away) if away or _OWN_ADDRESS.search(name) else view.warn(*texts)
    for tenant, found in pairs.items():
        subject = view.env.named(view.env.names.task_family, tenant=tenant)
        if isinstance(found, Unavailable):
            yield view.unknown(subject, wanted, found, tenant)
            continue
        odd = {name: pair for name, pair in found.items() if pair[0] != pair[1] and usual.get(name) != pair}
        differences = "; ".join(f"{name} = {pair[1]}, primary {pair[0]}" for name, pair in sorted(odd.items()))
        remedy = f"aws_ecs_task_definition '{subject}' in {view.region}: environment as in the primary's."
        if not odd:
            yield view.ok(subject, "alike", wanted, "its values are the primary's, or the region's own", tenant)
        elif len(pairs) == 1:
            reason = "the only tenant: nothing shows whether the region wants this, or somebody forgot to change it"
            yield view.warn(subject, differences, wanted, reason, remedy, tenant)
        else:
            reason = "this tenant would run with other settings than the tested ones"
            away = any(
                _leads_away(name, pair) or _is_of_another(pair, names) or _is_of_no_table(pair, tables)
                for name, pair in odd.items()
            )
            yield view.gap(subject, differences, wanted, reason, remedy, tenant, stops=away)
    if not pairs:
        yield view.none_expected("all task definitions", _NONE)


@check(
    "every database that variables of the DR region name there is the one that a failover restores, or exists",
    none=("all task definitions", _NONE),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "REL13-BP02", "NIST CP-7")
def database_host(view: View) -> Iterator[Finding]:
    """The first label of an endpoint is the instance's name, and the plan restores under names.database, on the same
    port. A variable that names the database in the primary region names no address or task here: a restore has
    another one. A name of one's own may lead to it.

    Source: RDS User Guide, "Finding the connection information"; DescribeTaskDefinition.
    """
    database = view.env.named(view.env.names.database)
    there = {instance.identifier for instance in view.get(rds.instances)} | {database}
    found, primary = tenant_definitions(view), _primary_definitions(view)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, database, mine, tenant)
            continue
        named = {
            f"{name} = {value}": instance
            for container in mine.containers
            for name, value in container.environment
            for instance, region in _ENDPOINT.findall(value)
            if region == view.region
        }
        if misled := _other_ports(primary.get(tenant), mine, str(database_engine(view).port)):
            reason = "the database restored listens on the primary's port: the site would answer with an error"
            remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: the port of the primary's."
            yield view.gap(mine.family, "; ".join(misled), "the primary's port", reason, remedy, tenant)
        elif lost := sorted(variable for variable, instance in named.items() if instance not in there):
            reason = "no database of that name is there, and none is restored: the site would answer with an error"
            remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: the endpoint of {database}."
            yield view.gap(mine.family, "; ".join(lost), database, reason, remedy, tenant)
        elif unnamed := _without_database(primary.get(tenant), mine):
            reason = "no task finds a restored database by these: the site would answer with an error"
            remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: the endpoint of {database}."
            yield view.gap(mine.family, "; ".join(unnamed), database, reason, remedy, tenant)
        else:
            names = ", ".join(sorted(set(named.values()))) or "none by endpoint"
            yield view.ok(mine.family, names, database, "its tasks find their database after a restore", tenant)


@check("every tenant's tasks in the DR region have the name of that tenant's own schema")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=_own_schema, stops=True)
@cite("REL13-BP04", "NIST CP-2")
def schema(view: View) -> Iterator[Finding]:
    """A variable named like a schema (DB_NAME, DATABASE) holds names.tenant_schema, which restore tests ask for.

    Where no tenant does, the rule is not the estate's; another tenant's schema is one all the same, and one that no
    tenant has in the primary region. A tenant whose name is in no such variable gets it from elsewhere, unless the
    primary region's tasks have one. Source: DescribeTaskDefinition.
    """
    found = tenant_definitions(view)
    named = {tenant: _schemas(mine) for tenant, mine in found.items() if not isinstance(mine, Unavailable)}
    owners = _owners(view)
    owning = {tenant for tenants in owners.values() for tenant in tenants}
    rule = {tenant: view.env.named(view.env.names.tenant_schema, tenant=tenant) for tenant in found}
    rule_holds = any(rule[tenant] in variables.values() for tenant, variables in named.items())
    for tenant, mine in sorted(found.items()):
        variables, wanted = named.get(tenant, {}), rule[tenant]
        measured = "; ".join(f"{name} = {value}" for name, value in sorted(variables.items()))
        remedy = f"aws_ecs_task_definition of {tenant} in {view.region}, or the file's names.tenant_schema."
        reason = "restore tests look for another schema, or these tasks read another tenant's or none"
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
        elif wanted in variables.values():
            yield view.ok(mine.family, measured, wanted, "its tasks and the restore tests ask for one schema", tenant)
        elif others := sorted({o for v in variables.values() if tenant not in owners[v] for o in owners[v]}):
            theirs = f"its visitors get the pages of {', '.join(others)}, and write into their database"
            yield view.gap(mine.family, measured, wanted, theirs, remedy, tenant, stops=True)
        elif variables and (rule_holds or (tenant in owning and not any(owners[v] for v in variables.values()))):
            # Names of schemas differ by capitals too (MySQL on Linux); one that the primary's tasks open is there.
            lost = tenant in owning and not any(tenant in owners[value] for value in variables.values())
            yield view.gap(mine.family, measured, wanted, reason, remedy, tenant, stops=lost)
        elif not variables and tenant in owning and not _is_fetched(mine, _SCHEMA):
            reason = "the primary region's tasks get its name by a variable, and these would open none"
            yield view.gap(mine.family, "no variable names it", wanted, reason, remedy, tenant, stops=True)
        elif variables:  # no tenant has it: it is the rule that does not fit the estate
            yield view.warn(mine.family, measured, wanted, reason, remedy, tenant)
    if not any(named.values()) and len(named) == len(found) and not owning & found.keys():
        yield view.none_expected("all task definitions", "no variable names a schema")


@check(
    "no variable of the DR region names a bucket of the primary region that has a copy of its own there",
    none=("all task definitions", _NONE),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=if_replicated)
@cite("T18", "T30", "REL13-BP02", "NIST CP-7")
def buckets(view: View) -> Iterator[Finding]:
    """A bucket's name holds no region, so that a variable copied from the primary region looks right.

    A value that names the copy too is a list of both; a host that begins with the name is a bucket's where it is of S3.
    Source: S3 User Guide, "General purpose bucket naming rules".
    """
    copies = dict(s3.data_pairs(view.env))
    named = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, copies))})(?![\w-]|\.(?!s3[.-]))")
    wanted, found = "names of the copies", tenant_definitions(view)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
            continue
        values = (pair for container in mine.containers for pair in container.environment)
        pairs = [(name, value, bucket) for name, value in values for bucket in (named.findall(value) if copies else ())]
        lost = [(name, bucket) for name, value, bucket in pairs if copies[bucket] not in value]
        if lost:
            measured = "; ".join(f"{name} names {bucket}" for name, bucket in lost)
            names = ", ".join(sorted({copies[bucket] for _, bucket in lost}))
            reason = "the tenant would start here and then read and write in the lost region"
            remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: {names} instead."
            yield view.gap(mine.family, measured, wanted, reason, remedy, tenant)
        else:
            measured = "no bucket of the primary region"
            yield view.ok(mine.family, measured, wanted, "its objects are this region's", tenant)


def _primary_definitions(view: View) -> Mapping[str, ecs.TaskDefinition | Unavailable]:
    """By tenant what the primary region's service starts; nothing where that is not seen.

    Read without a claim: a dark primary region must not hide whether the database is there.
    """
    parts = (ecs.services, ecs.task_definitions)
    seen = all(view.read_for_remedy(part, Side.PRIMARY) is not None for part in parts)
    return tenant_definitions(view, Side.PRIMARY) if seen else {}


def _other_ports(theirs: ecs.TaskDefinition | Unavailable | None, mine: ecs.TaskDefinition, usual: str) -> list[str]:
    """The variables whose endpoint has another port than the primary's of their name; none where that is not seen.

    ``usual`` is the engine's, for which an endpoint without one stands.
    """
    if not isinstance(theirs, ecs.TaskDefinition):
        return []
    wanted = {name: _ports(value, usual) for row in theirs.containers for name, value in row.environment}
    values = [pair for row in mine.containers for pair in row.environment]
    return [f"{n} = {value}" for n, value in values if wanted.get(n) and _ports(value, usual) not in ([], wanted[n])]


def _without_database(theirs: ecs.TaskDefinition | Unavailable | None, mine: ecs.TaskDefinition) -> list[str]:
    """The variables by which the primary region's tasks find the database, and these an address, themselves or nothing.

    None where the primary's are not seen, or these get their variables from elsewhere too.
    """
    if not isinstance(theirs, ecs.TaskDefinition):
        return []
    values = dict(pair for row in mine.containers for pair in row.environment)
    named = {name for row in theirs.containers for name, value in row.environment if _ENDPOINT.search(value)}
    lost = {name for name in named - values.keys() if not _is_fetched(mine, re.compile(re.escape(name)))}
    return [
        f"{name} = {values.get(name, 'nothing')}" for name in sorted(named) if name in lost or _lacks_host(values, name)
    ]


def _lacks_host(values: Mapping[str, str], name: str) -> bool:
    """Whether a variable holds nothing, the task itself or an address where a host is wanted."""
    return not values.get(name, "?").strip() or _TASK_OR_ADDRESS.match(values[name]) is not None


def _is_fetched(definition: ecs.TaskDefinition, named: re.Pattern[str]) -> bool:
    """Whether the agent may fetch a variable of such a name: from a secret or parameter, or in a file of variables."""
    return any(row.files or any(named.search(name) for name, _ in row.secrets) for row in definition.containers)


def _ports(value: str, usual: str) -> list[str]:
    return [port or usual for port in _PORT.findall(value)]


def _owners(view: View) -> Mapping[str, set[str]]:
    """Whose each schema is in the primary region; none where that is not seen."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for tenant, row in _primary_definitions(view).items():
        for value in () if isinstance(row, Unavailable) else _schemas(row).values():
            owners[value].add(tenant)
    return owners


def _leads_away(name: str, pair: tuple[str, str]) -> bool:
    """Whether it is the site's own address, of another host: the application sends each visitor there."""
    theirs, mine = (_HOST.match(value) for value in pair)
    return bool(_OWN_ADDRESS.search(name) and theirs and mine and theirs[1].lower() != mine[1].lower())


def _is_of_another(pair: tuple[str, str], names: Collection[str]) -> bool:
    """Whether the value has the name of another tenant where the primary region's has the tenant's own."""
    theirs, mine = pair
    before, own, after = theirs.partition("{tenant}")
    is_alike = bool(own) and mine.startswith(before) and mine.endswith(after)
    return is_alike and mine[len(before) : len(mine) - len(after)] in names


def _is_of_no_table(pair: tuple[str, str], tables: Collection[str]) -> bool:
    """Whether the primary region's value is a table of the estate, and this one none: a replica has its name."""
    return pair[0] in tables and pair[1] not in tables


def _value_text(value: str) -> str:
    """A value; where only its digest is kept, the beginning of that, by which two differ."""
    return f"a value of digest {value.removeprefix(DIGEST)[:8]}" if value.startswith(DIGEST) else value


def _schemas(definition: ecs.TaskDefinition) -> dict[str, str]:
    """The variables that name a schema, with their values."""
    values = (pair for container in definition.containers for pair in container.environment)
    return {name: value for name, value in values if _SCHEMA.search(name)}


def _pairs(view: View) -> dict[str, _Pairs | Unavailable]:
    """By tenant on both sides: by variable its value there and here, made neutral; or what was not read."""
    there, here = tenant_definitions(view, Side.PRIMARY), tenant_definitions(view)
    found, names = dict[str, _Pairs | Unavailable](), _names_by_digest(view)
    for tenant in view.tenants:
        theirs, mine = there.get(tenant.id), here.get(tenant.id)
        if theirs is None or mine is None:
            continue
        if isinstance(theirs, Unavailable):
            found[tenant.id] = theirs
        elif isinstance(mine, Unavailable):
            found[tenant.id] = mine
        else:
            found[tenant.id] = dict(_value_pairs(view, tenant, theirs, mine, names))
    return found


def _names_by_digest(view: View) -> dict[str, str]:
    """The tenants' names by what is kept of a variable that holds one: a name alone points nowhere."""
    names = [name for tenant in view.tenants for name in (tenant.id, tenant.dns)]
    regions = (view.env.regions.primary, view.env.regions.dr)
    return {pointer_or_digest("", name, region): name for region in regions for name in names}


def _tables_by_digest(view: View) -> frozenset[str]:
    """The estate's tables, as values that hold one are kept and compared."""
    names = [view.env.named(name) for name in view.env.names.tables]
    regions = (view.env.regions.primary, view.env.regions.dr)
    return frozenset({*names, *(pointer_or_digest("", name, region) for region in regions for name in names)})


def _value_pairs(
    view: View, tenant: Tenant, primary: ecs.TaskDefinition, mine: ecs.TaskDefinition, names: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    regions = view.env.regions
    # The name of a bucket may hold the code of its region (usw2), as that of its copy holds the other's.
    copies = {copy: unregional(source, regions.primary) for source, copy in s3.pairs(view.env) if copy}
    own, its = (f"{{{ReferenceKind.DATABASE} {view.env.database_on(side)}}}" for side in (Side.DR, Side.PRIMARY))
    port = database_engine(view).port
    theirs = {container.name: dict(container.environment) for container in primary.containers}
    for container in mine.containers:
        for name, value in container.environment:
            # Secrets are compared by secrets' own checks: a value here would be read, and shown.
            other = theirs.get(container.name, {}).get(name)
            if other is None or is_secret(name) or regions.primary in value:
                continue  # reported by definitions.parity and definitions.primary-region-names
            # Equal text is equal, whatever it names; else ids, region and tenant are taken out before both are
            # compared.
            there = _neutral(names.get(other, other), regions.primary, tenant, port)
            here = _neutral(_value_in_dr(names.get(value, value), copies), regions.dr, tenant, port, (own, its))
            here = there if value == other else here
            if _OWN_ADDRESS.search(name):  # WordPress takes the slash at its end away
                there, here = there.rstrip("/"), here.rstrip("/")
            yield f"{container.name}: {name}", (there, here)


def _value_in_dr(value: str, copies: Mapping[str, str]) -> str:
    """The value with the names of the primary region's buckets for those of their copies."""
    for copy, source in copies.items():
        value = value.replace(copy, source)
    return value


def _neutral(value: str, region: str, tenant: Tenant, port: int, database: tuple[str, str] = ("", "")) -> str:
    """The value without ids, account hashes and region, and with ``{tenant}`` for the tenant's names.

    ``port`` is the one that the database's engine has where none is named; ``database`` is what the value calls the
    database, and what the other region's values do.
    """
    text = unregional(value, region).replace(*database)  # before the tenant's name is taken out of it
    named = _DATABASE_PORT.search(text)
    text = text[: named.end(1)] if named and int(named[2]) == port else text
    return without_names(text, sorted({tenant.id, tenant.dns}, key=len, reverse=True))


def _usual(pairs: Mapping[str, _Pairs]) -> dict[str, tuple[str, str]]:
    """By variable the pair that more than half of two tenants or more have."""
    counts: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for found in pairs.values():
        for name, pair in found.items():
            counts[name][pair] += 1
    usual = {name: counter.most_common(1)[0] for name, counter in counts.items()}
    return {name: pair for name, (pair, number) in usual.items() if number > 1 and 2 * number > counts[name].total()}
