"""What the guard knows of a world is what was seen of it: whose zones may be changed, and what drills left."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.guard.context import GuardContext
from dr_estate.config.environment import Side
from dr_estate.readers import rds, route53
from dr_estate.readers.route53 import ListedZone
from tests.dr_actions.plain import SIT, recorded, with_part, with_traffic
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED

ENV = with_traffic(customer_hosts={"tenant1": ("www.customer.example", "shop.other.example")})
ZONES = (
    ListedZone("Z0PRIVATE", SIT.traffic.zone, True),
    ListedZone("Z1", SIT.traffic.zone, False),
    ListedZone("Z2", "customer.example", False),
    ListedZone("Z3", "tomer.example", False),
    ListedZone("Z4", "unrelated.example", False),
)
DRILL = f"{SIT.named(SIT.names.database)}-drill-20260223-100000"


def test_the_public_traffic_zone_and_those_of_customers_may_change() -> None:
    context = GuardContext.upon(with_part(recorded("healthy"), route53.zones, Side.GLOBAL, ZONES), ENV)
    assert (context.traffic_zone, context.customer_zones) == ("Z1", {"Z2": "customer.example"})
    without = GuardContext.upon(with_part(recorded("healthy"), route53.zones, Side.GLOBAL, ZONES[:1]), ENV)
    assert (without.traffic_zone, without.customer_zones) == ("", {})


def test_zones_that_are_not_seen_are_nobodys_to_change() -> None:
    context = GuardContext.upon(with_part(recorded("healthy"), route53.zones, Side.GLOBAL, DENIED), ENV)
    assert (context.traffic_zone, context.customer_zones, context.env) == ("", {}, ENV)


def test_what_drills_made_is_as_it_was_seen_last() -> None:
    database = replace(PRIMARY, identifier=DRILL, resource_id="db-DRILL")
    seen = with_part(healthy(), rds.instances, Side.DR, (database,))
    context = GuardContext.upon(seen, SIT)
    assert context.own_resources == {"db-DRILL"}
    assert context.with_snapshot(with_part(seen, rds.instances, Side.DR, DENIED)).own_resources == {"db-DRILL"}
    assert context.with_snapshot(healthy()).own_resources == frozenset()
