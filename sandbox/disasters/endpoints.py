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
        # With it the service's own name leads to the endpoint: tasks cannot go around it.
        PrivateDnsEnabled=True,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    world.undo(Side.DR, "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])


@disaster(
    "endpoint-of-primary-buckets",
    "The policy of the DR region's endpoint for S3 was copied from the primary region: it names the buckets there",
    trips=("endpoints.admit-stores",),
)
def endpoint_of_primary_buckets(world: World) -> None:
    """Make a gateway endpoint in the tasks' route table that lets them to image layers and to the original buckets."""
    env, region = world.environment, world.environment.regions.dr
    network = service_of(world, Side.DR, world.tenants[0])["networkConfiguration"]["awsvpcConfiguration"]
    inside = [{"Name": "association.subnet-id", "Values": network["subnets"][:1]}]
    table = world.call(Side.DR, "ec2", "DescribeRouteTables", Filters=inside)["RouteTables"][0]
    buckets = [f"arn:aws:s3:::{env.named(pattern)}/*" for pattern in env.names.buckets]
    # ECR keeps image layers in this bucket (ECR guide, interface VPC endpoints).
    named = [f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*", *buckets]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": named}
    endpoint = world.call(
        Side.DR,
        "ec2",
        "CreateVpcEndpoint",
        VpcId=table["VpcId"],
        ServiceName=f"com.amazonaws.{region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table["RouteTableId"]],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    world.undo(Side.DR, "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
