"""Examples of what network ACLs admit."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs_mounts, elbv2, rds_groups, vpc
from dr_estate.readers.vpc import AclRule, NetworkAcl, Subnet
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.network import PLACES, PUBLIC, connected, subnets
from tests.dr_checks.traffic import listener
from tests.dr_checks.worlds import DENIED, Example, Values

ACLS = (vpc.network_acls, Side.DR)
DATA = ("data-1", "data-2")
EVERYTHING, ANY_PORT = "0.0.0.0/0", (0, 65535)
OPEN = tuple(AclRule(100, outward, True, EVERYTHING, ANY_PORT) for outward in (False, True))
OTHERS = tuple(
    Subnet(name, "a", "available", f"10.0.{16 + place}.0/24", 100) for place, name in enumerate((*PUBLIC, *DATA))
)
GROUP = rds_groups.SubnetGroup("sit-db-subnet-group", "Complete", "vpc-1", DATA, ("a", "b"))
MOUNT = efs_mounts.MountTarget("fsmt-1", "fs-1", "data-1", "a", "available", ("sg-1",))
BESIDE = replace(MOUNT, subnet="subnet-2", zone="b")  # of its own zone and subnet, no ACL is asked


def _guarded(*rules: AclRule, before: tuple[str, ...] = PLACES, changes: Values | None = None) -> Snapshot:
    """A network with an open ACL, and one of ``rules`` before the subnets ``before``."""
    others = tuple(name for name in (*PLACES, *PUBLIC, *DATA) if name not in before)
    return connected(
        {
            ACLS: (NetworkAcl("acl-open", others, OPEN), NetworkAcl("acl-ours", before, rules)),
            (vpc.subnets, Side.DR): (*subnets(), *OTHERS),
            (rds_groups.subnet_groups, Side.DR): (GROUP,),
            (efs_mounts.mount_targets, Side.DR): (MOUNT,),
            (elbv2.listeners, Side.DR): (listener(Side.DR, 443),),
            **(changes or {}),
        }
    )


def _denies(outward: bool, cidr: str = EVERYTHING, ports: tuple[int, int] = ANY_PORT) -> AclRule:
    return AclRule(1, outward, False, cidr, ports)


HALF = (OPEN[1], AclRule(100, False, True, EVERYTHING, (0, 50000)))

EXAMPLES = [
    Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN)),
    Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN, _denies(False, "198.51.100.0/24"))),
    Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN, _denies(True, ports=(25, 25)))),
    # Addresses that nobody has in the internet, or another network of one's own.
    *(
        Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN, _denies(False, block), before=PUBLIC))
        for block in ("224.0.0.0/3", "240.0.0.0/4", "172.16.0.0/12")
    ),
    *(
        Example("vpc-acls.admit-traffic", Status.WARN, _guarded(*OPEN, rule, before=places), frozenset({subject}))
        for subject, rule, places in (
            ("visitors to port 443", _denies(False, "128.0.0.0/1", (443, 443)), PUBLIC),
            ("visitors to port 443", _denies(True, "64.0.0.0/3"), PUBLIC),
            ("tasks to AWS", _denies(True, "32.0.0.0/4", (443, 443)), PLACES),
        )
    ),
    *(
        Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*rules, before=PUBLIC))
        for rules in (
            (*OPEN, replace(_denies(False, "128.0.0.0/1"), number=200)),
            (*OPEN, AclRule(1, False, True, "128.0.0.0/1", ANY_PORT), replace(_denies(False, "128.0.0.0/2"), number=2)),
        )
    ),
    Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN, replace(_denies(False), number=200))),
    Example("vpc-acls.admit-traffic", Status.PASS, _guarded(*OPEN, changes={(elbv2.load_balancer, Side.DR): None})),
    Example(
        "vpc-acls.admit-traffic",
        Status.PASS,
        _guarded(*OPEN, _denies(True, ports=(2000, 2100)), changes={(efs_mounts.mount_targets, Side.DR): (BESIDE,)}),
    ),
    *(
        Example("vpc-acls.admit-traffic", Status.FAIL, broken, frozenset({subject}))
        for subject, broken in (
            ("tasks to AWS", _guarded(*OPEN, _denies(True))),
            ("tasks to AWS", _guarded(*OPEN, _denies(False))),
            ("tasks to AWS", _guarded(*HALF)),
            ("tasks to AWS", _guarded()),
            ("tasks to the database", _guarded(*OPEN, _denies(False, ports=(3306, 3306)), before=DATA)),
            ("tasks to the database", _guarded(*OPEN, _denies(True, "10.0.0.0/25"), before=DATA)),
            ("tasks to their files", _guarded(*OPEN, _denies(True, ports=(2000, 2100)))),
            ("the load balancer to tasks", _guarded(*OPEN, _denies(True, ports=(80, 80)), before=PUBLIC)),
            ("the NAT gateway to AWS", _guarded(*OPEN, _denies(False, ports=(40000, 40000)), before=PUBLIC)),
            ("visitors to port 443", _guarded(*OPEN, _denies(False, ports=(443, 443)), before=PUBLIC)),
        )
    ),
    Example("vpc-acls.admit-traffic", Status.NOT_APPLICABLE, _guarded(*OPEN, changes={(ecs.services, Side.DR): ()})),
    Example("vpc-acls.admit-traffic", Status.NOT_APPLICABLE, _guarded(*OPEN, changes={(vpc.vpc, Side.DR): None})),
    Example("vpc-acls.admit-traffic", Status.UNKNOWN, _guarded(*OPEN, changes={ACLS: DENIED})),
    Example(
        "vpc-acls.admit-traffic",
        Status.UNKNOWN,
        _guarded(*OPEN, changes={(efs_mounts.mount_targets, Side.DR): (MOUNT, DENIED)}),
        frozenset({"tasks to their files"}),
    ),
]
