"""What AWS may answer and nobody wrote here: put into the healthy estate, it turns what it must and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import (
    application_autoscaling,
    cloudfront,
    cloudwatch_alarms,
    ecs,
    elbv2,
    elbv2_targets,
    s3,
    s3_settings,
    sns_topics,
)
from dr_estate.reading.reader import Reader
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy, turned
from tests.dr_checks.worlds import SIT

HOME, AWAY = SIT.regions.primary, SIT.regions.dr
FAIL, UNKNOWN = Status.FAIL, Status.UNKNOWN


def whole(reader: Reader[Any], side: Side) -> Any:
    """The healthy estate's part."""
    return healthy().parts[reader.name, side].value


def origins(*rows: dict[str, Any], group: bool = False) -> dict[str, Status]:
    """What turns where the distribution fetches from these origins, the default behaviour from the first."""
    ids = [row["Id"] for row in rows]
    groups = {"Id": "both", "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}}} | {
        "Members": {"Quantity": len(ids), "Items": [{"OriginId": name} for name in ids]}
    }
    summary = {
        "Id": "E1",
        "ARN": "arn:aws:cloudfront::1:distribution/E1",
        "Status": "Deployed",
        "LastModifiedTime": healthy().taken_at,
        "DomainName": "d1.cloudfront.net",
        "Aliases": {"Quantity": 1, "Items": ["*.wpsit.kimmyai.io"]},
        "Origins": {"Quantity": len(rows), "Items": list(rows)},
        "OriginGroups": {"Quantity": 1, "Items": [groups]} if group else {"Quantity": 0},
        "DefaultCacheBehavior": {
            "TargetOriginId": "both" if group else ids[0],
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {"Quantity": 3, "Items": ["GET", "HEAD", "POST"]},
            "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}}
            | {"Headers": {"Quantity": 1, "Items": ["*"]}},
        },
        "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "Comment": "",
        "PriceClass": "PriceClass_All",
        "Enabled": True,
        "ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:1", "MinimumProtocolVersion": "TLSv1.2_2021"},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "Staging": False,
    }
    found = read(
        cloudfront.distributions,
        Side.GLOBAL,
        {
            "list_distributions": {
                "DistributionList": {"Marker": "", "MaxItems": 100, "IsTruncated": False}
                | {"Quantity": 1, "Items": [summary]}
            }
        },
    )
    (row,) = found
    base = whole(cloudfront.distributions, Side.GLOBAL)[0]
    ours = replace(row, id=base.id, domain=base.domain, certificate=base.certificate)
    statuses = turned({(cloudfront.distributions, Side.GLOBAL): (ours,)})
    return {check: status for check, status in statuses.items() if status is not Status.NOT_APPLICABLE}


def balancer(region: str) -> str:
    return f"internal-sit-alb-1.{region}.elb.amazonaws.com"


def vpc_origin(name: str, domain: str) -> dict[str, Any]:
    return {"Id": name, "DomainName": domain, "VpcOriginConfig": {"VpcOriginId": "vo_1"}}


def bucket_origin(name: str, domain: str) -> dict[str, Any]:
    return {"Id": name, "DomainName": domain, "S3OriginConfig": {"OriginAccessIdentity": ""}}


CUSTOM = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
TRAFFIC = {"Id": "platform-origin", "DomainName": SIT.traffic.origin_record, "CustomOriginConfig": CUSTOM}
FOLLOWS = "cloudfront.origin-follows"


def test_an_origin_for_one_region_alone_does_not_follow_the_traffic() -> None:
    assert origins(TRAFFIC) == {}
    assert origins(vpc_origin("vpc", balancer(HOME)))[FOLLOWS] is FAIL
    assert origins(bucket_origin("assets", f"assets.s3.{HOME}.amazonaws.com")) == {FOLLOWS: FAIL}
    assert origins(bucket_origin("assets", f"{s3.pairs(SIT)[0][0]}.s3.amazonaws.com")) == {FOLLOWS: FAIL}


def test_an_origin_group_with_a_member_in_each_region_follows() -> None:
    both = [vpc_origin(region, balancer(region)) for region in (HOME, AWAY)]
    assert FOLLOWS not in origins(*both, group=True)
    buckets = [bucket_origin(region, f"assets.s3.{region}.amazonaws.com") for region in (HOME, AWAY)]
    assert FOLLOWS not in origins(*buckets, group=True)


def test_an_origin_of_an_unknown_kind_or_place_is_unknown() -> None:
    assert origins({"Id": "new", "DomainName": SIT.traffic.origin_record}) == {FOLLOWS: UNKNOWN}
    assert origins(vpc_origin("vpc", SIT.traffic.origin_record)) == {FOLLOWS: UNKNOWN}
    unplaced = origins(bucket_origin("assets", "somebody.s3.amazonaws.com"))
    assert unplaced == {FOLLOWS: UNKNOWN, "cloudfront-origins.bucket-admits": UNKNOWN}


def metric(status: str, *values: float, messages: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    """GetMetricData's answer for one metric."""
    times = [healthy().taken_at - timedelta(minutes=n + 1) for n in range(len(values))]
    row = {"Id": "m0", "Label": "x", "Timestamps": times, "Values": list(values), "StatusCode": status}
    return {"get_metric_data": {"MetricDataResults": [row | {"Messages": list(messages)}]}}


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData", "ANewWord"])
def test_a_metric_that_cloudwatch_could_not_answer_is_unknown_and_not_zero(status: str) -> None:
    failures = whole(s3.failure_metrics, Side.PRIMARY)
    code = ({"Code": status, "Value": "could not be computed"},)
    (first, *_), others = read(s3.failure_metrics, Side.PRIMARY, metric(status, messages=code)), failures[1:]
    assert turned({(s3.failure_metrics, Side.PRIMARY): (first, *others)}) == {"s3-lag.failed-operations": UNKNOWN}
    assert status in first.flaw


def test_a_metric_that_is_complete_after_a_partial_page_counts() -> None:
    rows = metric("PartialData", 2.0)["get_metric_data"]["MetricDataResults"]
    rows += metric("Complete", 3.0)["get_metric_data"]["MetricDataResults"]
    (first, *_) = read(s3.failure_metrics, Side.PRIMARY, {"get_metric_data": {"MetricDataResults": rows}})
    assert (first.total, first.flaw) == (5.0, "")


def test_a_message_about_the_whole_answer_makes_what_has_no_value_unknown() -> None:
    empty, some = metric("Complete"), metric("Complete", 2.0)
    message = [{"Code": "MaxMetricsExceeded", "Value": "not all metrics were returned"}]
    for answer, flaw in ((empty, "MaxMetricsExceeded: not all metrics were returned"), (some, "")):
        answer["get_metric_data"]["Messages"] = message
        (first, *_) = read(s3.failure_metrics, Side.PRIMARY, answer)
        assert first.flaw == flaw


def test_requests_that_cloudwatch_could_not_count_are_not_none() -> None:
    with pytest.raises(DataUnavailable, match="InternalError"):
        read(elbv2_targets.minutes, Side.DR, metric("InternalError"))


def rollout(controller: str, *sets: dict[str, Any]) -> ecs.Service:
    """A service whose deployments are another controller's."""
    base = whole(ecs.services, Side.DR)[0]
    row = {
        "serviceName": base.name,
        "serviceArn": base.arn,
        "status": "ACTIVE",
        "desiredCount": base.desired,
        "runningCount": base.running,
        "pendingCount": 0,
        "taskDefinition": base.task_definition,
        "deploymentController": {"type": controller},
        "deployments": [],
        "taskSets": list(sets),
    }
    answers = {
        "list_services": {"serviceArns": [base.arn]},
        "describe_services": {"services": [row]},
    }
    service: ecs.Service = replace(base, rollout=read(ecs.services, Side.DR, answers)[0].rollout)
    return service


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_rollout_of_another_controller_is_judged_by_task_set_or_unknown(controller: str) -> None:
    def outcome(*sets: dict[str, Any]) -> dict[str, Status]:
        services = (rollout(controller, *sets), *whole(ecs.services, Side.DR)[1:])
        return turned({(ecs.services, Side.DR): services})

    assert outcome({"status": "PRIMARY", "stabilityStatus": "STEADY_STATE"}) == {}
    assert outcome({"status": "ACTIVE", "stabilityStatus": "STEADY_STATE"}) == {"ecs.deployment-sound": UNKNOWN}
    assert outcome() == {"ecs.deployment-sound": UNKNOWN}


def lifecycle(side: Side, filtered: dict[str, Any]) -> tuple[s3_settings.Lifecycle, ...]:
    """The lifecycles of a side: the first bucket expires what the filter chooses after 30 days."""
    rule = {"ID": "old", "Status": "Enabled", "Expiration": {"Days": 30}, "Filter": filtered}
    first, *others = read(s3_settings.lifecycles, side, {"get_bucket_lifecycle_configuration": {"Rules": [rule]}})
    return (first, *(replace(other, endings=()) for other in others))


@pytest.mark.parametrize(
    ("source", "copy", "status"),
    [
        ({"ObjectSizeGreaterThan": 1000}, {"Prefix": ""}, FAIL),
        ({"ObjectSizeLessThan": 1000}, {"Prefix": ""}, FAIL),
        ({"Tag": {"Key": "a", "Value": "b"}}, {"Prefix": ""}, FAIL),
        ({"And": {"Prefix": "", "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9}}, {"ObjectSizeLessThan": 9}, FAIL),
        ({"ObjectSizeGreaterThan": 1000}, {"ObjectSizeGreaterThan": 2000}, None),
        ({"ObjectSizeLessThan": 1000}, {"ObjectSizeLessThan": 500}, None),
        ({"Prefix": ""}, {"ObjectSizeGreaterThan": 2000}, None),
    ],
)
def test_a_rule_for_some_objects_is_none_for_all(
    source: dict[str, Any], copy: dict[str, Any], status: Status | None
) -> None:
    rules = {
        (s3_settings.lifecycles, side): lifecycle(side, row) for side, row in ((Side.PRIMARY, source), (Side.DR, copy))
    }
    assert turned(rules) == ({"s3-lifecycle.kept-as-long": status} if status else {})


def policies(side: Side, row: dict[str, Any]) -> tuple[Any, ...]:
    """The scaling policies of a side, the first service's as ``row`` says."""
    base = whole(application_autoscaling.policies, side)
    policy = {
        "PolicyARN": "arn",
        "PolicyName": "processor",
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/sit-cluster/{base[0].resource}",
        "ScalableDimension": "ecs:service:DesiredCount",
        "CreationTime": healthy().taken_at,
        **row,
    }
    found = read(application_autoscaling.policies, side, {"describe_scaling_policies": {"ScalingPolicies": [policy]}})
    return (*found, *base[1:])


def steps(kind: str, **more: Any) -> dict[str, Any]:
    step = {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 10}
    config = {"AdjustmentType": kind, "StepAdjustments": [step], **more}
    return {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": config}


def tracking(region: str, expression: str) -> dict[str, Any]:
    dimensions = [{"Name": "LoadBalancer", "Value": f"app/sit-alb/{'a' if region == HOME else 'b'}23456789abcdef0"}]
    stat = {"Metric": {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount", "Dimensions": dimensions}}
    metrics = [
        {"Id": "m1", "MetricStat": {**stat, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e1", "Expression": expression, "ReturnData": True},
    ]
    config = {"TargetValue": 50.0, "CustomizedMetricSpecification": {"Metrics": metrics}}
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": config}


@pytest.mark.parametrize(
    ("here", "there", "alike"),
    [
        (steps("ChangeInCapacity"), steps("ChangeInCapacity"), True),
        (steps("ChangeInCapacity"), steps("PercentChangeInCapacity"), False),
        (steps("ChangeInCapacity"), steps("ExactCapacity"), False),
        (steps("PercentChangeInCapacity", MinAdjustmentMagnitude=2), steps("PercentChangeInCapacity"), False),
        (tracking(HOME, "m1 / 2"), tracking(AWAY, "m1 / 2"), True),
        (tracking(HOME, "m1 / 2"), tracking(AWAY, "m1 / 20"), False),
    ],
    ids=["alike", "percent", "exact", "magnitude", "same math", "other math"],
)
def test_policies_that_scale_otherwise_are_not_alike(here: dict[str, Any], there: dict[str, Any], alike: bool) -> None:
    rows = {
        (application_autoscaling.policies, Side.PRIMARY): policies(Side.PRIMARY, here),
        (application_autoscaling.policies, Side.DR): policies(Side.DR, there),
    }
    assert turned(rows) == ({} if alike else {"autoscaling.policies-alike": FAIL})


def alarms(side: Side, row: dict[str, Any]) -> tuple[Any, ...]:
    """The alarms of a side, the first one watching what ``row`` says."""
    base = whole(cloudwatch_alarms.alarms, side)
    first = {
        "AlarmName": base[0].name,
        "StateValue": "OK",
        "ActionsEnabled": True,
        "AlarmActions": list(base[0].actions),
        "EvaluationPeriods": 5,
        "Threshold": 25.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **row,
    }
    answer = {"MetricAlarms": [first]}
    return (*read(cloudwatch_alarms.alarms, side, {"describe_alarms": answer}), *base[1:])


def simple(name: str, value: str, period: int = 60) -> dict[str, Any]:
    of = {"Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_ELB_5XX_Count", "Statistic": "Sum"}
    return {**of, "Period": period, "Dimensions": [{"Name": name, "Value": value}]}


def math(region: str, expression: str) -> dict[str, Any]:
    found = tracking(region, expression)["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    metrics = [
        row | ({"MetricStat": row["MetricStat"] | {"Period": 60}} if "MetricStat" in row else {})
        for row in found["Metrics"]
    ]
    return {"Metrics": metrics}


@pytest.mark.parametrize(
    ("here", "there", "alike"),
    [
        (
            simple("LoadBalancer", "app/sit-alb/a123456789abcdef"),
            simple("LoadBalancer", "app/sit-alb/b123456789abcdef"),
            True,
        ),
        (
            simple("LoadBalancer", "app/sit-alb/a123456789abcdef"),
            simple("LoadBalancer", "app/old-alb/b123456789abcdef"),
            False,
        ),
        (
            simple("LoadBalancer", "app/sit-alb/a123456789abcdef"),
            simple("TargetGroup", "app/sit-alb/a123456789abcdef"),
            False,
        ),
        (simple("Name", "x"), simple("Name", "x", 300), False),
        (math(HOME, "m1 / 2"), math(AWAY, "m1 / 2"), True),
        (math(HOME, "m1 / 2"), math(AWAY, "m1 * 2"), False),
    ],
    ids=["alike", "other balancer", "other dimension", "other period", "same math", "other math"],
)
def test_alarms_that_watch_something_else_are_not_alike(
    here: dict[str, Any], there: dict[str, Any], alike: bool
) -> None:
    own = "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/sit-alb/b123456789abcdef"
    rows = {
        (cloudwatch_alarms.alarms, Side.PRIMARY): alarms(Side.PRIMARY, here),
        (cloudwatch_alarms.alarms, Side.DR): alarms(Side.DR, there),
        (elbv2.load_balancer, Side.DR): replace(whole(elbv2.load_balancer, Side.DR), arn=own),
    }
    results = {check: status for check, status in turned(rows).items() if check.startswith("alarms.")}
    assert results == ({} if alike else {"alarms.parity": FAIL})


def subscribers(side: Side, **attributes: str) -> tuple[Any, ...]:
    base = whole(sns_topics.listeners, side)
    arn = f"arn:aws:sns:{SIT.region(side)}:{SIT.account}:{base[0].topic}:1"
    row = {"SubscriptionArn": arn, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:1"}
    answers = {
        "list_subscriptions_by_topic": {"Subscriptions": [row]},
        "get_subscription_attributes": {"Attributes": {"FilterPolicy": '{"a": ["b"]}', **attributes}},
    }
    return (read(sns_topics.listeners, side, answers)[0], *base[1:])


def test_a_filter_of_the_body_is_no_filter_of_the_attributes() -> None:
    same = subscribers(Side.PRIMARY, FilterPolicyScope="MessageAttributes")
    rows: dict[Any, Any] = {(sns_topics.listeners, Side.PRIMARY): same}
    assert turned({**rows, (sns_topics.listeners, Side.DR): subscribers(Side.DR)}) == {}
    body = subscribers(Side.DR, FilterPolicyScope="MessageBody")
    assert turned({**rows, (sns_topics.listeners, Side.DR): body}) == {"topics.alike": FAIL}
