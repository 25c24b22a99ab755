"""Changes by plain boto3 that break nothing today, and visitors, certificates or history after a failover."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.faults_of_estate import balancer


def _https_listener(aws: Aws) -> tuple[Any, str]:
    elb, arn = balancer(aws)
    rows = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return elb, str(next(row["ListenerArn"] for row in rows if row["Protocol"] == "HTTPS"))


@contextmanager
def sign_in_demanded(aws: Aws) -> Iterator[None]:
    """A rule of the DR region's HTTPS listener lets visitors sign in first, and no longer."""
    elb, arn = _https_listener(aws)
    rule = next(row for row in elb.describe_rules(ListenerArn=arn)["Rules"] if not row["IsDefault"])
    forward = {"Type": "forward", "TargetGroupArn": rule["Actions"][-1]["TargetGroupArn"]}
    parts = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")
    people = {**dict.fromkeys(parts, "https://people.example.org"), "ClientId": "staff", "ClientSecret": "secret"}
    first = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": people}
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[first, {**forward, "Order": 2}])
    yield
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[forward])


@contextmanager
def certificates_demanded(aws: Aws) -> Iterator[None]:
    """The DR region's HTTPS listener demands certificates of its clients, and no longer."""
    elb, arn = _https_listener(aws)
    store = f"arn:aws:elasticloadbalancing:{aws.env.regions.dr}:{aws.env.account}:truststore/staff/1"
    elb.modify_listener(ListenerArn=arn, MutualAuthentication={"Mode": "verify", "TrustStoreArn": store})
    yield
    elb.modify_listener(ListenerArn=arn, MutualAuthentication={"Mode": "off"})


@contextmanager
def other_authority_alone(aws: Aws) -> Iterator[None]:
    """A CAA record lets another authority alone issue certificates, and is taken away."""
    route53, zone = aws.client("route53", Side.GLOBAL), f"{aws.env.traffic.zone}."
    listed = route53.list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    where = next(row["Id"] for row in listed if row["Name"] == zone)
    values = [{"Value": '0 issue "letsencrypt.org"'}]
    record = {"Name": zone, "Type": "CAA", "TTL": 300, "ResourceRecords": values}
    for action in ("CREATE", "DELETE"):
        change = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=where, ChangeBatch=change)
        if action == "CREATE":
            yield


@contextmanager
def former_versions_go(aws: Aws) -> Iterator[None]:
    """The copy of a bucket deletes former versions after a day, and has no such rule any more."""
    s3, source = aws.client("s3", Side.DR), aws.named(aws.env.names.buckets[0])
    name = aws.env.named(aws.env.names.bucket_copy, bucket=source)
    forgets = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    rule = {"ID": "former", "Status": "Enabled", "Filter": {"Prefix": ""}, **forgets}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    yield
    s3.delete_bucket_lifecycle(Bucket=name)


@contextmanager
def errand_once_a_year(aws: Aws) -> Iterator[None]:
    """The nightly rule of the DR region starts once a year, and nightly again."""
    events, name = aws.client("events", Side.DR), f"{aws.env.name}-nightly-cleanup"
    before = events.describe_rule(Name=name)["ScheduleExpression"]
    events.put_rule(Name=name, ScheduleExpression="cron(0 1 1 1 ? *)")
    yield
    events.put_rule(Name=name, ScheduleExpression=before)


FAILED = {
    "acm.renews": other_authority_alone,
    "elbv2-routing.host-rules": sign_in_demanded,
    "elbv2-routing.listeners": certificates_demanded,
}
"""By the check that each must fail."""
WARNED = {"counterparts.in-dr-region": errand_once_a_year, "s3-lifecycle.kept-as-long": former_versions_go}
"""By the check that warns of it."""
