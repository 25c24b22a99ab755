"""Security groups that name subnets of their own VPC, alike in both regions: whole, until one block is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_checks.core.model import Severity, Status
from dr_checks.core.registry import checks
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.test_remedies import broken, reported, unhealed
from tests.proofs.watching import Watch
from tests.utils.running import at_endpoint
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

CHECK, TOUCHED = "vpc-reach.security-groups", ("ec2",)
_MYSQL, _NFS, _HTTPS = 3306, 2049, 443


@pytest.fixture(scope="module")
def by_blocks(sit_watch: Watch) -> Iterator[Watch]:
    """The estate of SIT with its groups written by blocks in both regions; given back as it was."""
    for watch in broken(sit_watch):
        for side in (Side.PRIMARY, Side.DR):
            _write_by_blocks(_aws(watch), side)
        yield watch


def _aws(watch: Watch) -> Aws:
    return Aws(watch.world.url, watch.world.people["admin"], watch.environment, watch.world.state()["tenants"][0])


def _blocks(aws: Aws, side: Side, tier: str) -> list[str]:
    """The blocks of the VPC's subnets of a tier."""
    rows = aws.client("ec2", side).describe_subnets()["Subnets"]
    names = {
        row["CidrBlock"]: {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}.get("Name", "") for row in rows
    }
    return sorted(block for block, name in names.items() if f"-{tier}-" in name)


def _rule(port: int, blocks: list[str]) -> dict[str, Any]:
    ranges = [{"CidrIp": block} for block in blocks]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}


def _group(aws: Aws, side: Side, pattern: str) -> dict[str, Any]:
    rows = aws.client("ec2", side).describe_security_groups()["SecurityGroups"]
    return next(row for row in rows if row["GroupName"] == aws.named(pattern))


def _write_by_blocks(aws: Aws, side: Side) -> None:
    """The database lets in the tasks' subnets, they the balancer's, and out go they to data, files and AWS alone."""
    ec2, names = aws.client("ec2", side), aws.env.names
    tasks, database = (_group(aws, side, pattern) for pattern in (names.security_group, names.db_security_group))
    private, public, data = (_blocks(aws, side, tier) for tier in ("private", "public", "data"))
    ways_in = ((database, _rule(_MYSQL, private)), (tasks, _rule(names.container_port, public)))
    for group, rule in ways_in:
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    out = [_rule(_MYSQL, data), _rule(_NFS, private), _rule(_HTTPS, ["0.0.0.0/0"])]
    ec2.authorize_security_group_egress(GroupId=tasks["GroupId"], IpPermissions=out)
    ec2.revoke_security_group_egress(GroupId=tasks["GroupId"], IpPermissions=tasks["IpPermissionsEgress"])


def test_groups_by_blocks_of_each_region_s_own_vpc_are_whole(by_blocks: Watch, tmp_path: Path) -> None:
    ran = at_endpoint(by_blocks.world, tmp_path, "-e sit --format json status")
    assert (ran.code, ran.report["score"]) == (Exit.READY, 100), ran.out
    verdicts = {result["check"]: result["status"] for result in ran.report["results"]}
    assert verdicts[CHECK] == Status.PASS


def test_a_block_left_out_is_a_blocker_that_its_command_heals(by_blocks: Watch) -> None:
    aws = _aws(by_blocks)
    ec2, name = aws.client("ec2", Side.DR), aws.env.names.db_security_group
    lost = _blocks(aws, Side.DR, "private")[-1]
    ec2.revoke_security_group_ingress(
        GroupId=_group(aws, Side.DR, name)["GroupId"], IpPermissions=[_rule(_MYSQL, [lost])]
    )
    gaps = reported(by_blocks, TOUCHED)
    assert {key[:3]: gap.measured for key, gap in gaps.items()} == {
        (CHECK, Side.DR, aws.named(name)): f"missing in tcp {_MYSQL}-{_MYSQL} {lost}"
    }
    assert checks()[CHECK].severity is Severity.BLOCKER
    assert unhealed(by_blocks, TOUCHED) == []
