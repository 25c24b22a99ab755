"""File system policies that lock tasks out of the files of the DR region."""

from __future__ import annotations

import json

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.efs import UNMOUNTED, file_system
from sandbox.world.world import World


@disaster(
    "efs-policy-locks-out",
    "A policy of the DR region's file system denies every client outside the networks of the primary region",
    trips=("efs-policy.admits-alike",),
    consequences=UNMOUNTED,
)
def policy_locks_out(world: World) -> None:
    """Deny mounting from any VPC but one of the primary region."""
    system = file_system(world, Side.DR)["FileSystemId"]
    named = {"Name": "tag:Name", "Values": [world.environment.named(world.environment.names.vpc)]}
    network = world.call(Side.PRIMARY, "ec2", "DescribeVpcs", Filters=[named])["Vpcs"][0]["VpcId"]
    statement = {
        "Sid": "OurNetworkOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "elasticfilesystem:ClientMount",
        # A VPC's id is of one region: a copied policy keeps the other's id.
        "Condition": {"StringNotEquals": {"aws:SourceVpc": network}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.undo(Side.DR, "efs", "DeleteFileSystemPolicy", FileSystemId=system)
    world.call(Side.DR, "efs", "PutFileSystemPolicy", FileSystemId=system, Policy=policy)
