"""Faults of what was made again by its old name: a repository under a key, a load balancer of another scheme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults_of_estate import balancer
from tests.proofs.faults_of_network import _network, _subnets


def _nothing(_kms: Any, _key: str) -> object:
    return None


def _disabled(kms: Any, key: str) -> object:
    return kms.disable_key(KeyId=key)


def _doomed(kms: Any, key: str) -> object:
    return kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _enabled_again(kms: Any, key: str) -> object:
    return kms.disable_key(KeyId=key), kms.enable_key(KeyId=key)


def encrypted_images(then: Callable[[Any, str], object] | None) -> Callable[[Aws], object]:
    """Make the DR region's repository again under a key, with the same images, and do ``then`` to the key.

    None is the key of AWS.
    """

    def make(aws: Aws) -> object:
        ecr, name, kms = aws.client("ecr", Side.DR), aws.named(aws.env.names.repository), aws.client("kms", Side.DR)
        images = ecr.batch_get_image(repositoryName=name, imageIds=ecr.list_images(repositoryName=name)["imageIds"])
        key = kms.create_key()["KeyMetadata"]["Arn"] if then else ""
        tags = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["imageTagMutability"]
        ecr.delete_repository(repositoryName=name, force=True)
        under = {"encryptionType": "KMS", **({"kmsKey": key} if key else {})}
        ecr.create_repository(repositoryName=name, encryptionConfiguration=under, imageTagMutability=tags)
        for image in images["images"]:
            manifest, tag = image["imageManifest"], image["imageId"]["imageTag"]
            ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag=tag)
        return then(kms, key) if then else None

    return make


def stored_under(then: Callable[[Any, str], object]) -> Callable[[Aws], object]:
    """Let the DR region's cluster store its tasks' files under a key, and do ``then`` to the key."""

    def make(aws: Aws) -> object:
        ecs, kms = aws.client("ecs", Side.DR), aws.client("kms", Side.DR)
        key = kms.create_key()["KeyMetadata"]["Arn"]
        storage = {"managedStorageConfiguration": {"fargateEphemeralStorageKmsKeyId": key}}
        ecs.update_cluster(cluster=aws.named(aws.env.names.cluster), configuration=storage)
        return then(kms, key)

    return make


_SETTINGS = ("Port", "Protocol", "Certificates", "SslPolicy", "DefaultActions")


def balancer_again(scheme: str) -> Callable[[Aws], object]:
    """Make the DR region's load balancer again as it was, but for its scheme, and lead its traffic record to it."""

    def make(aws: Aws) -> object:
        elb, arn = balancer(aws)
        was = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        settings = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        ways = [
            (row, elb.describe_rules(ListenerArn=row["ListenerArn"])["Rules"])
            for row in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        ]
        unprotected = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=unprotected)
        elb.delete_load_balancer(LoadBalancerArn=arn)
        created = elb.create_load_balancer(
            Name=was["LoadBalancerName"],
            Subnets=[zone["SubnetId"] for zone in was["AvailabilityZones"]],
            SecurityGroups=was["SecurityGroups"],
            Scheme=scheme,
        )["LoadBalancers"][0]
        elb.modify_load_balancer_attributes(LoadBalancerArn=created["LoadBalancerArn"], Attributes=settings)
        for listener, rules in ways:
            _listener_again(elb, created["LoadBalancerArn"], listener, rules)
        return _led_to(aws, created)

    return make


def _listener_again(elb: Any, balancer_arn: str, was: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    same = {key: was[key] for key in _SETTINGS if was.get(key)}
    arn = elb.create_listener(LoadBalancerArn=balancer_arn, **same)["Listeners"][0]["ListenerArn"]
    for rule in rules:
        if not rule["IsDefault"]:
            conditions = [{k: v for k, v in row.items() if k != "Values"} for row in rule["Conditions"]]
            place, actions = int(rule["Priority"]), rule["Actions"]
            elb.create_rule(ListenerArn=arn, Priority=place, Conditions=conditions, Actions=actions)


def _led_to(aws: Aws, created: dict[str, Any]) -> object:
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(row["Id"] for row in listed if row["Name"] == f"{traffic.zone}.")
    rows = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=traffic.origin_record)
    record = next(
        row for row in rows["ResourceRecordSets"] if row.get("SetIdentifier") == traffic.secondary_set_identifier
    )
    check = {"HealthCheckId": record["HealthCheckId"], "FullyQualifiedDomainName": created["DNSName"]}
    route53.update_health_check(**check)
    record["AliasTarget"]["DNSName"] = created["DNSName"]
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
    return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


_REPOSITORIES: dict[str, Callable[[Aws], object]] = {
    "repository under a key": encrypted_images(_nothing),
    "repository's key disabled": encrypted_images(_disabled),
    "repository's key of AWS": encrypted_images(None),
    "repository's key doomed": encrypted_images(_doomed),
    "repository's key enabled again": encrypted_images(_enabled_again),
}


_STORAGES: dict[str, Callable[[Aws], object]] = {
    "storage under a key": stored_under(_nothing),
    "storage's key disabled": stored_under(_disabled),
    "storage's key doomed": stored_under(_doomed),
    "storage's key enabled again": stored_under(_enabled_again),
}


def _behind_another_group(aws: Aws) -> object:
    elb, arn = balancer(aws)
    ec2, vpc = _network(aws)
    group = ec2.create_security_group(GroupName="another", Description="of nobody", VpcId=vpc)["GroupId"]
    return elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])


def _in_private_subnets(aws: Aws) -> object:
    elb, arn = balancer(aws)
    return elb.set_subnets(LoadBalancerArn=arn, Subnets=_subnets(aws, "private"))


def service_again(*left_out: str) -> Callable[[Aws], object]:
    """Make a tenant's service of the DR region again, without the settings ``left_out``."""

    def make(aws: Aws) -> object:
        ecs, cluster = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster)
        name = aws.named(aws.env.names.service)
        was = ecs.describe_services(cluster=cluster, services=[name], include=["TAGS"])["services"][0]
        ecs.delete_service(cluster=cluster, service=name, force=True)
        same = {key: was[key] for key in _OF_SERVICES if was.get(key) and key not in left_out}
        return ecs.create_service(cluster=cluster, serviceName=name, **same)

    return make


_OF_SERVICES = (
    *("taskDefinition", "desiredCount", "launchType", "platformVersion", "healthCheckGracePeriodSeconds"),
    *("deploymentConfiguration", "networkConfiguration", "loadBalancers", "propagateTags", "tags"),
)
_SERVICES: dict[str, Callable[[Aws], object]] = {
    "service made again": service_again(),
    "service made again, without its targets": service_again("loadBalancers", "healthCheckGracePeriodSeconds"),
}
_BALANCERS: dict[str, Callable[[Aws], object]] = {
    "balancer behind another group": _behind_another_group,
    "balancer in private subnets": _in_private_subnets,
    "balancer made again": balancer_again("internet-facing"),
    "balancer made again, internal": balancer_again("internal"),
}
_TOUCHED = ("elbv2", "route53", "ecs", "ec2")
MADE_AGAIN = (
    *(Fault(name, NeedKind.IMAGE_KEY, ("ecr", "kms"), make) for name, make in _REPOSITORIES.items()),
    *(Fault(name, NeedKind.STORAGE_KEY, ("ecs", "kms"), make) for name, make in _STORAGES.items()),
    *(Fault(name, NeedKind.BALANCER_SUBNET, _TOUCHED, make) for name, make in _BALANCERS.items()),
    *(Fault(name, NeedKind.SERVICE, ("ecs",), make) for name, make in _SERVICES.items()),
)
