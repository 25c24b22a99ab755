"""Changes of what stands beside the tenants, by plain boto3: alarms, web ACLs, functions, rules, tables, images.

Each with the services that it touches and the checks that must turn; a harmless one turns none.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import policy_of

_SIDES = (Side.PRIMARY, Side.DR)
_UNSEEN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "edge"}
_ALARM = frozenset(
    (
        *(
            "AlarmName",
            "ActionsEnabled",
            "AlarmActions",
            "MetricName",
            "Namespace",
            "Statistic",
            "Dimensions",
            "Period",
        ),
        *("EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData"),
    )
)
Make = Callable[[Aws], object]


@dataclass(frozen=True)
class Change:
    """``turns`` are the checks that must turn, each to its status; none of a harmless change."""

    name: str
    touches: tuple[str, ...]
    make: Make
    turns: tuple[tuple[str, Status], ...] = ()


def _alarm(number: int, **changes: Any) -> Make:
    def make(aws: Aws) -> object:
        alarms, name = aws.client("cloudwatch", Side.DR), aws.named(aws.env.names.alarms[number])
        found = alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        return alarms.put_metric_alarm(**{key: found[key] for key in found.keys() & _ALARM} | changes)

    return make


def _alarm_to_nobody(aws: Aws) -> object:
    return _alarm(0, AlarmActions=[f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:nobody"])(aws)


def _alarm_to_another_topic(aws: Aws) -> object:
    topic = aws.client("sns", Side.DR).create_topic(Name="pager")["TopicArn"]
    return _alarm(0, AlarmActions=[topic])(aws)


def _alarm_of_the_primarys_balancer(aws: Aws) -> object:
    name = aws.named(aws.env.names.load_balancer)
    found = aws.client("elbv2", Side.PRIMARY).describe_load_balancers(Names=[name])["LoadBalancers"][0]
    watched = found["LoadBalancerArn"].partition(":loadbalancer/")[2]
    return _alarm(1, Dimensions=[{"Name": "LoadBalancer", "Value": watched}])(aws)


def _rule(name: str, priority: int, statement: dict[str, Any], action: str = "Block") -> dict[str, Any]:
    row = {"Name": name, "Priority": priority, "Statement": statement, "Action": {action: {}}}
    return {**row, "VisibilityConfig": _UNSEEN}


def _of_countries(code: str) -> dict[str, Any]:
    return _rule("countries", 0, {"GeoMatchStatement": {"CountryCodes": [code]}})


def _at_most(requests: int) -> dict[str, Any]:
    return _rule("rate", 0, {"RateBasedStatement": {"Limit": requests, "AggregateKeyType": "IP"}})


def _of_addresses(aws: Aws, side: Side, *addresses: str, action: str = "Allow") -> dict[str, Any]:
    named = {"Name": f"{aws.env.name}-office-{side}".removesuffix("-primary"), "Scope": "REGIONAL"}
    members = {"IPAddressVersion": "IPV4", "Addresses": list(addresses) or ["192.0.2.0/24"]}
    created = aws.client("wafv2", side).create_ip_set(**named, **members)["Summary"]["ARN"]
    return _rule("office", 0, {"IPSetReferenceStatement": {"ARN": created}}, action)


def _guarded(aws: Aws, side: Side, *rules: dict[str, Any], default: str = "Allow") -> object:
    waf, name = aws.client("wafv2", side), aws.named(aws.env.names.load_balancer)
    acl = {"Name": f"{aws.env.name}-acl", "Scope": "REGIONAL", "DefaultAction": {default: {}}, "Rules": rules}
    arn = waf.create_web_acl(**acl, VisibilityConfig=_UNSEEN)["Summary"]["ARN"]
    found = aws.client("elbv2", side).describe_load_balancers(Names=[name])["LoadBalancers"][0]
    return waf.associate_web_acl(WebACLArn=arn, ResourceArn=found["LoadBalancerArn"])


def _both_guarded(there: dict[str, Any], here: dict[str, Any], default: str = "Allow") -> Make:
    return lambda aws: [_guarded(aws, Side.PRIMARY, there), _guarded(aws, Side.DR, here, default=default)]


def _both_by_addresses(default: str = "Block") -> Make:
    return lambda aws: [_guarded(aws, side, _of_addresses(aws, side), default=default) for side in _SIDES]


def _blocked(*here: str) -> Make:
    """An ACL of both regions that blocks the addresses of a set; those of the DR region's are ``here``."""
    there = ("192.0.2.0/24", "198.51.100.7/32")
    own = {Side.PRIMARY: there, Side.DR: here}
    return lambda aws: [_guarded(aws, side, _of_addresses(aws, side, *own[side], action="Block")) for side in _SIDES]


def _emptied(aws: Aws) -> object:
    """Take the rules of the DR region's ACL away, which the primary region's keeps."""
    _both_guarded(_COUNTRY, _COUNTRY)(aws)
    waf, scope = aws.client("wafv2", Side.DR), {"Scope": "REGIONAL"}
    row = waf.list_web_acls(**scope)["WebACLs"][0]
    named = {key: row[key] for key in ("Name", "Id", "LockToken")} | scope
    return waf.update_web_acl(**named, DefaultAction={"Allow": {}}, VisibilityConfig=_UNSEEN, Rules=[])


def _name(aws: Aws) -> str:
    return f"{aws.env.name}-thumbnails"


def _role(aws: Aws, service: str) -> str:
    """The ARN of a role that this service may assume; it is made by the first call."""
    iam, name = aws.client("iam", Side.GLOBAL), f"{aws.env.name}-of-{service}"
    allowed = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def _function(aws: Aws, side: Side, **changes: Any) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "def handler(event, context): pass")
    settings = {"FunctionName": _name(aws), "Runtime": "python3.12", "Handler": "index.handler"}
    settings["Role"] = _role(aws, "lambda")
    functions = aws.client("lambda", side)
    return str(functions.create_function(**settings | changes, Code={"ZipFile": packed.getvalue()})["FunctionArn"])


def _functions(there: dict[str, Any], here: dict[str, Any]) -> Make:
    return lambda aws: [_function(aws, Side.PRIMARY, **there), _function(aws, Side.DR, **here)]


def _limited(there: int | None, here: int | None) -> Make:
    """A function of both regions with so much reserved concurrency on each side, None for none."""

    def make(aws: Aws) -> object:
        for side, number in ((Side.PRIMARY, there), (Side.DR, here)):
            _function(aws, side)
            if number is not None:
                limit = {"FunctionName": _name(aws), "ReservedConcurrentExecutions": number}
                aws.client("lambda", side).put_function_concurrency(**limit)
        return None

    return make


def _variable(name: str, value: str) -> dict[str, Any]:
    return {"Environment": {"Variables": {name: value}}}


def _queue(aws: Aws, side: Side) -> str:
    sqs = aws.client("sqs", side)
    url = sqs.create_queue(QueueName=f"{aws.env.name}-jobs")["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def _polled(**here: Any) -> Make:
    """A function of both regions polls a queue of its own, the DR region's by a mapping that is ``here``."""

    def make(aws: Aws) -> object:
        for side in _SIDES:
            _function(aws, side)
            more = here if side is Side.DR else {}
            mapping = {"FunctionName": _name(aws), "EventSourceArn": _queue(aws, side)} | more
            aws.client("lambda", side).create_event_source_mapping(**mapping)
        return None

    return make


def _called(here: str) -> Make:
    """The nightly rules call queues, the DR region's one of the name ``here``."""

    def make(aws: Aws) -> object:
        for side in _SIDES:
            arn = _queue(aws, side)
            wanted = arn if side is Side.PRIMARY else f"{arn.rpartition(':')[0]}:{aws.env.name}-{here}"
            rule = f"{aws.env.name}-nightly-cleanup"
            aws.client("events", side).put_targets(Rule=rule, Targets=[{"Id": "clean", "Arn": wanted}])
        return None

    return make


def _callable(here: str = "", url: str = "NONE") -> Make:
    """A function with a URL that the nightly rule may call: the DR region's by the rule of the region ``here``."""

    def make(aws: Aws) -> object:
        for side in _SIDES:
            _function(aws, side)
            functions, region = aws.client("lambda", side), aws.env.region(side)
            functions.create_function_url_config(FunctionName=_name(aws), AuthType=url if side is Side.DR else "NONE")
            caller = (here if side is Side.DR else "") or region
            rule = f"arn:aws:events:{caller}:{aws.env.account}:rule/{aws.env.name}-nightly-cleanup"
            named = {"FunctionName": _name(aws), "StatementId": "nightly", "SourceArn": rule}
            functions.add_permission(**named, Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
        return None

    return make


def _scheduled(**here: Any) -> Make:
    """A schedule of both regions puts words into a queue, the DR region's with a target or settings ``here``."""

    def make(aws: Aws) -> object:
        for side in _SIDES:
            changes = dict(here) if side is Side.DR else {}
            region = aws.env.region(side)
            target = {"Arn": _queue(aws, side), "RoleArn": _role(aws, "scheduler"), "Input": '{"clean": true}'}
            target |= changes.pop("Target", {})
            settings = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}} | changes
            target["Arn"] = target["Arn"].replace("{region}", region)
            aws.client("scheduler", side).create_schedule(Name=f"{aws.env.name}-hourly", Target=target, **settings)
        return None

    return make


def _on_a_bus(state: str = "ENABLED", source: str = "shop", sides: tuple[Side, ...] = _SIDES) -> Make:
    """A bus with a rule that calls a queue, on these sides; the DR region's rule of this state and source."""

    def make(aws: Aws) -> object:
        for side in sides:
            events, bus = aws.client("events", side), f"{aws.env.name}-orders"
            events.create_event_bus(Name=bus)
            own = (state, source) if side is Side.DR else ("ENABLED", "shop")
            named = {"Name": f"{aws.env.name}-order", "EventBusName": bus}
            events.put_rule(**named, State=own[0], EventPattern=json.dumps({"source": [own[1]]}))
            events.put_targets(Rule=named["Name"], EventBusName=bus, Targets=[{"Id": "1", "Arn": _queue(aws, side)}])
        return None

    return make


def _queued(**here: str) -> Make:
    """A queue of both regions keeps its messages for a week, the DR region's with attributes ``here``."""

    def make(aws: Aws) -> object:
        for side in _SIDES:
            sqs, week = aws.client("sqs", side), {"VisibilityTimeout": "300", "MessageRetentionPeriod": "604800"}
            sqs.create_queue(QueueName=f"{aws.env.name}-mails", Attributes=week | (here if side is Side.DR else {}))
        return None

    return make


def _listens(there: str, here: str) -> Make:
    def make(aws: Aws) -> object:
        for side, source in zip(_SIDES, (there, here), strict=True):
            pattern = {"source": [source], "detail": {"bucket": {"name": [f"uploads-{side}"]}}}
            name = f"{aws.env.name}-on-upload"
            aws.client("events", side).put_rule(Name=name, EventPattern=json.dumps(pattern))
        return None

    return make


def _errors_counted_otherwise(aws: Aws) -> object:
    name = f"{aws.env.name}-php-errors"
    logs = aws.client("logs", Side.DR)
    found = logs.describe_metric_filters(filterNamePrefix=name)["metricFilters"][0]
    same = {key: found[key] for key in ("logGroupName", "filterName", "metricTransformations")}
    return logs.put_metric_filter(**same, filterPattern="NOTHING")


def _scaled(suspended: tuple[Side, ...]) -> Make:
    """A table of a fixed capacity that scales in both regions, and on these sides no longer."""

    def make(aws: Aws) -> object:
        name, unit = aws.named(aws.env.names.tables[0]), "dynamodb:table:WriteCapacityUnits"
        capacity = {"ReadCapacityUnits": 10, "WriteCapacityUnits": 10}
        same = {"ServiceNamespace": "dynamodb", "ResourceId": f"table/{name}", "ScalableDimension": unit}
        metric = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
        tracking = {"TargetValue": 70.0, "PredefinedMetricSpecification": metric}
        for side in _SIDES:
            scaling, tables = aws.client("application-autoscaling", side), aws.client("dynamodb", side)
            tables.update_table(TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
            off = {"SuspendedState": {"DynamicScalingOutSuspended": side in suspended}}
            scaling.register_scalable_target(**same, **off, MinCapacity=5, MaxCapacity=50)
            policy = {"PolicyName": "writes", "PolicyType": "TargetTrackingScaling"}
            scaling.put_scaling_policy(**same, **policy, TargetTrackingScalingPolicyConfiguration=tracking)
        return None

    return make


def _recoverable(*days: int) -> Make:
    """How far back each region's table can be restored, the primary's first."""

    def make(aws: Aws) -> object:
        for side, back in zip(_SIDES, days, strict=True):
            setting = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": back}
            named = {"TableName": aws.named(aws.env.names.tables[0])}
            tables = aws.client("dynamodb", side)
            tables.update_continuous_backups(**named, PointInTimeRecoverySpecification=setting)
        return None

    return make


def _images_to(account: str) -> Make:
    def make(aws: Aws) -> object:
        rule = {"destinations": [{"region": aws.env.regions.dr, "registryId": account or aws.env.account}]}
        ecr = aws.client("ecr", Side.PRIMARY)
        return ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})

    return make


def _made_without_tags(aws: Aws) -> object:
    """A table, a topic and a repository of the platform's names, in the primary region alone."""
    name, side = f"{aws.env.name}-orders", Side.PRIMARY
    aws.client("sns", side).create_topic(Name=name)
    aws.client("ecr", side).create_repository(repositoryName=name)
    keys = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}
    key = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    return aws.client("dynamodb", side).create_table(TableName=name, **keys, **key)


def _by_tls_alone(aws: Aws) -> object:
    """Both buckets of a pair refuse whom no TLS protects, as most buckets do."""
    source = aws.named(aws.env.names.buckets[0])
    for side, name in zip(_SIDES, (source, aws.env.named(aws.env.names.bucket_copy, bucket=source)), strict=True):
        on = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        plain = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": on, **plain}
        aws.client("s3", side).put_bucket_policy(Bucket=name, Policy=policy_of(denied))
    return None


def _desk_waits(aws: Aws) -> object:
    sqs, name = aws.client("sqs", Side.DR), f"{aws.named(aws.env.names.topics[0])}-desk"
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})


def _registered(sides: tuple[Side, ...], kept_s: int = 60) -> Make:
    """The tenant's service registers its tasks in a registry of service discovery, on these sides.

    The DR region's answers are kept for ``kept_s``.
    """

    def make(aws: Aws) -> object:
        for side in sides:
            discovery, ecs = aws.client("servicediscovery", side), aws.client("ecs", side)
            vpcs = aws.client("ec2", side).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
            discovery.create_private_dns_namespace(Name="apps.local", Vpc=vpcs[0]["VpcId"])
            namespace = discovery.list_namespaces()["Namespaces"][0]["Id"]
            records = {"DnsRecords": [{"Type": "A", "TTL": kept_s if side is Side.DR else 60}]}
            registry = discovery.create_service(Name="web", NamespaceId=namespace, DnsConfig=records)["Service"]["Arn"]
            named = {"cluster": aws.named(aws.env.names.cluster), "service": aws.named(aws.env.names.service)}
            ecs.update_service(**named, serviceRegistries=[{"registryArn": registry}])
        return None

    return make


def _rewritten(**changed: str) -> Make:
    """Write the secret of each tenant again: what is ``changed`` is another in all of them."""

    def make(aws: Aws) -> object:
        secrets, end = aws.client("secretsmanager", Side.PRIMARY), aws.env.names.tenant_secret.rpartition("}")[2]
        for row in secrets.list_secrets()["SecretList"]:
            if row["Name"].startswith(f"{aws.env.name}-") and row["Name"].endswith(end):
                value = json.loads(secrets.get_secret_value(SecretId=row["Name"])["SecretString"])
                secrets.put_secret_value(SecretId=row["Name"], SecretString=json.dumps(value | changed))
        return None

    return make


def _secret_tagged(aws: Aws) -> object:
    named = {"SecretId": aws.named(aws.env.names.tenant_secret)}
    return aws.client("secretsmanager", Side.PRIMARY).tag_resource(**named, Tags=[{"Key": "cost", "Value": "1"}])


_ACL, _LISTS = "elbv2-web-acl.alike", ("counterparts.in-dr-region", Status.WARN)
_COUNTRY, _WAF = _of_countries("KP"), ("wafv2",)
_CODE, _TIMED = ("lambda", "sqs"), ("scheduler", "sqs")
_THEIR_QUEUE = "arn:aws:sqs:{region}:111122223333:sit-jobs"
FOUND = (
    Change("alarm to nobody", ("cloudwatch",), _alarm_to_nobody, (("alarms.actions", Status.FAIL),)),
    Change(
        *("alarm of the primary's balancer", ("cloudwatch",), _alarm_of_the_primarys_balancer),
        (("alarms.parity", Status.FAIL),),
    ),
    Change("errors counted otherwise", ("logs",), _errors_counted_otherwise, (_LISTS,)),
    Change(
        "acl turns all away",
        *(_WAF, _both_guarded(_COUNTRY, _COUNTRY, "Block")),
        (("elbv2-web-acl.admits", Status.FAIL), (_ACL, Status.FAIL)),
    ),
    Change("acl of another country", _WAF, _both_guarded(_COUNTRY, _of_countries("ZA")), ((_ACL, Status.FAIL),)),
    Change("acl without rules", _WAF, _emptied, ((_ACL, Status.FAIL),)),
    Change("acl of another rate", _WAF, _both_guarded(_at_most(20_000), _at_most(100)), ((_ACL, Status.FAIL),)),
    Change("acl of fewer addresses", _WAF, _blocked("192.0.2.0/24"), ((_ACL, Status.FAIL),)),
    Change(
        "acl of all addresses",
        *(_WAF, _blocked("0.0.0.0/1", "128.0.0.0/1")),
        (("elbv2-web-acl.admits", Status.FAIL), (_ACL, Status.FAIL)),
    ),
    Change("function of another handler", _CODE, _functions({}, {"Handler": "index.main"}), (_LISTS,)),
    Change("function lacks a variable", _CODE, _functions(_variable("MODE", "live"), {}), (_LISTS,)),
    Change(
        "function of another value", _CODE, _functions(_variable("MODE", "live"), _variable("MODE", "dry")), (_LISTS,)
    ),
    Change(
        *("function works in the primary region", _CODE),
        _functions(_variable("S3_REGION", "af-south-1"), _variable("S3_REGION", "af-south-1")),
        (_LISTS,),
    ),
    Change("function of less memory", _CODE, _functions({"MemorySize": 512}, {"MemorySize": 128}), (_LISTS,)),
    Change("function runs less often at a time", _CODE, _limited(50, 10), (_LISTS,)),
    Change("function's URL for IAM alone", _CODE, _callable(url="AWS_IAM"), (_LISTS,)),
    Change("function for the primary's rule alone", _CODE, _callable("af-south-1"), (_LISTS,)),
    Change("schedule with other words", _TIMED, _scheduled(Target={"Input": "{}"}), (_LISTS,)),
    Change("schedule once a day", _TIMED, _scheduled(ScheduleExpression="rate(1 day)"), (_LISTS,)),
    Change("schedule of another account", _TIMED, _scheduled(Target={"Arn": _THEIR_QUEUE}), (_LISTS,)),
    Change("rule of a bus off", ("events", "sqs"), _on_a_bus("DISABLED"), (_LISTS,)),
    Change("rule of a bus listens to another source", ("events", "sqs"), _on_a_bus(source="Shop"), (_LISTS,)),
    Change(
        *("no bus", ("events", "sqs"), _on_a_bus(sides=(Side.PRIMARY,))), (("counterparts.in-dr-region", Status.FAIL),)
    ),
    Change("queue keeps for a minute", ("sqs",), _queued(MessageRetentionPeriod="60"), (_LISTS,)),
    Change("queue holds back", ("sqs",), _queued(DelaySeconds="900"), (_LISTS,)),
    Change("function polls nothing", _CODE, _polled(Enabled=False), (_LISTS,)),
    Change("rule calls nobody's queue", ("events", "sqs"), _called("gone"), (_LISTS,)),
    Change("rule listens to another source", ("events",), _listens("aws.s3", "aws.ec2"), (_LISTS,)),
    Change(
        "table's scaling suspended",
        *(("dynamodb", "application-autoscaling"), _scaled((Side.DR,))),
        (("dynamodb-scaling.alike", Status.FAIL),),
    ),
    Change(
        *("table restorable for a day", ("dynamodb",), _recoverable(35, 1)),
        (("dynamodb.point-in-time-recovery", Status.WARN),),
    ),
    Change("images to another account", ("ecr",), _images_to("111122223333"), (("ecr.replication-rule", Status.FAIL),)),
    Change(
        *("things without tags", ("dynamodb", "sns", "ecr"), _made_without_tags),
        (("counterparts.in-dr-region", Status.FAIL),),
    ),
    Change(
        *("all passwords wrong", ("secretsmanager", "ecs"), _rewritten(password="wrong")),
        (("secret-values.alike", Status.WARN),),
    ),
    Change(
        *("answers of a registry kept for an hour", ("ecs", "servicediscovery"), _registered(_SIDES, 3600)),
        (("service-discovery.registries-exist", Status.WARN),),
    ),
    Change(
        *("tasks in no registry", ("ecs", "servicediscovery"), _registered((Side.PRIMARY,))),
        (("ecs-deployment.alike", Status.FAIL),),
    ),
)
HARMLESS = (
    Change("secrets written again", ("secretsmanager", "ecs"), _rewritten()),
    Change("secret tagged", ("secretsmanager", "ecs"), _secret_tagged),
    Change("alarm to another topic", ("cloudwatch", "sns"), _alarm_to_another_topic),
    Change("acls alike", _WAF, _both_guarded(_COUNTRY, _COUNTRY)),
    Change("acls of addresses", _WAF, _both_by_addresses()),
    Change("acls of addresses in another order", _WAF, _blocked("198.51.100.7/32", "192.0.2.0/24")),
    Change("functions alike", _CODE, _functions(_variable("MODE", "live"), _variable("MODE", "live"))),
    Change("function of more memory", _CODE, _functions({}, {"MemorySize": 512, "Timeout": 60})),
    Change(
        *("functions know the primary", _CODE),
        _functions(_variable("PRIMARY_REGION", "af-south-1"), _variable("PRIMARY_REGION", "af-south-1")),
    ),
    Change(
        *("functions of their own region", _CODE),
        _functions(_variable("REGION", "af-south-1"), _variable("REGION", "eu-west-1")),
    ),
    Change("functions called alike", _CODE, _callable()),
    Change("function runs as often as all do", _CODE, _limited(50, None)),
    Change("function runs more often at a time", _CODE, _limited(10, 50)),
    Change("schedules alike", _TIMED, _scheduled(Target={"Input": '{ "clean" : true }'})),
    Change("buses alike", ("events", "sqs"), _on_a_bus()),
    Change("queue keeps longer", ("sqs",), _queued(MessageRetentionPeriod="1209600", VisibilityTimeout="600")),
    Change("functions poll alike", _CODE, _polled()),
    Change("rules call queues", ("events", "sqs"), _called("jobs")),
    Change("rules listen alike", ("events",), _listens("aws.s3", "aws.s3")),
    Change("tables scale alike", ("dynamodb", "application-autoscaling"), _scaled(())),
    Change("tables' scaling suspended", ("dynamodb", "application-autoscaling"), _scaled(_SIDES)),
    Change("table's scaling suspended there", ("dynamodb", "application-autoscaling"), _scaled((Side.PRIMARY,))),
    Change("tables restorable for a week", ("dynamodb",), _recoverable(7, 7)),
    Change("table restorable longer", ("dynamodb",), _recoverable(7, 35)),
    Change("all images to this account", ("ecr",), _images_to("")),
    Change("buckets by TLS alone", ("s3", "iam"), _by_tls_alone),
    Change("desk waits longer", ("sqs", "sns"), _desk_waits),
    Change("tasks in registries", ("ecs", "servicediscovery"), _registered(_SIDES)),
    Change("answers of a registry kept shorter", ("ecs", "servicediscovery"), _registered(_SIDES, 5)),
)
