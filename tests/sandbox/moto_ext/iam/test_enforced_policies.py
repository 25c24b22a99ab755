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

from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_estate.config.environment import Environment, load_environment
from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients

Attempt = tuple[str, str, dict[str, Any]]

ASSETS = "bbws-tenant-assets-sit"
BACKUP_ROLE = f"arn:aws:iam::{ACCOUNT}:role/sit-backup-role"
SOURCE = {"SourceDBInstanceIdentifier": f"arn:aws:rds:{DR}:{ACCOUNT}:db:sit-mysql"}
REPLICA = {"AddReplicaRegions": [{"Region": DR}]}
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


TO_HOME: list[Attempt] = [
    (
        "backup",
        "start_backup_job",
        {"BackupVaultName": "bbws-backup-vault-sit", "ResourceArn": "a", "IamRoleArn": BACKUP_ROLE},
    ),
    ("ecs", "register_task_definition", {"family": "sit-tenant1", "containerDefinitions": []}),
    ("efs", "create_replication_configuration", {"SourceFileSystemId": "fs-0", "Destinations": []}),
    ("efs", "delete_replication_configuration", {"SourceFileSystemId": "fs-0"}),
    ("rds", "create_db_instance_read_replica", {"DBInstanceIdentifier": "sit-mysql", **SOURCE}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "NewDBInstanceIdentifier": "sit-mysql-a"}),
    ("rds", "promote_read_replica", {"DBInstanceIdentifier": "sit-mysql"}),
    ("s3", "copy_object", {"Bucket": ASSETS, "Key": "a", "CopySource": {"Bucket": f"{ASSETS}-dr", "Key": "a"}}),
    ("secretsmanager", "put_secret_value", {"SecretId": "sit-rds-master-credentials", "SecretString": "s"}),
    ("secretsmanager", "replicate_secret_to_regions", {"SecretId": "sit-tenant1-db-credentials", **REPLICA}),
]
# By the names of their operations these are a failback's own, which the tool's guard judges by their parameters.
ALSO_OF_FAILBACK = {"efs:delete_replication_configuration", "rds:modify_db_instance"}
STRANGE: list[Attempt] = [
    ("backup", "start_backup_job", {"BackupVaultName": "prod-vault", "ResourceArn": "a", "IamRoleArn": BACKUP_ROLE}),
    ("rds", "create_db_instance_read_replica", {"DBInstanceIdentifier": "prod-mysql", **SOURCE}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "sit-mysql", "NewDBInstanceIdentifier": "prod-mysql"}),
    ("efs", "put_file_system_policy", {"FileSystemId": "fs-0", "Policy": "{}"}),
    ("s3", "put_object", {"Bucket": "data", "Key": "a"}),
    ("s3", "copy_object", {"Bucket": ASSETS, "Key": "a", "CopySource": {"Bucket": "data", "Key": "a"}}),
    ("s3", "get_object", {"Bucket": "data", "Key": "a"}),
    ("secretsmanager", "put_secret_value", {"SecretId": "prod-rds-master-credentials", "SecretString": "s"}),
]


GLOBAL = "us-east-1"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
ROOT = Path(__file__).parents[4]
Person = Callable[..., Any]


def environment() -> Environment:
    """SIT, in this account and these regions."""
    sit = load_environment(ROOT / "environments", "sit")
    regions = sit.regions.model_copy(update={"primary": PRIMARY, "dr": DR})
    return sit.model_copy(update={"account": ACCOUNT, "regions": regions})


@pytest.fixture
def person(aws: Clients) -> Person:
    """``person("operator")("ecs", DR)``: a client of a user who holds the policies of that role, IAM enforced."""
    iam, env = aws("iam", GLOBAL), environment()
    documents = policies(env, declared_operations())
    keys: dict[str, dict[str, Any]] = {}
    role_arns: dict[str, str] = {}
    for role in IamRole:
        iam.create_user(UserName=role)
        for name, document in documents[role].items():
            if name not in role_arns:
                policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
                role_arns[name] = policy["Arn"]
            iam.attach_user_policy(UserName=role, PolicyArn=role_arns[name])
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
    for region, bucket in ((PRIMARY, "data"), (PRIMARY, ASSETS), (DR, f"{ASSETS}-dr")):
        aws("s3", region).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})


def attempt(client: Any, operation: str, **params: Any) -> str:
    """The error code of a call, "done" where there is none."""
    try:
        getattr(client, operation)(**params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "done"


@pytest.mark.proof
def test_the_operator_deletes_nothing_in_the_primary_region_or_world_wide(person: Person) -> None:
    operator = person("operator")
    outcomes = {f"{s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in DELETING}
    own = {call for call in ALSO_OF_FAILBACK if outcomes.pop(call) not in DENIED}
    assert own == ALSO_OF_FAILBACK
    outcomes |= {f"{s}:{op}": attempt(operator(s, GLOBAL), op, **params) for s, op, params in WORLD_WIDE}
    assert {} == {call: code for call, code in outcomes.items() if code not in DENIED}


def test_the_operator_recovers_in_the_dr_region_and_fences_in_the_primary(person: Person) -> None:
    operator, env = person("operator"), environment()
    outcomes = {f"{s}:{op}": attempt(operator(s, DR), op, **params) for s, op, params in RECOVERING}
    outcomes |= {f"fence {s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in RECOVERING[:2]}
    topic = f"arn:aws:sns:{DR}:{ACCOUNT}:{env.names.topics[0]}"
    outcomes["sns"] = attempt(operator("sns", DR), "publish", TopicArn=topic, Message="m")
    assert {} == {call: code for call, code in outcomes.items() if code in DENIED}
    assert "done" == outcomes["sns"]


@pytest.mark.proof
def test_the_operator_fails_back_in_the_primary_only_with_its_policy(person: Person, aws: Clients) -> None:
    operator = person("operator")
    sent = [(f"{s}:{op}", s, op, params) for s, op, params in TO_HOME]
    outcomes = {call: attempt(operator(s, PRIMARY), op, **params) for call, s, op, params in sent}
    assert {} == {call: code for call, code in outcomes.items() if code in DENIED}
    outcomes = {f"{s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in STRANGE}
    assert {} == {call: code for call, code in outcomes.items() if code not in DENIED}
    policy = f"arn:aws:iam::{ACCOUNT}:policy/sit-dr-operator-home"
    aws("iam", GLOBAL).detach_user_policy(UserName="operator", PolicyArn=policy)
    outcomes = {call: attempt(operator(s, PRIMARY), op, **params) for call, s, op, params in sent}
    outcomes |= {f"{s}:{op}": attempt(operator(s, PRIMARY), op, **params) for s, op, params in DELETING}
    assert {} == {call: code for call, code in outcomes.items() if code not in DENIED}


def test_only_the_estates_own_file_system_is_opened_to_be_overwritten(person: Person, aws: Clients) -> None:
    operator, opened = person("operator"), {}
    for name in ("sit-efs", "prod-efs"):
        tags = [{"Key": "Name", "Value": name}]
        file_system_id = aws("efs", PRIMARY).create_file_system(CreationToken=name, Tags=tags)["FileSystemId"]
        params = {"FileSystemId": file_system_id, "ReplicationOverwriteProtection": "DISABLED"}
        opened[name] = attempt(operator("efs", PRIMARY), "update_file_system_protection", **params)
    assert ("done", True) == (opened["sit-efs"], opened["prod-efs"] in DENIED)


@pytest.mark.proof
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


@pytest.mark.proof
def test_the_approver_and_the_reader_change_nothing(person: Person) -> None:
    for role in ("approver", "reader"):
        outcomes = {
            f"{s}:{op}": attempt(person(role)(s, DR), op, **params) for s, op, params in [*DELETING, *RECOVERING]
        }
        assert {} == {call: code for call, code in outcomes.items() if code not in DENIED}
        assert "done" == attempt(person(role)("rds", PRIMARY), "describe_db_instances")
        assert "done" == attempt(person(role)("s3", PRIMARY), "head_bucket", Bucket="data"), "IAM calls it ListBucket"


@pytest.mark.proof
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


@pytest.fixture
def narrow(aws: Clients) -> Callable[..., Any]:
    """``narrow("efs", "elasticfilesystem:*")``: a client of a user who may do that alone, IAM enforced."""
    iam = aws("iam", GLOBAL)
    iam.create_user(UserName="narrow")
    key = iam.create_access_key(UserName="narrow")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def client(service: str, *actions: str) -> Any:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        STATE.extras["enforce_iam"] = False
        iam.put_user_policy(UserName="narrow", PolicyName="all", PolicyDocument=document)
        STATE.extras["enforce_iam"] = True
        return boto3.client(service, PRIMARY, config=Config(retries={"total_max_attempts": 1}), **keys)

    return client


def test_a_mount_target_asks_for_the_actions_on_its_network_interface_too(aws: Clients, narrow: Any) -> None:
    vpc = aws("ec2", PRIMARY).create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = aws("ec2", PRIMARY).create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    system = aws("efs", PRIMARY).create_file_system(CreationToken="any")["FileSystemId"]
    target = aws("efs", PRIMARY).create_mount_target(FileSystemId=system, SubnetId=subnet)["MountTargetId"]
    for operation, needed in (
        ("describe_mount_target_security_groups", "ec2:DescribeNetworkInterfaceAttribute"),
        ("delete_mount_target", "ec2:DeleteNetworkInterface"),
    ):
        alone = narrow("efs", "elasticfilesystem:*")
        assert attempt(alone, operation, MountTargetId=target) in DENIED, operation
        assert "done" == attempt(narrow("efs", "elasticfilesystem:*", needed), operation, MountTargetId=target)


def test_a_conditional_copy_asks_for_its_destination_tags_and_annotations(aws: Clients, narrow: Any) -> None:
    s3 = aws("s3", PRIMARY)
    for bucket in ("from", "onto"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": PRIMARY})
    s3.put_object(Bucket="from", Key="k", Body=b"new")
    s3.put_object(Bucket="onto", Key="k", Body=b"old")
    copy = {"Bucket": "onto", "Key": "k", "CopySource": {"Bucket": "from", "Key": "k"}}
    tags, annotations = ("s3:*ObjectTagging",), ("s3:*ObjectAnnotation",)
    basic = ("s3:GetObject", "s3:PutObject")
    assert attempt(narrow("s3", *basic, *tags), "copy_object", **copy) in DENIED
    assert attempt(narrow("s3", *basic, *annotations), "copy_object", **copy) in DENIED
    excluded = narrow("s3", *basic, *tags)
    assert "done" == attempt(excluded, "copy_object", **copy, AnnotationDirective="EXCLUDE")
    etag = s3.put_object(Bucket="onto", Key="k", Body=b"old")["ETag"]
    assert "done" == attempt(narrow("s3", *basic, *tags, *annotations), "copy_object", **copy, IfMatch=etag)


def test_a_conditional_copy_reads_its_destination(aws: Clients, narrow: Any) -> None:
    s3 = aws("s3", PRIMARY)
    for bucket in ("from", "onto"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": PRIMARY})
        etag = s3.put_object(Bucket=bucket, Key="k", Body=bucket.encode())["ETag"]
    copy = {"Bucket": "onto", "Key": "k", "CopySource": {"Bucket": "from", "Key": "k"}}
    narrow("s3", "s3:*")
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::onto/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    STATE.extras["enforce_iam"] = False
    aws("iam", GLOBAL).put_user_policy(UserName="narrow", PolicyName="not the destination", PolicyDocument=document)
    client = narrow("s3", "s3:*")
    assert attempt(client, "copy_object", **copy, IfMatch=etag) in DENIED
    assert "done" == attempt(client, "copy_object", **copy)


def test_the_reader_sees_the_security_groups_of_mount_targets(aws: Clients, person: Person) -> None:
    STATE.extras["enforce_iam"] = False
    vpc = aws("ec2", PRIMARY).create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = aws("ec2", PRIMARY).create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = aws("ec2", PRIMARY).create_security_group(GroupName="nfs", Description="nfs", VpcId=vpc)["GroupId"]
    system = aws("efs", PRIMARY).create_file_system(CreationToken="any")["FileSystemId"]
    aws("efs", PRIMARY).create_mount_target(FileSystemId=system, SubnetId=subnet, SecurityGroups=[group])
    STATE.extras["enforce_iam"] = True
    reader = person("reader")
    (target,) = reader("efs", PRIMARY).describe_mount_targets(FileSystemId=system)["MountTargets"]
    of_target = [{"Name": "network-interface-id", "Values": [target["NetworkInterfaceId"]]}]
    (interface,) = reader("ec2", PRIMARY).describe_network_interfaces(Filters=of_target)["NetworkInterfaces"]
    assert [group] == [security_group["GroupId"] for security_group in interface["Groups"]]
    params = {"MountTargetId": target["MountTargetId"]}
    assert attempt(reader("efs", PRIMARY), "describe_mount_target_security_groups", **params) in DENIED


def _tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", ":"), "Value": value} for key, value in given.items()]


DRILLS = {"dr__drill": "TRIAL-20260107-101500", "Name": "sit-efs-drill-20260107-101500"}
ANOTHERS = [
    {"Application": "shop"},
    {"Name": "shop"},
    {"Environment": "prod"},
    {"dr__drill": "TRIAL-20260107-101500"},
    {"dr__drill": "TRIAL-20260107-101500", "Name": "shop"},
]


@pytest.mark.parametrize("tags", ANOTHERS, ids=lambda tags: ",".join(map("=".join, tags.items())))
def test_a_driller_takes_no_file_system_of_another_application(
    person: Person, aws: Clients, tags: dict[str, str]
) -> None:
    """By its tag alone it was deleted, and the tag went onto what bore no name."""
    system = aws("efs", DR).create_file_system(CreationToken="shop", Tags=_tags(**tags))["FileSystemId"]
    driller = person("drill")("efs", DR)
    for marks in (DRILLS, {"Name": "sit-efs", "dr__drill": "TRIAL-1"}, {"Name": "sit-efs-restored-1"}, DRILLS):
        attempt(driller, "tag_resource", ResourceId=system, Tags=_tags(**marks))
    tried = {
        "tag": attempt(driller, "tag_resource", ResourceId=system, Tags=_tags(**DRILLS)),
        "open": attempt(driller, "create_access_point", FileSystemId=system, Tags=_tags(**DRILLS)),
        "open as a recovery": attempt(driller, "create_access_point", FileSystemId=system, Tags=_tags(Name="sit-t-ap")),
        "delete": attempt(driller, "delete_file_system", FileSystemId=system),
    }
    assert {} == {call: code for call, code in tried.items() if code not in DENIED}
    assert [system] == [row["FileSystemId"] for row in aws("efs", DR).describe_file_systems()["FileSystems"]]


@pytest.mark.parametrize("tags", [{"Name": "sit-efs"}, {"Project": "wordpress-platform", "Environment": "sit"}])
def test_a_driller_never_deletes_the_estates_own_file_system(
    person: Person, aws: Clients, tags: dict[str, str]
) -> None:
    system = aws("efs", DR).create_file_system(CreationToken="own", Tags=_tags(**tags))["FileSystemId"]
    driller = person("drill")("efs", DR)
    for marks in (DRILLS, {"Name": "sit-efs-restored-1", "dr__drill": "TRIAL-1"}, DRILLS):
        attempt(driller, "tag_resource", ResourceId=system, Tags=_tags(**marks))
    assert attempt(driller, "delete_file_system", FileSystemId=system) in DENIED


@pytest.mark.parametrize("tags", [{}, {"Squad": "shop"}], ids=["restored", "another's by an unlisted tag"])
def test_a_driller_opens_and_deletes_only_what_bears_the_drill_tags(
    person: Person, aws: Clients, tags: dict[str, str]
) -> None:
    """AWS Backup restores into one without any tag, and IAM has no word for that: docs/security.md."""
    system = aws("efs", DR).create_file_system(CreationToken=DRILLS["Name"], Tags=_tags(**tags))["FileSystemId"]
    driller = person("drill")("efs", DR)
    driller.tag_resource(ResourceId=system, Tags=_tags(**DRILLS))
    point = driller.create_access_point(FileSystemId=system, Tags=_tags(**DRILLS))["AccessPointId"]
    driller.delete_access_point(AccessPointId=point)
    driller.delete_file_system(FileSystemId=system)


def test_a_driller_deletes_no_network_interface_but_by_efs(person: Person, aws: Clients) -> None:
    ec2, efs = aws("ec2", DR), aws("efs", DR)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    system = efs.create_file_system(CreationToken=DRILLS["Name"], Tags=_tags(**DRILLS))["FileSystemId"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=subnet)["MountTargetId"]
    driller = person("drill")
    assert attempt(driller("ec2", DR), "delete_network_interface", NetworkInterfaceId=interface) in DENIED
    assert "done" == attempt(driller("efs", DR), "delete_mount_target", MountTargetId=target)
