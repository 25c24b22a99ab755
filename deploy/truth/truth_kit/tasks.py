"""A question about tasks: what a value for a variable does that the definition fills from a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from truth_kit.account import Account, is_refused
from truth_kit.callers import role_for
from truth_kit.scene import Answer

_CONTAINER, _VARIABLE = "ask", "FROM_A_SECRET"


def ask_of_tasks(account: Account) -> Iterator[Answer]:
    """Run a task as its definition has it, then with a value for the variable that is a secret's there."""
    ecs, name = account.client("ecs", account.dr), account.prefix + "tasks"
    container = {
        "name": _CONTAINER,
        "image": "public.ecr.aws/docker/library/busybox:stable",
        "secrets": [{"name": _VARIABLE, "valueFrom": f"/{account.prefix}none"}],
    }
    ecs.create_cluster(clusterName=name, tags=account.lower_tags)
    execution = role_for(account, "execution", {"Service": "ecs-tasks.amazonaws.com"})
    definition = ecs.register_task_definition(
        family=name,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=execution,
        containerDefinitions=[container],
        tags=account.lower_tags,
    )["taskDefinition"]["taskDefinitionArn"]
    network = {"awsvpcConfiguration": _network(account)}

    def run(*environment: dict[str, str]) -> Any:
        overrides = {"containerOverrides": [{"name": _CONTAINER, "environment": list(environment)}]}
        return ecs.run_task(
            cluster=name,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=network,
            overrides=overrides if environment else {},
        )

    # Neither task ever starts its container, as there is no such parameter. The plain one first: once it is taken, a
    # refusal of the other is the variable's.
    account.until("a task is taken", lambda: not is_refused(run, "ClientException", "InvalidParameterException"))
    yield (
        "ecs.override-of-secret-is-refused",
        is_refused(lambda: run({"name": _VARIABLE, "value": "x"}), "ClientException"),
    )


def _network(account: Account) -> dict[str, Any]:
    """Subnets of the network that Terraform made, and its default group."""
    named = {"DBSubnetGroupName": account.standing["dr_subnet_group"]}
    group = account.client("rds", account.dr).describe_db_subnet_groups(**named)["DBSubnetGroups"][0]
    ours = [{"Name": "vpc-id", "Values": [group["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    groups = account.client("ec2", account.dr).describe_security_groups(Filters=ours)["SecurityGroups"]
    subnets = [row["SubnetIdentifier"] for row in group["Subnets"]]
    return {"subnets": subnets, "securityGroups": [row["GroupId"] for row in groups]}
