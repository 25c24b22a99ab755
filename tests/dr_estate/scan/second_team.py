"""A second team's platform, made by plain boto3: no name of it is one that the product knows.

Two services behind paths of one host, with suffixed names that differ between the regions, on PostgreSQL whose replica
has a name of its own; a bucket by a task role, a table by a variable, a secret, a worker behind no load balancer.
"""

from __future__ import annotations

import json
from typing import Any

import boto3

HOME, AWAY = "eu-central-1", "eu-north-1"
HOST = "shop.example.com"
IMAGE = f"123456789012.dkr.ecr.{HOME}.amazonaws.com/shop/web:7"
_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def build(url: str, *keys: str, service: str = "{name}-{suffix}") -> None:
    """Make the platform at the endpoint ``url``, with these keys: id and secret; its services are called so."""
    key, secret = keys or ("a", "b")
    _Team(url, key, secret, service).build()


def schedule(url: str, *keys: str) -> None:
    """Let schedules start tasks of the platform that stands: one of each region, three of the first alone."""
    key, secret = keys or ("a", "b")
    team = _Team(url, key, secret, "")
    services = ("scheduler.amazonaws.com", "events.amazonaws.com")
    trust = json.dumps({**json.loads(_ASSUME), "Statement": [_trust(service) for service in services]})
    role = team.aws("iam").create_role(RoleName="shop-clock", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for region, reindex in ((HOME, "reindex-20251104"), (AWAY, "reindex-77aa01")):
        team.schedule(region, role, reindex, "api")
    team.schedule(HOME, role, "bill", "billing")
    team.schedule(HOME, role, "old-bill", "billing", State="DISABLED")
    events = team.aws("events")
    for name, target in (
        ("sweep", team.target(HOME, "mailer", role)),
        ("page", {"Arn": f"arn:aws:lambda:{HOME}:123456789012:function:page"}),
    ):
        events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
        events.put_targets(Rule=name, Targets=[{"Id": "1", **target}])


def _trust(service: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}


class _Team:
    def __init__(self, url: str, key: str, secret: str, service: str) -> None:
        self._url, self._key, self._secret, self._service_name = url, key, secret, service
        self._role = ""

    def aws(self, service: str, region: str = HOME) -> Any:
        keys = {"aws_access_key_id": self._key, "aws_secret_access_key": self._secret}
        client: Any = boto3
        return client.client(service, region_name=region, endpoint_url=self._url, **keys)

    def build(self) -> None:
        self._stores()
        balancers = {HOME: self._region(HOME, "20251104", 2), AWAY: self._region(AWAY, "77aa01", 0)}
        route53 = self.aws("route53")
        zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        config = {"Type": "TCP", "IPAddress": "192.0.2.7", "Port": 80}
        check = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
        changes = [
            self._change(HOST, balancers[HOME], SetIdentifier="home", Failover="PRIMARY", HealthCheckId=check),
            self._change(HOST, balancers[AWAY], SetIdentifier="away", Failover="SECONDARY"),
            self._change("www.example.com", HOST),
        ]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def schedule(self, region: str, role: str, name: str, family: str, **more: str) -> None:
        self.aws("scheduler", region).create_schedule(
            Name=name,
            ScheduleExpression="cron(0 1 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=self.target(region, family, role),
            **more,
        )

    def target(self, region: str, family: str, role: str) -> dict[str, Any]:
        """What EventBridge calls to start one task of ``family`` in the region's cluster."""
        (cluster,) = self.aws("ecs", region).list_clusters()["clusterArns"]
        definition = cluster.partition(":cluster/")[0] + f":task-definition/{family}"
        return {"Arn": cluster, "RoleArn": role, "EcsParameters": {"TaskDefinitionArn": definition}}

    @staticmethod
    def _change(name: str, target: str, **routing: str) -> dict[str, Any]:
        record = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": target}], **routing}
        return {"Action": "CREATE", "ResourceRecordSet": record}

    def _stores(self) -> None:
        rds = self.aws("rds")
        instance = rds.create_db_instance(
            DBInstanceIdentifier="orders-20251104",
            DBInstanceClass="db.t3.medium",
            Engine="postgres",
            MasterUsername="u",
            MasterUserPassword="not-a-real-one",
            AllocatedStorage=20,
            BackupRetentionPeriod=7,
        )["DBInstance"]
        self.database = instance["Endpoint"]["Address"]
        self.aws("rds", AWAY).create_db_instance_read_replica(
            DBInstanceIdentifier="orders-standby", SourceDBInstanceIdentifier=instance["DBInstanceArn"]
        )
        s3 = self.aws("s3")
        for name in ("shop-media-x1", "somebody-elses"):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HOME})
        self.aws("dynamodb").create_table(
            TableName="carts",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        secret = self.aws("secretsmanager").create_secret(Name="shop/payments", SecretString="x")
        self.secret = secret["ARN"]
        iam = self.aws("iam")
        self._role = iam.create_role(RoleName="shop-task-20251104", AssumeRolePolicyDocument=_ASSUME)["Role"]["Arn"]
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-media-*/*"}
        iam.put_role_policy(
            RoleName="shop-task-20251104",
            PolicyName="media",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def _region(self, region: str, suffix: str, tasks: int) -> str:
        ec2, elb, ecs = self.aws("ec2", region), self.aws("elbv2", region), self.aws("ecs", region)
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"]
            for number, zone in enumerate("ab")
        ]
        ids = [row["SubnetId"] for row in subnets]
        guard = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
        network = {"awsvpcConfiguration": {"subnets": ids, "securityGroups": [guard]}}
        balancer = elb.create_load_balancer(Name=f"edge-{suffix}", Subnets=ids)["LoadBalancers"][0]
        cluster = ecs.create_cluster(clusterName=f"shop-{suffix}")["cluster"]["clusterArn"]
        groups = {
            name: elb.create_target_group(
                Name=f"{name}-{suffix}", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
            )["TargetGroups"][0]["TargetGroupArn"]
            for name in ("web", "api")
        }
        listener = elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        for number, (name, arn) in enumerate(groups.items(), start=1):
            path = {"web": "/*", "api": "/api/*"}[name]
            elb.create_rule(
                ListenerArn=listener,
                Priority=number,
                Conditions=[{"Field": "path-pattern", "Values": [path]}, {"Field": "host-header", "Values": [HOST]}],
                Actions=[{"Type": "forward", "TargetGroupArn": arn}],
            )
        for name in ("web", "api", "mailer"):
            if name == "mailer" and region == AWAY:
                continue  # nobody made it there
            service = self._service_name.format(name=name, suffix=suffix)
            self._service(ecs, cluster, service, name, groups.get(name), tasks, network)
        return str(balancer["DNSName"])

    def _service(
        self, ecs: Any, cluster: str, name: str, family: str, group: str | None, tasks: int, network: dict[str, Any]
    ) -> None:
        ecs.register_task_definition(
            family=family,
            taskRoleArn=self._role,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "main",
                    "image": IMAGE,
                    "memory": 512,
                    "portMappings": [{"containerPort": 80}],
                    "environment": [
                        {"name": "DATABASE_URL", "value": f"postgres://{self.database}:5432/orders"},
                        {"name": "CARTS", "value": "carts"},
                    ],
                    "secrets": [{"name": "PAYMENTS", "valueFrom": f"{self.secret}:key::"}],
                }
            ],
        )
        behind = [{"targetGroupArn": group, "containerName": "main", "containerPort": 80}] if group else []
        ecs.create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=family,
            desiredCount=tasks,
            launchType="FARGATE",
            loadBalancers=behind,
            networkConfiguration=network,
        )
