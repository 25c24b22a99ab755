"""Faults of who may: roles and their trust, keys, and the policies of repositories and file systems."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, files_of, iam_of, policy_of, role_named

_VIA, _CLEAR = "kms:ViaService", {"Bool": {"aws:SecureTransport": "false"}}
_TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _deny(who: str, *actions: str) -> dict[str, Any]:
    principal: Any = "*" if who == "*" else {"AWS": who}
    return {"Effect": "Deny", "Principal": principal, "Action": list(actions), "Resource": "*"}


def _arn(aws: Aws, role: str) -> str:
    return f"arn:aws:iam::{aws.env.account}:role/{role}"


def _denied(purpose: str, *actions: str, resource: str = "*", **condition: Any) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        statement = {"Effect": "Deny", "Action": list(actions), "Resource": resource, **condition}
        text = policy_of(statement).replace("{dr}", aws.env.regions.dr).replace("{primary}", aws.env.regions.primary)
        return iam_of(aws).put_role_policy(RoleName=role_named(aws, purpose), PolicyName="closed", PolicyDocument=text)

    return make


def _by_tag(value: str) -> Callable[[Aws], object]:
    """Refuse the execution role every secret whose tag Environment has this value."""

    def make(aws: Aws) -> object:
        condition = {"StringEquals": {"aws:ResourceTag/Environment": value.format(env=aws.env.name)}}
        return _denied("execution", "secretsmanager:Get*", Condition=condition)(aws)

    return make


def _but(key: str, value: str) -> Callable[[Aws], object]:
    return _denied("execution", "kms:Decrypt", Condition={"StringNotEquals": {key: value}})


def _role_gone(purpose: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        iam, name = iam_of(aws), role_named(aws, purpose)
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        return iam.delete_role(RoleName=name)

    return make


def _trusting(**changed: Any) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        text = json.dumps({**_TRUST, **changed}).replace("{primary}", aws.env.regions.primary)
        document = policy_of(json.loads(text.replace("{dr}", aws.env.regions.dr).replace("{account}", aws.env.account)))
        return iam_of(aws).update_assume_role_policy(RoleName=role_named(aws, "execution"), PolicyDocument=document)

    return make


def _bounded(*statements: dict[str, Any], of: str = "execution") -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        iam, text = iam_of(aws), policy_of(*statements).replace("{dr}", aws.env.regions.dr)
        text = text.replace("{primary}", aws.env.regions.primary)
        arn = iam.create_policy(PolicyName="bound", PolicyDocument=text)["Policy"]["Arn"]
        return iam.put_role_permissions_boundary(RoleName=role_named(aws, of), PermissionsBoundary=arn)

    return make


_BUT_IMAGES = {"Effect": "Allow", "Action": ["secretsmanager:*", "kms:*", "logs:*"], "Resource": "*"}


def _of_primary_alone(aws: Aws) -> object:
    allowed = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": f"arn:aws:*:{aws.env.regions.primary}:*",
    }
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    return iam_of(aws).put_role_policy(
        RoleName=role_named(aws, "execution"), PolicyName="execution", PolicyDocument=policy_of(allowed, token)
    )


def _key(aws: Aws, alias: str) -> tuple[Any, str]:
    kms = aws.client("kms", Side.DR)
    return kms, str(kms.describe_key(KeyId=aws.named(alias))["KeyMetadata"]["Arn"])


def _key_says(alias: str, *statements: dict[str, Any], whole: bool = False) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        kms, key = _key(aws, alias)
        before = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
        text = json.dumps([*([] if whole else before), *statements])
        text = text.replace("{execution}", _arn(aws, role_named(aws, "execution"))).replace("{dr}", aws.env.regions.dr)
        text = text.replace("{account}", aws.env.account)
        return kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy_of(*json.loads(text)))

    return make


def _key_disabled(alias: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        kms, key = _key(aws, alias)
        return kms.disable_key(KeyId=key)

    return make


def _key_doomed(alias: str) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        kms, key = _key(aws, alias)
        return kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    return make


def _repository_says(*statements: dict[str, Any]) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        bare = [{key: row[key] for key in row if key != "Resource"} for row in statements]
        text = policy_of(*bare).replace("{execution}", _arn(aws, role_named(aws, "execution")))
        text = text.replace("{account}", aws.env.account).replace("{dr}", aws.env.regions.dr)
        name = aws.named(aws.env.names.repository)
        return aws.client("ecr", Side.DR).set_repository_policy(repositoryName=name, policyText=text)

    return make


def _secret_says(*statements: dict[str, Any]) -> Callable[[Aws], object]:
    """The policy of the tenant's secret: its replica has it too."""

    def make(aws: Aws) -> object:
        text = policy_of(*statements).replace("{execution}", _arn(aws, role_named(aws, "execution")))
        text = text.replace("{account}", aws.env.account).replace("{dr}", aws.env.regions.dr)
        name = aws.named(aws.env.names.tenant_secret)
        return aws.client("secretsmanager", Side.PRIMARY).put_resource_policy(SecretId=name, ResourcePolicy=text)

    return make


def _files_say(*statements: dict[str, Any]) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        efs, name = files_of(aws)
        text = policy_of(*statements).replace("{account}", aws.env.account)
        return efs.put_file_system_policy(
            FileSystemId=name, Policy=text.replace("{task}", _arn(aws, role_named(aws, "task")))
        )

    return make


def _copy_says(*statements: dict[str, Any], objects: str = "/*") -> Callable[[Aws], object]:
    """The policy of the first bucket's copy."""

    def make(aws: Aws) -> object:
        name = aws.env.named(aws.env.names.bucket_copy, bucket=aws.env.named(aws.env.names.buckets[0]))
        rows = [{**row, "Resource": f"arn:aws:s3:::{name}{objects}"} for row in statements]
        text = policy_of(*rows).replace("{task}", _arn(aws, role_named(aws, "task")))
        text = text.replace("{account}", aws.env.account)
        return aws.client("s3", Side.DR).put_bucket_policy(Bucket=name, Policy=text)

    return make


def _replica_says(*statements: dict[str, Any]) -> Callable[[Aws], object]:
    """The policy of the first table's replica."""

    def make(aws: Aws) -> object:
        tables = aws.client("dynamodb", Side.DR)
        arn = tables.describe_table(TableName=aws.named(aws.env.names.tables[0]))["Table"]["TableArn"]
        text = policy_of(*({**row, "Resource": arn} for row in statements))
        text = text.replace("{task}", _arn(aws, role_named(aws, "task"))).replace("{account}", aws.env.account)
        return tables.put_resource_policy(ResourceArn=arn, Policy=text)

    return make


def _replication_denied(aws: Aws) -> object:
    statement = {"Effect": "Deny", "Action": "s3:ReplicateObject", "Resource": "*"}
    named = {"RoleName": f"{aws.env.name}-s3-replication-role", "PolicyName": "closed"}
    return iam_of(aws).put_role_policy(**named, PolicyDocument=policy_of(statement))


_SECRETS = "alias/{env}-secrets"


_COPIES = "alias/{env}-rds-dr-backup"


_FILES = "alias/{env}-efs"


_OF_ANOTHER_NETWORK = {"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"}}}
_ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}


_ADMIN = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::{account}:role/key-administrator"}, "Action": "kms:*"}


_NOBODY = "arn:aws:iam::{account}:role/nobody"


_PRIMARY_SOURCE = {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:{primary}:*:*"}}


_DR_SOURCE = {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:{dr}:*:*"}}


_SECRET, _READ = ("secretsmanager", "iam"), "secretsmanager:GetSecretValue"


_IN_DR = {"Condition": {"StringEquals": {"aws:RequestedRegion": "{dr}"}}}


ACCESS = (
    Fault("execution role deleted", NeedKind.EXECUTION_ROLE, ("iam",), _role_gone("execution")),
    Fault("task role deleted", NeedKind.TASK_ROLE, ("iam",), _role_gone("task")),
    Fault("role trusts EC2", NeedKind.EXECUTION_ROLE, ("iam",), _trusting(Principal={"Service": "ec2.amazonaws.com"})),
    Fault("role trusts nobody", NeedKind.EXECUTION_ROLE, ("iam",), _trusting(Effect="Deny")),
    Fault("role trusts primary", NeedKind.EXECUTION_ROLE, ("iam",), _trusting(Condition=_PRIMARY_SOURCE)),
    Fault("role trusts DR", NeedKind.EXECUTION_ROLE, ("iam",), _trusting(Condition=_DR_SOURCE)),
    Fault("role of primary ARNs", NeedKind.EXECUTION_ROLE, ("iam",), _of_primary_alone),
    Fault("role bounded", NeedKind.EXECUTION_ROLE, ("iam",), _bounded(_BUT_IMAGES)),
    Fault("role may not pull", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "ecr:BatchGetImage")),
    Fault("role may not sign in", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "ecr:GetAuthorizationToken")),
    Fault("role may not read", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "secretsmanager:Get*")),
    Fault("role may not read what is tagged", NeedKind.EXECUTION_ROLE, ("iam",), _by_tag("{env}")),
    Fault("role may not read what is tagged else", NeedKind.EXECUTION_ROLE, ("iam",), _by_tag("another")),
    Fault("role may not decrypt", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "kms:Decrypt")),
    Fault(
        "role decrypts there", NeedKind.EXECUTION_ROLE, ("iam",), _but(_VIA, "secretsmanager.{primary}.amazonaws.com")
    ),
    Fault("role decrypts here", NeedKind.EXECUTION_ROLE, ("iam",), _but(_VIA, "secretsmanager.{dr}.amazonaws.com")),
    Fault("role asks by TLS", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "*", Condition=_CLEAR)),
    Fault("role may not log", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "logs:*")),
    Fault(
        "role may not read in primary",
        NeedKind.EXECUTION_ROLE,
        ("iam",),
        _denied("execution", "*", resource="arn:aws:secretsmanager:{primary}:*"),
    ),
    Fault("role may not delete", NeedKind.EXECUTION_ROLE, ("iam",), _denied("execution", "s3:DeleteObject")),
    Fault("task role may not mount", NeedKind.TASK_ROLE, ("iam",), _denied("task", "elasticfilesystem:*")),
    *(
        Fault(f"task role {name}", NeedKind.TASK_ROLE, ("iam",), make)
        for name, make in (
            ("uses no copy", _denied("task", "s3:*", Condition={"StringEquals": {"aws:RequestedRegion": "{dr}"}})),
            ("lists nothing", _denied("task", "s3:ListBucket")),
            ("bounded to objects", _bounded({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, of="task")),
        )
    ),
    Fault("secrets key disabled", NeedKind.SECRET_KEY, ("kms",), _key_disabled(_SECRETS)),
    Fault("secrets key doomed", NeedKind.SECRET_KEY, ("kms",), _key_doomed(_SECRETS)),
    Fault("secrets key of administrator", NeedKind.SECRET_KEY, ("kms", "iam"), _key_says(_SECRETS, _ADMIN, whole=True)),
    Fault(
        "secrets key denies all", NeedKind.SECRET_KEY, ("kms", "iam"), _key_says(_SECRETS, _deny("*", "kms:Decrypt"))
    ),
    Fault(
        "secrets key denies role",
        NeedKind.SECRET_KEY,
        ("kms", "iam"),
        _key_says(_SECRETS, _deny("{execution}", "kms:Decrypt")),
    ),
    Fault(
        "secrets key denies others", NeedKind.SECRET_KEY, ("kms", "iam"), _key_says(_SECRETS, _deny(_NOBODY, "kms:*"))
    ),
    Fault(
        "secrets key denies deletion", NeedKind.SECRET_KEY, ("kms", "iam"), _key_says(_SECRETS, _deny("*", "kms:Sch*"))
    ),
    Fault("secret denies all", NeedKind.SECRET_POLICY, _SECRET, _secret_says(_deny("*", _READ))),
    Fault(
        "secret denies role", NeedKind.SECRET_POLICY, _SECRET, _secret_says(_deny("{execution}", "secretsmanager:*"))
    ),
    Fault("secret denies region", NeedKind.SECRET_POLICY, _SECRET, _secret_says(_deny("*", _READ) | _IN_DR)),
    Fault("secret denies others", NeedKind.SECRET_POLICY, _SECRET, _secret_says(_deny(_NOBODY, _READ))),
    Fault("secret denies writing", NeedKind.SECRET_POLICY, _SECRET, _secret_says(_deny("*", "secretsmanager:Put*"))),
    Fault("repository denies all", NeedKind.IMAGE, ("ecr",), _repository_says(_deny("*", "ecr:BatchGetImage"))),
    Fault("repository denies role", NeedKind.IMAGE, ("ecr",), _repository_says(_deny("{execution}", "ecr:*"))),
    Fault("repository denies others", NeedKind.IMAGE, ("ecr",), _repository_says(_deny(_NOBODY, "ecr:*"))),
    Fault("repository denies push", NeedKind.IMAGE, ("ecr",), _repository_says(_deny("*", "ecr:PutImage"))),
    Fault("files key disabled", NeedKind.FILES_KEY, ("kms",), _key_disabled(_FILES)),
    Fault(
        "files deny mounts", NeedKind.FILES_POLICY, ("efs", "iam"), _files_say(_ANYBODY, _deny("*", "*:ClientMount"))
    ),
    Fault(
        "files admit a stranger",
        NeedKind.FILES_POLICY,
        ("efs", "iam"),
        _files_say({**_ANYBODY, "Principal": {"AWS": _NOBODY}}),
    ),
    Fault(
        "files deny all but another network",
        NeedKind.FILES_POLICY,
        ("efs", "iam"),
        _files_say(_ANYBODY, _deny("*", "*:ClientMount") | _OF_ANOTHER_NETWORK),
    ),
    Fault("files admit all", NeedKind.FILES_POLICY, ("efs", "iam"), _files_say(_ANYBODY)),
    Fault("copy key disabled", NeedKind.COPY_KEY, ("kms",), _key_disabled(_COPIES)),
    Fault(
        "copy key denies all",
        NeedKind.COPY_KEY,
        ("kms",),
        _key_says(_COPIES, _deny("*", "kms:Decrypt", "kms:CreateGrant")),
    ),
    Fault("copy key denies others", NeedKind.COPY_KEY, ("kms",), _key_says(_COPIES, _deny(_NOBODY, "kms:*"))),
)


def _where(operator: str, key: str, value: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_DECRYPT, _VIA, _CALLER = _deny("*", "kms:Decrypt"), "kms:ViaService", "kms:CallerAccount"
_OF_SECRETS, _REGION = "secretsmanager.{dr}.amazonaws.com", "aws:RequestedRegion"
_READER = {"Effect": "Allow", "Principal": {"AWS": "{execution}"}, "Action": "kms:Decrypt", "Resource": "*"}
_TIME, _PAST, _FUTURE = "aws:CurrentTime", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
_ROLES: dict[str, Callable[[Aws], object]] = {
    "role may not see layers": _denied("execution", "ecr:BatchCheckLayerAvailability"),
    "role may not fetch layers": _denied("execution", "ecr:GetDownloadUrlForLayer"),
    "role may not push": _denied("execution", "ecr:PutImage"),
    "role may not describe secrets": _denied("execution", "secretsmanager:DescribeSecret"),
    "role may not begin logs": _denied("execution", "logs:CreateLogStream"),
    "role may not write logs": _denied("execution", "logs:PutLogEvents"),
    "role may not make log groups": _denied("execution", "logs:CreateLogGroup"),
    "role may not encrypt": _denied("execution", "kms:Encrypt"),
    "role may not read in DR": _denied("execution", "*", resource="arn:aws:secretsmanager:{dr}:*"),
    "role may not log in DR": _denied("execution", "*", resource="arn:aws:logs:{dr}:*"),
    "role may not log in primary": _denied("execution", "*", resource="arn:aws:logs:{primary}:*"),
    "role may not pull in DR": _denied("execution", "*", resource="arn:aws:ecr:{dr}:*"),
    "role may not pull in primary": _denied("execution", "*", resource="arn:aws:ecr:{primary}:*"),
    "role denied in DR": _denied("execution", "*", **_where("StringEquals", _REGION, "{dr}")),
    "role denied in primary": _denied("execution", "*", **_where("StringEquals", _REGION, "{primary}")),
    "role denied outside DR": _denied("execution", "*", **_where("StringNotEquals", _REGION, "{dr}")),
    "role denied outside primary": _denied("execution", "*", **_where("StringNotEquals", _REGION, "{primary}")),
    "role denied outside Europe": _denied("execution", "*", **_where("StringNotLike", _REGION, "eu-*")),
    "role bounded by all": _bounded(_ALL),
    "role bounded by primary": _bounded(_ALL | _where("StringEquals", _REGION, "{primary}")),
    "role bounded by DR": _bounded(_ALL | _where("StringEquals", _REGION, "{dr}")),
    "role bounded by a deny": _bounded(_ALL, {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}),
    "role bounded by another deny": _bounded(_ALL, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
    "role bounded but decryption": _bounded({"Effect": "Allow", "NotAction": "kms:Decrypt", "Resource": "*"}),
    "role denied since 2020": _denied("execution", "*", **_where("DateGreaterThan", _TIME, _PAST)),
    "role denied until 2020": _denied("execution", "*", **_where("DateLessThan", _TIME, _PAST)),
    "role denied by seconds": _denied("execution", "*", **_where("NumericGreaterThan", "aws:EpochTime", "1577836800")),
    "role bounded until 2020": _bounded(_ALL | _where("DateLessThan", _TIME, _PAST)),
    "role bounded until 2099": _bounded(_ALL | _where("DateLessThan", _TIME, _FUTURE)),
    "role trusts until 2020": _trusting(**_where("DateLessThan", _TIME, _PAST)),
    "role trusts until 2099": _trusting(**_where("DateLessThan", _TIME, _FUTURE)),
    "role trusts who comes with an id": _trusting(**_where("StringEquals", "sts:ExternalId", "platform")),
    "role trusts who comes with no id": _trusting(**_where("StringNotEquals", "sts:ExternalId", "platform")),
    "role trusts its account": _trusting(**_where("StringEquals", "aws:SourceAccount", "{account}")),
    "role trusts another account": _trusting(**_where("StringEquals", "aws:SourceAccount", "123456789012")),
    "role trusts any region": _trusting(**_where("ArnLike", "aws:SourceArn", "arn:aws:ecs:*:{account}:*")),
    "role trusts a list": _trusting(Principal={"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}),
    "role trusts the cluster": _trusting(Principal={"Service": "ecs.amazonaws.com"}),
}
_KEYS: dict[str, Callable[[Aws], object]] = {
    "secrets key denies the service": _key_says(_SECRETS, _DECRYPT | _where("StringEquals", _VIA, _OF_SECRETS)),
    "secrets key denies other services": _key_says(_SECRETS, _DECRYPT | _where("StringNotEquals", _VIA, _OF_SECRETS)),
    "secrets key denies parameters": _key_says(_SECRETS, _DECRYPT | _where("StringLike", _VIA, "ssm.*")),
    "secrets key denies its account": _key_says(_SECRETS, _DECRYPT | _where("StringEquals", _CALLER, "{account}")),
    "secrets key denies others' accounts": _key_says(
        _SECRETS, _DECRYPT | _where("StringNotEquals", _CALLER, "{account}")
    ),
    "secrets key of the role": _key_says(_SECRETS, _ADMIN, _READER, whole=True),
    "secrets key of the service": _key_says(
        _SECRETS, _ADMIN, {**_ANYBODY, "Action": "kms:*"} | _where("StringEquals", _VIA, _OF_SECRETS), whole=True
    ),
    "secrets key of another service": _key_says(
        _SECRETS, _ADMIN, {**_ANYBODY, "Action": "kms:*"} | _where("StringLike", _VIA, "ssm.*"), whole=True
    ),
    "secrets key of encryption": _key_says(_SECRETS, _ADMIN, {**_READER, "Action": "kms:Encrypt"}, whole=True),
}
_SAYS: dict[str, Callable[[Aws], object]] = {
    "secret denies another region": _secret_says(_deny("*", _READ) | _where("StringNotEquals", _REGION, "{dr}")),
    "secret denies since 2020": _secret_says(_deny("*", _READ) | _where("DateGreaterThan", _TIME, _PAST)),
    "secret denies until 2020": _secret_says(_deny("*", _READ) | _where("DateLessThan", _TIME, _PAST)),
    "secret denies everything": _secret_says(_deny("*", "*")),
    "secret allows the role": _secret_says(
        {"Effect": "Allow", **{k: v for k, v in _READER.items() if k != "Action"}, "Action": _READ}
    ),
    "secret allows nobody": _secret_says({**_ANYBODY, "Principal": {"AWS": _NOBODY}, "Action": _READ}),
}
_IMAGES: dict[str, Callable[[Aws], object]] = {
    "repository denies layers": _repository_says(_deny("*", "ecr:GetDownloadUrlForLayer")),
    "repository denies looking": _repository_says(_deny("*", "ecr:DescribeImages")),
    "repository denies in DR": _repository_says(_deny("*", "ecr:*") | _where("StringEquals", _REGION, "{dr}")),
    "repository denies elsewhere": _repository_says(_deny("*", "ecr:*") | _where("StringNotEquals", _REGION, "{dr}")),
    "repository allows nobody": _repository_says({**_ANYBODY, "Principal": {"AWS": _NOBODY}, "Action": "ecr:*"}),
}
_FILES_SAY: dict[str, Callable[[Aws], object]] = {
    "files deny deletion": _files_say(_ANYBODY, _deny("*", "elasticfilesystem:DeleteFileSystem")),
    "files deny the task role": _files_say(_ANYBODY, _deny("{task}", "elasticfilesystem:ClientMount")),
    "files deny others": _files_say(_ANYBODY, _deny(_NOBODY, "elasticfilesystem:*")),
    "files deny plain transport": _files_say(
        _ANYBODY, _deny("*", "*") | _where("Bool", "aws:SecureTransport", "false")
    ),
    "files deny plain transport to roles": _files_say(_deny("*", "*") | _where("Bool", "aws:SecureTransport", "false")),
    "files admit the task role": _files_say({**_ANYBODY, "Principal": {"AWS": "{task}"}}),
    "files admit the account": _files_say({**_ANYBODY, "Principal": {"AWS": "arn:aws:iam::{account}:root"}}),
    "files admit by mount targets": _files_say(
        _ANYBODY | _where("Bool", "elasticfilesystem:AccessedViaMountTarget", "true")
    ),
    "files key doomed": _key_doomed(_FILES),
    "files key denies all": _key_says(_FILES, _deny("*", "kms:Decrypt")),
}
_COPY_KEYS: dict[str, Callable[[Aws], object]] = {
    "copy key doomed": _key_doomed(_COPIES),
    "copy key denies grants": _key_says(_COPIES, _deny("*", "kms:CreateGrant")),
    "copy key denies deletion": _key_says(_COPIES, _deny("*", "kms:ScheduleKeyDeletion")),
    "copy key of administrator": _key_says(_COPIES, _ADMIN, whole=True),
}
_STORES_SAY: dict[str, Callable[[Aws], object]] = {
    "bucket copy denies the task role": _copy_says(_deny("{task}", "s3:GetObject")),
    "bucket copy denies uploads": _copy_says(_deny("*", "s3:PutObject")),
    "bucket copy denies lists": _copy_says(_deny("{task}", "s3:ListBucket"), objects=""),
    "bucket copy denies another role": _copy_says(_deny(_NOBODY, "s3:*")),
    "bucket copy denies deletion": _copy_says(_deny("*", "s3:DeleteObjectVersion")),
    "replica denies the task role": _replica_says(_deny("{task}", "dynamodb:*")),
    "replica denies another role": _replica_says(_deny(_NOBODY, "dynamodb:*")),
    "replica denies deletion": _replica_says(_deny("*", "dynamodb:DeleteTable")),
}
CONDITIONS = (
    *(Fault(name, NeedKind.STORE_POLICY, ("s3", "dynamodb"), make) for name, make in _STORES_SAY.items()),
    Fault("replication role denied", NeedKind.COPY_ROLE, ("iam",), _replication_denied),
    *(Fault(name, NeedKind.EXECUTION_ROLE, ("iam",), make) for name, make in _ROLES.items()),
    *(Fault(name, NeedKind.SECRET_KEY, ("kms", "iam"), make) for name, make in _KEYS.items()),
    *(Fault(name, NeedKind.SECRET_POLICY, _SECRET, make) for name, make in _SAYS.items()),
    *(Fault(name, NeedKind.IMAGE, ("ecr",), make) for name, make in _IMAGES.items()),
    *(Fault(name, NeedKind.FILES_POLICY, ("efs", "iam", "kms"), make) for name, make in _FILES_SAY.items()),
    *(Fault(name, NeedKind.COPY_KEY, ("kms",), make) for name, make in _COPY_KEYS.items()),
)
