"""Topics with a confirmed subscription and alarms, in both regions: those of a dark region notify nobody (T40)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.seeding.site import Estate, Site, as_list, tag_map


def build(estate: Estate) -> None:
    """Make topics, their queues and the alarms of both regions."""
    env = estate.environment
    for site in estate.sites:
        site.topics = [_topic(site, env.named(pattern)) for pattern in env.names.topics]
        for pattern in env.names.alarms:
            _alarm(site, env.named(pattern))


# A queue of the same account confirms its subscription itself; e-mail would wait for a click that nobody makes.
def _topic(site: Site, name: str) -> str:
    """Make a topic and the queue the on-call desk reads; a queue's subscription needs no confirmation by a person."""
    sns, sqs, tags = site.client("sns"), site.client("sqs"), tag_map(site.environment, name)
    topic = str(sns.create_topic(Name=name, Tags=as_list(tags))["TopicArn"])
    url = sqs.create_queue(QueueName=f"{name}-desk", tags=tags)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic


def _alarm(site: Site, name: str) -> None:
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription=f"{name} in {site.region}",
        ActionsEnabled=True,
        AlarmActions=site.topics,
        OKActions=site.topics,
        Period=60,
        EvaluationPeriods=5,
        # A metric that is counted only when it happens has no data in good times.
        TreatMissingData="notBreaching",
        Tags=as_list(tag_map(site.environment, name)),
        **_alarm_metric(site, name),
    )


def _alarm_metric(site: Site, name: str) -> dict[str, Any]:
    """Return what an alarm of this name watches: the database's processor, else the load balancer's errors."""
    env = site.environment
    if name.startswith(env.database_on(Side.PRIMARY)):
        namespace, metric, statistic, limit = "AWS/RDS", "CPUUtilization", "Average", 80.0
        dimension, value = "DBInstanceIdentifier", env.named(env.names.database)
    else:
        namespace, metric, statistic, limit = "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", 25.0
        # CloudWatch names a load balancer by the end of its ARN: app/name/id.
        dimension, value = "LoadBalancer", site.load_balancer.partition(":loadbalancer/")[2]
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Statistic": statistic,
        "Threshold": limit,
        "ComparisonOperator": "GreaterThanThreshold",
        "Dimensions": [{"Name": dimension, "Value": value}],
    }
