"""A third team's platform, made by plain boto3: eight HTTP services by path on one host, named by name_prefix.

S3 and DynamoDB only: no database, no file system, no distribution, no backup plan, no Terraform state. Nothing is
called alike in the two regions but tables, secrets and the repository, whose replicas AWS names so.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from dr_estate.config.recovery_settings import PEOPLE_TAG

HOME, AWAY = "af-south-1", "eu-west-1"
ZONE, HOST = "acme.example", "www.acme.example"
SERVICES = ("accounts", "basket", "catalog", "checkout", "orders", "payments", "search", "web")
"""``web`` takes every path that no other service has."""
ONE_BALANCER = {"web": (HOST, SERVICES)}
API_HOST, INTERNAL_HOST = f"api.{ZONE}", "orders.internal"
THREE_BALANCERS = {
    "web": (HOST, ("basket", "catalog", "search", "web")),
    "api": (API_HOST, ("accounts", "checkout")),
    "internal": (INTERNAL_HOST, ("orders", "payments")),
}
"""The host and the services of each load balancer; no public record leads to the internal one."""
TWO_CLUSTERS = {"money": {"accounts": "accounts", "checkout": "checkout", "payments": "web"}}
"""What is called how in a second cluster: a name may be that of a service of the first."""
SUFFIX = {HOME: "20250101083012", AWAY: "20250203114455"}
TABLES, BUCKET, SECRET, REPOSITORY = ("acme-orders", "acme-baskets"), "acme-media-7f3a", "acme/payments", "acme/app"
DATABASE, REPLICA = "orders-postgres", "standby-of-orders-eu"
_ANYWHERE = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_ZONE_OF_BALANCERS = {HOME: "Z268VQBMOI5EKX", AWAY: "Z32O12XQLNTSW2"}
_LONGEST_S = 60.0


def path_of(service: str) -> str:
    """The pattern by which the listener routes to a service."""
    return "/*" if service == "web" else f"/{service}*"


def build(
    url: str,
    key: str,
    secret: str,
    account: str,
    balancers: Mapping[str, tuple[str, tuple[str, ...]]] = ONE_BALANCER,
    *,
    database: bool = False,
    clusters: Mapping[str, Mapping[str, str]] = {},
    paired: bool = True,
) -> None:
    """Make the platform at the endpoint ``url`` with these keys, its services behind these ``balancers``.

    ``database``: upon PostgreSQL with a read replica. ``clusters`` are those beside the first, with their services. Not
    ``paired``: simple records lead to the primary region alone.
    """
    _Team(url, key, secret, account, balancers, database=database, clusters=clusters, paired=paired).build()


class _Team:
    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        account: str,
        balancers: Mapping[str, tuple[str, tuple[str, ...]]] = ONE_BALANCER,
        *,
        database: bool = False,
        clusters: Mapping[str, Mapping[str, str]] = {},
        paired: bool = True,
    ) -> None:
        self._url, self._key, self._secret, self._account = url, key, secret, account
        self._balancers, self._targets = balancers, dict[tuple[str, str], str]()
        self._with_database, self._hosts = database, dict[str, str]()
        self._clusters, self._paired = clusters, paired

    def aws(self, service: str, region: str = HOME) -> Any:
        keys = {"aws_access_key_id": self._key, "aws_secret_access_key": self._secret}
        client: Any = boto3
        return client.client(service, region_name=region, endpoint_url=self._url, **keys)

    def build(self) -> None:
        self._roles()
        self._stores()
        has_inner = any(not host.endswith(ZONE) for host, _ in self._balancers.values())
        networks = {
            region: _Network(self.aws("ec2", region), region, SUFFIX[region], has_inner) for region in (HOME, AWAY)
        }
        if self._with_database:
            self._database(networks)
        for region, network in networks.items():
            self._region(region, network)
        self._names()

    def _roles(self) -> None:
        iam = self.aws("iam")
        stores = [
            *(f"arn:aws:s3:::{BUCKET}{end}{rest}" for end in ("", "-replica") for rest in ("", "/*")),
            *(f"arn:aws:dynamodb:{r}:{self._account}:table/{name}" for r in (HOME, AWAY) for name in TABLES),
        ]
        of_task = {"Effect": "Allow", "Action": ["s3:*", "dynamodb:*"], "Resource": stores}
        start = [
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "secretsmanager:GetSecretValue",
        ]
        of_start = {"Effect": "Allow", "Action": start, "Resource": "*"}
        for name, service, statement in (
            ("task", "ecs-tasks", of_task),
            ("start", "ecs-tasks", of_start),
            ("copies", "s3", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        ):
            who = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
            role = f"acme-{name}-{SUFFIX[HOME]}"
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy(who))
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_policy(statement))

    def _role(self, name: str) -> str:
        return f"arn:aws:iam::{self._account}:role/acme-{name}-{SUFFIX[HOME]}"

    def _stores(self) -> None:
        for name in TABLES:
            self._table(name)
        for region, bucket in ((HOME, BUCKET), (AWAY, f"{BUCKET}-replica")):
            s3 = self.aws("s3", region)
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))
        within = {"Minutes": 15}
        rule = {
            "ID": "all",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {
                "Bucket": f"arn:aws:s3:::{BUCKET}-replica",
                "ReplicationTime": {"Status": "Enabled", "Time": within},
                "Metrics": {"Status": "Enabled", "EventThreshold": within},
            },
        }
        rules = {"Role": self._role("copies"), "Rules": [rule]}
        self.aws("s3").put_bucket_replication(Bucket=BUCKET, ReplicationConfiguration=rules)
        self.aws("s3").put_object(Bucket=BUCKET, Key="logo.svg", Body=b"<svg/>")
        created = self.aws("secretsmanager").create_secret(
            Name=SECRET, SecretString='{"key": "k-1"}', AddReplicaRegions=[{"Region": AWAY}]
        )
        self.secret = created["ARN"]
        for region in (HOME, AWAY):
            self.aws("ecr", region).create_repository(
                repositoryName=REPOSITORY,
                imageTagMutability="IMMUTABLE",
                imageScanningConfiguration={"scanOnPush": True},
            )
        where = {"destinations": [{"region": AWAY, "registryId": self._account}]}
        self.aws("ecr").put_replication_configuration(replicationConfiguration={"rules": [where]})
        pushed = self.aws("ecr").put_image(repositoryName=REPOSITORY, imageManifest=_manifest(), imageTag="7")
        self.digest = pushed["image"]["imageId"]["imageDigest"]

    def _table(self, name: str) -> None:
        self.aws("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            DeletionProtectionEnabled=True,
        )
        self.aws("dynamodb").update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": AWAY}}])
        for region in (HOME, AWAY):
            self.aws("dynamodb", region).update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        self.aws("dynamodb", AWAY).update_table(TableName=name, DeletionProtectionEnabled=True)
        self.aws("dynamodb").put_item(TableName=name, Item={"id": {"S": "1"}})

    def _database(self, networks: dict[str, _Network]) -> None:
        """PostgreSQL as terraform-aws-modules makes it: each region's groups and names are its own."""
        shared: dict[str, Any] = {"MultiAZ": True, "DeletionProtection": True, "DBInstanceClass": "db.r6g.large"}
        for region, network in networks.items():
            rds, kms = self.aws("rds", region), self.aws("kms", region)
            key = kms.create_key(Description="orders")["KeyMetadata"]["Arn"]
            kms.enable_key_rotation(KeyId=key)
            groups = {
                "DBSubnetGroupName": f"orders-{SUFFIX[region]}-subnets",
                "DBParameterGroupName": f"orders-{SUFFIX[region]}-settings",
            }
            rds.create_db_subnet_group(
                DBSubnetGroupName=groups["DBSubnetGroupName"],
                DBSubnetGroupDescription="orders",
                SubnetIds=network.private,
            )
            rds.create_db_parameter_group(
                DBParameterGroupName=groups["DBParameterGroupName"],
                DBParameterGroupFamily="postgres16",
                Description="orders",
            )
            guard = self._database_access(region, network)
            own = {**shared, **groups, "KmsKeyId": key, "VpcSecurityGroupIds": [guard], "StorageType": "gp3"}
            if region == HOME:
                instance = rds.create_db_instance(
                    DBInstanceIdentifier=DATABASE,
                    Engine="postgres",
                    EngineVersion="16.4",
                    AllocatedStorage=100,
                    StorageEncrypted=True,
                    MasterUsername="orders",
                    MasterUserPassword="not-a-real-one",
                    BackupRetentionPeriod=7,
                    AutoMinorVersionUpgrade=False,
                    CopyTagsToSnapshot=True,
                    **own,
                )["DBInstance"]
                source = instance["DBInstanceArn"]
            else:
                instance = rds.create_db_instance_read_replica(
                    DBInstanceIdentifier=REPLICA, SourceDBInstanceIdentifier=source, SourceRegion=HOME, **own
                )["DBInstance"]
                rds.modify_db_instance(DBInstanceIdentifier=REPLICA, BackupRetentionPeriod=7, ApplyImmediately=True)
            self._hosts[region] = instance["Endpoint"]["Address"]

    def _database_access(self, region: str, network: _Network) -> str:
        """The security group by which the tasks reach the database."""
        ec2, name = self.aws("ec2", region), f"orders-{SUFFIX[region]}-access"
        group = ec2.create_security_group(GroupName=name, Description="orders", VpcId=network.vpc)["GroupId"]
        port = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**port, "UserIdGroupPairs": [{"GroupId": network.tasks}]}]
        )
        return str(group)

    def _region(self, region: str, network: _Network) -> None:
        settings = [{"name": "containerInsights", "value": "enabled"}]
        for cluster in ("main", *self._clusters):
            name = f"acme-{cluster}-{SUFFIX[region]}"
            self.aws("ecs", region).create_cluster(clusterName=name, settings=settings)
        for name, (host, services) in self._balancers.items():
            self._balancer(region, name, host, services, network)

    def _balancer(self, region: str, name: str, host: str, services: tuple[str, ...], network: _Network) -> None:
        elb, suffix, is_public = self.aws("elbv2", region), SUFFIX[region], host.endswith(ZONE)
        balancer = elb.create_load_balancer(
            Name="acme-alb" if region == HOME and len(self._balancers) == 1 else f"acme-{name}-{suffix}-alb",
            Subnets=network.public if is_public else network.private,
            SecurityGroups=[network.edge if is_public else network.inner],
            Scheme="internet-facing" if is_public else "internal",
        )["LoadBalancers"][0]
        elb.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Attributes=[
                {"Key": "deletion_protection.enabled", "Value": "true"},
                {"Key": "client_keep_alive.seconds", "Value": "60"},
            ],
        )
        listener = self._listener(region, balancer["LoadBalancerArn"], host)
        for number, service in enumerate(services, start=1):
            group = self._group(elb, service, suffix, network.vpc)
            _rule(elb, listener, number, service, group, host)
            self._service(region, service, group, network)
        self._targets[name, region] = str(balancer["DNSName"])

    def _listener(self, region: str, balancer: str, host: str) -> str:
        """The one of HTTPS; that of HTTP sends each request there."""
        elb, acm = self.aws("elbv2", region), self.aws("acm", region)
        created = acm.request_certificate(DomainName=host, ValidationMethod="DNS")["CertificateArn"]
        alive = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "alive"}  # to health checkers
        default = [{"Type": "fixed-response", "FixedResponseConfig": alive}]
        secure = {"Certificates": [{"CertificateArn": created}], "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}
        there = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
        redirect = [{"Type": "redirect", "RedirectConfig": there}]
        elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=redirect)
        listener = elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, DefaultActions=default, **secure
        )
        return str(listener["Listeners"][0]["ListenerArn"])

    @staticmethod
    def _group(elb: Any, service: str, suffix: str, vpc: str) -> str:
        created = elb.create_target_group(
            Name=f"{service[:8]}-{suffix}",
            Protocol="HTTP",
            Port=8080,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=15,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )
        return str(created["TargetGroups"][0]["TargetGroupArn"])

    def _service(self, region: str, service: str, group: str, network: _Network) -> None:
        others = (name for name, services in self._clusters.items() if service in services)
        cluster = next(others, "main")
        ecs, logs = self.aws("ecs", region), f"/acme/{service}-{SUFFIX[region]}"
        self.aws("logs", region).create_log_group(logGroupName=logs)
        plain = {"TABLE": TABLES[0], "BASKETS": TABLES[1], "BUCKET": BUCKET if region == HOME else f"{BUCKET}-replica"}
        plain |= {"DATABASE_HOST": f"{self._hosts[region]}:5432"} if self._hosts else {}
        definition = ecs.register_task_definition(
            family=f"acme-{service}-{SUFFIX[region]}",
            taskRoleArn=self._role("task"),
            executionRoleArn=self._role("start"),
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": service,
                    "image": f"{self._account}.dkr.ecr.{region}.amazonaws.com/{REPOSITORY}@{self.digest}",
                    "essential": True,
                    "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                    "environment": [{"name": name, "value": value} for name, value in plain.items()],
                    "secrets": [{"name": "PAYMENTS", "valueFrom": self.secret.replace(HOME, region) + ":key::"}],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": logs,
                            "awslogs-region": region,
                            "awslogs-stream-prefix": service,
                        },
                    },
                }
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(
            cluster=f"acme-{cluster}-{SUFFIX[region]}",
            serviceName=f"{self._clusters.get(cluster, {}).get(service, service)}-{SUFFIX[region]}",
            taskDefinition=definition,
            desiredCount=2 if region == HOME else 0,
            launchType="FARGATE",
            platformVersion="1.4.0",
            healthCheckGracePeriodSeconds=60,
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
            loadBalancers=[{"targetGroupArn": group, "containerName": service, "containerPort": 8080}],
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": network.private,
                    "securityGroups": [network.tasks],
                    "assignPublicIp": "DISABLED",
                }
            },
        )

    def _await_accelerated_recovery(self, route53: Any, zone: str) -> None:
        """Wait until it is on: ENABLING is a gap, and a quick machine looks within that time."""
        until = time.monotonic() + _LONGEST_S
        while route53.get_hosted_zone(Id=zone)["HostedZone"]["Features"]["AcceleratedRecoveryStatus"] != "ENABLED":
            assert time.monotonic() < until, zone
            time.sleep(0.1)

    def _names(self) -> None:
        route53 = self.aws("route53")
        zone = route53.create_hosted_zone(Name=ZONE, CallerReference="acme")["HostedZone"]["Id"]
        route53.update_hosted_zone_features(HostedZoneId=zone.rpartition("/")[2], EnableAcceleratedRecovery=True)
        self._await_accelerated_recovery(route53, zone)
        changes = [
            self._record(name, host, region, routing)
            for name, (host, _) in self._balancers.items()
            if host.endswith(ZONE)
            for region, routing in ((HOME, "PRIMARY"), (AWAY, "SECONDARY"))[: 2 if self._paired else 1]
        ]
        if changes:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def _record(self, balancer: str, host: str, region: str, routing: str) -> dict[str, Any]:
        target = self._targets[balancer, region]
        config = {
            "Type": "HTTPS",
            "FullyQualifiedDomainName": target,
            "Port": 443,
            "ResourcePath": "/healthz",
            "RequestInterval": 10,
            "FailureThreshold": 3,
        }
        check = self.aws("route53").create_health_check(
            CallerReference=f"{balancer} {region}", HealthCheckConfig=config
        )["HealthCheck"]["Id"]
        routed = {"SetIdentifier": f"{balancer}-{region}", "Failover": routing, "HealthCheckId": check}
        record = {
            "Name": host,
            "Type": "A",
            **(routed if self._paired else {}),
            "AliasTarget": {
                "HostedZoneId": _ZONE_OF_BALANCERS[region],
                "DNSName": target,
                "EvaluateTargetHealth": False,
            },
        }
        return {"Action": "CREATE", "ResourceRecordSet": record}


class _Network:
    """A VPC with public subnets for the load balancer and private ones for tasks, in two zones."""

    def __init__(self, ec2: Any, region: str, suffix: str, has_inner: bool) -> None:
        second = 1 if region == HOME else 2
        self.vpc = ec2.create_vpc(CidrBlock=f"10.{second}.0.0/16")["Vpc"]["VpcId"]
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            ec2.modify_vpc_attribute(VpcId=self.vpc, **{name: {"Value": True}})
        self.public, self.private = (
            [
                ec2.create_subnet(
                    VpcId=self.vpc, CidrBlock=f"10.{second}.{first + number}.0/24", AvailabilityZone=f"{region}{zone}"
                )["Subnet"]["SubnetId"]
                for number, zone in enumerate("ab")
            ]
            for first in (0, 10)
        )
        internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=self.vpc)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=self.public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
        for subnets, way in ((self.public, {"GatewayId": internet}), (self.private, {"NatGatewayId": nat})):
            table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way)
            for subnet in subnets:
                ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.edge, self.inner, self.tasks = (
            ec2.create_security_group(GroupName=f"acme-{name}-{suffix}", Description=name, VpcId=self.vpc)["GroupId"]
            for name in ("edge", "inner", "tasks")
        )
        for group, port, source in (
            (self.edge, 80, _ANYWHERE),
            (self.edge, 443, _ANYWHERE),
            (self.tasks, 8080, {"UserIdGroupPairs": [{"GroupId": self.edge}]}),
            *([(self.tasks, 8080, {"UserIdGroupPairs": [{"GroupId": self.inner}]})] if has_inner else ()),
            (self.inner, 443, {"UserIdGroupPairs": [{"GroupId": self.tasks}]}),
        ):
            ec2.authorize_security_group_ingress(
                GroupId=group,
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}],
            )


def _rule(elb: Any, listener: str, priority: int, service: str, group: str, host: str) -> None:
    elb.create_rule(
        ListenerArn=listener,
        Priority=priority,
        Conditions=[
            {"Field": "path-pattern", "PathPatternConfig": {"Values": [path_of(service)]}},
            {"Field": "host-header", "HostHeaderConfig": {"Values": [host]}},
        ],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _manifest() -> str:
    def blob(part: str, size: int) -> dict[str, object]:
        return {"mediaType": part, "size": size, "digest": f"sha256:{hashlib.sha256(part.encode()).hexdigest()}"}

    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": blob("application/vnd.docker.container.image.v1+json", 9512),
            "layers": [blob("application/vnd.docker.image.rootfs.diff.tar.gzip", 29_150_479)],
        }
    )


def build_tool(
    url: str, key: str, secret: str, account: str, policies: dict[str, Any], environment: str = "acme"
) -> None:
    """Make what deploy/ makes beside the platform: control table, runbook, and the operator's role by ``policies``."""
    team = _Team(url, key, secret, account)
    dynamodb, name, keys = team.aws("dynamodb", AWAY), f"{environment}-dr-control", ("pk", "sk")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=_keys(*keys),
        GlobalSecondaryIndexes=[
            {"IndexName": "by-sk", "KeySchema": _keys(*keys[::-1]), "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        DeletionProtectionEnabled=True,
    )
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": PEOPLE_TAG, "Value": "1"}])
    kms = team.aws("kms", AWAY)
    signing = kms.create_key(Description="Signs evidence", KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    kms.create_alias(AliasName=f"alias/{environment}-dr-evidence", TargetKeyId=signing["KeyMetadata"]["KeyId"])
    team.aws("logs", AWAY).create_log_group(logGroupName=f"/dr/{environment}/anchors")
    s3 = team.aws("s3", AWAY)
    s3.create_bucket(Bucket=f"{environment.lower()}-runbooks", CreateBucketConfiguration={"LocationConstraint": AWAY})
    s3.put_object(
        Bucket=f"{environment.lower()}-runbooks",
        Key="runbook.md",
        Body=f"Reviewed: {datetime.now(UTC):%Y-%m-%d}\n".encode(),
    )
    iam, role = team.aws("iam"), f"{environment}-dr-operator"
    who = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=role, MaxSessionDuration=43200, AssumeRolePolicyDocument=_policy(who))
    for title, document in policies.items():
        iam.put_role_policy(RoleName=role, PolicyName=title, PolicyDocument=json.dumps(document))


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)]
