"""What a request needs from IAM: its actions, their resources, and the condition keys that AWS fills in for it.

Source: AWS Service Authorization Reference. Resources are given where a name in the request identifies them; None is
any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core.responses import BaseResponse
from moto.dynamodb.models import dynamodb_backends
from moto.ecs.models import ecs_backends
from moto.efs.models import efs_backends
from moto.kms.models import kms_backends
from moto.ssm.models import ssm_backends

from sandbox.core import truth
from sandbox.moto_ext.ecs.tasks import all_tasks
from sandbox.moto_ext.iam.passed_roles import ASSUME, passed_roles
from sandbox.moto_ext.iam.policies import AccessRequest, Context

# botocore's name of a service where IAM has another (Service Authorization Reference).
IAM_PREFIX = {
    "elbv2": "elasticloadbalancing",
    "efs": "elasticfilesystem",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "stepfunctions": "states",
}
# A transaction is judged by what each of its parts would do alone (DynamoDB guide, transactions and IAM).
_ITEM_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_DATABASE_NAMES = {
    "db": (
        # A rename is judged on the old name and on the new one.
        *("DBInstanceIdentifier", "NewDBInstanceIdentifier", "SourceDBInstanceIdentifier", "SourceDBInstanceArn"),
        "TargetDBInstanceIdentifier",
    ),
    "pg": ("DBParameterGroupName",),
    "subgrp": ("DBSubnetGroupName",),
}
# What EFS does to a mount target's network interface in the caller's name (API_DeleteMountTarget and the like).
_ON_INTERFACES = {
    "elasticfilesystem:CreateMountTarget": (
        *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    ),
    "elasticfilesystem:DeleteMountTarget": ("ec2:DeleteNetworkInterface",),
    "elasticfilesystem:DescribeMountTargetSecurityGroups": ("ec2:DescribeNetworkInterfaceAttribute",),
    "elasticfilesystem:ModifyMountTargetSecurityGroups": ("ec2:ModifyNetworkInterfaceAttribute",),
}
_REPLICATES, _REGION = "elasticfilesystem:CreateReplicationConfiguration", "aws:RequestedRegion"
_RECORD_KEY = "route53:ChangeResourceRecordSets"
Params = Mapping[str, Any]


def asked_of(response: BaseResponse, context: Context) -> list[AccessRequest]:
    """Return what the request in ``response`` needs; ``context`` describes the caller and the region."""
    # The request's parameters by the service's model; those the emulator has parsed its own way are put back
    saved_params = getattr(response, "params", None)
    try:
        response.parse_parameters(response.normalized_request)
        found: Params = response.params or {}
    finally:
        # moto's own code reads this attribute afterwards.
        response.params = saved_params
    operation, params = response._get_action(), found
    own = _of_call(response, operation, params, context)
    return [*own, *passed_roles(response, operation, params, context)]


def _of_call(response: BaseResponse, operation: str, params: Params, context: Context) -> list[AccessRequest]:
    service = response.boto3_service_name
    if service == "dynamodb":
        return list(_of_tables(response, operation, params, context))
    action = f"{IAM_PREFIX.get(service, service)}:{operation}"
    if service == "efs":
        return list(_of_files(response, action, params, context))
    if service == "ecs" and operation in ("RunTask", "StopTask", "DescribeTasks"):
        return list(_of_tasks(response, action, params, context))
    if service == "s3control":
        return list(_of_jobs(response, action, params, context))
    if action == ASSUME:
        return [AccessRequest(action, str(params["RoleArn"]), {**context, **_of_session(params)})]
    if service == "ssm":
        return list(_of_automation(response, operation, params, action, context))
    keys = _record_keys(params) if action == _RECORD_KEY else {}
    if service == "iam" and (params.get("Tags") or params.get("TagKeys")):
        keys = {"aws:TagKeys": tuple(tag["Key"] for tag in params.get("Tags") or ()) or tuple(params["TagKeys"])}
    if service == "kms" and "KeyId" in params:
        backend = kms_backends[response.current_account][response.region]
        found = backend.any_id_to_key_id(str(params["KeyId"]))
        # Policies allow a key by its alias through this key: the alias's own ARN is no resource of most actions.
        keys = {"kms:ResourceAliases": tuple(alias.alias_name for alias in backend.list_aliases(found))}
    return [AccessRequest(action, resource, {**context, **keys}) for resource in _resources(response, service, params)]


def _of_session(params: Params) -> Context:
    """How a session is asked for: by which name, and whether with a code of MFA (global condition context keys)."""
    # The sandbox checks no code: that one was given counts.
    with_mfa = bool(params.get("SerialNumber") and params.get("TokenCode"))
    return {
        "sts:RoleSessionName": (str(params["RoleSessionName"]),),
        "aws:MultiFactorAuthPresent": (str(with_mfa).lower(),),
    }


def _of_tables(response: BaseResponse, operation: str, params: Params, context: Context) -> Iterator[AccessRequest]:
    if operation == "TransactWriteItems":
        for row in params["TransactItems"]:
            for kind, request in row.items():
                yield _of_item(response, _ITEM_ACTIONS[kind], request, context)
    elif operation == "BatchWriteItem":
        for table, rows in params["RequestItems"].items():
            for row in rows:
                request = row.get("PutRequest") or row.get("DeleteRequest")
                yield _of_item(response, operation, {"TableName": table, **request}, context)
    else:
        yield _of_item(response, operation, params, context)


def _of_item(response: BaseResponse, action: str, params: Params, context: Context) -> AccessRequest:
    name = str(params.get("TableName", "")).rpartition("/")[2]
    if not name:
        return AccessRequest(f"dynamodb:{action}", None, context)
    resource = _arn(response, "dynamodb", f"table/{name}")
    if params.get("IndexName"):
        # A query of an index is a resource of its own.
        resource += f"/index/{params['IndexName']}"
    table = dynamodb_backends[response.current_account][response.region].tables.get(name)
    item = params.get("Item") or params.get("Key") or {}
    value = next(iter(item.get(table.hash_key_attr, {}).values()), None) if table is not None else None
    # The partition key of the item: policies keep people to items of their own by it.
    leading = {} if value is None else {"dynamodb:LeadingKeys": (str(value),)}
    return AccessRequest(f"dynamodb:{action}", resource, {**context, **leading})


def _of_files(response: BaseResponse, action: str, params: Params, context: Context) -> Iterator[AccessRequest]:
    """A file system or an access point is asked for with its tags, where this region has it, and with those given.

    What is tagged as it is made asks for TagResource too (EFS User Guide, Using tags with Amazon EFS).
    """
    named = (params.get(key) for key in ("SourceFileSystemId", "FileSystemId", "AccessPointId", "ResourceId"))
    name = (
        _file_system_of(response, params)
        or str(next((identifier for identifier in named if identifier), "")).rpartition("/")[2]
    )
    tags = efs_backends[response.current_account][response.region].list_tags_for_resource(name)
    given = [(tag["Key"], tag["Value"]) for tag in params.get("Tags") or ()]
    known = _tag_context("ResourceTag", [(tag["Key"], tag["Value"]) for tag in tags])
    kind = "access-point" if name.startswith("fsap-") else "file-system"
    resource = _arn(response, "elasticfilesystem", f"{kind}/{name}") if name else None
    yield AccessRequest(action, resource, {**context, **known, **_tag_context("RequestTag", given)})
    if action == _REPLICATES and truth.answer("efs.replication-asks-for-both-ends"):
        yield from _of_replication(response, params, resource, {**context, **known})
    for candidate in _ON_INTERFACES.get(action, ()):
        # EFS calls EC2 in the caller's name (forward access sessions).
        yield AccessRequest(candidate, None, {**context, "aws:ViaAWSService": ("true",)})
    if given and ":Create" in action:
        create_action = {"elasticfilesystem:CreateAction": (action.partition(":")[2],)}
        kind = "access-point" if action.endswith("AccessPoint") else "file-system"
        # It has no id yet: a statement for all of them must allow it.
        new = _arn(response, "elasticfilesystem", f"{kind}/*")
        yield AccessRequest(
            "elasticfilesystem:TagResource", new, {**context, **create_action, **_tag_context("RequestTag", given)}
        )


def _of_replication(
    response: BaseResponse, params: Params, source: str | None, context: Context
) -> Iterator[AccessRequest]:
    """What EFS asks for of both ends beside the operation itself (EFS User Guide, required permissions; T77)."""
    yield AccessRequest("elasticfilesystem:ReplicationRead", source, context)
    for target in params.get("Destinations") or ():
        if name := str(target.get("FileSystemId") or "").rpartition("/")[2]:
            region = target.get("Region") or response.region
            arn = f"arn:{response.partition}:elasticfilesystem:{region}:{response.current_account}:file-system/{name}"
            yield AccessRequest("elasticfilesystem:ReplicationWrite", arn, {**context, _REGION: (region,)})


def _file_system_of(response: BaseResponse, params: Params) -> str:
    """The file system of a mount target, which is what a mount target is asked for by."""
    known = efs_backends[response.current_account][response.region].mount_targets_by_id
    target = known.get(str(params.get("MountTargetId") or ""))
    return str(target.file_system_id) if target is not None else ""


def _of_tasks(response: BaseResponse, action: str, params: Params, context: Context) -> Iterator[AccessRequest]:
    """Source: Service Authorization Reference, Amazon ECS: RunTask is asked for the definition, others for a task."""
    cluster = str(params.get("cluster") or "default").rpartition("/")[2]
    where = {"ecs:cluster": (_arn(response, "ecs", f"cluster/{cluster}"),)}
    given = [(tag["key"], tag["value"]) for tag in params.get("tags") or ()]
    # The tags of the task itself are what a policy for drills allows by.
    if action == "ecs:StopTask":
        name = str(params.get("task") or "").rpartition("/")[2]
        task = all_tasks(ecs_backends[response.current_account][response.region]).get(name)
        task_tags = _tag_context(
            "ResourceTag", [(tag["key"], tag["value"]) for tag in task.tags] if task is not None else []
        )
        yield AccessRequest(action, _arn(response, "ecs", f"task/{cluster}/{name}"), {**context, **where, **task_tags})
        return
    if action == "ecs:DescribeTasks":
        for name in {str(task).rpartition("/")[2] for task in params.get("tasks") or ("any",)}:
            yield AccessRequest(action, _arn(response, "ecs", f"task/{cluster}/{name}"), {**context, **where})
        return
    definition = str(params.get("taskDefinition") or "")
    resource = definition if definition.startswith("arn:") else _arn(response, "ecs", f"task-definition/{definition}")
    yield AccessRequest(action, resource, {**context, **where, **_tag_context("RequestTag", given)})
    if given:
        # Tagging at creation is allowed by this key alone, without a right to tag others.
        create_action = {"ecs:CreateAction": ("RunTask",)}
        yield AccessRequest(
            "ecs:TagResource",
            _arn(response, "ecs", f"task/{cluster}/*"),
            {**context, **create_action, **_tag_context("RequestTag", given)},
        )


def _of_jobs(response: BaseResponse, action: str, params: Params, context: Context) -> Iterator[AccessRequest]:
    """Source: Service Authorization Reference, Amazon S3: a job is asked for by its ARN.

    One to be made is asked for by its operation. The sandbox's jobs all replicate.
    """
    job = _arn(response, "s3", f"job/{params['JobId']}") if params.get("JobId") else None
    keys = {"s3:RequestJobOperation": tuple(params.get("Operation") or ())} if action == "s3:CreateJob" else {}
    known = {"s3:ExistingJobOperation": ("S3ReplicateObject",)} if job else {}
    yield AccessRequest(action, job, {**context, **keys, **known})
    if action == "s3:CreateJob" and params.get("Tags"):
        given = _tag_context("RequestTag", [(tag["Key"], tag["Value"]) for tag in params["Tags"]])
        yield AccessRequest("s3:PutJobTagging", _arn(response, "s3", "job/*"), {**context, **given})


def _tag_context(where: str, tags: Iterable[tuple[str, str]]) -> Context:
    return {f"aws:{where}/{key}": (value,) for key, value in tags}


def _record_keys(params: Params) -> Context:
    """Source: Route 53 Developer Guide, "Using IAM policy conditions for fine-grained access control"."""
    changes = params["ChangeBatch"]["Changes"]
    records = [change["ResourceRecordSet"] for change in changes]
    # Normalized: lower case, without the last dot, a wildcard as its octal code (Route 53 guide).
    names = tuple(str(record["Name"]).rstrip(".").lower().replace("*", "\\052") for record in records)
    return {
        f"{_RECORD_KEY}Actions": tuple(str(change["Action"]) for change in changes),
        f"{_RECORD_KEY}RecordTypes": tuple(str(record["Type"]) for record in records),
        f"{_RECORD_KEY}NormalizedRecordNames": names,
    }


def _resources(response: BaseResponse, service: str, params: Params) -> list[str | None]:
    """What the request is judged on: each must be allowed."""
    if service == "rds":
        found = list(_of_databases(response, params))
        return [*found] if found else [None]
    return [_resource(response, service, params)]


def _of_databases(response: BaseResponse, params: Params) -> Iterator[str]:
    """A database under its name, the one that it is given and that of its source; its groups."""
    for kind, names in _DATABASE_NAMES.items():
        for name in (str(params[key]) for key in names if params.get(key)):
            yield name if name.startswith("arn:") else _arn(response, "rds", f"{kind}:{name}")


def _resource(response: BaseResponse, service: str, params: Params) -> str | None:
    if service == "ecs" and params.get("service"):
        cluster = str(params.get("cluster") or "default").rpartition("/")[2]
        return _arn(response, "ecs", f"service/{cluster}/{str(params['service']).rpartition('/')[2]}")
    if service == "secretsmanager" and params.get("SecretId"):
        secret = str(params["SecretId"])
        # Secrets end in six random letters: policies have -?????? for them.
        return secret if secret.startswith("arn:") else _arn(response, service, f"secret:{secret}-AbCdEf")
    if service == "iam" and params.get("RoleName"):
        return f"arn:aws:iam::{response.current_account}:role/{params['RoleName']}"
    # PhoneNumber has no resource; TargetArn is an endpoint's.
    if service == "sns":
        return params.get("TopicArn") or params.get("TargetArn")
    if service == "logs" and params.get("logStreamName"):
        group, stream = params.get("logGroupName") or "", params["logStreamName"]
        return _arn(response, service, f"log-group:{group}:log-stream:{stream}")
    if service == "backup" and params.get("BackupVaultName"):
        return _arn(response, service, f"backup-vault:{params['BackupVaultName']}")
    return None


def _of_automation(
    response: BaseResponse, operation: str, params: Params, action: str, context: Context
) -> Iterator[AccessRequest]:
    """A start is asked for the document in a version, a signal for the execution.

    By both forms in which AWS's pages have the version: the ARN of the definition (Service Authorization Reference),
    and the document with a condition key, which a start without a version has not (T75).
    """
    if params.get("AutomationExecutionId"):
        execution = _arn(response, "ssm", f"automation-execution/{params['AutomationExecutionId']}")
        yield AccessRequest(action, execution, context)
    elif operation != "StartAutomationExecution":
        yield AccessRequest(action, None, context)
    else:
        name, version = str(params["DocumentName"]), str(params.get("DocumentVersion") or "")
        yield AccessRequest(
            action, _arn(response, "ssm", f"automation-definition/{name}:{version or '$DEFAULT'}"), context
        )
        if version == "$DEFAULT" and not truth.answer("ssm.default-version-bears-its-name"):
            version = str(
                ssm_backends[response.current_account][response.region].get_document(name, "", "", "")[
                    "DocumentVersion"
                ]
            )
        keys = {"ssm:DocumentVersion": (version,)} if version else {}
        yield AccessRequest(action, _arn(response, "ssm", f"document/{name}"), {**context, **keys})


def _arn(response: BaseResponse, service: str, resource: str) -> str:
    return f"arn:{response.partition}:{service}:{response.region}:{response.current_account}:{resource}"
