"""One field of a resource of the DR region, changed by plain boto3: what is there is described, and one value modified.

Unlike the faults beside this file nothing here is made with a check in mind: the values are AWS's own fields, one after
another, for the last tenant or for all of them. What a mutation breaks is the world's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, files_of
from tests.proofs.faults_of_network import _balancer, _group, _network, _subnets

Make = Callable[[Aws], object]
_CLUSTER = "service/{cluster}/{service}"


def _arn_of_group(aws: Aws) -> str:
    name = aws.named(aws.env.names.target_group)
    return str(aws.client("elbv2", Side.DR).describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"])


def _listeners(aws: Aws) -> list[dict[str, Any]]:
    listed = aws.client("elbv2", Side.DR).describe_listeners(LoadBalancerArn=_balancer(aws)["LoadBalancerArn"])
    rows: list[dict[str, Any]] = listed["Listeners"]
    return rows


def _target_group(**changes: Any) -> Make:
    def make(aws: Aws) -> object:
        return aws.client("elbv2", Side.DR).modify_target_group(TargetGroupArn=_arn_of_group(aws), **changes)

    return make


def _attributes(**values: str) -> Make:
    listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]

    def make(aws: Aws) -> object:
        elb = aws.client("elbv2", Side.DR)
        return elb.modify_target_group_attributes(TargetGroupArn=_arn_of_group(aws), Attributes=listed)

    return make


def _balancer_attributes(**values: str) -> Make:
    listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]

    def make(aws: Aws) -> object:
        arn = _balancer(aws)["LoadBalancerArn"]
        return aws.client("elbv2", Side.DR).modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=listed)

    return make


def _rules_of_tenant(aws: Aws) -> Iterator[str]:
    elb, group = aws.client("elbv2", Side.DR), _arn_of_group(aws)
    for listener in _listeners(aws):
        for page in elb.get_paginator("describe_rules").paginate(ListenerArn=listener["ListenerArn"]):
            yield from (r["RuleArn"] for r in page["Rules"] if r["Actions"][0].get("TargetGroupArn") == group)


def _rule_action(action: dict[str, Any]) -> Make:
    def make(aws: Aws) -> object:
        elb = aws.client("elbv2", Side.DR)
        return [elb.modify_rule(RuleArn=rule, Actions=[action]) for rule in list(_rules_of_tenant(aws))]

    return make


def _rule_host(aws: Aws) -> object:
    elb = aws.client("elbv2", Side.DR)
    hosts = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["nobody.example.org"]}}]
    return [elb.modify_rule(RuleArn=rule, Conditions=hosts) for rule in list(_rules_of_tenant(aws))]


def _rule_to_another(aws: Aws) -> object:
    elb = aws.client("elbv2", Side.DR)
    own = _arn_of_group(aws)
    other = next(
        g["TargetGroupArn"] for g in elb.describe_target_groups()["TargetGroups"] if g["TargetGroupArn"] != own
    )
    return _rule_action({"Type": "forward", "TargetGroupArn": other})(aws)


def _default_action(aws: Aws) -> object:
    refusal = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "closed, for now"}
    action = {"Type": "fixed-response", "FixedResponseConfig": refusal}
    elb, listener = aws.client("elbv2", Side.DR), _listeners(aws)[0]["ListenerArn"]
    return elb.modify_listener(ListenerArn=listener, DefaultActions=[action])


def _one_zone(aws: Aws) -> object:
    found = _balancer(aws)
    subnets = [zone["SubnetId"] for zone in found["AvailabilityZones"]][:-1]
    return aws.client("elbv2", Side.DR).set_subnets(LoadBalancerArn=found["LoadBalancerArn"], Subnets=subnets)


def _service(**changes: Any) -> Make:
    def make(aws: Aws) -> object:
        cluster, name = aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
        return aws.client("ecs", Side.DR).update_service(cluster=cluster, service=name, **changes)

    return make


def _network_of(change: Callable[[Aws, dict[str, Any]], dict[str, Any]]) -> Make:
    def make(aws: Aws) -> object:
        cluster, name = aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
        service = aws.client("ecs", Side.DR).describe_services(cluster=cluster, services=[name])["services"][0]
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        return _service(networkConfiguration={"awsvpcConfiguration": {**network, **change(aws, network)}})(aws)

    return make


def _in_public_subnets(aws: Aws, _: dict[str, Any]) -> dict[str, Any]:
    return {"subnets": _subnets(aws, "public")}


def _group_of_balancer(aws: Aws, _: dict[str, Any]) -> dict[str, Any]:
    return {"securityGroups": [_group(aws, "{env}-alb-sg")[1]["GroupId"]]}


def _scaling(aws: Aws) -> dict[str, Any]:
    cluster, name = aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
    resource = _CLUSTER.format(cluster=cluster, service=name)
    return {"ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": "ecs:service:DesiredCount"}


def _bounds(**changes: Any) -> Make:
    def make(aws: Aws) -> object:
        client = aws.client("application-autoscaling", Side.DR)
        return client.register_scalable_target(**_scaling(aws), **changes)

    return make


def _policy_of_half(aws: Aws) -> object:
    client, which = aws.client("application-autoscaling", Side.DR), _scaling(aws)
    found = client.describe_scaling_policies(**{k: which[k] for k in ("ServiceNamespace", "ResourceId")})
    policy = found["ScalingPolicies"][0]
    kind = "TargetTrackingScalingPolicyConfiguration"
    tracked = {**policy[kind], "TargetValue": policy[kind]["TargetValue"] / 2}
    named = {key: policy[key] for key in ("PolicyName", "PolicyType")}
    return client.put_scaling_policy(**which, **named, **{kind: tracked})


def _policy_gone(aws: Aws) -> object:
    client, which = aws.client("application-autoscaling", Side.DR), _scaling(aws)
    found = client.describe_scaling_policies(**{k: which[k] for k in ("ServiceNamespace", "ResourceId")})
    return client.delete_scaling_policy(PolicyName=found["ScalingPolicies"][0]["PolicyName"], **which)


def _acl(tier: str, number: int, port: int, outward: bool = False, cidr: str = "0.0.0.0/0") -> Make:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
        place = _subnets(aws, tier)[0]
        found = next(a for a in acls if place in {row["SubnetId"] for row in a["Associations"]})
        rule = {"RuleNumber": number, "Protocol": "6", "RuleAction": "deny", "Egress": outward, "CidrBlock": cidr}
        return ec2.create_network_acl_entry(
            NetworkAclId=found["NetworkAclId"], PortRange={"From": port, "To": port}, **rule
        )

    return make


def _health_check(**changes: Any) -> Make:
    """Change the health check of the DR region's traffic record."""

    def make(aws: Aws) -> object:
        route53, name = aws.client("route53", Side.GLOBAL), aws.env.traffic.origin_record
        zones = route53.list_hosted_zones_by_name(DNSName=aws.env.traffic.zone)["HostedZones"]
        rows = route53.list_resource_record_sets(HostedZoneId=zones[0]["Id"])["ResourceRecordSets"]
        own = [r for r in rows if r["Name"].rstrip(".") == name and aws.env.regions.dr in r.get("SetIdentifier", "")]
        return route53.update_health_check(HealthCheckId=own[0]["HealthCheckId"], **changes)

    return make


def _copy(operation: str, **changes: Any) -> Make:
    """Change a setting of the copy of the first bucket."""

    def make(aws: Aws) -> object:
        source = aws.env.named(aws.env.names.buckets[0])
        copy = aws.env.named(aws.env.names.bucket_copy, bucket=source)
        return getattr(aws.client("s3", Side.DR), operation)(Bucket=copy, **changes)

    return make


def _table(operation: str, **changes: Any) -> Make:
    def make(aws: Aws) -> object:
        name = aws.named(aws.env.names.tables[0])
        return getattr(aws.client("dynamodb", Side.DR), operation)(TableName=name, **changes)

    return make


def _repository(operation: str, **changes: Any) -> Make:
    def make(aws: Aws) -> object:
        name = aws.named(aws.env.names.repository)
        return getattr(aws.client("ecr", Side.DR), operation)(repositoryName=name, **changes)

    return make


def _alarms_off(aws: Aws) -> object:
    names = [aws.named(pattern) for pattern in aws.env.names.alarms]
    return aws.client("cloudwatch", Side.DR).disable_alarm_actions(AlarmNames=names)


def _group_rule(name: str, outward: bool = False) -> Make:
    """Take one rule away from a security group, and leave the others."""

    def make(aws: Aws) -> object:
        ec2, group = _group(aws, name)
        if outward:
            return ec2.revoke_security_group_egress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"][:1]
            )
        return ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"][:1])

    return make


def _public_address(aws: Aws) -> object:
    ec2, _ = _network(aws)
    return ec2.modify_subnet_attribute(SubnetId=_subnets(aws, "private")[0], MapPublicIpOnLaunch={"Value": True})


def _route_of(tier: str, to: str) -> Make:
    """Lead the default route of a tier's first subnet to the gateway of another kind."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        tables = ec2.describe_route_tables(Filters=inside)["RouteTables"]
        place = _subnets(aws, tier)[0]
        table = next(t for t in tables if place in {a.get("SubnetId") for a in t["Associations"]})["RouteTableId"]
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        gateway = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]
        nat = ec2.describe_nat_gateways(Filters=inside)["NatGateways"][0]["NatGatewayId"]
        target = {"GatewayId": gateway} if to == "internet" else {"NatGatewayId": nat}
        return ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)

    return make


def _files(**changes: Any) -> Make:
    def make(aws: Aws) -> object:
        efs, system = files_of(aws)
        return efs.update_file_system(FileSystemId=system, **changes)

    return make


def _mount_groups(aws: Aws) -> object:
    efs, system = files_of(aws)
    own = _group(aws, "{env}-alb-sg")[1]["GroupId"]
    targets = efs.describe_mount_targets(FileSystemId=system)["MountTargets"]
    return [
        efs.modify_mount_target_security_groups(MountTargetId=row["MountTargetId"], SecurityGroups=[own])
        for row in targets
    ]


def _parameter(name: str, value: str) -> Make:
    def make(aws: Aws) -> object:
        group = aws.named(aws.env.names.db_parameter_group)
        changed = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}]
        return aws.client("rds", Side.DR).modify_db_parameter_group(DBParameterGroupName=group, Parameters=changed)

    return make


def _subnets_of_database(tier: str) -> Make:
    def make(aws: Aws) -> object:
        name = aws.named(aws.env.names.db_subnet_group)
        return aws.client("rds", Side.DR).modify_db_subnet_group(DBSubnetGroupName=name, SubnetIds=_subnets(aws, tier))

    return make


def _retention(aws: Aws) -> object:
    return aws.client("logs", Side.DR).put_retention_policy(
        logGroupName=aws.named(aws.env.names.log_group), retentionInDays=1
    )


def _vpc_setting(**changes: Any) -> Make:
    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        return ec2.modify_vpc_attribute(VpcId=vpc, **changes)

    return make


_REFUSES = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}
OF_TENANT: dict[str, tuple[tuple[str, ...], Make]] = {
    "health path": (("elbv2",), _target_group(HealthCheckPath="/nowhere")),
    "health port": (("elbv2",), _target_group(HealthCheckPort="81")),
    "health protocol": (("elbv2",), _target_group(HealthCheckProtocol="HTTPS")),
    "health codes": (("elbv2",), _target_group(Matcher={"HttpCode": "418"})),
    "health interval": (("elbv2",), _target_group(HealthCheckIntervalSeconds=300)),
    "health timeout": (("elbv2",), _target_group(HealthCheckTimeoutSeconds=2)),
    "healthy after": (("elbv2",), _target_group(HealthyThresholdCount=10)),
    "unhealthy after": (("elbv2",), _target_group(UnhealthyThresholdCount=10)),
    "deregistration delay": (("elbv2",), _attributes(deregistration_delay__timeout_seconds="0")),
    "stickiness": (("elbv2",), _attributes(stickiness__enabled="true", stickiness__type="lb_cookie")),
    "slow start": (("elbv2",), _attributes(slow_start__duration_seconds="900")),
    "algorithm": (("elbv2",), _attributes(load_balancing__algorithm__type="least_outstanding_requests")),
    "rule refuses": (("elbv2",), _rule_action(_REFUSES)),
    "rule of another host": (("elbv2",), _rule_host),
    "rule to another tenant": (("elbv2",), _rule_to_another),
    "service's grace": (("ecs",), _service(healthCheckGracePeriodSeconds=1)),
    "service's platform": (("ecs",), _service(platformVersion="1.3.0")),
    "service's room": (
        ("ecs",),
        _service(deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100}),
    ),
    "service's subnets": (("ecs",), _network_of(_in_public_subnets)),
    "service's one subnet": (("ecs",), _network_of(lambda _, net: {"subnets": net["subnets"][:1]})),
    "service's group": (("ecs",), _network_of(_group_of_balancer)),
    "service's public address": (("ecs",), _network_of(lambda *_: {"assignPublicIp": "ENABLED"})),
    "service's desired count": (("ecs",), _service(desiredCount=1)),
    "maximum": (("application-autoscaling",), _bounds(MinCapacity=0, MaxCapacity=1)),
    "minimum": (("application-autoscaling",), _bounds(MinCapacity=1)),
    "scaling suspended": (
        ("application-autoscaling",),
        _bounds(SuspendedState={"DynamicScalingOutSuspended": True}),
    ),
    "policy's target": (("application-autoscaling",), _policy_of_half),
    "policy deleted": (("application-autoscaling",), _policy_gone),
    "log retention": (("logs",), _retention),
}
OF_ALL: dict[str, tuple[tuple[str, ...], Make]] = {
    "default answer": (("elbv2",), _default_action),
    "balancer's zones": (("elbv2", "ec2"), _one_zone),
    "idle timeout": (("elbv2",), _balancer_attributes(idle_timeout__timeout_seconds="5")),
    "keep-alive": (("elbv2",), _balancer_attributes(client_keep_alive__seconds="3600")),
    "desync mode": (("elbv2",), _balancer_attributes(routing__http__desync_mitigation_mode="strictest")),
    "drops headers": (("elbv2",), _balancer_attributes(routing__http__drop_invalid_header_fields__enabled="true")),
    "ACL of data stops MySQL late": (("ec2",), _acl("data", 90, 3306)),
    "ACL stops HTTPS late": (("ec2",), _acl("private", 91, 443, outward=True)),
    "ACL stops mail": (("ec2",), _acl("private", 92, 25, outward=True)),
    "health check's threshold": (("route53",), _health_check(FailureThreshold=1)),
    "health check's path": (("route53",), _health_check(ResourcePath="/elsewhere")),
    "copy's encryption": (("s3",), _copy("delete_bucket_encryption")),
    "copy's versions": (("s3",), _copy("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"})),
    "copy's public access": (("s3",), _copy("delete_public_access_block")),
    "table's protection": (("dynamodb",), _table("update_table", DeletionProtectionEnabled=False)),
    "table's recovery": (
        ("dynamodb",),
        _table("update_continuous_backups", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}),
    ),
    "repository's tags": (("ecr",), _repository("put_image_tag_mutability", imageTagMutability="IMMUTABLE")),
    "repository's scan": (
        ("ecr",),
        _repository("put_image_scanning_configuration", imageScanningConfiguration={"scanOnPush": True}),
    ),
    "alarms off": (("cloudwatch",), _alarms_off),
    "tasks' rule": (("ec2",), _group_rule("{env}-ecs-sg")),
    "tasks' rule outward": (("ec2",), _group_rule("{env}-ecs-sg", outward=True)),
    "balancer's rule": (("ec2",), _group_rule("{env}-alb-sg")),
    "subnet's public address": (("ec2",), _public_address),
    "tasks routed to the internet gateway": (("ec2",), _route_of("private", "internet")),
    "balancer routed to the NAT": (("ec2",), _route_of("public", "nat")),
    "files' throughput": (("efs",), _files(ThroughputMode="elastic")),
    "mounts' group": (("efs", "ec2"), _mount_groups),
    "parameter of size": (("rds",), _parameter("max_allowed_packet", "1024")),
    "parameter of connections": (("rds",), _parameter("max_connections", "1")),
    "parameter of character set": (("rds",), _parameter("character_set_server", "latin1")),
    "database's subnets": (("rds",), _subnets_of_database("public")),
    "VPC resolves nothing": (("ec2",), _vpc_setting(EnableDnsSupport={"Value": False})),
    "VPC names nothing": (("ec2",), _vpc_setting(EnableDnsHostnames={"Value": False})),
}


def _of_each(make: Make) -> Make:
    """The same for every tenant that has a service in the DR region."""

    def make_all(aws: Aws) -> object:
        cluster = aws.named(aws.env.names.cluster)
        arns = aws.client("ecs", Side.DR).list_services(cluster=cluster)["serviceArns"]
        tenants = (aws.env.tenant_of(aws.env.names.service, arn.rpartition("/")[2]) for arn in arns)
        return [make(replace(aws, tenant=tenant)) for tenant in sorted(filter(None, tenants))]

    return make_all


MUTATIONS = (
    *(Fault(name, NeedKind.LISTENER, touched, make) for name, (touched, make) in OF_ALL.items()),
    *(Fault(name, NeedKind.LISTENER, touched, make) for name, (touched, make) in OF_TENANT.items()),
    *(Fault(f"{name}, all", NeedKind.LISTENER, touched, _of_each(make)) for name, (touched, make) in OF_TENANT.items()),
)
"""Each field of what is shared, and of what a tenant has: once for the tenant that is asked about, once for all."""
