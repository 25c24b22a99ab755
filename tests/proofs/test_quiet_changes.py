"""Changes by plain boto3 that break nothing today, and visitors, certificates or history after a failover."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Side, load_environment
from sandbox.core.people import AccessKeys
from tests.proofs.changes import Aws
from tests.proofs.fault import policy_of
from tests.proofs.faults_of_estate import balancer
from tests.proofs.test_changes import dr_topic_deleted, health_check_disabled
from tests.utils.running import ROOT, dr_cli

pytestmark = pytest.mark.proof


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
def dr_record_evaluates(aws: Aws) -> Iterator[None]:
    """The DR region's traffic record alone inherits the health of its target groups, and no longer."""
    route53, zone, traffic = aws.client("route53", Side.GLOBAL), f"{aws.env.traffic.zone}.", aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    where = next(row["Id"] for row in listed if row["Name"] == zone)
    rows = route53.list_resource_record_sets(HostedZoneId=where)["ResourceRecordSets"]
    former = next(row for row in rows if row.get("SetIdentifier") == traffic.secondary_set_identifier)
    for evaluates in (True, False):
        record = former | {"AliasTarget": former["AliasTarget"] | {"EvaluateTargetHealth": evaluates}}
        change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=where, ChangeBatch=change)
        if evaluates:
            yield


@contextmanager
def operator_trusts_nobody(aws: Aws) -> Iterator[None]:
    """The role of recoveries trusts a service that has no part in them alone, and people again."""
    iam, role = aws.client("iam", Side.GLOBAL), aws.env.acting_role
    former = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=policy_of(trust))
    yield
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(former))


@contextmanager
def primary_alarm_silent(aws: Aws) -> Iterator[None]:
    """An alarm of the primary region notifies nobody, and somebody again."""
    alarms, name = aws.client("cloudwatch", Side.PRIMARY), aws.named(aws.env.names.alarms[0])
    alarms.disable_alarm_actions(AlarmNames=[name])
    yield
    alarms.enable_alarm_actions(AlarmNames=[name])


@contextmanager
def restored_read_only(aws: Aws) -> Iterator[None]:
    """The group that a restore of the database names lets nobody write, and everybody again."""
    rds, group = aws.client("rds", Side.DR), aws.named(aws.env.names.db_parameter_group)
    for value in ("1", "{TrueIfReplica}"):
        row = {"ParameterName": "read_only", "ParameterValue": value, "ApplyMethod": "immediate"}
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[row])
        if value == "1":
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


@contextmanager
def control_table_closed(aws: Aws) -> Iterator[None]:
    """The control table's policy denies everybody to write, and is taken away."""
    tables, name = aws.client("dynamodb", Side.DR), aws.named(aws.env.names.control_table)
    arn = tables.describe_table(TableName=name)["Table"]["TableArn"]
    denied = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:PutItem", "Resource": arn}
    tables.put_resource_policy(ResourceArn=arn, Policy=policy_of(denied))
    yield
    tables.delete_resource_policy(ResourceArn=arn)


@contextmanager
def control_key_disabled(aws: Aws) -> Iterator[None]:
    """The control table is encrypted under a key that is disabled, and under AWS's own again."""
    tables, name = aws.client("dynamodb", Side.DR), aws.named(aws.env.names.control_table)
    kms = aws.client("kms", Side.DR)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    tables.update_table(TableName=name, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    kms.disable_key(KeyId=key)
    yield
    tables.update_table(TableName=name, SSESpecification={"Enabled": False})


@contextmanager
def database_key_disabled(aws: Aws) -> Iterator[None]:
    """The key of the primary database is disabled, and enabled again."""
    rds, kms, name = aws.client("rds", Side.PRIMARY), aws.client("kms", Side.PRIMARY), aws.named(aws.env.names.database)
    key = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["KmsKeyId"]
    kms.disable_key(KeyId=key)
    yield
    kms.enable_key(KeyId=key)


@contextmanager
def scaling_waits(aws: Aws) -> Iterator[None]:
    """A service of the DR region waits for a day between two steps of its scaling, and no longer than is usual."""
    scaling = aws.client("application-autoscaling", Side.DR)
    found = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    wanted = ("PolicyName", "PolicyType", "ServiceNamespace", "ResourceId", "ScalableDimension")
    kind = "TargetTrackingScalingPolicyConfiguration"
    same, tracking = {key: found[key] for key in wanted}, found[kind]
    scaling.put_scaling_policy(**same, **{kind: {**tracking, "ScaleOutCooldown": 86_400}})
    yield
    scaling.put_scaling_policy(**same, **{kind: tracking})


@contextmanager
def secret_detached(aws: Aws) -> Iterator[None]:
    """The replica of the master secret becomes a secret of its own with the same value, and a replica again."""
    name, region = aws.named(aws.env.names.master_secret), aws.env.regions.dr
    aws.client("secretsmanager", Side.DR).stop_replication_to_replica(SecretId=name)
    yield
    aws.client("secretsmanager", Side.PRIMARY).replicate_secret_to_regions(
        SecretId=name, AddReplicaRegions=[{"Region": region}], ForceOverwriteReplicaSecret=True
    )


@contextmanager
def groups_written_otherwise(aws: Aws) -> Iterator[None]:
    """Security groups of the DR region let the same traffic through by wider rules, and by the former ones again."""
    ec2, groups = aws.client("ec2", Side.DR), _groups_of(aws)
    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 443}
    halves = [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]
    vpc = ec2.describe_vpcs(VpcIds=[groups["alb"]["VpcId"]])["Vpcs"][0]["CidrBlock"]
    mysql = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": vpc}]}
    wider = {"alb": {**web, "IpRanges": halves}, "db": mysql}
    for name, rule in wider.items():
        ec2.authorize_security_group_ingress(GroupId=groups[name]["GroupId"], IpPermissions=[rule])
        former = groups[name]["IpPermissions"]
        ec2.revoke_security_group_ingress(GroupId=groups[name]["GroupId"], IpPermissions=former)
    yield
    for name, rule in wider.items():
        former = groups[name]["IpPermissions"]
        ec2.authorize_security_group_ingress(GroupId=groups[name]["GroupId"], IpPermissions=former)
        ec2.revoke_security_group_ingress(GroupId=groups[name]["GroupId"], IpPermissions=[rule])


@contextmanager
def rights_by_condition(aws: Aws) -> Iterator[None]:
    """The tasks' rights hold through the services alone, by TLS and on the account's own things; then as before."""
    iam, role = aws.client("iam", Side.GLOBAL), f"{aws.env.name}-ecs-execution-role"
    former = iam.get_role_policy(RoleName=role, PolicyName="execution")["PolicyDocument"]
    rest = [action for action in former["Statement"][0]["Action"] if action != "kms:Decrypt"]
    via = {"StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}}
    narrow = policy_of(
        {"Effect": "Allow", "Action": rest, "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": via},
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:ResourceAccount": aws.env.account}},
        },
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    )
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=narrow)
    yield
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=json.dumps(former))


@contextmanager
def one_secret_by_its_own_policy(aws: Aws) -> Iterator[None]:
    """Tasks may read one tenant's secret by its own policy alone, the others by IAM; then each as before."""
    iam, role = aws.client("iam", Side.GLOBAL), f"{aws.env.name}-ecs-execution-role"
    former = iam.get_role_policy(RoleName=role, PolicyName="execution")["PolicyDocument"]
    secrets, action = aws.client("secretsmanager", Side.PRIMARY), "secretsmanager:GetSecretValue"
    *others, last = sorted(row["Name"] for row in secrets.list_secrets()["SecretList"])
    first, *statements = former["Statement"]
    rest = {**first, "Action": [name for name in first["Action"] if name != action]}
    read = {
        "Effect": "Allow",
        "Action": action,
        "Resource": [f"arn:aws:secretsmanager:*:*:secret:{n}-*" for n in others],
    }
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=policy_of(rest, read, *statements))
    admits = {"Effect": "Allow", "Principal": {"AWS": iam.get_role(RoleName=role)["Role"]["Arn"]}, "Action": action}
    secrets.put_resource_policy(SecretId=last, ResourcePolicy=policy_of({**admits, "Resource": "*"}))
    yield
    secrets.delete_resource_policy(SecretId=last)
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=json.dumps(former))


def _groups_of(aws: Aws) -> dict[str, Any]:
    """The security groups of balancer and database of the DR region."""
    names = {"alb": f"{aws.env.name}-alb-sg", "db": aws.named(aws.env.names.db_security_group)}
    rows = aws.client("ec2", Side.DR).describe_security_groups()["SecurityGroups"]
    return {key: next(row for row in rows if row["GroupName"] == name) for key, name in names.items()}


FAILED = {
    "alarms.actions": primary_alarm_silent,
    "autoscaling.policies-alike": scaling_waits,
    "dns-choice.no-tenant-moves-all": dr_record_evaluates,
    "acm.renews": other_authority_alone,
    "elbv2-routing.host-rules": sign_in_demanded,
    "elbv2-routing.listeners": certificates_demanded,
    "kms.key-usable": control_key_disabled,
    "kms.source-key-usable": database_key_disabled,
    "prerequisites.control-table": control_table_closed,
    "prerequisites.operator-allowed": operator_trusts_nobody,
    "rds.parameter-group": restored_read_only,
}
"""By the check that each must fail."""
WARNED = {
    "counterparts.in-dr-region": errand_once_a_year,
    "s3-lifecycle.kept-as-long": former_versions_go,
    "secrets.in-sync": secret_detached,
}
"""By the check that warns of it."""
MEANT_NOTHING = (groups_written_otherwise, rights_by_condition, one_secret_by_its_own_policy)
"""Those that no check turns at."""


def test_the_command_line_reports_sandbox_changes_and_their_undo(tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "sit")
    up = dr_cli("-e sit --tenants 2 sandbox up --format json", tmp_path)
    assert up.code == 0, up.err
    try:
        document = json.loads(dr_cli("-e sit sandbox show --format json", tmp_path).out)
        aws = Aws(document["endpoint"], AccessKeys(**document["people"]["operator"]), env, tenant="")
        with ExitStack() as stack:
            stack.enter_context(dr_topic_deleted(aws))
            stack.enter_context(health_check_disabled(aws))
            for change in (*FAILED.values(), *WARNED.values(), *MEANT_NOTHING):
                stack.enter_context(change(aws))
            red = dr_cli("-e sit --sandbox status --format json", tmp_path)
        green = dr_cli("-e sit --sandbox status --format json", tmp_path)
    finally:
        assert dr_cli("-e sit sandbox down", tmp_path).code == 0
    assert (red.code, red.report["exit"]) == (1, 1), red.out
    gaps = {result["check"]: result["findings"] for result in red.report["results"] if result["status"] == "fail"}
    beside = {
        "topics.in-both-regions",
        "health-checks.enabled",
        "dns-choice.primary-down",
        "rds-parity.parameter-group",
    }
    assert set(gaps) == {*beside, *FAILED}
    assert {result["check"] for result in red.report["results"] if result["status"] == "warn"} == set(WARNED)
    topic = next(finding for finding in gaps["topics.in-both-regions"] if finding["status"] == "fail")
    assert (topic["side"], topic["subject"], topic["measured"]) == ("dr", "bbws-dr-events", "absent")
    assert topic["remedy"].startswith(f"Create aws_sns_topic 'bbws-dr-events' in {env.regions.dr}")
    assert topic["commands"] == [
        f'aws sns create-topic --region {env.regions.dr} --name bbws-dr-events --endpoint-url "$AWS_ENDPOINT_URL"'
    ]
    assert (green.code, green.report["score"]) == (0, 100), green.out
