"""Cry wolf never: the healthy estate is all green, and what means nothing changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.config.environment import Side
from dr_estate.snapshot.snapshot import Snapshot
from tests.proofs.changes import Aws
from tests.proofs.mutating import shuffled, with_strangers
from tests.proofs.watching import Watch, judged, not_passed

TAG = {"Key": "cost-centre", "Value": "4711"}
SIDES = (Side.PRIMARY, Side.DR)
_THEIRS = "elsewhere"


def described_and_tagged(aws: Aws, undo: ExitStack) -> None:
    """Give our things further tags and other descriptions, in both regions."""
    for side in SIDES:
        for words in (_service, _balancer, _database, _files, _topic, _secret, _key, _network):
            words(aws, side, undo)


def strangers(aws: Aws, undo: ExitStack) -> None:
    """Make other people's things, in both regions and in our zone."""
    for side in SIDES:
        _their_bucket(aws, side, undo)
        _their_named_things(aws, side, undo)
        _their_service(aws, side, undo)
    _their_record(aws, undo)


def _service(aws: Aws, side: Side, undo: ExitStack) -> None:
    ecs, cluster = aws.client("ecs", side), aws.named(aws.env.names.cluster)
    found = ecs.describe_services(cluster=cluster, services=[aws.named(aws.env.names.service)])["services"][0]
    ecs.tag_resource(resourceArn=found["serviceArn"], tags=[{"key": TAG["Key"], "value": TAG["Value"]}])
    undo.callback(ecs.untag_resource, resourceArn=found["serviceArn"], tagKeys=[TAG["Key"]])


def _balancer(aws: Aws, side: Side, undo: ExitStack) -> None:
    elb = aws.client("elbv2", side)
    found = elb.describe_load_balancers(Names=[aws.named(aws.env.names.load_balancer)])["LoadBalancers"][0]
    elb.add_tags(ResourceArns=[found["LoadBalancerArn"]], Tags=[TAG])
    undo.callback(elb.remove_tags, ResourceArns=[found["LoadBalancerArn"]], TagKeys=[TAG["Key"]])


def _database(aws: Aws, side: Side, undo: ExitStack) -> None:
    rds = aws.client("rds", side)
    for found in rds.describe_db_instances()["DBInstances"]:
        rds.add_tags_to_resource(ResourceName=found["DBInstanceArn"], Tags=[TAG])
        undo.callback(rds.remove_tags_from_resource, ResourceName=found["DBInstanceArn"], TagKeys=[TAG["Key"]])


def _files(aws: Aws, side: Side, undo: ExitStack) -> None:
    efs = aws.client("efs", side)
    for found in efs.describe_file_systems()["FileSystems"]:
        efs.tag_resource(ResourceId=found["FileSystemId"], Tags=[TAG])
        undo.callback(efs.untag_resource, ResourceId=found["FileSystemId"], TagKeys=[TAG["Key"]])


def _topic(aws: Aws, side: Side, undo: ExitStack) -> None:
    sns, name = aws.client("sns", side), aws.named(aws.env.names.topics[0])
    arn = f"arn:aws:sns:{aws.env.region(side)}:{aws.env.account}:{name}"
    _described(
        sns.set_topic_attributes, undo, "AttributeValue", "Wake me", "", TopicArn=arn, AttributeName="DisplayName"
    )


def _secret(aws: Aws, side: Side, undo: ExitStack) -> None:
    if side is Side.PRIMARY:
        secrets, name = aws.client("secretsmanager", side), aws.named(aws.env.names.tenant_secret)
        secrets.tag_resource(SecretId=name, Tags=[TAG])
        undo.callback(secrets.untag_resource, SecretId=name, TagKeys=[TAG["Key"]])


def _key(aws: Aws, side: Side, undo: ExitStack) -> None:
    kms = aws.client("kms", side)
    for alias in kms.list_aliases()["Aliases"]:
        if alias["AliasName"].startswith(f"alias/{aws.env.name}-"):
            key_metadata = kms.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
            same = {"KeyId": alias["TargetKeyId"]}
            _described(kms.update_key_description, undo, "Description", "Reworded", key_metadata["Description"], **same)


def _network(aws: Aws, side: Side, undo: ExitStack) -> None:
    ec2 = aws.client("ec2", side)
    ids = [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]]
    ec2.create_tags(Resources=ids, Tags=[TAG])
    undo.callback(ec2.delete_tags, Resources=ids, Tags=[TAG])


def _described(put: Callable[..., Any], undo: ExitStack, word: str, new: str, old: str, **same: str) -> None:
    put(**same, **{word: new})
    undo.callback(put, **same, **{word: old})


def _their_bucket(aws: Aws, side: Side, undo: ExitStack) -> None:
    s3, name = aws.client("s3", side), f"{_THEIRS}-{side}-photos"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.env.region(side)})
    undo.callback(s3.delete_bucket, Bucket=name)


def _their_named_things(aws: Aws, side: Side, undo: ExitStack) -> None:
    """A topic nobody hears, a queue, a log group kept for ever, an unscanned repository, a secret, a parameter."""
    sns, logs, ecr = (aws.client(service, side) for service in ("sns", "logs", "ecr"))
    secrets, ssm = aws.client("secretsmanager", side), aws.client("ssm", side)
    topic = sns.create_topic(Name=_THEIRS)["TopicArn"]
    undo.callback(sns.delete_topic, TopicArn=topic)
    logs.create_log_group(logGroupName=f"/{_THEIRS}/app")
    undo.callback(logs.delete_log_group, logGroupName=f"/{_THEIRS}/app")
    ecr.create_repository(repositoryName=_THEIRS)
    undo.callback(ecr.delete_repository, repositoryName=_THEIRS)
    secrets.create_secret(Name=f"{_THEIRS}/password", SecretString=f"host.{aws.env.regions.primary}.example.org")
    undo.callback(secrets.delete_secret, SecretId=f"{_THEIRS}/password", ForceDeleteWithoutRecovery=True)
    ssm.put_parameter(Name=f"/{_THEIRS}/host", Value=aws.env.regions.primary, Type="String")
    undo.callback(ssm.delete_parameter, Name=f"/{_THEIRS}/host")


def _their_service(aws: Aws, side: Side, undo: ExitStack) -> None:
    """A helper in our own cluster that serves nobody: one task, no load balancer, no files."""
    ecs, cluster = aws.client("ecs", side), aws.named(aws.env.names.cluster)
    ours = ecs.describe_services(cluster=cluster, services=[aws.named(aws.env.names.service)])["services"][0]
    container = {"name": "agent", "image": "public.ecr.aws/docker/library/busybox:1", "essential": True}
    definition = ecs.register_task_definition(
        family=f"{_THEIRS}-agent",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]
    undo.callback(ecs.deregister_task_definition, taskDefinition=definition)
    ecs.create_service(
        cluster=cluster,
        serviceName=f"{_THEIRS}-agent",
        taskDefinition=definition,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=ours["networkConfiguration"],
    )
    undo.callback(ecs.delete_service, cluster=cluster, service=f"{_THEIRS}-agent", force=True)


def _their_record(aws: Aws, undo: ExitStack) -> None:
    """A proof of ownership in our zone, cached for an hour, their certificate authority beside ours, and their zone."""
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in listed if hosted_zone["Name"] == f"{traffic.zone}.")
    authorities = ('0 issue "letsencrypt.org"', '0 issue "amazon.com"')
    records = [
        {"Name": f"{name}{traffic.zone}.", "Type": kind, "TTL": 3600, "ResourceRecords": [{"Value": v} for v in values]}
        for name, kind, values in (("_proof.", "TXT", ('"4711"',)), ("", "CAA", authorities))
    ]
    creation, gone = (
        {"Changes": [{"Action": action, "ResourceRecordSet": record} for record in records]}
        for action in ("CREATE", "DELETE")
    )
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=creation)
    undo.callback(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=gone)
    theirs = route53.create_hosted_zone(Name=f"{_THEIRS}.example.org", CallerReference=_THEIRS)["HostedZone"]["Id"]
    undo.callback(route53.delete_hosted_zone, Id=theirs)


# The watched world is one for the whole session: it need not be made again for each example.
QUICK = settings(max_examples=25)
# By its seed: a snapshot takes ten thousand draws, which Hypothesis would keep, and shrink, one by one.
RANDOM = st.builds(Random, st.integers(0, 2**32))

# Their readers ask for what is ours, by name or as the things of ours that they belong to: no stranger gets in.
ASKED_BY_NAME = frozenset(
    {
        "cloudwatch_alarms.alarms",
        "dns_answers.authorities",
        "backup.opt_ins",
        "backup.recovery_points",
        "backup_plan.plans",  # of that name alone
        "backup_plan.tagged",  # whatever its tags select is the plan's own
        "dynamodb.tables",
        "ecr.repositories",
        "efs.file_systems",
        "efs_mounts.mount_targets",
        "efs.policies",
        "elbv2.listeners",
        "iam_called_roles.roles",  # of the functions, rules and schedules that bear the platform's names
        "iam_copy_roles.roles",
        "iam_key_roles.rights",
        "iam_store_roles.rights",
        "iam_task_roles.roles",
        "kms.keys",
        "named_resources.found",  # what variables and secrets name
        "platform_resources.listings",  # by the platform's tags and prefixes
        "ssm_parameters.parameters",
        "rds.automated_backups",
        "account_regions.opt_in",
        "route53_private_names.names",
        "s3.buckets",
        "s3_settings.lifecycles",
        "iam_copy_roles.job_roles",  # that the environment file names
        "iam_copy_roles.restore_roles",  # that made our recovery points
        "sns_delivery.keys",  # of our topics
        "sns_delivery.queues",
        "sns_topics.listeners",
        "sns_topics.topics",
        "store_policies.policies",
        "vpc.internet_gateways",
        "vpc.network_acls",
        "vpc.route_tables",  # a VPC has one main table
        "vpc.subnets",
    }
)


@pytest.mark.proof
def test_the_healthy_estate_of_sit_is_all_green(sit_watch: Watch) -> None:
    assert not_passed(judged(sit_watch.healthy, sit_watch.environment)) == {}


@pytest.mark.proof
def test_the_healthy_estate_of_prod_is_all_green(prod_watch: Watch) -> None:
    assert not_passed(judged(prod_watch.healthy, prod_watch.environment)) == {}


def _changes_nothing(watch: Watch, mutated: Snapshot) -> None:
    results = judged(mutated, watch.environment)
    red = not_passed(results)
    findings = {check: [f for f in results[check].findings if f.status == red[check]][:1] for check in red}
    assert findings == {}


@pytest.mark.proof
@QUICK
@given(rnd=RANDOM)
def test_the_order_of_what_aws_lists_means_nothing(sit_watch: Watch, rnd: Random) -> None:
    _changes_nothing(sit_watch, shuffled(sit_watch.healthy, rnd))


@pytest.mark.proof
@QUICK
@given(rnd=RANDOM)
def test_strangers_in_the_account_mean_nothing(sit_watch: Watch, rnd: Random) -> None:
    env = sit_watch.environment
    ours = (env.named(env.names.dr_vault), env.name)
    _changes_nothing(sit_watch, with_strangers(sit_watch.healthy, rnd, ours, ASKED_BY_NAME))


@pytest.mark.proof
@pytest.mark.parametrize("done", [described_and_tagged, strangers])
def test_words_on_our_things_and_things_of_others_mean_nothing(
    done: Callable[[Aws, ExitStack], None], sit_watch: Watch
) -> None:
    world = sit_watch.world
    aws = Aws(world.url, world.people["admin"], sit_watch.environment, world.state()["tenants"][0])
    with ExitStack() as undo:
        done(aws, undo)
        seen = sit_watch.whole()
    _changes_nothing(sit_watch, seen)
