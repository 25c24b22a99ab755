"""Examples of the check of registries of service discovery."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, servicediscovery
from tests.dr_checks.compute import ONE, TWO, D, P
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

HERE, KNOWN = (ecs.services, Side.DR), (servicediscovery.registries, Side.DR)
EXIST = "service-discovery.registries-exist"


def registry(name: str, region: str = D, account: str = SIT.account) -> str:
    return f"arn:aws:servicediscovery:{region}:{account}:service/{name}"


def _named(expected: Status, *arns: str, known: object = (registry("srv-a"),)) -> Example:
    """The second service names these registries."""
    services = (service(ONE), replace(service(TWO), registries=arns))
    return Example(EXIST, expected, world({HERE: services, KNOWN: known}), frozenset({TWO}))


EXAMPLES = [
    _named(Status.PASS, registry("srv-a")),
    _named(Status.FAIL, registry("srv-gone")),
    _named(Status.UNKNOWN, ""),
    _named(Status.FAIL, registry("srv-a"), registry("srv-gone")),
    _named(Status.FAIL, registry("srv-a", P), known=(registry("srv-a", P),)),
    _named(Status.UNKNOWN, registry("srv-b", account="210987654321")),
    _named(Status.PASS, registry("srv-b", account="210987654321"), known=(registry("srv-b", account="210987654321"),)),
    Example(EXIST, Status.UNKNOWN, world({HERE: (replace(service(ONE), registries=None),)})),
    Example(EXIST, Status.UNKNOWN, world({HERE: (replace(service(ONE), registries=("a",)),), KNOWN: DENIED})),
    Example(EXIST, Status.UNKNOWN, world({HERE: DENIED})),
    Example(EXIST, Status.NOT_APPLICABLE, world({HERE: (service(ONE),)})),
]
