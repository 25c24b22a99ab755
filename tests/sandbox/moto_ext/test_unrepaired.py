"""What the estate needs and the emulator already does right: pinned, so that a newer emulator cannot lose it."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients


def test_a_topics_message_reaches_its_queue_and_only_the_right_region(aws: Clients) -> None:
    sns, sqs = aws("sns", DR), aws("sqs", DR)
    topic = sns.create_topic(Name="dr-events")["TopicArn"]
    url = sqs.create_queue(QueueName="desk")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    response = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)
    attributes = sns.get_subscription_attributes(SubscriptionArn=response["SubscriptionArn"])["Attributes"]
    assert attributes["PendingConfirmation"] == "false"
    sns.publish(TopicArn=topic, Message="failover began")
    body = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert body["Message"] == "failover began"
    with pytest.raises(ClientError):
        aws("sns", PRIMARY).get_topic_attributes(TopicArn=topic)


def test_a_services_scaling_limits_are_kept(aws: Clients) -> None:
    scaling = aws("application-autoscaling", DR)
    named = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    aws("ecs", DR).create_cluster(clusterName="shop")
    aws("ecs", DR).register_task_definition(
        family="f", containerDefinitions=[{"name": "c", "image": "i", "memory": 64}]
    )
    aws("ecs", DR).create_service(cluster="shop", serviceName="s", taskDefinition="f", desiredCount=0)
    for low, high in ((1, 4), (2, 8)):
        scaling.register_scalable_target(**named, ResourceId="service/shop/s", MinCapacity=low, MaxCapacity=high)
        scalable_targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        assert [(row["MinCapacity"], row["MaxCapacity"]) for row in scalable_targets] == [(low, high)]


def test_parameters_are_read_back_by_path(aws: Clients) -> None:
    ssm = aws("ssm", DR)
    ssm.put_parameter(Name="/dr/contact", Value="on-call", Type="String")
    ssm.put_parameter(Name="/other/x", Value="y", Type="String")
    parameters = ssm.get_parameters_by_path(Path="/dr", Recursive=True)["Parameters"]
    assert [(row["Name"], row["Value"]) for row in parameters] == [("/dr/contact", "on-call")]


def test_an_assumed_role_is_who_it_says(aws: Clients) -> None:
    role = "arn:aws:iam::123456789012:role/dr-operator"
    credentials = aws("sts", DR).assume_role(RoleArn=role, RoleSessionName="alice")["Credentials"]
    session = boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    response = session.client("sts", DR).get_caller_identity()
    assert response["Arn"] == "arn:aws:sts::123456789012:assumed-role/dr-operator/alice"


def test_a_vpc_has_its_endpoints_and_its_nat(aws: Clients) -> None:
    ec2 = aws("ec2", DR)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{DR}.s3", VpcEndpointType="Gateway")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    assert [row["ServiceName"] for row in endpoints] == [f"com.amazonaws.{DR}.s3"]
    gateways = ec2.describe_nat_gateways(Filters=inside)["NatGateways"]
    assert [row["State"] for row in gateways] == ["available"]
