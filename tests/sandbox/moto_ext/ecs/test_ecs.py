"""ECS services with tasks behind them: started, listed, described, replaced and stopped as AWS does it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from moto.ecs.models import ecs_backends

from sandbox.core.state import STATE, now
from sandbox.moto_ext.ecs.tasks import all_tasks
from tests.sandbox.moto_ext.compute import MANIFEST, MEDIA_TYPE, platform, push
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients


def _code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_service_runs_the_tasks_it_was_asked_for(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    service, tasks = there.service(), there.tasks()
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (2, 2, 0)
    assert [deployment["rolloutState"] for deployment in service["deployments"]] == ["COMPLETED"]
    assert [task["lastStatus"] for task in tasks] == ["RUNNING", "RUNNING"]
    assert {task["availabilityZone"] for task in tasks} == {f"{DR}a", f"{DR}b"}
    assert {task["taskDefinitionArn"] for task in tasks} == {service["taskDefinition"]}
    assert {(task["launchType"], task["group"]) for task in tasks} == {("FARGATE", "service:tenant-a")}
    assert aws("ecs", PRIMARY).list_clusters()["clusterArns"] == []


def test_a_task_shows_the_digest_its_own_regions_registry_holds(aws: Clients) -> None:
    image, digest = push(aws, DR, "6.7")
    there = platform(aws, DR)
    there.serve(tasks=1, image=image)
    assert [c["imageDigest"] for task in there.tasks() for c in task["containers"]] == [digest]


def test_a_task_whose_image_its_registry_lacks_never_runs(aws: Clients) -> None:
    image, _ = push(aws, DR, "6.7")
    there = platform(aws, DR)
    there.serve(tasks=1, image=image.replace("6.7", "6.8"))
    service = there.service()
    assert service["runningCount"] == 0
    assert service["deployments"][0]["rolloutState"] != "COMPLETED"
    stopped = there.tasks(desiredStatus="STOPPED")
    assert stopped
    assert stopped[0]["stoppedReason"].startswith("CannotPullContainerError")


def test_scaling_to_nothing_stops_the_tasks_and_scaling_up_starts_new_ones(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    first = {task["taskArn"] for task in there.tasks()}
    there.scale(0)
    assert there.service()["runningCount"] == 0
    assert there.tasks() == []
    assert {task["taskArn"] for task in there.tasks(desiredStatus="STOPPED")} == first
    there.scale(3)
    assert there.service()["runningCount"] == 3
    assert not first & {task["taskArn"] for task in there.tasks()}


def test_describing_a_service_does_not_move_it(aws: Clients) -> None:
    STATE.extras["transition_s"] = 600.0
    there = platform(aws, DR)
    there.serve(tasks=2)
    seen = [there.service() for _ in range(3)]
    assert [(service["runningCount"], service["pendingCount"]) for service in seen] == [(0, 2)] * 3
    assert seen[-1]["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert {task["lastStatus"] for task in there.tasks()} == {"PENDING"}


def test_a_new_revision_replaces_the_tasks_by_tasks_of_its_own(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    newer = there.register("nginx:1.28")
    there.client("ecs").update_service(cluster="shop", service="tenant-a", taskDefinition="tenant-a:2")
    assert {task["taskDefinitionArn"] for task in there.tasks()} == {newer}
    service = there.service()
    assert service["taskDefinition"] == newer
    assert len(service["deployments"]) == 1


def test_a_service_needs_no_security_group_of_its_own(aws: Clients) -> None:
    there = platform(aws, DR)
    ecs = there.client("ecs")
    ecs.create_cluster(clusterName="bare")
    there.register("nginx:1.27")
    service = ecs.create_service(
        cluster="bare",
        serviceName="s",
        taskDefinition="tenant-a",
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": there.subnets}},
    )["service"]
    assert len(service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]) == 1
    with pytest.raises(ClientError) as twice:
        ecs.create_service(cluster="bare", serviceName="s", taskDefinition="tenant-a", desiredCount=1)
    assert _code(twice) == "InvalidParameterException"


def test_a_stopped_task_of_a_service_is_replaced(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    victim = there.tasks()[0]["taskArn"]
    stopped = there.client("ecs").stop_task(cluster="shop", task=victim, reason="drill")["task"]
    assert (stopped["lastStatus"], stopped["stoppedReason"]) == ("STOPPED", "drill")
    left = {task["taskArn"] for task in there.tasks()}
    assert len(left) == 2
    assert victim not in left


def test_a_task_run_by_hand_is_a_task_of_its_family(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    ecs = there.client("ecs")
    ran = ecs.run_task(
        cluster="shop",
        taskDefinition="tenant-a",
        launchType="FARGATE",
        count=2,
        networkConfiguration=there.network,
    )
    assert (len(ran["tasks"]), ran["failures"]) == (2, [])
    assert len(ecs.list_tasks(cluster="shop", family="tenant-a")["taskArns"]) == 3
    assert len(ecs.list_tasks(cluster="shop", serviceName="tenant-a")["taskArns"]) == 1


def test_a_deleted_service_has_no_tasks_and_is_listed_no_more(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    ecs = there.client("ecs")
    assert len(ecs.list_services(cluster="shop")["serviceArns"]) == 1
    ecs.delete_service(cluster="shop", service="tenant-a", force=True)
    assert ecs.list_services(cluster="shop")["serviceArns"] == []
    service = there.service()
    assert (service["status"], service["runningCount"]) == ("INACTIVE", 0)


def test_settings_of_service_and_container_come_back_as_given(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1, healthCheckGracePeriodSeconds=60, platformVersion="1.4.0", enableExecuteCommand=True)
    service = there.service()
    assert (service["healthCheckGracePeriodSeconds"], service["enableExecuteCommand"]) == (60, True)
    check = {"command": ["CMD", "true"], "interval": 30}
    secret = [{"name": "KEY", "valueFrom": "arn:aws:ssm:x"}]
    arn = there.register("nginx:1.27", healthCheck=check, secrets=secret, stopTimeout=30)
    task_definition = there.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    container = task_definition["containerDefinitions"][0]
    assert container["healthCheck"] == check
    assert (container["secrets"], container["stopTimeout"]) == (secret, 30)
    assert task_definition["registeredAt"] <= now() + timedelta(seconds=1)


def test_a_family_means_its_newest_active_revision(aws: Clients) -> None:
    there = platform(aws, DR)
    older, newer = there.register("nginx:1"), there.register("nginx:2")
    ecs = there.client("ecs")
    ecs.deregister_task_definition(taskDefinition=newer)
    task_definition_arn = ecs.describe_task_definition(taskDefinition="tenant-a")["taskDefinition"]["taskDefinitionArn"]
    assert task_definition_arn == older
    assert there.register("nginx:3").endswith(":3")


def test_a_deregistered_revision_starts_nothing_new_but_its_service_scales(aws: Clients) -> None:
    there = platform(aws, DR)
    service = there.serve(tasks=1)
    ecs, used = there.client("ecs"), service["taskDefinition"]
    newer = there.register("nginx:1.28")
    ecs.deregister_task_definition(taskDefinition=used)
    there.scale(2)
    assert there.service()["runningCount"] == 2
    new = {"cluster": "shop", "taskDefinition": used, "networkConfiguration": there.network, "launchType": "FARGATE"}
    with pytest.raises(ClientError, match="TaskDefinition is inactive") as task:
        ecs.run_task(**new)
    with pytest.raises(ClientError, match="TaskDefinition is inactive") as created:
        ecs.create_service(serviceName="tenant-b", desiredCount=1, **new)
    ecs.update_service(cluster="shop", service="tenant-a", taskDefinition=newer)
    with pytest.raises(ClientError, match="TaskDefinition is inactive") as back:
        ecs.update_service(cluster="shop", service="tenant-a", taskDefinition=used)
    codes = [_code(refusal) for refusal in (task, created, back)]
    assert codes == ["InvalidParameterException", "ClientException", "ClientException"]
    assert there.service()["taskDefinition"] == newer


def test_a_revision_is_described_with_its_tags_when_asked(aws: Clients) -> None:
    ecs, tags = aws("ecs", DR), [{"key": "Tenant", "value": "a"}]
    container = {"name": "c", "image": "i", "memory": 128}
    response = ecs.register_task_definition(family="a", containerDefinitions=[container], tags=tags)
    arn = response["taskDefinition"]["taskDefinitionArn"]
    assert tags == ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"]


def test_lists_come_in_pages_and_descriptions_by_tens(aws: Clients) -> None:
    there = platform(aws, DR)
    ecs = there.client("ecs")
    ecs.create_cluster(clusterName="shop")
    there.register("nginx:1")
    for number in range(12):
        ecs.create_service(
            cluster="shop",
            serviceName=f"s{number}",
            taskDefinition="tenant-a",
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=there.network,
        )
    pages = list(ecs.get_paginator("list_services").paginate(cluster="shop"))
    assert [len(page["serviceArns"]) for page in pages] == [10, 2]
    everything = [arn for page in pages for arn in page["serviceArns"]]
    with pytest.raises(ClientError) as many:
        ecs.describe_services(cluster="shop", services=everything)
    assert _code(many) == "InvalidParameterException"
    cluster = ecs.describe_clusters(clusters=["shop"])["clusters"][0]
    assert (cluster["activeServicesCount"], cluster["runningTasksCount"]) == (12, 12)


def test_a_missing_task_is_a_failure_and_not_silence(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    answer = there.client("ecs").describe_tasks(cluster="shop", tasks=["0" * 32])
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_a_task_that_drains_is_wanted_stopped_and_listed_so(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    leaving = next(iter(all_tasks(ecs_backends[ACCOUNT][DR]).values()))
    leaving.stop(now(), "Scaling activity", drains_s=600)
    (drains,) = there.tasks(desiredStatus="STOPPED")
    assert ("DEACTIVATING", "STOPPED") == (drains["lastStatus"], drains["desiredStatus"])
    assert drains["taskArn"] not in [task["taskArn"] for task in there.tasks()]
    assert [] == there.tasks(desiredStatus="PENDING")


def test_a_target_group_behind_no_load_balancer_is_refused(aws: Clients) -> None:
    there = platform(aws, DR)
    there.client("elbv2").delete_rule(RuleArn=there.rule)
    with pytest.raises(ClientError) as loose:
        there.serve()
    assert "does not have an associated load balancer" in str(loose.value)


def _age(aws: Clients, by: timedelta) -> None:
    """Let every stopped task have stopped that much sooner: ECS forgets stopped tasks after an hour."""
    assert aws("ecs", DR).list_tasks(cluster="shop", desiredStatus="STOPPED")["taskArns"]
    for task in all_tasks(ecs_backends[ACCOUNT][DR]).values():
        task.leaves_at = task.stops_at = task.stops_at - by if task.stops_at else None


BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}


def test_a_failed_deployment_launches_no_task_until_a_new_one_is_made(aws: Clients) -> None:
    """Source: Amazon ECS Developer Guide, "How the deployment circuit breaker detects failures" (T53)."""
    image, digest = push(aws, DR, "6.7")
    there = platform(aws, DR)
    there.serve(tasks=1, image=image, deploymentConfiguration=BREAKER)
    ecs, ecr = there.client("ecs"), there.client("ecr")
    (task,) = there.tasks()
    ecr.batch_delete_image(repositoryName="web", imageIds=[{"imageDigest": digest}])
    ecs.update_service(cluster="shop", service="tenant-a", forceNewDeployment=True)
    failed = there.service()["deployments"][0]
    assert ("PRIMARY", "FAILED", 1) == (failed["status"], failed["rolloutState"], failed["failedTasks"])
    image_fields = {"imageManifest": MANIFEST, "imageManifestMediaType": MEDIA_TYPE, "imageTag": "6.7"}
    ecr.put_image(repositoryName="web", **image_fields)
    there.scale(3)
    assert [task["taskArn"]] == [running_task["taskArn"] for running_task in there.tasks()], "what ran before goes on"
    ecs.stop_task(cluster="shop", task=task["taskArn"])
    assert [] == there.tasks(), "what stops is not replaced"
    _age(aws, timedelta(hours=2))
    there.scale(2)
    service = there.service()
    assert (0, failed["id"], "FAILED") == (
        service["runningCount"],
        service["deployments"][0]["id"],
        service["deployments"][0]["rolloutState"],
    )
    ecs.update_service(cluster="shop", service="tenant-a", forceNewDeployment=True)
    service = there.service()
    assert (2, 1) == (service["runningCount"], len(service["deployments"]))
    assert failed["id"] != service["deployments"][0]["id"]
    assert failed["createdAt"] < service["deployments"][0]["createdAt"]


def test_a_new_task_definition_makes_a_new_deployment_of_a_failed_one(aws: Clients) -> None:
    image, _ = push(aws, DR, "6.7")
    there = platform(aws, DR)
    there.serve(tasks=1, image=image.replace("6.7", "none"), deploymentConfiguration=BREAKER)
    assert "FAILED" == there.service()["deployments"][0]["rolloutState"]
    there.register(image)
    there.client("ecs").update_service(cluster="shop", service="tenant-a", taskDefinition="tenant-a:2")
    assert ("COMPLETED", 1) == (there.service()["deployments"][0]["rolloutState"], there.service()["runningCount"])


def test_tasks_keep_when_they_started_until_a_new_deployment_replaces_them(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    (first,) = there.tasks()
    there.scale(2)
    older, second = sorted(there.tasks(), key=lambda task: task["createdAt"])
    assert (first["taskArn"], first["createdAt"]) == (older["taskArn"], older["createdAt"])
    assert second["createdAt"] > older["createdAt"]
    there.client("ecs").update_service(cluster="shop", service="tenant-a", forceNewDeployment=True)
    assert all(task["createdAt"] > second["createdAt"] for task in there.tasks())
    assert not {first["taskArn"], second["taskArn"]} & {task["taskArn"] for task in there.tasks()}


def test_a_task_set_that_is_not_scaled_down_is_deleted_by_force_alone(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    client, definition = aws("ecs", DR), there.service()["taskDefinition"]
    cluster = there.service()["clusterArn"]
    client.create_service(
        cluster=cluster, serviceName="external", desiredCount=1, deploymentController={"type": "EXTERNAL"}
    )
    names = {"cluster": cluster, "service": "external"}
    created = client.create_task_set(**names, taskDefinition=definition, scale={"unit": "PERCENT", "value": 100.0})
    arn = created["taskSet"]["taskSetArn"]
    with pytest.raises(ClientError) as refused:
        client.delete_task_set(**names, taskSet=arn)
    assert _code(refused) == "InvalidParameterException"
    client.delete_task_set(**names, taskSet=arn, force=True)
    other = client.create_task_set(**names, taskDefinition=definition, scale={"unit": "PERCENT", "value": 0.0})
    client.delete_task_set(**names, taskSet=other["taskSet"]["taskSetArn"])
    assert client.describe_task_sets(**names)["taskSets"] == []


def test_a_task_on_fargate_is_found_by_its_tags_while_it_lives(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    client, service = aws("ecs", DR), there.service()
    started = client.run_task(
        cluster=service["clusterArn"],
        taskDefinition=service["taskDefinition"],
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
        tags=[{"key": "for", "value": "the test"}],
    )["tasks"][0]["taskArn"]

    def found() -> list[str]:
        filters = {"ResourceTypeFilters": ["ecs:task"], "TagFilters": [{"Key": "for", "Values": ["the test"]}]}
        answer = aws("resourcegroupstaggingapi", DR).get_resources(**filters)
        return [row["ResourceARN"] for row in answer["ResourceTagMappingList"]]

    assert found() == [started]
    client.stop_task(cluster=service["clusterArn"], task=started)
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"containerName": "nobody"}, "The container nobody does not exist in the task definition."),
        ({"containerPort": 8080}, "The container web did not have a container port 8080 defined."),
    ],
)
def test_a_load_balancer_of_no_container_of_the_definition_is_refused(
    aws: Clients, changed: dict[str, object], message: str
) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    ecs, before = aws("ecs", DR), there.service()
    balancers = [{**before["loadBalancers"][0], **changed}]
    with pytest.raises(ClientError) as refused:
        ecs.update_service(cluster="shop", service="tenant-a", loadBalancers=balancers)
    assert (_code(refused), refused.value.response["Error"]["Message"]) == ("InvalidParameterException", message)
    assert there.service()["loadBalancers"] == before["loadBalancers"]
    same = {"taskDefinition": before["taskDefinition"], "desiredCount": 1, "loadBalancers": balancers}
    with pytest.raises(ClientError) as unmade:
        ecs.create_service(cluster="shop", serviceName="tenant-b", networkConfiguration=there.network, **same)
    assert unmade.value.response["Error"]["Message"] == message


def test_a_definition_for_container_instances_starts_nothing_on_fargate(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    ecs, before = aws("ecs", DR), there.service()
    found = ecs.describe_task_definition(taskDefinition=before["taskDefinition"])["taskDefinition"]
    values = {key: found[key] for key in ("family", "containerDefinitions", "networkMode", "cpu", "memory")}
    arn = ecs.register_task_definition(**values, requiresCompatibilities=["EC2"])["taskDefinition"]["taskDefinitionArn"]
    wanted = {"cluster": "shop", "taskDefinition": arn, "launchType": "FARGATE", "networkConfiguration": there.network}
    for call, given in (
        (ecs.update_service, {"cluster": "shop", "service": "tenant-a", "taskDefinition": arn}),
        (ecs.create_service, {**wanted, "serviceName": "tenant-b", "desiredCount": 1}),
        (ecs.run_task, wanted),
    ):
        with pytest.raises(ClientError, match="does not support launch_type FARGATE"):
            call(**given)
    assert there.service()["taskDefinition"] == before["taskDefinition"]


def test_a_task_that_its_registry_does_not_take_stops_as_it_starts(aws: Clients) -> None:
    discovery = aws("servicediscovery", DR)
    operation = discovery.create_http_namespace(Name="sites")["OperationId"]
    namespace = discovery.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    registry = discovery.create_service(Name="site", NamespaceId=namespace)["Service"]
    there = platform(aws, DR)
    there.serve(tasks=1, serviceRegistries=[{"registryArn": registry["Arn"]}])
    assert there.service()["runningCount"] == 1
    discovery.delete_service(Id=registry["Id"])
    aws("ecs", DR).update_service(cluster="shop", service="tenant-a", forceNewDeployment=True)
    stopped = there.tasks(desiredStatus="STOPPED")
    assert "The Service Discovery instance could not be registered." in [task["stoppedReason"] for task in stopped]


def test_a_second_task_of_a_service_starts_in_another_zone(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    definition = there.service()["taskDefinition"]
    aws("ecs", DR).run_task(
        cluster="shop", taskDefinition=definition, launchType="FARGATE", networkConfiguration=there.network
    )
    there.scale(2)
    zones = [task["availabilityZone"] for task in there.tasks()]
    assert (len(zones), len(set(zones))) == (2, 2)
