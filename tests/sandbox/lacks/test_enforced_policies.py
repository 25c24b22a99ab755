"""The generated policies in an account that enforces IAM: what they deny is denied, what a recovery needs is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from dr_actions.policies import Role, declared, policies
from dr_estate.environments import Environment, load_environment
from sandbox.state import STATE
from tests.sandbox.lacks.conftest import ACCOUNT, DR, PRIMARY, Clients

GLOBAL = "us-east-1"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
ROOT = Path(__file__).parents[3]
Person = Callable[..., Any]
Attempt = tuple[str, str, dict[str, Any]]


def environment() -> Environment:
    """SIT, in this account and these regions."""
    sit = load_environment(ROOT / "environments", "sit")
    regions = sit.regions.model_copy(update={"primary": PRIMARY, "dr": DR})
    return sit.model_copy(update={"account": ACCOUNT, "regions": regions})


@pytest.fixture
def person(aws: Clients) -> Person:
    """``person("operator")("ecs", DR)``: a client of a user who holds the policies of that role, IAM enforced."""
    iam, env = aws("iam", GLOBAL), environment()
    held = policies(env, declared())
    keys: dict[str, dict[str, Any]] = {}
    made: dict[str, str] = {}
    for role in Role:
        iam.create_user(UserName=role)
        for name, document in held[role].items():
            if name not in made:
                policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
                made[name] = policy["Arn"]
            iam.attach_user_policy(UserName=role, PolicyArn=made[name])
        key = iam.create_access_key(UserName=role)["AccessKey"]
        keys[role] = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    _control_table(aws, env)
    STATE.extras["enforce_iam"] = True
    quick = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return lambda role: lambda service, region: boto3.client(service, region, config=quick, **keys[role])


def _control_table(aws: Clients, env: Environment) -> None:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    aws("dynamodb", DR).create_table(
        TableName=env.named(env.names.control_table),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=keys,
        BillingMode="PAY_PER_REQUEST",
    )
    aws("sns", DR).create_topic(Name=env.names.topics[0])
    aws("s3", PRIMARY).create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": PRIMARY})


def attempt(client: Any, operation: str, **params: Any) -> str:
    """The error code of a call, "done" where there is none."""
    try:
        getattr(client, operation)(**params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "done"


DELETING: list[Attempt] = [
    ("acm", "delete_certificate", {"CertificateArn": "arn:aws:acm:x:1:certificate/c"}),
    ("application-autoscaling", "deregister_scalable_target", {"ServiceNamespace": "ecs", "ResourceId": "service/a/b"}),
    ("backup", "delete_backup_vault", {"BackupVaultName": "bbws-backup-vault-sit"}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["sit-alb-5xx"]}),
    ("dynamodb", "delete_table", {"TableName": "sit-tenant-state"}),
    ("dynamodb", "put_item", {"TableName": "sit-tenant-state", "Item": {"tenant_id": {"S": "t"}}}),
    ("ec2", "terminate_instances", {"InstanceIds": ["i-0"]}),
    ("ecr", "batch_delete_image", {"repositoryName": "sit-wordpress", "imageIds": []}),
    ("ecs", "delete_service", {"cluster": "sit-cluster", "service": "sit-tenant1-service"}),
    ("efs", "delete_file_system", {"FileSystemId": "fs-0"}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("elbv2", "delete_load_balancer", {"LoadBalancerArn": "arn:aws:elasticloadbalancing:x:1:loadbalancer/app/a/b"}),
    ("kms", "schedule_key_deletion", {"KeyId": "k"}),
    ("logs", "delete_log_group", {"logGroupName": "/ecs/sit-tenant1"}),
    ("rds", "delete_db_instance", {"DBInstanceIdentifier": "sit-mysql"}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "BackupRetentionPeriod": 0}),
    ("s3", "delete_object", {"Bucket": "data", "Key": "a"}),
    ("s3", "delete_bucket", {"Bucket": "data"}),
    ("secretsmanager", "delete_secret", {"SecretId": "sit-rds-master-credentials"}),
    ("sns", "delete_topic", {"TopicArn": "arn:aws:sns:x:1:bbws-dr-events"}),
    ("ssm", "delete_parameter", {"Name": "/sit/a"}),
]
WORLD_WIDE: list[Attempt] = [
    ("route53", "delete_hosted_zone", {"Id": "Z1"}),
    ("route53", "delete_health_check", {"HealthCheckId": "h"}),
    ("cloudfront", "delete_distribution", {"Id": "E1"}),
    ("iam", "delete_role", {"RoleName": "sit-dr-operator"}),
    ("iam", "create_user", {"UserName": "eve"}),
]
RECOVERING: list[Attempt] = [
    ("application-autoscaling", "register_scalable_target", {"ServiceNamespace": "ecs", "ResourceId": "service/a/b"}),
    ("ecs", "update_service", {"cluster": "sit-cluster", "service": "sit-tenant1-service", "desiredCount": 2}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("rds", "promote_read_replica", {"DBInstanceIdentifier": "sit-mysql-replica"}),
    ("secretsmanager", "stop_replication_to_replica", {"SecretId": "sit-tenant1-db-credentials"}),
    ("secretsmanager", "put_secret_value", {"SecretId": "sit-tenant1-db-credentials", "SecretString": "s"}),
]


def test_the_operator_deletes_nothing_in_the_primary_region_or_world_wide(person: Person) -> None:
    operator = person("operator")
    told = {f"{s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in DELETING}
    told |= {f"{s}:{op}": attempt(operator(s, GLOBAL), op, **params) for s, op, params in WORLD_WIDE}
    assert {} == {call: code for call, code in told.items() if code not in DENIED}


def test_the_operator_recovers_in_the_dr_region_and_fences_in_the_primary(person: Person) -> None:
    operator, env = person("operator"), environment()
    told = {f"{s}:{op}": attempt(operator(s, DR), op, **params) for s, op, params in RECOVERING}
    told |= {f"fence {s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in RECOVERING[:2]}
    topic = f"arn:aws:sns:{DR}:{ACCOUNT}:{env.names.topics[0]}"
    told["sns"] = attempt(operator("sns", DR), "publish", TopicArn=topic, Message="m")
    assert {} == {call: code for call, code in told.items() if code in DENIED}
    assert "done" == told["sns"]


def test_the_operator_touches_only_what_bears_the_environments_names(person: Person) -> None:
    operator = person("operator")
    other = attempt(operator("ecs", DR), "update_service", cluster="prod-cluster", service="prod-tenant1-service")
    assert other in DENIED
    assert attempt(operator("rds", DR), "promote_read_replica", DBInstanceIdentifier="prod-mysql") in DENIED
    assert attempt(operator("ecs", "ap-south-1"), "list_services") not in DENIED
    elsewhere = attempt(operator("ecs", "ap-south-1"), "update_service", cluster="sit-cluster", service="sit-a-service")
    assert elsewhere in DENIED


def item(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "INC-1"}}


def test_operator_and_approver_write_their_own_parts_of_the_control_table(person: Person, aws: Clients) -> None:
    table = environment().named(environment().names.control_table)
    operator, approver = (person(role)("dynamodb", DR) for role in ("operator", "approver"))
    own = f"APPROVAL#{aws('iam', GLOBAL).get_user(UserName='approver')['User']['UserId']}"
    assert "done" == attempt(operator, "put_item", TableName=table, Item=item("JOURNAL#INC-1"))
    assert "done" == attempt(approver, "put_item", TableName=table, Item=item(own))
    assert "done" == attempt(operator, "get_item", TableName=table, Key=item(own))
    for pk in (own, "APPROVAL#somebody"):
        assert attempt(operator, "put_item", TableName=table, Item=item(pk)) in DENIED
    rows = [{"Put": {"TableName": table, "Item": item(pk)}} for pk in ("JOURNAL#INC-1", own)]
    assert "done" == attempt(operator, "transact_write_items", TransactItems=rows[:1])
    assert attempt(operator, "transact_write_items", TransactItems=rows) in DENIED
    for pk in ("APPROVAL#somebody", "JOURNAL#INC-1"):
        assert attempt(approver, "put_item", TableName=table, Item=item(pk)) in DENIED
    for client in (operator, approver):
        assert attempt(client, "delete_item", TableName=table, Key=item(own)) in DENIED


def test_an_approver_who_took_the_role_writes_under_its_session(person: Person, aws: Clients) -> None:
    env, iam = environment(), aws("iam", GLOBAL)
    STATE.extras["enforce_iam"] = False
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="sit-dr-approver", AssumeRolePolicyDocument=trust)["Role"]
    for policy in iam.list_attached_user_policies(UserName="approver")["AttachedPolicies"]:
        iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["PolicyArn"])
    taken = aws("sts", DR).assume_role(RoleArn=role["Arn"], RoleSessionName="alice")["Credentials"]
    STATE.extras["enforce_iam"] = True
    session = boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    client, table = session.client("dynamodb", DR), env.named(env.names.control_table)
    assert "done" == attempt(client, "put_item", TableName=table, Item=item(f"APPROVAL#{role['RoleId']}:alice"))
    assert attempt(client, "put_item", TableName=table, Item=item(f"APPROVAL#{role['RoleId']}:bob")) in DENIED
    assert callable(person)


def test_the_approver_and_the_reader_change_nothing(person: Person) -> None:
    for role in ("approver", "reader"):
        told = {f"{s}:{op}": attempt(person(role)(s, DR), op, **params) for s, op, params in [*DELETING, *RECOVERING]}
        assert {} == {call: code for call, code in told.items() if code not in DENIED}
        assert "done" == attempt(person(role)("rds", PRIMARY), "describe_db_instances")


def test_records_are_shifted_in_the_own_zone_only(person: Person, aws: Clients) -> None:
    zone = aws("route53", GLOBAL).create_hosted_zone(Name="wpsit.kimmyai.io", CallerReference="1")["HostedZone"]["Id"]

    def shift(name: str, action: str = "UPSERT") -> str:
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        client = person("operator")("route53", GLOBAL)
        return attempt(client, "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)

    assert "done" == shift("origin.wpsit.kimmyai.io")
    assert shift("origin.wpsit.kimmyai.io", "DELETE") in DENIED
    assert shift("www.kimmyai.io") in DENIED
