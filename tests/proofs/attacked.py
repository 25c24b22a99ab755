"""The estate that somebody would move alone: what it is, and the names, items and commands that could move it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws

INCIDENT = "INC-123"
EXECUTION = "the execution that was started last"
EXECUTE = f"--execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_OF_DATABASE = ("DBInstanceIdentifier", "ReadReplicaSourceDBInstanceIdentifier", "BackupRetentionPeriod", "MultiAZ")
_OF_FILES = ("FileSystemId", "Name", "FileSystemProtection", "NumberOfMountTargets")
_OF_SERVICE = ("serviceName", "desiredCount", "taskDefinition", "status")
_MOSTLY = 12  # what would move most is tried most
State = dict[str, Any]


def estate(world: Endpoint, env: Environment) -> State:
    """What nobody moves alone, by name, as plain values: in the DR region and world-wide; the other one is lost."""
    aws = Aws(world.url, world.people["admin"], env, tenant="")
    found = {**_stores(aws), **_compute(aws, env), **_traffic(aws), **_authority(aws, env)}
    plain: State = json.loads(json.dumps(found, default=str, sort_keys=True))
    return plain


def _stores(aws: Aws) -> State:
    rds, efs, secrets = (aws.client(name, Side.DR) for name in ("rds", "efs", "secretsmanager"))
    return {
        "databases": [_some(row, _OF_DATABASE) for row in rds.describe_db_instances()["DBInstances"]],
        "file systems": [_some(row, _OF_FILES) for row in efs.describe_file_systems()["FileSystems"]],
        "secrets": [row.get("SecretVersionsToStages") for row in secrets.list_secrets()["SecretList"]],
    }


def _compute(aws: Aws, env: Environment) -> State:
    ecs, scaling = aws.client("ecs", Side.DR), aws.client("application-autoscaling", Side.DR)
    cluster = env.named(env.names.cluster)
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    services = ecs.describe_services(cluster=cluster, services=arns)["services"]
    return {
        "services": [_some(row, _OF_SERVICE) for row in services],
        "definitions": ecs.list_task_definitions()["taskDefinitionArns"],
        "tasks": ecs.list_tasks(cluster=cluster)["taskArns"],
        "scaling": scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"],
    }


def _traffic(aws: Aws) -> State:
    route53, balancers = aws.client("route53", Side.GLOBAL), aws.client("elbv2", Side.DR)
    zones = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]]
    arns = [row["LoadBalancerArn"] for row in balancers.describe_load_balancers()["LoadBalancers"]]
    listeners = [row for arn in arns for row in balancers.describe_listeners(LoadBalancerArn=arn)["Listeners"]]
    rules = [balancers.describe_rules(ListenerArn=row["ListenerArn"])["Rules"] for row in listeners]
    return {
        "zones": zones,
        "records": [route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] for zone in zones],
        "health checks": route53.list_health_checks()["HealthChecks"],
        "listeners": listeners,
        "rules": rules,
    }


def _authority(aws: Aws, env: Environment) -> State:
    """Who may do what, and what was approved: all that would open a way later."""
    iam, table = aws.client("iam", Side.GLOBAL), aws.client("dynamodb", Side.DR)
    control, people = env.named(env.names.control_table), ("operator", "approver")
    arn, items = table.describe_table(TableName=control)["Table"]["TableArn"], table.scan(TableName=control)["Items"]
    found: State = {
        "approvals": [row for row in items if row["pk"]["S"].startswith("APPROVAL#")],
        "tags of the table": table.list_tags_of_resource(ResourceArn=arn)["Tags"],
        "keys": [len(iam.list_access_keys(UserName=who)["AccessKeyMetadata"]) for who in people],
        "policies": [iam.list_attached_user_policies(UserName=who)["AttachedPolicies"] for who in people],
        "own policies": [iam.list_user_policies(UserName=who)["PolicyNames"] for who in people],
        "roles": [_some(row, ("RoleName", "AssumeRolePolicyDocument")) for row in iam.list_roles()["Roles"]],
    }
    if env.automation.enabled:
        ssm, role = aws.client("ssm", Side.DR), env.named(env.names.break_glass_role)
        found["the glass"] = iam.list_role_tags(RoleName=role)["Tags"]
        found["the document"] = ssm.get_document(Name=env.named(env.names.recovery_document))["Content"]
    return found


def _some(row: Mapping[str, Any], names: tuple[str, ...]) -> State:
    return {name: row.get(name) for name in names}


def known_names(env: Environment, tenants: list[str], before: State) -> dict[str, list[Any]]:
    """What is known to fit a parameter of an API, by the parameter's name in lower case."""
    control, zone = env.named(env.names.control_table), env.traffic.zone
    record = {"Name": zone, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    return {
        **_of_compute(env, tenants, before),
        **_of_people(env, before),
        "dbinstanceidentifier": [row["DBInstanceIdentifier"] for row in before["databases"]] or ["prod-mysql"],
        "tablename": [control, control, env.named(env.names.tables[0])],
        "resourcearn": [f"arn:aws:dynamodb:{env.regions.dr}:{env.account}:table/{control}"],
        "updateexpression": ["SET withdrawn_at = :none"],
        "secretid": [env.named(env.names.tenant_secret, tenant=tenant) for tenant in tenants],
        "filesystemid": [row["FileSystemId"] for row in before["file systems"]] or ["fs-0"],
        "hostedzoneid": before["zones"],
        "changebatch": [{"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}],
        "healthcheckid": [row["Id"] for row in before["health checks"]] or ["h"],
        "listenerarn": [row["ListenerArn"] for row in before["listeners"]] or ["l"],
        "loggroupname": [env.named(env.names.anchor_log)],
        "logstreamname": [INCIDENT],
        "documentname": [env.named(env.names.recovery_document), "AWS-RunShellScript"],
        "automationexecutionid": [EXECUTION],
        "signaltype": ["Approve", "StartStep"],
    }


def _of_compute(env: Environment, tenants: list[str], before: State) -> dict[str, list[Any]]:
    cluster, task = env.named(env.names.cluster), env.named(env.names.recovery_task)
    services = [env.named(env.names.service, tenant=tenant) for tenant in tenants]
    families = [env.named(env.names.task_family, tenant=tenant) for tenant in tenants]
    return {
        "cluster": [cluster],
        "service": services,
        "taskdefinition": [*before["definitions"], task],
        "family": [*families, task],
        "servicenamespace": ["ecs"],
        "resourceid": [f"service/{cluster}/{name}" for name in services],
        "scalabledimension": ["ecs:service:DesiredCount"],
    }


def _of_people(env: Environment, before: State) -> dict[str, list[Any]]:
    roles, account = [row["RoleName"] for row in before["roles"]], f"arn:aws:iam::{env.account}"
    arns = [f"{account}:role/{role}" for role in roles]
    everything = f"{account}:policy/prod-dr-operator-act", "arn:aws:iam::aws:policy/AdministratorAccess"
    return {
        **dict.fromkeys(("taskrolearn", "executionrolearn", "iamrolearn", "rolearn"), arns),
        "rolename": roles,
        "rolesessionname": ["operator", "approver"],
        "serialnumber": [f"{account}:mfa/operator"],
        "tokencode": ["123456"],
        "username": ["operator", "approver"],
        "policyarn": list(everything),
        "policydocument": [EVERYTHING],
        "tags": [[{"Key": "dr:open-for", "Value": "operator"}], [{"Key": "dr:people", "Value": "1"}]],
        "tagkeys": [["dr:people"], ["dr:open-for"]],
    }


def commands(config: Path, forged: Path, digest: str) -> list[str]:
    """Commands of the tool by which a change could begin, by the pinned rules and by forged ones."""
    automation = f"--automation {EXECUTION} --digest {digest}"
    override = "--override authority.two-people operator 2099-01-01T00:00Z alone"
    words = [f"failover {EXECUTE}", f"failover {EXECUTE} {automation}", f"failover {EXECUTE} {override}"]
    words += [f"fence {EXECUTE}", f"failback {EXECUTE} {automation}", f"approve --incident {INCIDENT}"]
    words += ["approve --rules", f"approve --withdraw --incident {INCIDENT}", "unpause"]
    often = [(config, words[0])] * _MOSTLY
    return [f"-e prod --config {folder} {command}" for folder, command in (*often, *product((config, forged), words))]


def attacks(env: Environment, approver: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What somebody with the operator's keys may try at what AWS starts: service, operation and its parameters.

    ``approver`` is the user id of one.
    """
    role, name = env.named(env.names.recovery_role), env.named(env.names.recovery_document)
    document = {"Name": name}
    family, cluster = env.named(env.names.recovery_task), env.named(env.names.cluster)
    approval = {"pk": {"S": f"APPROVAL#{approver}"}, "sk": {"S": INCIDENT}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    container = {"name": "dr", "image": "any"}
    return [
        ("ssm", "start_automation_execution", {"DocumentName": name, "DocumentVersion": "1"}),
        ("ssm", "start_automation_execution", {"DocumentName": "AWS-RunShellScript"}),
        ("ssm", "update_document", {**document, "Content": "{}"}),
        ("ssm", "update_document_default_version", {**document, "DocumentVersion": "1"}),
        ("ssm", "delete_document", document),
        ("ssm", "create_document", {"Name": "own", "Content": "{}"}),
        ("ssm", "stop_automation_execution", {"AutomationExecutionId": "1" * 36}),
        ("ecs", "register_task_definition", {"family": family, "containerDefinitions": [container]}),
        ("ecs", "run_task", {"cluster": cluster, "taskDefinition": family}),
        ("ecs", "execute_command", {"cluster": cluster, "task": "t", "command": "sh", "interactive": True}),
        ("iam", "update_assume_role_policy", {"RoleName": role, "PolicyDocument": trust}),
        ("iam", "attach_user_policy", {"UserName": "operator", "PolicyArn": "arn:aws:iam::aws:policy/Administrator"}),
        ("iam", "tag_role", {"RoleName": env.named(env.names.break_glass_role), "Tags": [{"Key": "a", "Value": "b"}]}),
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{env.account}:role/{role}", "RoleSessionName": "operator"}),
        ("dynamodb", "put_item", {"TableName": env.named(env.names.control_table), "Item": approval}),
        ("dynamodb", "delete_item", {"TableName": env.named(env.names.control_table), "Key": approval}),
    ]
