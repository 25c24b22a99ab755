"""VPC endpoints that take the tasks' requests and do not let them through."""

from __future__ import annotations

import json

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import service_of
from sandbox.world.world import World


@disaster(
    "endpoint-policy-narrow",
    "An endpoint for Secrets Manager was made in the DR region's VPC whose policy lets nobody read a secret",
    trips=("endpoints.admit-tasks",),
)
def endpoint_policy_narrow(world: World) -> None:
    """Make the endpoint in the tasks' subnets, behind their own group, with a policy for listing alone."""
    network = service_of(world, Side.DR, world.tenants[0])["networkConfiguration"]["awsvpcConfiguration"]
    subnet = world.call(Side.DR, "ec2", "DescribeSubnets", SubnetIds=network["subnets"][:1])["Subnets"][0]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:ListSecrets", "Resource": "*"}
    endpoint = world.call(
        Side.DR,
        "ec2",
        "CreateVpcEndpoint",
        VpcId=subnet["VpcId"],
        ServiceName=f"com.amazonaws.{world.environment.regions.dr}.secretsmanager",
        VpcEndpointType="Interface",
        SubnetIds=network["subnets"],
        SecurityGroupIds=network["securityGroups"],
        PrivateDnsEnabled=True,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    world.undo(Side.DR, "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
