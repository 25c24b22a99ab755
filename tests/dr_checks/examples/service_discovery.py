"""Examples of the check of registries of service discovery."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, servicediscovery
from dr_estate.readers.servicediscovery import DiscoveryService
from tests.dr_checks.compute import ONE, TWO, D, P
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

HERE, KNOWN = (ecs.services, Side.DR), (servicediscovery.registries, Side.DR)
THERE = (servicediscovery.registries, Side.PRIMARY)
EXIST = "service-discovery.registries-exist"


def registry(name: str, region: str = D, account: str = SIT.account) -> str:
    return f"arn:aws:servicediscovery:{region}:{account}:service/{name}"


def _named(expected: Status, *arns: str, known: tuple[str, ...] = (registry("srv-a"),)) -> Example:
    """The second service names these registries."""
    services, rows = (
        (service(ONE), replace(service(TWO), registries=arns)),
        tuple(DiscoveryService(arn) for arn in known),
    )
    return Example(EXIST, expected, world({HERE: services, KNOWN: rows}), frozenset({TWO}))


def _kept(expected: Status, here_s: int, there_s: int, name: str = "web") -> Example:
    """Answers of the second service's registry are kept so long, and so long by the primary's of this name."""
    services = (service(ONE), replace(service(TWO), registries=(registry("srv-a"),)))
    sides = {
        KNOWN: (DiscoveryService(registry("srv-a"), "web", here_s),),
        THERE: (DiscoveryService(registry("srv-b", P), name, there_s),),
    }
    return Example(EXIST, expected, world({HERE: services, **sides}), frozenset({TWO}))


EXAMPLES = [
    _named(Status.PASS, registry("srv-a")),
    _named(Status.FAIL, registry("srv-gone")),
    _named(Status.UNKNOWN, ""),
    _named(Status.FAIL, registry("srv-a"), registry("srv-gone")),
    _named(Status.FAIL, registry("srv-a", P), known=(registry("srv-a", P),)),
    _named(Status.UNKNOWN, registry("srv-b", account="210987654321")),
    _named(Status.PASS, registry("srv-b", account="210987654321"), known=(registry("srv-b", account="210987654321"),)),
    _kept(Status.PASS, 10, 10),
    _kept(Status.PASS, 5, 10),
    _kept(Status.WARN, 3600, 10),
    _kept(Status.PASS, 3600, 10, "others"),
    Example(EXIST, Status.UNKNOWN, world({HERE: (replace(service(ONE), registries=None),)})),
    Example(EXIST, Status.UNKNOWN, world({HERE: (replace(service(ONE), registries=("a",)),), KNOWN: DENIED})),
    Example(EXIST, Status.UNKNOWN, world({HERE: DENIED})),
    Example(EXIST, Status.NOT_APPLICABLE, world({HERE: (service(ONE),)})),
]
