"""The ways by which tasks of a side reach AWS, for policies with conditions on the network. Pure."""

from __future__ import annotations

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.readers import vpc
from dr_estate.readers.network_ways import NetworkWays


def ways_of(view: View, side: Side) -> NetworkWays:
    """The ways of the side's tasks. Raises DataUnavailable."""
    return NetworkWays(view.get(vpc.vpc, side), view.get(vpc.endpoints, side), view.get(vpc.nat_gateways, side))
