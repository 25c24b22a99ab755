"""A small platform for tests: a network, a load balancer with one tenant's rule, a cluster and a service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.moto_ext.conftest import Clients

HTTP_FROM_ANYWHERE = [
    {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
]
ANSWERS_ANY_HOST = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
PUBLIC = {"assignPublicIp": "ENABLED"}
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({"schemaVersion": 2, "layers": [{"digest": "sha256:" + "a" * 64, "size": 1}]})


@dataclass
class Platform:
    """What was made in one region."""

    clients: Clients
    region: str
    subnets: list[str]
    group: str
    balancer: str
    dns_name: str
    dns_zone: str
    listener: str
    target_group: str
    rule: str

    def client(self, service: str) -> Any:
        """A client of this region."""
        return self.clients(service, self.region)

    @property
    def network(self) -> dict[str, Any]:
        """The service's network configuration."""
        return {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group], **PUBLIC}}

    def serve(self, tasks: int = 2, image: str = "nginx:1.27", **more: Any) -> dict[str, Any]:
        """Register a task definition and create the tenant's service with it."""
        ecs = self.client("ecs")
        ecs.create_cluster(clusterName="shop")
        self.register(image)
        balancers = [{"targetGroupArn": self.target_group, "containerName": "web", "containerPort": 80}]
        service: dict[str, Any] = ecs.create_service(
            cluster="shop",
            serviceName="tenant-a",
            taskDefinition="tenant-a",
            desiredCount=tasks,
            launchType="FARGATE",
            networkConfiguration=self.network,
            loadBalancers=balancers,
            **more,
        )["service"]
        return service

    def register(self, image: str, **more: Any) -> str:
        """Register a revision of the tenant's task definition; return its ARN."""
        container = {"name": "web", "image": image, "portMappings": [{"containerPort": 80}], **more}
        response = self.client("ecs").register_task_definition(
            family="tenant-a",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="512",
            memory="1024",
            containerDefinitions=[container],
        )
        return str(response["taskDefinition"]["taskDefinitionArn"])

    def service(self) -> dict[str, Any]:
        """The service as described now."""
        answer = self.client("ecs").describe_services(cluster="shop", services=["tenant-a"])
        found: dict[str, Any] = answer["services"][0]
        return found

    def tasks(self, **more: Any) -> list[dict[str, Any]]:
        """The service's tasks as listed and described now."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster="shop", serviceName="tenant-a", **more)["taskArns"]
        found: list[dict[str, Any]] = ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"] if arns else []
        return found

    def scale(self, tasks: int) -> None:
        """Set the service's desired count."""
        self.client("ecs").update_service(cluster="shop", service="tenant-a", desiredCount=tasks)

    def health(self) -> list[str]:
        """The state of every target."""
        answer = self.client("elbv2").describe_target_health(TargetGroupArn=self.target_group)
        return [row["TargetHealth"]["State"] for row in answer["TargetHealthDescriptions"]]


def push(clients: Clients, region: str, tag: str) -> tuple[str, str]:
    """Push an image to the registry of ``region``; return its name and digest."""
    ecr = clients("ecr", region)
    repository = ecr.create_repository(repositoryName="web")["repository"]["repositoryUri"]
    image = ecr.put_image(
        repositoryName="web", imageManifest=MANIFEST, imageManifestMediaType=MEDIA_TYPE, imageTag=tag
    )["image"]
    return f"{repository}:{tag}", str(image["imageId"]["imageDigest"])


def platform(clients: Clients, region: str) -> Platform:
    """Make all of it in ``region`` but the service."""
    ec2, elb = clients("ec2", region), clients("elbv2", region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=main, DestinationCidrBlock="0.0.0.0/0", GatewayId=internet)
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=HTTP_FROM_ANYWHERE)
    balancer = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]
    target_group = elb.create_target_group(
        Name="tenant-a", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", HealthCheckPath="/"
    )["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=ANSWERS_ANY_HOST
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.shop.example"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": target_group}],
    )["Rules"][0]["RuleArn"]
    return Platform(
        clients,
        region,
        subnets,
        group,
        balancer["LoadBalancerArn"],
        balancer["DNSName"],
        balancer["CanonicalHostedZoneId"],
        listener,
        target_group,
        rule,
    )
