"""Faults of what a start or a restore names: definitions, secrets, images, access points, groups of the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, files_of, iam_of, policy_of, role_named


def definition_changed(change: Callable[[dict[str, Any], Aws], object]) -> Callable[[Aws], object]:
    """Register a changed revision of the tenant's definition, and let the service of the DR region use it."""

    def make(aws: Aws) -> object:
        ecs, cluster, name = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster), aws.env.names.service
        service = ecs.describe_services(cluster=cluster, services=[aws.named(name)])["services"][0]
        found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        wanted = {key: found[key] for key in found if key in ecs.meta.service_model.shape_for(_REGISTERED).members}
        change(wanted, aws)
        arn = ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
        return ecs.update_service(cluster=cluster, service=aws.named(name), taskDefinition=arn)

    return make


_REGISTERED = "RegisterTaskDefinitionRequest"


def _no_such_secret(definition: dict[str, Any], aws: Aws) -> None:
    arn = f"arn:aws:secretsmanager:{aws.env.regions.dr}:{aws.env.account}:secret:nobody-AbCdEf"
    definition["containerDefinitions"][0]["secrets"][0]["valueFrom"] = f"{arn}:username::"


def _no_such_field(definition: dict[str, Any], _: Aws) -> None:
    secret = definition["containerDefinitions"][0]["secrets"][0]
    secret["valueFrom"] = secret["valueFrom"].replace(":username::", ":nobody::")


def _no_such_parameter(definition: dict[str, Any], aws: Aws) -> None:
    arn = f"arn:aws:ssm:{aws.env.regions.dr}:{aws.env.account}:parameter/nobody"
    definition["containerDefinitions"][0]["secrets"].append({"name": "SALT", "valueFrom": arn})


def _parameter(aws: Aws) -> object:
    aws.client("ssm", Side.DR).put_parameter(Name="/salt", Value="4711", Type="String", Overwrite=True)
    arn = f"arn:aws:ssm:{aws.env.regions.dr}:{aws.env.account}:parameter/salt"

    def change(definition: dict[str, Any], _: Aws) -> None:
        definition["containerDefinitions"][0]["secrets"].append({"name": "SALT", "valueFrom": arn})

    return definition_changed(change)(aws)


def _parameter_allowed(aws: Aws) -> object:
    statement = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    role = role_named(aws, "execution")
    iam_of(aws).put_role_policy(RoleName=role, PolicyName="salt", PolicyDocument=policy_of(statement))
    return _parameter(aws)


def _no_such_tag(definition: dict[str, Any], _: Aws) -> None:
    container = definition["containerDefinitions"][0]
    container["image"] = container["image"].partition("@")[0] + ":nobody"


def _primary_registry(definition: dict[str, Any], aws: Aws) -> None:
    container = definition["containerDefinitions"][0]
    container["image"] = container["image"].replace(aws.env.regions.dr, aws.env.regions.primary)


def _another_account(definition: dict[str, Any], aws: Aws) -> None:
    container = definition["containerDefinitions"][0]
    container["image"] = container["image"].replace(aws.env.account, "210987654321")


def _docker_hub(definition: dict[str, Any], _: Aws) -> None:
    definition["containerDefinitions"][0]["image"] = "docker.io/library/wordpress:6"


def _no_such_point(definition: dict[str, Any], _: Aws) -> None:
    mount = definition["volumes"][0]["efsVolumeConfiguration"]
    mount["authorizationConfig"]["accessPointId"] = "fsap-0123456789abcdef0"


def _images_gone(aws: Aws) -> object:
    ecr, name = aws.client("ecr", Side.DR), aws.named(aws.env.names.repository)
    return ecr.batch_delete_image(repositoryName=name, imageIds=ecr.list_images(repositoryName=name)["imageIds"])


def _secret_replica_gone(aws: Aws) -> object:
    name, region = aws.named(aws.env.names.tenant_secret), aws.env.regions.dr
    secrets = aws.client("secretsmanager", Side.PRIMARY)
    return secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[region])


def _log_group_gone(aws: Aws) -> object:
    return aws.client("logs", Side.DR).delete_log_group(logGroupName=aws.named(aws.env.names.log_group))


def _point_gone(aws: Aws) -> object:
    efs, name = files_of(aws)
    wanted = aws.named(aws.env.names.access_point)
    points = efs.describe_access_points(FileSystemId=name)["AccessPoints"]
    return efs.delete_access_point(AccessPointId=next(p["AccessPointId"] for p in points if p["Name"] == wanted))


def _mounts_gone(count: int) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        efs, name = files_of(aws)
        targets = efs.describe_mount_targets(FileSystemId=name)["MountTargets"]
        return [efs.delete_mount_target(MountTargetId=row["MountTargetId"]) for row in targets[:count]]

    return make


def _subnet_group_gone(aws: Aws) -> object:
    rds = aws.client("rds", Side.DR)
    return rds.delete_db_subnet_group(DBSubnetGroupName=aws.named(aws.env.names.db_subnet_group))


def _subnet_group_elsewhere(aws: Aws) -> object:
    ec2, rds = aws.client("ec2", Side.DR), aws.client("rds", Side.DR)
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    zones = [f"{aws.env.regions.dr}{letter}" for letter in "ab"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.99.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for n, zone in enumerate(zones)
    ]
    _subnet_group_gone(aws)
    name = aws.named(aws.env.names.db_subnet_group)
    return rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="elsewhere", SubnetIds=subnets)


def _parameter_group_gone(aws: Aws) -> object:
    rds = aws.client("rds", Side.DR)
    return rds.delete_db_parameter_group(DBParameterGroupName=aws.named(aws.env.names.db_parameter_group))


def _group_with(name: str, value: str) -> Callable[[Aws], object]:
    """Set a parameter of the group that a restore names."""

    def make(aws: Aws) -> object:
        rds, group = aws.client("rds", Side.DR), aws.named(aws.env.names.db_parameter_group)
        row = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        return rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[row])

    return make


def _option_group(version: str) -> Callable[[Aws], object]:
    """A group of one name in both regions, the DR region's for ``version``, and the primary database uses it."""

    def make(aws: Aws) -> object:
        for side, wanted in ((Side.PRIMARY, "8.0"), (Side.DR, version)):
            named = {"OptionGroupName": "audit", "EngineName": "mysql", "OptionGroupDescription": "Audit log"}
            aws.client("rds", side).create_option_group(**named, MajorEngineVersion=wanted)
        rds, name = aws.client("rds", Side.PRIMARY), aws.named(aws.env.names.database)
        return rds.modify_db_instance(DBInstanceIdentifier=name, OptionGroupName="audit", ApplyImmediately=True)

    return make


def _left_over(aws: Aws) -> object:
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    settings = {"DBInstanceClass": "db.r6g.large", "Engine": "mysql", "EngineVersion": "8.0.40", "AllocatedStorage": 20}
    return rds.create_db_instance(
        DBInstanceIdentifier=name, MasterUsername="admin", MasterUserPassword="left over from a drill", **settings
    )


def _secure_parameter(*statements: dict[str, Any], alias: str = "", disabled: bool = False) -> Callable[[Aws], object]:
    """A SecureString that the tenant's tasks read, under a key of its own whose policy says ``statements`` besides."""

    def make(aws: Aws) -> object:
        kms = aws.client("kms", Side.DR)
        key = kms.create_key(Description="Salts")["KeyMetadata"]["Arn"]
        if alias:
            kms.create_alias(AliasName=alias, TargetKeyId=key)
        aws.client("ssm", Side.DR).put_parameter(Name="/salt", Value="1", Type="SecureString", KeyId=alias or key)
        allowed = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
        role = role_named(aws, "execution")
        iam_of(aws).put_role_policy(RoleName=role, PolicyName="salt", PolicyDocument=policy_of(allowed))
        own = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
        text = policy_of(*own, *statements).replace("{account}", aws.env.account)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)
        if disabled:
            kms.disable_key(KeyId=key)
        return definition_changed(_salted)(aws)

    return make


def _salted(definition: dict[str, Any], _: Aws) -> None:
    definition["containerDefinitions"][0]["secrets"].append({"name": "SALT", "valueFrom": "/salt"})


def _closed_to(**condition: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*", **condition}


def _service_gone(aws: Aws) -> object:
    cluster, name = aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
    return aws.client("ecs", Side.DR).delete_service(cluster=cluster, service=name, force=True)


def balancer(aws: Aws) -> tuple[Any, str]:
    elb = aws.client("elbv2", Side.DR)
    name = aws.named(aws.env.names.load_balancer)
    return elb, str(elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]["LoadBalancerArn"])


def _rules_gone(aws: Aws) -> object:
    """Delete the tenant's rule of every listener."""
    elb, arn = balancer(aws)
    wanted = elb.describe_target_groups(Names=[aws.named(aws.env.names.target_group)])["TargetGroups"][0]
    for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if wanted["TargetGroupArn"] in json.dumps(rule["Actions"]):
                elb.delete_rule(RuleArn=rule["RuleArn"])
    return wanted


def _demands(wanted: str, sent: str = "") -> Callable[[Aws], object]:
    """Let the tenant's rules demand a secret header, and CloudFront send one, where it sends any."""

    def make(aws: Aws) -> object:
        if sent:
            _sends(aws, sent)
        elb, arn = balancer(aws)
        group = elb.describe_target_groups(Names=[aws.named(aws.env.names.target_group)])["TargetGroups"][0]
        for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                if group["TargetGroupArn"] in json.dumps(rule["Actions"]):
                    conditions = [{key: c[key] for key in ("Field", "HostHeaderConfig")} for c in rule["Conditions"]]
                    header = {"HttpHeaderName": _SECRET, "Values": [wanted]}
                    conditions.append({"Field": "http-header", "HttpHeaderConfig": header})
                    elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=conditions)
        return group

    return make


def _sends(aws: Aws, secret: str) -> None:
    edge = aws.client("cloudfront", Side.GLOBAL)
    name = edge.list_distributions()["DistributionList"]["Items"][0]["Id"]
    found = edge.get_distribution_config(Id=name)
    added = {"Quantity": 1, "Items": [{"HeaderName": _SECRET, "HeaderValue": secret}]}
    found["DistributionConfig"]["Origins"]["Items"][0]["CustomHeaders"] = added
    edge.update_distribution(Id=name, IfMatch=found["ETag"], DistributionConfig=found["DistributionConfig"])


_SECRET = "X-Origin-Verify"


def _checked_elsewhere(aws: Aws) -> object:
    elb, _ = balancer(aws)
    group = elb.describe_target_groups(Names=[aws.named(aws.env.names.target_group)])["TargetGroups"][0]
    return elb.modify_target_group(TargetGroupArn=group["TargetGroupArn"], HealthCheckPort="81")


_SALTED = ("ecs", "ssm", "iam", "kms")
ESTATE = (
    Fault("secret replica removed", NeedKind.SECRET, ("secretsmanager",), _secret_replica_gone),
    Fault("secret of nobody", NeedKind.SECRET, ("ecs",), definition_changed(_no_such_secret)),
    Fault("field of nobody", NeedKind.SECRET, ("ecs",), definition_changed(_no_such_field)),
    Fault("parameter of nobody", NeedKind.PARAMETER, ("ecs",), definition_changed(_no_such_parameter)),
    Fault("parameter denied", NeedKind.PARAMETER, ("ecs", "ssm"), _parameter),
    Fault("parameter allowed", NeedKind.PARAMETER, ("ecs", "ssm", "iam"), _parameter_allowed),
    Fault("images deleted", NeedKind.IMAGE, ("ecr",), _images_gone),
    Fault("tag of nobody", NeedKind.IMAGE, ("ecs",), definition_changed(_no_such_tag)),
    Fault("image of another account", NeedKind.IMAGE, ("ecs",), definition_changed(_another_account)),
    Fault("image of Docker Hub", NeedKind.IMAGE, ("ecs",), definition_changed(_docker_hub)),
    Fault("image of primary", NeedKind.IMAGE, ("ecs",), definition_changed(_primary_registry)),
    Fault("log group deleted", NeedKind.LOG_GROUP, ("logs",), _log_group_gone),
    Fault("access point deleted", NeedKind.ACCESS_POINT, ("efs",), _point_gone),
    Fault("access point of nobody", NeedKind.ACCESS_POINT, ("ecs",), definition_changed(_no_such_point)),
    Fault("mount target deleted", NeedKind.MOUNT_TARGET, ("efs",), _mounts_gone(1)),
    Fault("mount targets deleted", NeedKind.MOUNT_TARGET, ("efs",), _mounts_gone(9)),
    Fault("subnet group deleted", NeedKind.DATABASE_SUBNETS, ("rds",), _subnet_group_gone),
    Fault("subnet group of another VPC", NeedKind.DATABASE_SUBNETS, ("rds", "ec2"), _subnet_group_elsewhere),
    Fault("parameter group deleted", NeedKind.DATABASE_PARAMETERS, ("rds",), _parameter_group_gone),
    Fault("parameter group read-only", NeedKind.DATABASE_PARAMETERS, ("rds",), _group_with("read_only", "1")),
    Fault("parameter group writable", NeedKind.DATABASE_PARAMETERS, ("rds",), _group_with("read_only", "0")),
    Fault("parameter group slower", NeedKind.DATABASE_PARAMETERS, ("rds",), _group_with("long_query_time", "9")),
    Fault("option group of another version", NeedKind.DATABASE_OPTIONS, ("rds",), _option_group("5.7")),
    Fault("option group alike", NeedKind.DATABASE_OPTIONS, ("rds",), _option_group("8.0")),
    Fault("database left over", NeedKind.DATABASE_NAME, ("rds",), _left_over),
    Fault("parameter's key disabled", NeedKind.PARAMETER_KEY, _SALTED, _secure_parameter(disabled=True)),
    Fault(
        "parameter's alias closed", NeedKind.PARAMETER_KEY, _SALTED, _secure_parameter(disabled=True, alias="alias/a")
    ),
    Fault("parameter's key", NeedKind.PARAMETER_KEY, _SALTED, _secure_parameter()),
    Fault("parameter's key denies all", NeedKind.PARAMETER_KEY, _SALTED, _secure_parameter(_closed_to())),
    Fault(
        "parameter's key denies SSM",
        NeedKind.PARAMETER_KEY,
        _SALTED,
        _secure_parameter(_closed_to(Condition={"StringLike": {"kms:ViaService": "ssm.*"}})),
    ),
    Fault(
        "parameter's key denies secrets",
        NeedKind.PARAMETER_KEY,
        _SALTED,
        _secure_parameter(_closed_to(Condition={"StringLike": {"kms:ViaService": "secretsmanager.*"}})),
    ),
    Fault("service deleted", NeedKind.SERVICE, ("ecs",), _service_gone),
    Fault("rules deleted", NeedKind.LISTENER, ("elbv2",), _rules_gone),
    Fault("secret header of another value", NeedKind.LISTENER, ("elbv2", "cloudfront"), _demands("old", sent="new")),
    Fault("secret header not sent", NeedKind.LISTENER, ("elbv2",), _demands("new")),
    Fault("secret header sent", NeedKind.LISTENER, ("elbv2", "cloudfront"), _demands("new", sent="New")),
    Fault("health check elsewhere", NeedKind.TARGET_GROUP, ("elbv2",), _checked_elsewhere),
)
