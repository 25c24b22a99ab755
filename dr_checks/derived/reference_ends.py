"""Where a reference of the DR region ends: at something there, in the primary region, or at nothing known. Pure.

Only what is asked for is looked at: a text that leads to a bucket waits for no network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address, ip_network

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import Reference, ReferenceKind, references
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import efs, named_resources, rds, route53_private_names, vpc
from dr_estate.readers.route53_private_names import PrivateNames

_ADDRESS = re.compile(r"\d+(\.\d+){3}")


class End(StrEnum):
    """Where a reference ends."""

    HERE = "in the DR region, or in no region"
    PRIMARY = "in the primary region"
    ABSENT = "not there for certain"
    NOWHERE = "not found"


class ReferenceEnds:
    """What stands in both regions, by what a reference may name."""

    def __init__(self, view: View) -> None:
        self._view, self._regions = view, view.env.regions

    def end_of(self, row: Reference, *, alike: bool | Unavailable) -> End | Unavailable:
        """Where it ends. ``alike``: the primary region's tasks have the same text; or why that is not seen."""
        try:
            return self._end_of(row, alike=alike)
        except DataUnavailable as error:
            return error.unavailable

    def _end_of(self, row: Reference, *, alike: bool | Unavailable) -> End:
        if row.kind is ReferenceKind.HOST:
            return self._of_host(row, alike=alike)
        # Before anything is looked up: what names the primary region is lost with it, whether it exists or not.
        if row.is_in(self._regions.primary):
            return End.PRIMARY
        # A third region is not lost with the primary, and a service's own host needs nothing of ours.
        if row.kind is ReferenceKind.SERVICE or (row.region and not row.is_in(self._regions.dr)):
            return End.HERE
        if row.kind is ReferenceKind.ADDRESS:
            if self._is_within(row.name, Side.DR):
                return End.HERE
            if self._is_within(row.name, Side.PRIMARY):
                return End.PRIMARY
            return _unless_alike(alike)
        if row.kind is ReferenceKind.DATABASE:
            return End.HERE if row.name in self._databases else End.NOWHERE
        if row.kind is ReferenceKind.NETWORK:
            return self._of_ids(row.name, _network_ids(self._view, Side.DR), Side.PRIMARY)
        if row.kind is ReferenceKind.OTHER:
            # A kind that is not looked up: found in no list, which is no proof that it is absent.
            return End.NOWHERE if row.region else _unless_alike(alike)
        return self._of_resource(row)

    def _of_resource(self, row: Reference) -> End:
        region = self._resources.get((row.kind, row.name), "")
        if isinstance(region, Unavailable):
            raise DataUnavailable(region)
        if region:
            return End.PRIMARY if region == self._regions.primary else End.HERE
        if row.kind in (ReferenceKind.FILES, ReferenceKind.ACCESS_POINT):
            return self._of_ids(row.name, (), Side.PRIMARY)
        return End.NOWHERE

    def _of_ids(self, name: str, own: Iterable[str], other: Side) -> End:
        if name in own:
            return End.HERE
        view = self._view
        theirs = {*_network_ids(view, other), *(system.id for system in view.get(efs.file_systems, other))}
        return End.PRIMARY if name in theirs else End.NOWHERE

    def _is_within(self, text: str, side: Side) -> bool:
        network = self._view.get(vpc.vpc, side)
        blocks = [block for block, state in network.cidrs if not _is_gone(state)] if network else []
        return any(ip_address(text) in ip_network(block) for block in blocks)

    def _of_host(self, row: Reference, *, alike: bool | Unavailable) -> End:
        """A name that the VPC resolves by a zone of its own, or one of the internet: the same in both regions."""
        # A host of the internet may hold the region's name: where both regions' tasks use it, it serves both.
        if row.is_in(self._regions.primary) and alike is not True:
            return End.PRIMARY
        traffic = self._view.env.traffic
        if any(f".{row.name}".endswith(f".{zone}") for zone in (traffic.zone, traffic.tenant_domain)):
            return End.HERE  # what visitors ask for is judged by its records
        here, private = self._private_names.get(Side.DR), self._private_names.values()
        if here and (targets := here.targets_of(row.name)):
            return End.PRIMARY if any(map(self._is_in_primary, targets)) else End.HERE
        # A private zone answers alone for its names: what it has no record of is not asked of the internet. A name that
        # the primary region's zone lacks as well serves nobody today.
        there = self._private_names.get(Side.PRIMARY)
        if here and (zone := here.zone_of(row.name)) and zone not in here.foreign:
            return End.ABSENT if there and there.targets_of(row.name) else End.NOWHERE
        return End.NOWHERE if any(names.zone_of(row.name) for names in private) else _unless_alike(alike)

    def _is_in_primary(self, target: str) -> bool:
        """Whether a record leads to a host of AWS in the primary region, or to an address of its network."""
        if _ADDRESS.fullmatch(target):
            # Of a dark primary region nothing is asked: what leads into its network was found while it answered.
            with suppress(DataUnavailable):
                return not self._is_within(target, Side.DR) and self._is_within(target, Side.PRIMARY)
            return False
        return any(found.is_in(self._regions.primary) for found in references(target))

    @cached_property
    def _databases(self) -> frozenset[str]:
        own = self._view.env.named(self._view.env.names.database)
        return frozenset({own, *(row.identifier for row in self._view.get(rds.instances))})

    @cached_property
    def _resources(self) -> dict[tuple[ReferenceKind, str], str | Unavailable]:
        return {(row.kind, row.name): row.region for row in self._view.get(named_resources.found)}

    @cached_property
    def _private_names(self) -> dict[Side, PrivateNames]:
        rows = self._view.get(route53_private_names.names, Side.GLOBAL)
        known = {row.side: row for row in rows if isinstance(row, PrivateNames)}
        if Side.DR not in known:
            raise DataUnavailable(next(row for row in rows if isinstance(row, Unavailable)))
        return known


def _unless_alike(alike: bool | Unavailable) -> End:
    """The end of what no region has: good for both regions or for none."""
    if isinstance(alike, Unavailable):
        raise DataUnavailable(alike)
    return End.HERE if alike else End.NOWHERE


def _network_ids(view: View, side: Side) -> set[str]:
    network = view.get(vpc.vpc, side)
    ids = {row.id for row in view.get(vpc.subnets, side)} | {row.id for row in view.get(vpc.security_groups, side)}
    return ids | ({network.id} if network else set())


def _is_gone(state: str) -> bool:
    return states.NETWORK_BLOCK[state or "associated"].gone
