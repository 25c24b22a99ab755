"""Who hears a topic: queues at once, people after they confirmed (T40)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.moto_ext.sns import token_of
from tests.sandbox.moto_ext.conftest import DR, Clients


def _counts(sns: Any, topic: str) -> tuple[str, str]:
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return attributes["SubscriptionsConfirmed"], attributes["SubscriptionsPending"]


def test_a_queue_is_confirmed_at_once_and_counted(aws: Clients) -> None:
    sns, sqs = aws("sns", DR), aws("sqs", DR)
    topic = sns.create_topic(Name="events")["TopicArn"]
    other = sns.create_topic(Name="other")["TopicArn"]
    assert _counts(sns, topic) == ("0", "0")
    url = sqs.create_queue(QueueName="desk")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription_arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert (_counts(sns, topic), _counts(sns, other)) == (("1", "0"), ("0", "0"))
    assert [row["SubscriptionArn"] for row in sns.list_subscriptions()["Subscriptions"]] == [subscription_arn]
    sns.unsubscribe(SubscriptionArn=subscription_arn)
    assert _counts(sns, topic) == ("0", "0")


def test_a_person_is_pending_until_the_token_comes_back(aws: Clients) -> None:
    sns = aws("sns", DR)
    topic = sns.create_topic(Name="events")["TopicArn"]
    person = {"TopicArn": topic, "Protocol": "email", "Endpoint": "on-call@example.org"}
    assert sns.subscribe(**person)["SubscriptionArn"] == "pending confirmation"
    assert _counts(sns, topic) == ("0", "1")
    arn = sns.subscribe(**person, ReturnSubscriptionArn=True)["SubscriptionArn"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [row["SubscriptionArn"] for row in listed] == ["PendingConfirmation"]
    with pytest.raises(ClientError):
        sns.confirm_subscription(TopicArn=topic, Token="guessed")
    assert sns.confirm_subscription(TopicArn=topic, Token=token_of(arn))["SubscriptionArn"] == arn
    assert _counts(sns, topic) == ("1", "0")
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"].lower() == "false"


def test_a_queue_keeps_its_policy_while_another_attribute_is_set(aws: Clients) -> None:
    sqs, policy = aws("sqs", DR), '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*"}]}'
    url = sqs.create_queue(QueueName="desk", Attributes={"Policy": policy})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"] == {"Policy": policy}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
