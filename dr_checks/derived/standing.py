"""Which parts of the platform the blocks in a security group's rules contain, in both regions. Pure.

A block within a VPC has no counterpart of the same text in the other region: the parts that it holds have. They are
looked up only where a rule speaks of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from dr_checks.core.model import View
from dr_checks.derived.database_copies import database_engine
from dr_checks.derived.pairing import load_balancers, tenant_services
from dr_checks.derived.traffic_rules import ANYWHERE, VPC, Admission, TrafficEnd, TrafficRule
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.stores import DATABASE, FILES
from dr_estate.model.unavailable import available
from dr_estate.readers import control_table, efs_mounts, elbv2, rds_groups, vpc

# Whether a failover may be in force, as the control table says it: what it set is no fault, and stays. Pure.


AFTER_FAILOVER = "After a failover this is so on purpose: `dr_cli.py failback` sets it right. Otherwise: "
"""What stands before the remedy of such a gap."""


def failover_may_be_in_force(view: View) -> bool:
    """Whether an incident is open, or may be: a control table that was not seen denies none."""
    state = view.read_for_remedy(control_table.standing, Side.DR)
    # Unseen counts as open: a remedy that undoes what a failover set would lead visitors to a stale region.
    return state is None or state.incident is not None


# Interface endpoints of AWS services are asked over HTTPS.
_HTTPS = 443


@dataclass(frozen=True)
class StandingPart:
    """A part of the platform in both regions, with an end for each of its servers that has groups of its own.

    ``port`` is the one that it listens at, None for what opens connections too.
    """

    there: tuple[TrafficEnd, ...]
    here: tuple[TrafficEnd, ...]
    port: int | None = None


class Ground:
    """One region's VPC, and which parts of the platform stand where in it."""

    def __init__(self, view: View, side: Side) -> None:
        self._view, self._side = view, side
        self.groups = {group.id: group.name for group in view.get(vpc.security_groups, side)}
        self.own = tuple(_own_blocks(view.get(vpc.vpc, side)))

    @cached_property
    def cidrs(self) -> dict[str, str]:
        """The blocks of the VPC's subnets, by id."""
        return {row.id: row.cidr for row in self._view.get(vpc.subnets, self._side)}

    def end_of(self, groups: Iterable[str], subnets: Iterable[str]) -> TrafficEnd:
        """The end of what carries the groups of these ids, in subnets of these."""
        blocks = dict.fromkeys(self.cidrs[subnet] for subnet in subnets if subnet in self.cidrs)
        return TrafficEnd(frozenset(self.groups[id_] for id_ in groups if id_ in self.groups), tuple(blocks))

    @cached_property
    def callers(self) -> dict[str, tuple[TrafficEnd, ...]]:
        """Who opens connections within the VPC: the tenants' tasks and the load balancers."""
        return self.tasks | {f"load balancer {number}": (end,) for number, end in enumerate(self.balancers)}

    @cached_property
    def tasks(self) -> dict[str, tuple[TrafficEnd, ...]]:
        """Where the tenants' tasks stand."""
        return {
            tenant.id: (self.end_of(service.security_groups, service.subnets),)
            for tenant, service in tenant_services(self._view, self._side)
        }

    @cached_property
    def balancers(self) -> tuple[TrafficEnd, ...]:
        """Where the load balancers stand, () where there is none."""
        found = (row for row in load_balancers(self._view, self._side) if row)
        return tuple(self.end_of(row.security_groups, row.subnets) for row in found)

    @cached_property
    def servers(self) -> dict[str, tuple[TrafficEnd, ...]]:
        """What tasks connect to: the database, the files and the endpoints, each by its groups and subnets."""
        doors = [door for door in self._view.get(vpc.endpoints, self._side) if door.kind == "Interface"]
        return {
            DATABASE.id: tuple(self._database()),
            FILES.id: tuple(self._files()),
            **{
                name: tuple(self.end_of(door.groups, door.subnets) for door in doors if door.service == name)
                for name in sorted({door.service for door in doors})
            },
        }

    def _database(self) -> Iterator[TrafficEnd]:
        view, names = self._view, self._view.env.on(self._side).names
        group = view.find(rds_groups.subnet_groups, self._side, name=view.env.named(names.db_subnet_group))
        if group:
            guards = [id_ for id_, name in self.groups.items() if name == view.env.named(names.db_security_group)]
            yield self.end_of(guards, group.subnets)

    def _files(self) -> Iterator[TrafficEnd]:
        for target in map(available, self._view.get(efs_mounts.mount_targets, self._side)):
            yield self.end_of(target.groups, [target.subnet])


class Grounds:
    """Both regions' VPCs: what the rules of a group of the primary ask of its counterpart in the DR region."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._there, self._here = Ground(view, Side.PRIMARY), Ground(view, Side.DR)

    def lacking(self, theirs: Iterable[str], mine: Iterable[str], *, outward: bool) -> list[str]:
        """The rules that the DR region's group lacks, written with that region's own groups and blocks."""
        there, here = Admission(theirs, self._there.own), Admission(mine, self._here.own)
        found = [rule for wanted in there.rules for rule in self._lacks(wanted, there, here, outward)]
        return [str(rule) for rule in dict.fromkeys(found)]

    def lets_out(self, name: str, mine: Iterable[str]) -> bool:
        """Whether the rules let out the connections that pages need, of who carries the primary's group of this name.

        A database opens none: replies need no rule (VPC guide, security groups).
        """
        here, view = Admission(mine, self._here.own), self._view
        ends = list[tuple[int, TrafficEnd]]()
        if any(name in end.groups for end in self._there.balancers):
            settings = [row.settings for _, row in tenant_services(view, Side.PRIMARY)]
            ports = {port for row in settings for port in (row.ports if row else None) or ()}
            if not ports:
                return False
            checked = [group.check_port for group in view.get(elbv2.target_groups, Side.PRIMARY)]
            ports |= {int(port) for port in checked if port.isdecimal()}
            ends += [(port, end) for port in sorted(ports) for found in self._here.tasks.values() for end in found]
        if self.is_task_group(name):
            servers, to_aws = self._here.servers, TrafficRule("tcp", _HTTPS, _HTTPS, ANYWHERE)
            ends += [(database_engine(view).port, end) for end in servers[DATABASE.id]]
            ends += [(efs_mounts.NFS_PORT, end) for end in servers[FILES.id]]
            if not here.covers(to_aws):
                return False
        return all(here.admits(TrafficRule("tcp", port, port, ""), end) for port, end in ends)

    def is_task_group(self, name: str) -> bool:
        """Whether tasks of the primary region carry the group of this name."""
        return any(name in end.groups for ends in self._there.tasks.values() for end in ends)

    def is_own(self, rule: TrafficRule) -> bool:
        """Whether the peer is a block within the DR region's VPC."""
        return rule.block is not None and any(_holds(ip_network(own), rule.peer) for own in self._here.own)

    def _lacks(self, wanted: TrafficRule, there: Admission, here: Admission, outward: bool) -> Iterator[TrafficRule]:
        inner = self._is_inner(wanted)
        if not inner and here.covers(wanted):
            return
        if wanted.peer == VPC and self._only_block:
            yield from self._lacks(wanted.to(self._only_block), there, here, outward)
            return
        if not inner and wanted.peer in self._there.own:  # of IPv6
            yield from _by_blocks(wanted, [block for block in self._here.own if ":" in block], here)
            return
        if not inner and not wanted.names_a_group:
            yield wanted
            return
        ends = [(rule, end) for rule, part in self._rules_by_part(wanted, there, outward) for end in part.here]
        unmet = [(rule, end) for rule, end in ends if not here.admits(rule, end)]
        if not inner and (not ends or (unmet and wanted.peer in self._here.groups.values())):
            yield wanted
            return
        for rule, end in unmet:
            yield from _by_blocks(rule, end.blocks, here) if end.blocks else _by_group(rule, end)

    def _rules_by_part(
        self, wanted: TrafficRule, there: Admission, outward: bool
    ) -> Iterator[tuple[TrafficRule, StandingPart]]:
        for part in self._callers | self._servers if outward else self._callers:
            # Of a block that may hold other parts too, the rule at this part's own port.
            at_port = wanted if part.port is None else wanted.at(part.port)
            rule = wanted if at_port and wanted.block is None else at_port
            if rule and _speaks_of(rule, part, there):
                yield rule, part

    def _is_inner(self, wanted: TrafficRule) -> bool:
        """Whether the peer is a block within the primary's VPC, of a kind that its subnets are known by.

        A block of IPv4 is written as the VPC where it is the only one, and is one of several here.
        """
        block, of_six = wanted.block, isinstance(wanted.block, IPv6Network)
        if block is None or (of_six and wanted.peer in self._there.own):
            return False
        known = not of_six or any(":" in cidr for cidr in self._there.cidrs.values())
        return known and any(_holds(ip_network(own), wanted.peer) for own in self._there.own)

    @cached_property
    def _only_block(self) -> str:
        """The primary's block of IPv4 where it has one and the DR region several: who stands there is let in."""
        theirs, mine = ([block for block in ground.own if ":" not in block] for ground in (self._there, self._here))
        return theirs[0] if len(theirs) == 1 < len(mine) else ""

    @cached_property
    def _callers(self) -> dict[StandingPart, None]:
        there, here = self._there.callers, self._here.callers
        return dict.fromkeys(StandingPart(ends, here.get(name, ())) for name, ends in there.items())

    @cached_property
    def _servers(self) -> dict[StandingPart, None]:
        there, here = self._there.servers, self._here.servers
        ports = {DATABASE.id: database_engine(self._view).port, FILES.id: efs_mounts.NFS_PORT}
        return dict.fromkeys(
            StandingPart(ends, here.get(name, ()), ports.get(name, _HTTPS)) for name, ends in there.items()
        )


def _own_blocks(found: vpc.Vpc | None) -> Iterator[str]:
    """The blocks that a VPC has, without its former ones."""
    for block, word in (*found.cidrs, *found.cidrs6) if found else ():
        if not states.NETWORK_BLOCK[word or "associated"].gone:
            yield block


def _speaks_of(wanted: TrafficRule, part: StandingPart, there: Admission) -> bool:
    """Whether the primary's rule is about the part: by a group of it, or by a block of it that is let through whole.

    A block that holds one of a part's subnets, the others of which are not let in, is about something else there.
    """
    block = wanted.block
    if block is None:
        return any(wanted.peer in end.groups for end in part.there)
    stands_in_it = any(_holds(block, cidr) for end in part.there for cidr in end.blocks)
    return stands_in_it and all(there.admits(wanted, end) for end in part.there)


def _by_blocks(wanted: TrafficRule, blocks: Iterable[str], here: Admission) -> Iterator[TrafficRule]:
    yield from (rule for rule in map(wanted.to, blocks) if not here.covers(rule))


def _by_group(wanted: TrafficRule, end: TrafficEnd) -> Iterator[TrafficRule]:
    yield from map(wanted.to, sorted(end.groups)[:1])


def _holds(whole: IPv4Network | IPv6Network, block: str) -> bool:
    inside = ip_network(block, strict=False)
    return inside.version == whole.version and inside.subnet_of(whole)  # type: ignore[arg-type] # same version
