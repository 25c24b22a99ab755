"""Checks of traffic in the DR region: security groups, and the routes that a starting task needs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import REPLICA, replicas
from dr_checks.derived.pairing import (
    load_balancers,
    network_command,
    service_pairs,
    tenant_definitions,
    tenant_services,
    vpc_name,
)
from dr_checks.derived.standing import Grounds
from dr_checks.derived.traffic_rules import VPC, Admission, TrafficRule, covers_lists, parse_rule
from dr_checks.derived.ways import HIDDEN, Way, Ways, data_tier, table_of
from dr_checks.network.endpoints import takes
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, elbv2, rds, route53_private_names, vpc

# What Fargate asks for before a container runs: image, secrets, log stream (ECR and ECS guides, VPC endpoints).
NEEDED = ("ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager")
_PARAMETERS = "ssm"
# pending is seconds from available, and counts: nobody has to do anything for it.
_ALIVE = {"available", "pending"}
_ABSENT = "there is no VPC: see vpc.available"
# What a default route names that leads to another network: a transit gateway, a VPN gateway, a core network.
ELSEWHERE = ("tgw-", "vgw-", "arn:aws:networkmanager:")
_Groups = dict[str, vpc.SecurityGroup]
_GATEWAY = "0.0.0.0/0 to a public NAT gateway whose own subnet leads to an attached internet gateway"
_HTTPS_OUT = TrafficRule("tcp", 443, 443, "0.0.0.0/0")
EXCLUDED = "; aws_vpc_block_public_access_exclusion of the VPC"


@check("security groups of the DR region allow the same traffic as the primary region's")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP04", "NIST CP-7", "ISO22301 8.4")
def security_groups(view: View) -> Iterator[Finding]:
    """Groups of services, load balancer and database, by name, let through what the primary's rules do.

    However it is written: a wider span of ports or block, all protocols, the VPC for a group in it. A block within the
    primary's VPC asks that tasks, balancer, database, files and endpoints that it holds be let through here, by their
    groups or blocks of this VPC. Less that is let out is a warning for a group of tasks where what pages need is let
    out; for a database's or a balancer's it is alike. The load balancer carries the primary's groups. Source:
    DescribeSecurityGroups.
    """
    view.need(view.get(vpc.vpc), "all security groups", _ABSENT)
    here = {group.name: group for group in view.get(vpc.security_groups)}
    there = {group.name: group for group in view.get(vpc.security_groups, Side.PRIMARY)}
    used, grounds, paired = _used_groups(view, Side.PRIMARY), Grounds(view), _paired_groups(view)
    # By name: ids differ in each region, and the same module gives both sides one name, or the map pairs them.
    for name in sorted(used):
        mine = here.get(paired.get(name, name))
        remedy = f"Apply aws_security_group '{name}' in {view.region} from the same module as the primary's."
        if mine is None:
            reason = "resources that use it cannot be reached, or do not start"
            yield view.gap(name, "absent", "as in the primary region", reason, remedy)
            continue
        ways_in = grounds.lacking(there[name].ingress, mine.ingress, outward=False)
        ways_out = grounds.lacking(there[name].egress, mine.egress, outward=True)
        missing = [*(f"in {rule}" for rule in ways_in), *(f"out {rule}" for rule in ways_out)]
        # A managed prefix list, such as CloudFront's, has an id of its own in each region: the open block lets through
        # all of it.
        if missing and covers_lists(ways_in, mine.ingress) and covers_lists(ways_out, mine.egress):
            reason = "every IPv4 address is let through here, and in the primary region those of a list alone"
            yield view.warn(name, f"missing {'; '.join(missing)}", "as in the primary region", reason, remedy)
        elif ways_out and not ways_in and _lets_out(grounds, name, mine):
            if not grounds.is_task_group(name):
                # A database answers alone, a balancer opens its targets' port: narrower is not less for either.
                yield view.ok(name, "no wider than it needs", "as in the primary region", "pages need no more of it")
                continue
            reason = "pages need none of it, as far as is known; mail, caches or partners' services may"
            healing = Remedy(remedy, tuple(_rule_commands(view, mine, ways_in, ways_out)))
            yield view.warn(name, f"missing {'; '.join(missing)}", "as in the primary region", reason, healing)
        elif missing:
            reason = "this traffic is allowed in the primary region and would be dropped after the failover"
            healing = Remedy(remedy, tuple(_rule_commands(view, mine, ways_in, ways_out)))
            yield view.gap(name, f"missing {'; '.join(missing)}", "as in the primary region", reason, healing)
        elif mine.name == view.env.named(view.env.names.db_security_group) and (wide := _open_rules(mine, there[name])):
            yield _open_finding(view, mine, wide)
        else:
            yield view.ok(name, "alike", "as in the primary region", "the same traffic is allowed")
    yield from _of_balancer(view)
    yield from _of_database(view, there, here, grounds)
    if not used:
        yield view.none_expected("all security groups", "nothing of the primary region uses one")


def _lets_out(grounds: Grounds, name: str, mine: vpc.SecurityGroup) -> bool:
    """Whether it lets out what pages need; where a part is not seen, nobody knows what it takes to reach it."""
    with suppress(DataUnavailable):
        return grounds.lets_out(name, mine.egress)
    return False


def _open_rules(mine: vpc.SecurityGroup, theirs: vpc.SecurityGroup) -> list[str]:
    """The rules by which a group lets in every address, and that of the primary region does not."""
    known, rules = Admission(theirs.ingress), [(text, parse_rule(text)) for text in mine.ingress]
    return [text for text, rule in rules if rule.block and not rule.block.prefixlen and not known.covers(rule)]


def _open_finding(view: View, mine: vpc.SecurityGroup, wide: list[str]) -> Finding:
    permissions = [found for rule in wide for found in _permissions(view, rule)]
    close = view.command("ec2", "RevokeSecurityGroupIngress", GroupId=mine.id, IpPermissions=permissions)
    remedy = Remedy(f"aws_security_group '{mine.name}' in {view.region}: ingress as the primary's.", (close,))
    reason = "a restored database is open to everybody who can reach its subnets"
    return view.warn(mine.name, f"lets in {'; '.join(wide)}", "as in the primary region", reason, remedy)


def _of_balancer(view: View) -> Iterator[Finding]:
    """The load balancer carries the primary's groups or their counterparts: the tasks' admit it by one of them."""
    for here, there in zip(load_balancers(view, Side.DR), load_balancers(view, Side.PRIMARY), strict=True):
        # see elbv2.active; a balancer of this kind has one at least
        if here is not None and there is not None and here.security_groups:
            yield from _carried_findings(view, here, there)


def _carried_findings(view: View, here: elbv2.LoadBalancer, there: elbv2.LoadBalancer) -> Iterator[Finding]:
    names = {side: {g.id: g.name for g in view.get(vpc.security_groups, side)} for side in (Side.PRIMARY, Side.DR)}
    if nameless := sorted(set(there.security_groups) - names[Side.PRIMARY].keys()):
        reason = f"Nothing shows the name of the primary region's {', '.join(nameless)}."
        yield view.unknown(here.name, "the groups of the primary's", reason)
        return
    mine, paired = {names[Side.DR].get(id_, id_) for id_ in here.security_groups}, _paired_groups(view)
    wanted = {paired.get(name := names[Side.PRIMARY][id_], name) for id_ in there.security_groups}
    measured, expected = ", ".join(sorted(mine)) or "none", ", ".join(sorted(wanted)) or "none"
    if wanted <= mine:
        return  # each group is judged above
    ids = {name: id_ for id_, name in names[Side.DR].items()}
    groups = [ids[name] for name in sorted(wanted) if name in ids]
    change = {"LoadBalancerArn": here.arn, "SecurityGroups": groups}
    commands = (view.command("elbv2", "SetSecurityGroups", **change),) if len(groups) == len(wanted) else ()
    remedy = Remedy(f"aws_lb '{here.name}' in {view.region}: security_groups as the primary's.", commands)
    reason = "visitors would not reach it, or it would not reach the tasks"
    yield view.gap(here.name, measured, expected, reason, remedy)


def _of_database(view: View, there: _Groups, here: _Groups, grounds: Grounds) -> Iterator[Finding]:
    """A restore names one group: the tasks' way through a further one of the primary database is let in by it too."""
    wanted = view.env.named(view.env.names.db_security_group)
    mine, known = here.get(wanted), _used_groups(view, Side.PRIMARY) & {wanted}
    source = view.find(rds.instances, Side.PRIMARY, identifier=view.env.database_on(Side.PRIMARY))
    if wanted and mine is None and source is not None and not known:
        reason = "a restore names this group, and RDS would put the database out of reach"
        remedy = f"names.db_security_group of {view.env.name}.toml: the group of {view.region} that lets the tasks in."
        yield view.gap(wanted, "absent in both regions", "the database's group", reason, remedy)
    carried = {id_ for _, service in tenant_services(view) for id_ in service.security_groups}
    tasks = {VPC, *(group.name for group in here.values() if group.id in carried)}

    def lost_ways(theirs: Iterable[str], ours: Iterable[str]) -> list[str]:
        missing = grounds.lacking(theirs, ours, outward=False)
        return [rule for rule in missing if parse_rule(rule).peer in tasks or grounds.is_own(parse_rule(rule))]

    if view.env.replication.database[:1] == (REPLICA,) and mine is not None and source is not None:
        ways = [rule for group in there.values() if group.id in source.security_groups for rule in group.ingress]
        for replica in replicas(view):
            own = [group for group in here.values() if group.id in replica.security_groups]
            if own and (lost := lost_ways(ways, [rule for group in own for rule in group.ingress])):
                measured = f"{', '.join(group.name for group in own)}: missing in {'; '.join(lost)}"
                reason = "a promotion keeps the replica's groups, and the tasks do not reach it"
                change = {"DBInstanceIdentifier": replica.identifier, "VpcSecurityGroupIds": [mine.id]}
                command = view.command("rds", "ModifyDBInstance", **change, ApplyImmediately=True)
                healing = Remedy(f"aws_db_instance of {view.region}: vpc_security_group_ids.", (command,))
                yield view.gap(replica.identifier, measured, mine.name, reason, healing)
    for group in there.values():
        if mine is None or source is None or group.name == mine.name or group.id not in source.security_groups:
            continue
        if lost := lost_ways(group.ingress, mine.ingress):
            measured, wanted = f"missing in {'; '.join(lost)}", f"as '{group.name}' in the primary region"
            reason = "a restored database carries this group alone, and the tasks do not reach it"
            sentence = f"aws_security_group '{mine.name}' in {view.region}: the ingress of '{group.name}' too."
            healing = Remedy(sentence, tuple(_rule_commands(view, mine, lost, [])))
            yield view.gap(mine.name, measured, wanted, reason, healing)


def _rule_commands(view: View, mine: vpc.SecurityGroup, ways_in: list[str], ways_out: list[str]) -> Iterator[str]:
    """Commands that add the rules that are missing, those left out whose peer has no counterpart here."""
    for operation, missing in (("AuthorizeSecurityGroupIngress", ways_in), ("AuthorizeSecurityGroupEgress", ways_out)):
        rules = [found for rule in missing for found in _permissions(view, rule)]
        if rules:
            yield view.command("ec2", operation, GroupId=mine.id, IpPermissions=rules)


def _permissions(view: View, text: str) -> Iterator[dict[str, object]]:
    """A rule, as the reader writes it, as parameters of the DR region's: groups by name, the VPC by its blocks."""
    rule = parse_rule(text)
    if rule.protocol not in ("all", "tcp", "udp"):
        return
    every = rule.protocol == "all"
    span = {} if every else {"FromPort": rule.first, "ToPort": rule.last}
    # EC2 writes all protocols as -1, and takes no ports with it.
    kind: dict[str, object] = {"IpProtocol": "-1" if every else rule.protocol, **span}
    groups = {group.name: group.id for group in view.read_for_remedy(vpc.security_groups) or ()}
    here = view.read_for_remedy(vpc.vpc)
    blocks = [block for block, _ in here.cidrs] if rule.peer == VPC and here else [rule.peer] if rule.block else []
    if rule.peer in groups:
        yield {**kind, "UserIdGroupPairs": [{"GroupId": groups[rule.peer]}]}
    elif blocks and ":" in rule.peer:
        yield {**kind, "Ipv6Ranges": [{"CidrIpv6": rule.peer}]}
    elif blocks:
        yield {**kind, "IpRanges": [{"CidrIp": block} for block in blocks]}


@check(
    "services of the DR region use the security groups that the primary region's use",
    none=("all services", "no service exists on both sides: see ecs.service-exists"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("REL13-BP04", "NIST CP-7")
def attached_groups(view: View) -> Iterator[Finding]:
    """Each group of the primary's service, or its counterpart, is on the DR service. Source: DescribeServices."""
    view.need(view.get(vpc.vpc), "all services", _ABSENT)
    names = {side: {g.id: g.name for g in view.get(vpc.security_groups, side)} for side in (Side.PRIMARY, Side.DR)}
    paired, pairs = _paired_groups(view), service_pairs(view)
    for tenant, mine, theirs in pairs:
        groups = {names[Side.DR].get(id_, f"{id_} (absent)") for id_ in mine.security_groups}
        there = (names[Side.PRIMARY].get(id_, id_) for id_ in theirs.security_groups)
        wanted = {paired.get(name, name) for name in there}
        measured, expected = ", ".join(sorted(groups)) or "none", ", ".join(sorted(wanted)) or "none"
        if wanted <= groups and not any("(absent)" in name for name in groups):
            yield view.ok(mine.name, measured, expected, "it uses the same security groups", tenant.id)
        else:
            reason = "its tasks could not start, or not reach their database and files"
            sentence = f"aws_ecs_service '{mine.name}' in {view.region}: network_configuration.security_groups."
            ids = {name: id_ for id_, name in names[Side.DR].items()}
            ours = [ids[name] for name in sorted(wanted) if name in ids]
            remedy = Remedy(sentence, network_command(view, mine, mine.subnets, ours) if ours else ())
            yield view.gap(mine.name, measured, expected, reason, remedy, tenant.id)


def _paired_groups(view: View) -> dict[str, str]:
    """What groups of the primary region are called here, where no group here bears their name.

    It is the one group of the load balancer, or of most tenants' services, where the primary's carry that one there,
    and the database's by the settings: a name may have a suffix of its own in each region (Terraform's name_prefix).
    """
    there, here = (view.env.named(view.env.on(s).names.db_security_group) for s in (Side.PRIMARY, Side.DR))
    databases = {there: here} if there != here else {}
    names = {side: {g.id: g.name for g in view.get(vpc.security_groups, side)} for side in (Side.PRIMARY, Side.DR)}
    there_and_here = zip(load_balancers(view, Side.PRIMARY), load_balancers(view, Side.DR), strict=True)
    carried = [(a.security_groups if a else (), b.security_groups if b else ()) for a, b in there_and_here]
    services = [{tenant.id: row.security_groups for tenant, row in tenant_services(view, side)} for side in names]
    carried += [(groups, services[1].get(tenant, ())) for tenant, groups in services[0].items()]
    carriers: dict[str, Counter[str]] = defaultdict(Counter)
    for groups, ours in carried:
        if len(groups) == len(ours) == 1:
            carriers[groups[0]][ours[0]] += 1
    known = set(names[Side.DR].values())
    # The most decide: a group that one service bears by mistake would else be put on all others.
    return databases | {
        name: names[Side.DR][ours]
        for id_, counts in carriers.items()
        for ours, number in counts.most_common(1)
        if 2 * number > counts.total()
        and ours in names[Side.DR]
        and (name := names[Side.PRIMARY].get(id_, "")) not in known
    }


def _used_groups(view: View, side: Side) -> set[str]:
    names = {group.id: group.name for group in view.get(vpc.security_groups, side)}
    ids = {id_ for balancer in load_balancers(view, side) if balancer for id_ in balancer.security_groups}
    ids |= {id_ for _, service in tenant_services(view, side) for id_ in service.security_groups}
    database = view.env.named(view.env.on(side).names.db_security_group)
    return {names[id_] for id_ in ids if id_ in names} | ({database} & set(names.values()))


@check("tasks of the DR region have a network route to pull their image, read their secret and write their log")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL02-BP02", "REL13-BP02", "service-vpc-endpoint-enabled", "NIST CP-8")
def way_out(view: View) -> Iterator[Finding]:
    """Each subnet leads to a living gateway, or the VPC has the endpoints. Source: ECS task networking.

    A NAT gateway must be public, and its own subnet lead to an internet gateway that is attached; a task that is sent
    to the internet gateway itself needs an address of the internet. Source: VPC User Guide, NAT gateways. Where AWS
    starts a recovery, its task is started in these subnets too (or in names.recovery_subnets), by the groups of a
    service, and endpoints are not enough for it: it asks the primary region, Route 53 and IAM. That is a warning
    alone: a run by the break-glass role needs no such task.
    """
    view.need(view.get(vpc.vpc), "all subnets", _ABSENT)
    ways = Ways(view)
    places: dict[str, set[str]] = {}
    for _, service in tenant_services(view):
        for place in service.subnets:
            places.setdefault(place, set()).add(service.public_ip)
    yield from _recovery_leaves(view, ways, places)
    for place in sorted(places):
        leads, route = ways.from_task(place, hidden=HIDDEN in places[place])
        lacking = lacking_endpoints(view, place)
        wanted = "a working default route, or endpoints for every service a task needs"
        if leads is None and lacking:
            yield view.unknown(place, wanted, f"Nothing shows whether its default route leads anywhere: {route}.")
        # A transit gateway's own routes are another account's to show: what stands behind it is not read here.
        elif leads and lacking and _is_unfollowed(view, route):
            yield _beyond(view, place, route)
        elif leads or not lacking:
            held_in = None if leads else _subnet_warning(view, ways, place, (leads, route))
            yield held_in or view.ok(place, route, wanted, "a task placed here can start")
        else:
            shut = ways.shuts_in(place, hidden=HIDDEN in places[place])
            measured = f"{route}; no endpoint for {', '.join(lacking)}"
            reason = "a task placed here fails to start: it cannot pull its image, or read its secrets"
            gap = view.gap(place, measured, wanted, reason, _exit_remedy(view, ways, place, shut=shut))
            yield replace(gap, depends_on=ways.gateway_table(place))
    if not places:
        yield view.none_expected("all subnets", "no service exists: see ecs.service-exists")


def lacking_endpoints(view: View, place: str) -> list[str]:
    """The services that tasks in ``place`` ask for as they start and whose requests no endpoint of the VPC takes."""
    standing = {e.service for e in view.get(vpc.endpoints) if e.state in _ALIVE and takes(view, e, place)}
    lacking = [name for name in NEEDED if name not in standing]
    # Definitions are asked for last: what was not read of them decides nothing where an endpoint is lacking anyway.
    if lacking or _PARAMETERS in standing:
        return lacking
    definitions = [row for row in tenant_definitions(view).values() if not isinstance(row, Unavailable)]
    sources = [value for row in definitions for container in row.containers for _, value in container.sources]
    return [_PARAMETERS] if any(not source_of(value).is_secret for value in sources) else []


def _recovery_leaves(view: View, ways: Ways, places: dict[str, set[str]]) -> Iterator[Finding]:
    """What keeps the task of a recovery in: the subnets named for it, and the groups that it may start with."""
    if not view.env.automation.enabled:
        return
    hidden = any(HIDDEN in words for words in places.values())
    own = {row.id for row in view.get(vpc.subnets)}
    for place in view.env.names.recovery_subnets:
        # ECS refuses a task whose subnets and security groups are of two VPCs; the groups are those of a service.
        if place not in own:
            name = vpc_name(view)
            reason = "AWS would refuse to start the task of a recovery, which has a service's security groups, there"
            remedy = f"names.recovery_subnets of {view.env.name}.toml: subnets of '{name}' in {view.region}."
            yield view.warn(place, f"no subnet of {name}", f"a subnet of {name}", reason, remedy)
            continue
        leads, route = ways.from_task(place, hidden=hidden)
        wanted = "a working default route for the task of a recovery"
        if leads:
            yield view.ok(place, route, wanted, "names.recovery_subnets: the task of a recovery can leave it")
        elif leads is None:
            yield view.unknown(place, wanted, f"Nothing shows whether its default route leads anywhere: {route}.")
        else:
            yield _hangs(view, ways, place, route)
    groups = {group.id: group for group in view.get(vpc.security_groups)}
    for carried in sorted({service.security_groups for _, service in tenant_services(view)}):
        known = [groups[id_] for id_ in carried if id_ in groups]
        names = ", ".join(sorted(group.name for group in known))
        if known and not Admission([rule for group in known for rule in group.egress]).covers(_HTTPS_OUT):
            reason = (
                "the task of a recovery, which AWS starts with a service's groups, would reach no API of AWS and hang"
            )
            remedy = f"aws_vpc_security_group_egress_rule of '{names}' in {view.region}: {_HTTPS_OUT}."
            yield view.warn(names, "no egress to every address at 443", str(_HTTPS_OUT), reason, remedy)


def _subnet_warning(view: View, ways: Ways, place: str, way: Way) -> Finding | None:
    """The warning of a subnet whose tasks start by endpoints alone; None where none of them asks for more."""
    if view.env.automation.enabled and not view.env.names.recovery_subnets:
        return _hangs(view, ways, place, way[1])
    is_shut_in = way[0] is False and _ways_of_primary(view) & {"nat", "igw"}
    return _shut_in(view, ways, place, way[1]) if is_shut_in else None


def _hangs(view: View, ways: Ways, place: str, route: str) -> Finding:
    reason = (
        "tenants' tasks start by endpoints; the task of a recovery, which AWS starts in this subnet, would hang: "
        f"{view.env.regions.primary}, Route 53 and IAM have no endpoint in {view.region}"
    )
    wanted, sentence = "a working default route for the task of a recovery", f"aws_route in {view.region}: {_GATEWAY}."
    remedy = Remedy(sentence, ways.mend(place))
    return view.warn(place, f"{route}; endpoints for every service that tenants need", wanted, reason, remedy)


def _shut_in(view: View, ways: Ways, place: str, route: str) -> Finding:
    reason = "tasks start and serve; what they ask of the internet, as they may in the primary region, is not answered"
    remedy = Remedy(f"aws_route in {view.region}: {_GATEWAY}; accept it where no site asks others.", ways.mend(place))
    return view.warn(place, f"{route}; endpoints of AWS alone", "a way to the internet", reason, remedy)


def _exit_remedy(view: View, ways: Ways, place: str, *, shut: bool) -> Remedy:
    """What leads tasks of a subnet out: another subnet, where this one is of the data tier, which stays closed."""
    # A way out for tasks must not open the databases' subnets.
    if place in (data_tier(view) or ()):
        return Remedy(
            f"aws_ecs_service in {view.region}: network_configuration.subnets of the tasks' own tier. {place} is a "
            "subnet of the databases: give it no way to the internet."
        )
    # Its table is the load balancer's too: a route to a NAT gateway there would cut off every visitor.
    hidden = [row for _, row in tenant_services(view) if place in row.subnets and row.public_ip == HIDDEN]
    if hidden and ways.leads_in(place) and not shut:
        return Remedy(
            f"aws_ecs_service in {view.region}: network_configuration.subnets whose default route leads to a NAT "
            f"gateway. {place} leads to an internet gateway, as a load balancer's subnet does: leave its route.",
            tuple(line for service in hidden for line in _move_command(view, ways, service)),
        )
    missing = f"or the missing aws_vpc_endpoint{EXCLUDED if shut else ''}"
    sentence = f"aws_route in {view.region}: {_GATEWAY}; {missing}."
    return Remedy(sentence, ways.exclusion_commands() if shut else ways.mend(place))


def _move_command(view: View, ways: Ways, service: ecs.Service) -> tuple[str, ...]:
    """The command that moves a service to the subnets in which other tenants' tasks start; none where none do."""
    used = {place for _, other in tenant_services(view) for place in other.subnets}
    data = data_tier(view)
    if data is None:
        return ()
    good = [place for place in sorted(used - data) if ways.from_task(place, hidden=True)[0]]
    return network_command(view, service, good, service.security_groups) if good else ()


def _is_unfollowed(view: View, target: str) -> bool:
    """Whether it leads out of the VPC to another network, and no task of the primary region leaves by its kind."""
    return target.startswith(ELSEWHERE) and target.partition("-")[0] not in _ways_of_primary(view)


def _ways_of_primary(view: View) -> set[str]:
    """By which kinds of gateways tasks of the primary region leave: none where they are not seen."""
    try:
        places = {place for _, service in tenant_services(view, Side.PRIMARY) for place in service.subnets}
        tables = view.get(vpc.route_tables, Side.PRIMARY)
    except DataUnavailable:
        return set()
    return {table.default.partition("-")[0] for place in places if (table := table_of(tables, place))}


def _beyond(view: View, place: str, target: str) -> Finding:
    reason = (
        "another network leads it out, which is not followed: no task of the primary region is seen to leave by its "
        "kind, and where it passes the primary region it is lost with it"
    )
    remedy = f"Start a task in it (a restore test does), or aws_route in {view.region}: 0.0.0.0/0 to a NAT gateway."
    return view.warn(place, target, "a way out of the region's own", reason, remedy)


@check("the VPC of the DR region resolves names for its tasks")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7")
def names_resolve(view: View) -> Iterator[Finding]:
    """enableDnsSupport is on, and enableDnsHostnames where names of files, endpoints or private zones are asked for.

    Without the VPC's resolver a task finds neither ECR nor its database; names of file systems, of endpoints and of
    private zones need both, and a VPC that is made by its API has the second one off. Sources: VPC User Guide, DNS
    attributes; EFS User Guide, "Mounting by DNS name"; Route 53, "Considerations when working with a private zone".
    """
    name, found = vpc_name(view), view.get(vpc.names)
    found = view.need(found, name, _ABSENT)
    needed, unseen = ([], []) if found.hostnames else _host_name_needs(view)
    off = [] if found.resolves else ["enableDnsSupport"]
    off += ["enableDnsHostnames"] if needed else []
    if off:
        lost = "neither their registry nor their database" if not found.resolves else f"no {' and no '.join(needed)}"
        reason = f"its tasks would find {lost} by name"
        sentence = f"aws_vpc '{name}' in {view.region}: enable_dns_support = true, enable_dns_hostnames = true."
        remedy = Remedy(sentence, _attribute_commands(view, off))
        yield view.gap(name, f"{' and '.join(off)} off", "on", reason, remedy)
    elif unseen:
        yield view.unknown(name, "on, where names need it", unseen[0])
    else:
        yield view.ok(name, "on", "on", "names are resolved inside the VPC")


def _host_name_needs(view: View) -> tuple[list[str], list[Unavailable]]:
    """What tasks find by names that enableDnsHostnames gives, and what of it could not be seen."""
    doors = any(e.kind == "Interface" and e.state in _ALIVE for e in view.get(vpc.endpoints))
    needed, unseen = ["endpoint"] if doors else [], list[Unavailable]()
    for what, asks in (("file system", _mounts), ("private zone", _zones)):
        try:
            needed += [what] if asks(view, unseen) else []
        except DataUnavailable as error:
            unseen.append(error.unavailable)
    return needed, unseen


def _mounts(view: View, unseen: list[Unavailable]) -> bool:
    definitions = tenant_definitions(view, Side.DR).values()
    unseen += [row for row in definitions if isinstance(row, Unavailable)]
    return any(row.volumes for row in definitions if not isinstance(row, Unavailable))


def _zones(view: View, unseen: list[Unavailable]) -> bool:
    listed = view.get(route53_private_names.names, Side.GLOBAL)
    unseen += [row for row in listed if isinstance(row, Unavailable)]
    return any(row.zones for row in listed if not isinstance(row, Unavailable) and row.side is Side.DR)


def _attribute_commands(view: View, attributes: list[str]) -> tuple[str, ...]:
    here = view.read_for_remedy(vpc.vpc)
    names = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
    changes = [{names[attribute]: {"Value": True}} for attribute in attributes]
    return tuple(view.command("ec2", "ModifyVpcAttribute", VpcId=here.id, **change) for change in changes if here)


@check("visitors reach the load balancer of the DR region, and it reaches every zone in which tasks start")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL02-BP02", "REL10-BP01", "REL13-BP02")
def way_in(view: View) -> Iterator[Finding]:
    """Subnets of a balancer of the internet lead to an attached internet gateway; each zone of the tasks is enabled.

    An internal balancer has no address of the internet: it serves where the primary region's is internal too. A target
    in a zone that is not enabled gets no request. Source: Application Load Balancers guide, Subnets.
    """
    name = view.env.named(view.env.names.load_balancer)
    balancer = view.get(elbv2.load_balancer)
    if view.get(vpc.vpc) is None or balancer is None:
        raise NothingToJudge(name, "there is no VPC or no load balancer: see vpc.available and elbv2.active")
    ways = Ways(view) if balancer.scheme == "internet-facing" else None
    closed = {subnet: ways.from_internet(subnet) for subnet in balancer.subnets} if ways else {}
    lost = [f"{subnet}: {way}" for subnet, (leads, way) in sorted(closed.items()) if leads is False]
    blind = [f"{subnet}: {way}" for subnet, (leads, way) in sorted(closed.items()) if leads is None]
    zones = {row.id: row.zone for row in view.get(vpc.subnets)}
    used = {zones[place] for _, s in tenant_services(view) for place in s.subnets if place in zones}
    missing = sorted(used - set(balancer.zones))
    lost += [f"no subnet in {zone}, where tasks start" for zone in missing] if balancer.zones else []
    withdrawn = _is_withdrawn(view, balancer)
    lost += ["internal, while the internet reaches the primary region's"] if withdrawn is True else []
    wanted = "a way from the internet in each subnet, and a subnet in each zone of the tasks"
    if lost:
        shut = ways is not None and ways.shuts_out(balancer.subnets)
        reason = "visitors do not arrive, or tasks of such a zone get no request"
        sentence = (
            f"aws_lb '{name}' in {view.region}: internal as the primary's; subnets that lead to an attached internet "
            f"gateway, one a zone{EXCLUDED if shut else ''}."
        )
        cut = [subnet for subnet, (leads, _) in closed.items() if leads is False]
        commands = ways.exclusion_commands() if ways and shut else _enabled_zones(view, balancer, missing, ways)
        if ways and not commands and (commands := ways.lead_in(cut)):
            sentence = f"aws_route in {view.region}: 0.0.0.0/0 to the internet gateway, for the subnets of '{name}'."
        gap = view.gap(name, "; ".join(lost), wanted, reason, Remedy(sentence, commands))
        tables = {table.id for subnet in cut if ways and (table := ways.table(subnet))}
        yield replace(gap, members=tuple(sorted(tables)))
    elif isinstance(withdrawn, Unavailable):
        yield view.unknown(name, wanted, withdrawn)
    elif blind:
        yield view.unknown(name, wanted, f"Nothing shows whether visitors arrive: {'; '.join(blind)}.")
    else:
        yield view.ok(name, f"zones {', '.join(balancer.zones)}", wanted, "visitors arrive, and reach every task")


def _enabled_zones(view: View, balancer: elbv2.LoadBalancer, missing: list[str], ways: Ways | None) -> tuple[str, ...]:
    """The command that enables zones for a balancer of the internet: by their one subnet that visitors can reach."""
    if not (missing and ways):
        return ()
    open_ones = [row for row in view.get(vpc.subnets) if row.zone in missing and ways.from_internet(row.id)[0]]
    closed = data_tier(view)
    if sorted(row.zone for row in open_ones) != missing or closed is None or closed & {row.id for row in open_ones}:
        return ()
    subnets = [*balancer.subnets, *(row.id for row in open_ones)]
    return (view.command("elbv2", "SetSubnets", LoadBalancerArn=balancer.arn, Subnets=subnets),)


def _is_withdrawn(view: View, balancer: elbv2.LoadBalancer) -> bool | Unavailable:
    """Whether the balancer is internal and the primary's is not, or why that is not known."""
    if balancer.scheme != "internal":
        return False
    try:
        there = view.get(elbv2.load_balancer, Side.PRIMARY)
    except DataUnavailable as unseen:
        return unseen.unavailable
    return there is not None and there.scheme == "internet-facing"
